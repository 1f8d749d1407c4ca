"""What scenarios keep beside a store's clients: locks and pools of their own, and other maps of the same clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)
M = TypeVar("M", bound="Mirror[Any]")


class Mirror(Protocol[C_contra]):
    """A map that is kept the same as another."""

    def put(self, name: str, client: C_contra, /) -> None:
        """Sets the client of that name."""

    def delete(self, name: str, /) -> None:
        """Removes the client of that name, if there is one."""


class Keeper(ABC, Generic[C]):
    """A store of clients ``C`` that keeps things for scenarios, each made when it is first asked for."""

    def __init__(self) -> None:
        self._rungs: dict[str, Any] = {}
        self._mirrors: dict[str, Any] = {}

    @abstractmethod
    def _each(self) -> Iterable[tuple[str, C]]:
        """Every client with its name."""

    def rung(self, name: str, make: Callable[[], T]) -> T:
        """What a scenario keeps beside the map."""
        if name not in self._rungs:
            self._rungs[name] = make()
        rung: T = self._rungs[name]
        return rung

    def mirror(self, name: str, make: Callable[[], M]) -> M:
        """Another map with the same clients, kept the same from then on."""
        if name not in self._mirrors:
            mirror = make()
            for each, client in self._each():
                mirror.put(each, client)
            self._mirrors[name] = mirror
        found: M = self._mirrors[name]
        return found

    def _put_in_mirrors(self, name: str, client: C) -> None:
        for mirror in self._mirrors.values():
            mirror.put(name, client)

    def _delete_in_mirrors(self, name: str) -> None:
        for mirror in self._mirrors.values():
            mirror.delete(name)
