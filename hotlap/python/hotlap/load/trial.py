"""Load a lane: a Locust of its own, in a process of its own, for one stretch."""

from __future__ import annotations

import contextlib
import datetime
import math
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from hotlap._engine import Histogram
from hotlap.experiment import Engine, Lane, Load
from hotlap.load.aggregate import Measured, littles, measured, percentiles, starved
from hotlap.load.calibrate import calibrate
from hotlap.load.locust_pool import SWARM, Locust, NoLocustError, load_ahead, locust
from hotlap.load.request import request_of
from hotlap.load.wire import PLAN_VARIABLE, Answer, SwarmPlan
from hotlap.run.result import LimitedBy, Part, Percentiles, Role, Stretch
from hotlap.serving.server import Served

_POLL_S = 0.02
_START_TIMEOUT_S = 30.0
_MOST_CALIBRATED = 64


class LoadError(RuntimeError):
    """A stretch that gave no figures: the message says why."""


def run_stretch(
    lane: Lane,
    served: Served,
    *,
    engine: Engine,
    load: Load,
    time_s: float,
    warm_up_s: float,
    out: Path,
    verified: dict[str, Any] | None,
    role: Role = "measure",
    repeat: int = 0,
    seed: int = 0,
) -> Stretch:
    """Load a lane for one stretch and measure it, after the warm-up.

    Args:
        lane: What is asked for.
        served: The server; its CPU is counted over the same window.
        engine: Who sends: the native engine, or Locust's own users (``http``).
        load: How many users, how they arrive and wait.
        time_s: The window's length.
        warm_up_s: What comes before it, after the last user has started.
        out: The histogram's files, without their suffixes; the folder above the last but one is the run's.
        verified: What ``verify`` returned: a constant body is held against each answer.
        role: What the stretch is for.
        repeat: The round that it belongs to.
        seed: Of what the engine leaves to chance: waits, gaps, who writes.

    Raises:
        LoadError: Locust or the server ended before the window did.
    """
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    ramp_s = load.users / load.spawn_rate if load.spawn_rate and load.model != "open" else 0.0
    with _swarm(lane, served, engine, load, verified, warm_up_s=warm_up_s, time_s=time_s, seed=seed) as swarm:
        answer = swarm.answer(_START_TIMEOUT_S + ramp_s + warm_up_s + time_s + load.timeout_s)
        rss_bytes = served.rss_bytes()
    stretch = _stretch(answer, lane, load, engine, role, repeat, started, out, verified)
    return msgspec.structs.replace(stretch, server_rss_bytes=rss_bytes)


class Loading:
    """A lane that is being loaded while something else looks at its server."""

    def __init__(self, live: Path, process: subprocess.Popen[bytes]) -> None:
        self._live = live
        self._process = process
        self.mark()

    @property
    def requests(self) -> int:
        """How many requests were answered so far."""
        try:
            return int(self._live.read_text() or "0")
        except FileNotFoundError:
            return 0

    def mark(self) -> None:
        """A window starts."""
        self._mark = (time.monotonic(), self.requests)

    def since_mark(self) -> tuple[float, int]:
        """The window so far: its length in seconds, and the requests answered in it."""
        began_s, requests = self._mark
        return time.monotonic() - began_s, self.requests - requests

    def alive(self) -> bool:
        """Whether the load goes on."""
        return self._process.poll() is None


@contextlib.contextmanager
def background_load(
    lane: Lane,
    served: Served,
    *,
    engine: Engine,
    load: Load,
    verified: dict[str, Any] | None = None,
) -> Iterator[Loading]:
    """Keep a lane loaded until the block ends; it starts when the first answer has come.

    Raises:
        LoadError: Locust ended, or no answer came in time.
    """
    with _swarm(lane, served, engine, load, verified) as swarm:
        loading = Loading(swarm.live, swarm.process)
        deadline = time.monotonic() + _START_TIMEOUT_S + load.timeout_s
        while loading.requests == 0:
            swarm.check(deadline)
            time.sleep(_POLL_S)
        loading.mark()
        try:
            yield loading
        finally:
            load_ahead()


class _Swarm:
    """A Locust process and its files."""

    def __init__(self, own: Locust, served: Served) -> None:
        self._folder = own.folder
        self._served = served
        self.live = own.folder / "live"
        self.process = own.process

    def check(self, deadline: float) -> None:
        if self.process.poll() is not None:
            raise LoadError(f"Locust ended early:\n{self._log()}")
        if not self._served.alive():
            raise LoadError(f"the server ended under load:\n{self._served.log() or '(it printed nothing)'}")
        if time.monotonic() > deadline:
            raise LoadError(f"the stretch did not end in time:\n{self._log()}")

    def answer(self, timeout_s: float) -> Answer:
        deadline = time.monotonic() + timeout_s
        path = self._folder / "answer.json"
        while not path.exists():
            self.check(deadline)
            time.sleep(_POLL_S)
        return msgspec.json.decode(path.read_bytes(), type=Answer)

    def _log(self) -> str:
        return (self._folder / "locust.log").read_text(errors="replace")[-4000:].strip()


@contextlib.contextmanager
def _swarm(
    lane: Lane,
    served: Served,
    engine: Engine,
    load: Load,
    verified: dict[str, Any] | None,
    *,
    warm_up_s: float = 0.0,
    time_s: float | None = None,
    seed: int = 0,
) -> Iterator[_Swarm]:
    with contextlib.ExitStack() as stack:
        try:
            own = stack.enter_context(locust())
        except NoLocustError as error:
            raise LoadError(str(error)) from None
        swarm = _Swarm(own, served)
        plan = SwarmPlan(
            lane=lane,
            load=load,
            # Of users of one's own, which may be of both kinds, only what all report is counted.
            engine="http" if lane.locustfile else engine,
            warm_up_s=warm_up_s,
            time_s=time_s,
            seed=seed,
            server_pids=tuple(served.pids()),
            ca_file=served.ca_file,
            body_sha256=verified["sha256"] if verified and verified["constant"] else None,
            answer=str(own.folder / "answer.json"),
            live=str(swarm.live),
        )
        (own.folder / "plan.json").write_bytes(msgspec.json.encode(plan))
        words = [
            *("-f", ",".join(filter(None, [lane.locustfile, str(SWARM / "locustfile.py")]))),
            *("--headless", "--only-summary"),
            *("--host", served.url, "--users", str(plan.users)),
            *("--spawn-rate", str(load.spawn_rate or plan.users), "--stop-timeout", "0"),
        ]
        # Users of one's own that are Locust's HttpUser look there.
        trusted = {"REQUESTS_CA_BUNDLE": served.ca_file} if served.ca_file is not None else {}
        own.tell(words, {PLAN_VARIABLE: str(own.folder / "plan.json"), **trusted})
        yield swarm


def _stretch(
    answer: Answer,
    lane: Lane,
    load: Load,
    engine: Engine,
    role: Role,
    repeat: int,
    started: str,
    out: Path,
    verified: dict[str, Any] | None,
) -> Stretch:
    window = measured(answer, load)
    out.parent.mkdir(parents=True, exist_ok=True)
    hgrm = out.with_name(out.name + ".hgrm")
    hgrm.write_text(window.response.hgrm())
    hgrm.with_suffix(".csv").write_text(window.response.csv())
    generator = 100 * window.generator_cpu_s / window.duration_s
    counted = window.server_cpu_s is not None and window.requests > 0
    server = None if window.server_cpu_s is None else 100 * window.server_cpu_s / window.duration_s
    latency = percentiles(window.response)
    facts: dict[str, Any] = {
        "locust": answer.said,
        "steady": {
            **msgspec.to_builtins(window.steady),
            "warm_up_s": window.warm_up_s,
            "first_ms": window.first_ms,
            "last_ms": window.last_ms,
        },
        "machine": answer.machine,
    }
    if lane.locustfile is None:
        # Users of one's own wait as they like: what the law needs is not known of them.
        facts["littles"] = littles(window, load)
        facts["starved"] = starved(facts["littles"])
    # Of what grows, or was measured of some users only, there is no mean to be believed.
    whole = not (window.steady.growing or facts.get("starved"))
    if load.model == "open":
        facts["saturated"] = window.saturated
    for name, encoded in (("lag_ms", answer.lag), ("late_ms", answer.late)):
        if encoded is not None:
            facts[name] = msgspec.to_builtins(percentiles(Histogram.decode(encoded)))
    if engine == "native":
        facts["calibration"] = _calibration(lane, load, verified)
    return Stretch(
        engine=engine,
        model=load.model,
        role=role,
        repeat=repeat,
        started=started,
        users=load.users if load.model != "open" else None,
        wait_s=load.wait_s if load.model != "open" else None,
        rate=load.rate,
        arrivals=load.arrivals if load.model == "open" else None,
        duration_s=window.duration_s,
        requests=window.requests,
        failures=window.failures,
        aborted=answer.aborted,
        not_offered=window.not_offered,
        rps=window.requests / window.duration_s,
        latency_ms=latency if whole else Percentiles(max=latency.max),
        parts=_parts(answer),
        service_ms=percentiles(window.service) if window.service and whole else None,
        connect_ms=percentiles(Histogram.decode(answer.connect)) if answer.connect else None,
        histogram=str(hgrm.relative_to(out.parent.parent)),
        server_cpu_us_per_request=1e6 * (window.server_cpu_s or 0) / window.requests if counted else None,
        server_cpu_percent=server,
        generator_cpu_percent=generator,
        limited_by=_limit(load, window, generator, server, answer.machine["cores"]),
        errors=window.errors,
        series=window.series,
        facts=facts,
    )


def _parts(answer: Answer) -> dict[str, Part]:
    duration_s = math.fsum(one.length_s for one in answer.slices)
    return {
        name: Part(
            requests=part.requests,
            failures=part.failures,
            rps=part.requests / duration_s,
            latency_ms=percentiles(Histogram.decode(part.response)),
        )
        for name, part in answer.parts.items()
    }


def _calibration(lane: Lane, load: Load, verified: dict[str, Any] | None) -> dict[str, float]:
    users = load.max_in_flight if load.model == "open" else load.users
    offered = calibrate(
        request_of(lane),
        body_bytes=verified["size"] if verified else 0,
        users=min(users, _MOST_CALIBRATED),
    )
    return {"offered_rps": offered}


def _limit(
    load: Load, window: Measured, generator_percent: float, server_percent: float | None, cores: int
) -> LimitedBy | None:
    found = limited_by(load, window.response.mean_ms, generator_percent, server_percent, cores)
    # More arrivals than are answered: they are not what sets the throughput.
    return "server" if found == "load" and window.saturated else found


def limited_by(
    load: Load, mean_ms: float | None, generator_percent: float, server_percent: float | None, cores: int
) -> LimitedBy | None:
    """What set a stretch's requests per second, judged by where the time and the CPU went.

    The generator, from 80% of a core; the machine, where it and the server leave less than a tenth of
    the cores that they have between them; the load, where users wait longer than they are served or
    arrivals are given; else the server.
    """
    if mean_ms is None:
        return None
    if generator_percent >= 80.0:
        return "generator"
    if server_percent is not None and generator_percent + server_percent >= 90.0 * cores:
        # A server that needs all the cores by itself is no worse off for a generator that needs none.
        return "server" if generator_percent < 0.05 * server_percent else "machine"
    if load.model != "closed" or math.fsum(load.wait_s) / 2 * 1000 > mean_ms:
        return "load"
    return "server"
