"""The users that live in the engine, each with a place among Locust's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from locust import User
from locust.env import Environment
from locust.exception import StopTest

from hotlap._engine import Behaviour, Swarm
from hotlap.serving.request import Flow, Request, Turn, behaviour
from hotlap.swarm.bridge import FEED
from hotlap.swarm.share import ShareError, share_of

_PARKED_S = 1e8


class _EngineUser(User):
    """A place in Locust for a user that lives in the engine: it parks, and adds and removes the other."""

    abstract = True

    requests: ClassVar[Sequence[Request]] = ()
    """What it sends, chosen by weight."""
    flow: ClassVar[Flow | None] = None
    """The steps that it goes through, instead of these."""
    mix: ClassVar[Sequence[Turn]] = ()
    """Flows, and lists of requests, that have their turns by these weights, instead of both."""
    timeout_s: ClassVar[float] = 30.0
    """For an answer, from the send of its request."""
    connect_timeout_s: ClassVar[float] = 10.0
    ca_file: ClassVar[str | None] = None
    """A PEM file of the authorities that a ``https`` server is trusted by, instead of the usual ones."""
    insecure: ClassVar[bool] = False
    """Trust any certificate."""
    seed: ClassVar[int] = 0
    """Of what is left to chance: weights, waits, gaps."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._swarm_user: int | None = None

    @classmethod
    def _sends(cls) -> Sequence[Request]:
        done = [what for _, what in cls.mix] or [cls.flow or cls.requests]
        return [request for one in done for request in (one.requests if isinstance(one, Flow) else one)]

    @classmethod
    def _model(cls) -> dict[str, Any]:
        """How its requests arrive."""
        raise NotImplementedError

    @classmethod
    def _behaviour(cls) -> Behaviour:
        if cls.mix:
            parts = [(weight, behaviour(what)) for weight, what in cls.mix]
            return Behaviour.mix(parts, **cls._model())
        return behaviour(cls.flow or cls.requests, **cls._model())

    @classmethod
    def _rate(cls) -> float:
        return 0.0

    def wait_time(self) -> float:
        """How long the place is parked: for good."""
        return _PARKED_S

    @property
    def _engine(self) -> Swarm:
        return FEED.engine(
            (self.host or "").rstrip("/"),
            timeout_s=self.timeout_s,
            connect_timeout_s=self.connect_timeout_s,
            ca_file=self.ca_file,
            insecure=self.insecure,
            seed=self.seed,
            share=share_of(self.environment, self._sends()),
        )

    def on_start(self) -> None:
        """Add the user to the engine."""
        kind = type(self)
        try:
            engine = self._engine
            declared = FEED.behaviour(
                engine,
                kind,
                lambda: engine.declare(kind._behaviour()),
            )
            self._swarm_user = engine.add(declared, rate=kind._rate())
        except (ValueError, ShareError) as error:
            raise StopTest(f"{kind.__name__}: {error}") from None

    def on_stop(self) -> None:
        """Remove it; a request in flight has Locust's stop timeout to end."""
        if self._swarm_user is not None:
            self._engine.remove(self._swarm_user, grace_s=float(self.environment.stop_timeout or 0.0))
            self._swarm_user = None

    def _park(self) -> None:
        """The task that Locust asks for. After it, Locust waits, and may end the user at any time."""

    tasks: ClassVar[list[Any]] = [_park]  # type: ignore[misc]


class NativeUser(_EngineUser):
    """Waits for its answer, then for a time between two bounds, and asks again (a closed loop)."""

    abstract = True

    wait: ClassVar[tuple[float, float]] = (0.0, 0.0)  # type: ignore[assignment]
    """Between an answer and the next request, in seconds: (low, high)."""

    @classmethod
    def _model(cls) -> dict[str, Any]:
        return {"model": "closed", "wait_s": cls.wait}


class PacedUser(_EngineUser):
    """Starts a request every so many seconds; what is late is sent at once, and timed from when it was due."""

    abstract = True

    period_s: ClassVar[float] = 1.0

    @classmethod
    def _model(cls) -> dict[str, Any]:
        return {"model": "paced", "wait_s": (cls.period_s, cls.period_s)}


class ArrivalUser(_EngineUser):
    """Stands for a rate of arrivals, which do not wait for answers (an open loop).

    So the number of users, as Locust's UI and load shapes set it, steers the rate.
    """

    abstract = True

    rate: ClassVar[float] = 1.0
    """Arrivals a second for each user."""
    arrivals: ClassVar[Literal["even", "exponential"]] = "even"
    max_in_flight: ClassVar[int] = 1000
    """Beyond so many without an answer, for all users of the class in a process, arrivals are not offered."""

    @classmethod
    def _model(cls) -> dict[str, Any]:
        return {"model": "open", "arrivals": cls.arrivals, "max_in_flight": cls.max_in_flight}

    @classmethod
    def _rate(cls) -> float:
        return cls.rate
