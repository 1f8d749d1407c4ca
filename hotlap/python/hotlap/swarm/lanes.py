"""Locust users for a lane, of either kind."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

from locust import FastHttpUser, User, between
from locust.exception import StopUser

from hotlap._engine import Sent
from hotlap.experiment import Engine, ExperimentError, Lane, Load
from hotlap.serving.request import Request, flow_of, mix_of, requests_of
from hotlap.serving.tls import context
from hotlap.swarm.share import share_of
from hotlap.swarm.users import ArrivalUser, NativeUser, PacedUser


def user_of(
    lane: Lane,
    load: Load,
    engine: Engine,
    body: bytes | None = None,
    *,
    seed: int = 0,
    ca_file: str | None = None,
) -> type[User]:
    """A Locust user class that asks for a lane as its load says.

    Raises:
        ExperimentError: stock Locust users cannot arrive so.
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", lane.name).title().replace("_", "") or "Lane"
    return type(name, *_made(lane, load, engine, body, seed, ca_file))


def _made(
    lane: Lane, load: Load, engine: Engine, body: bytes | None, seed: int, ca_file: str | None
) -> tuple[tuple[type[User], ...], dict[str, object]]:
    if engine == "http":
        if load.model != "closed":
            raise ExperimentError(f"{lane.name}: {load.model} arrivals need the native engine, not http")
        return (FastHttpUser,), _stock(lane, load, body, seed, ca_file)
    shared = {
        "requests": [] if lane.steps or lane.mix else requests_of(lane, body),
        "flow": flow_of(lane),
        "mix": mix_of(lane),
        "timeout_s": load.timeout_s,
        "seed": seed,
        "ca_file": ca_file,
    }
    match load.model:
        case "closed":
            return (NativeUser,), {**shared, "wait": load.wait_s}
        case "paced":
            return (PacedUser,), {**shared, "period_s": sum(load.wait_s) / 2}
        case "open":
            if load.rate is None:
                raise ExperimentError(f"{lane.name}: an open load needs a rate")
            open_load = {
                "rate": load.rate,
                "arrivals": load.arrivals,
                "max_in_flight": load.max_in_flight,
            }
            return (ArrivalUser,), {**shared, **open_load}


def _stock(lane: Lane, load: Load, body: bytes | None, seed: int, ca_file: str | None) -> dict[str, object]:
    trust: dict[str, object] = {}
    if ca_file is not None:
        # By itself Locust trusts anybody.
        trust = {"insecure": False, "ssl_context_factory": staticmethod(lambda: context(ca_file))}
    return {
        **trust,
        "wait_time": between(*load.wait_s),
        "connection_timeout": load.timeout_s,
        "network_timeout": load.timeout_s,
        # Locust chooses among the tasks of a user by their weights.
        "tasks": {_asking(request, seed): request.weight for request in requests_of(lane, body)},
    }


class _Asked:
    """A request of a stock user's, with the place in its sequence of values that this process has."""

    def __init__(self, request: Request, seed: int) -> None:
        self.request = request
        self._prepared = request.prepare("http://localhost", seed=seed)
        self._positions: Iterator[int] | None = None
        self._said: dict[str, str] = {}

    def next(self, user: FastHttpUser) -> Sent:
        """What is sent next.

        Raises:
            StopUser: no row is left.
        """
        if self._positions is None:
            # Locust has forked by now, and the runner knows which worker it is.
            self._positions = itertools.count(*share_of(user.environment, [self.request]))
        try:
            return self._prepared.at(next(self._positions) if self._prepared.differs else 0)
        except IndexError:
            raise StopUser from None

    def first(self, objection: str) -> str:
        """As in the engine, what was wrong with the first of a kind is said of all."""
        what, _, detail = objection.partition(": ")
        return self._said.setdefault(what, f"{what}: the first time, {detail}" if detail else what)


def _asking(request: Request, seed: int) -> Callable[[FastHttpUser], None]:
    asked = _Asked(request, seed)

    def ask(user: FastHttpUser) -> None:
        sent = asked.next(user)
        headers = {name: value for name, value in sent.headers if name.lower() not in _CLIENTS_OWN}
        with user.client.request(
            request.method,
            sent.path,
            name=request.name,
            data=sent.body,  # type: ignore[arg-type] # bytes are taken as they are
            headers=headers
            | {name: value for name, value in request.headers.items() if name.lower() == "host"},
            catch_response=True,
        ) as answer:
            if answer.status_code == 0:
                return  # No answer came: the client has marked it as failed, with the reason.
            came = [(name, value) for name, value in (answer.headers or {}).items()]
            objection = sent.objection(answer.status_code, came, answer.content or b"")
            if objection is None:
                answer.success()
            else:
                answer.failure(asked.first(objection))

    return ask


_CLIENTS_OWN = ("host", "content-length")
"""Headers that Locust's client makes itself."""
