"""The service's settings: from the environment (``PYAPP_ITERATIONS``) and from flags (``--iterations``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pyapp._core import MAX_ITERATIONS

PREFIX = "PYAPP_"


class SettingsError(ValueError):
    """A setting that cannot be: the message names it and says what it may be."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the service does and how it is served."""

    iterations: Annotated[
        int, Meta(ge=0, le=MAX_ITERATIONS, description="iterations of /cpu and /cpualloc")
    ] = 1_000_000
    wait_ms: Annotated[float, Meta(ge=0, le=60_000, description="milliseconds that /read and /fast wait")] = (
        50.0
    )
    read_only: Annotated[bool, Meta(description="answer every write with 405")] = False
    interface: Annotated[Literal["rsgi", "asgi"], Meta(description="how Granian calls the app")] = "rsgi"
    host: Annotated[str, Meta(min_length=1, description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535, description="port to listen on")] = 8080
    connections: Annotated[int, Meta(ge=1, le=1_000_000, description="connections held open at once")] = 4096
    workers: Annotated[int, Meta(ge=1, le=1024, description="processes; more than 1 needs --read-only")] = 1

    @property
    def wait_s(self) -> float:
        """The wait of ``/read`` and ``/fast`` in seconds."""
        return self.wait_ms / 1000

    def environment(self) -> dict[str, str]:
        """The variables that give these settings to another process."""
        return {PREFIX + name.upper(): str(getattr(self, name)) for name in self.__struct_fields__}


def load(environment: Mapping[str, str], **flags: Any) -> Settings:
    """The settings that flags (where not ``None``) and the environment give, in this order.

    Raises:
        SettingsError: a value that cannot be, or settings that cannot be together.
    """
    values: dict[str, Any] = {}
    for name in Settings.__struct_fields__:
        if flags.get(name) is not None:
            source, value = "--" + name.replace("_", "-"), flags[name]
        elif PREFIX + name.upper() in environment:
            source = PREFIX + name.upper()
            value = environment[source]
        else:
            continue
        try:
            values[name] = getattr(msgspec.convert({name: value}, Settings, strict=False), name)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{source}={value}: {str(error).split(' - at')[0]}") from error
    settings = Settings(**values)
    if settings.workers > 1 and not settings.read_only:
        raise SettingsError(
            f"--workers {settings.workers} needs --read-only: each process has a map of its own, "
            "and what is written to one would be lost to the others"
        )
    return settings
