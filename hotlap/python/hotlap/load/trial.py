"""Load a lane: a Locust of its own, in a process of its own, for one trial."""

from __future__ import annotations

import contextlib
import datetime
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hotlap._engine import Histogram
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import ServerProcesses, StreamFigures, Trial
from hotlap.evidence.service import Verified
from hotlap.experiment import Engine, Lane, Load, Step
from hotlap.files import write_whole
from hotlap.load.aggregate import Window, by_name, flows, percentiles, window_of
from hotlap.load.calibrate import calibrate, offers
from hotlap.load.locust_pool import SWARM, Locust, LocustPool, NoLocustError
from hotlap.load.wire import PLAN_VARIABLE, SwarmPlan, WindowResult
from hotlap.serving.request import Request, RequestError, check, request_of
from hotlap.serving.server import Served

_POLL_S = 0.02
_START_TIMEOUT_S = 30.0
_MOST_CALIBRATED = 64


class LoadError(RuntimeError):
    """A trial that gave no figures: the message says why."""


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is asked for, by whom, and what it must answer."""

    lane: Lane
    load: Load
    """How many users, how they arrive and wait."""
    engine: Engine
    """Who sends: the native engine, or Locust's own users (``http``)."""
    verified: Verified | None = None
    """What was found of its answers before."""
    body: bytes | None = None
    """What each body must be; ``None``: that is not known, or the lane itself says it."""
    sample: bytes = b""
    """A body that was answered."""
    first: int = 0
    """The position in the sequence of values from which on they are its own."""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """When a trial is measured."""

    time_s: float
    """The window's length."""
    warm_up_s: float = 0.0
    """What comes before it, after the last user has started."""
    seed: int = 0
    """Of what the engine leaves to chance: waits, gaps, who writes."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial gave. It is there before any file of it is: where one cannot be written, nothing is lost."""

    trial: Trial
    """It does not name a histogram: only the run knows where its folder is."""
    response: Histogram
    """The response times of its window."""


def measure(offered: Offered, served: Served, timing: Timing, *, pool: LocustPool) -> Measured:
    """Load a server for one trial and measure it, after the warm-up.

    Args:
        offered: What is asked for.
        served: The server; its CPU is counted over the same window.
        timing: When it is measured.
        pool: Whose Locust is used.

    Raises:
        LoadError: Locust or the server ended before the window did.
    """
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    load = offered.load
    ramp_s = load.users / load.spawn_rate if load.spawn_rate and load.model != "open" else 0.0
    processes = set(served.pids())
    with _swarm(offered, served, pool, timing) as swarm:
        answer = swarm.answer(
            _START_TIMEOUT_S + ramp_s + timing.warm_up_s + timing.time_s + offered.load.timeout_s
        )
        rss_bytes, left = served.rss_bytes(), set(served.pids())
    window = window_of(answer)
    changed = ServerProcesses(
        began=len(processes), ended=len(processes - left), started=len(left - processes)
    )
    trial = _trial(offered, answer, window, started, rss_bytes, changed)
    return Measured(trial=trial, response=window.response)


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
def background_load(offered: Offered, served: Served, pool: LocustPool) -> Iterator[Loading]:
    """Keep a lane loaded until the block ends; it starts when the first answer has come.

    Raises:
        LoadError: Locust ended, or no answer came in time.
    """
    with _swarm(offered, served, pool, None) as swarm:
        loading = Loading(swarm.live, swarm.process)
        deadline = time.monotonic() + _START_TIMEOUT_S + offered.load.timeout_s
        while loading.requests == 0:
            swarm.check(deadline)
            time.sleep(_POLL_S)
        loading.mark()
        try:
            yield loading
        finally:
            pool.load_ahead()


class _Swarm:
    """A Locust process and its files."""

    def __init__(self, own: Locust, served: Served) -> None:
        self._folder = own.folder
        self._served = served
        self.live = own.folder / "live"
        self.failure = own.folder / "failure"
        self.process = own.process

    def check(self, deadline: float) -> None:
        if self.failure.exists():
            raise LoadError(self.failure.read_text())
        if self.process.poll() is not None:
            raise LoadError(f"Locust ended early:\n{self._log()}")
        if not self._served.alive():
            raise LoadError(f"the server ended under load:\n{self._served.log() or '(it printed nothing)'}")
        if time.monotonic() > deadline:
            raise LoadError(f"the trial did not end in time:\n{self._log()}")

    def answer(self, timeout_s: float) -> WindowResult:
        deadline = time.monotonic() + timeout_s
        path = self._folder / "answer.json"
        while not path.exists():
            self.check(deadline)
            time.sleep(_POLL_S)
        return msgspec.json.decode(path.read_bytes(), type=WindowResult)

    def _log(self) -> str:
        return (self._folder / "locust.log").read_text(errors="replace")[-4000:].strip()


@contextlib.contextmanager
def _swarm(offered: Offered, served: Served, pool: LocustPool, timing: Timing | None) -> Iterator[_Swarm]:
    """``timing`` ``None``: until the block ends."""
    lane, load = offered.lane, offered.load
    try:
        check(lane, served.url, offered.engine, served.ca_file)
    except RequestError as error:
        raise LoadError(str(error)) from None
    with contextlib.ExitStack() as stack:
        try:
            own = stack.enter_context(pool.locust())
        except NoLocustError as error:
            raise LoadError(str(error)) from None
        swarm = _Swarm(own, served)
        plan = SwarmPlan(
            lane=lane,
            load=load,
            # Of users of the lane's own, which may be of both kinds, only what all report is counted.
            engine="http" if lane.locustfile else offered.engine,
            warm_up_s=timing.warm_up_s if timing else 0.0,
            time_s=timing.time_s if timing else None,
            seed=timing.seed if timing else 0,
            server_pids=tuple(served.pids()),
            seen_pids=tuple(served.seen_pids()),
            ca_file=served.ca_file,
            body=offered.body,
            first=offered.first,
            answer=str(own.folder / "answer.json"),
            failure=str(swarm.failure),
            live=str(swarm.live),
        )
        (own.folder / "plan.json").write_bytes(msgspec.json.encode(plan))
        words = [
            *("-f", ",".join(filter(None, [lane.locustfile, str(SWARM / "locustfile.py")]))),
            *("--headless", "--only-summary"),
            *("--host", served.url, "--users", str(plan.users)),
            *("--spawn-rate", str(load.spawn_rate or plan.users), "--stop-timeout", "0"),
        ]
        # Users of the lane's own that are Locust's HttpUser look there.
        trusted = {"REQUESTS_CA_BUNDLE": served.ca_file} if served.ca_file is not None else {}
        own.tell(words, {PLAN_VARIABLE: str(own.folder / "plan.json"), **trusted})
        yield swarm


def write_histogram(response: Histogram, file: Path) -> None:
    """Write a ``.hgrm``, and a CSV of the same name beside it.

    Raises:
        OSError: one of them cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, response.hgrm())
    write_whole(file.with_suffix(".csv"), response.csv())


def _trial(
    offered: Offered,
    answer: WindowResult,
    window: Window,
    started: str,
    rss_bytes: int | None,
    processes: ServerProcesses,
) -> Trial:
    load, server_cpu_s, requests = offered.load, window.server_cpu_s, window.requests
    is_open = load.model == "open"
    return Trial(
        engine=answer.engine,
        model=load.model,
        started=started,
        users=None if is_open else load.users,
        wait_s=None if is_open else _wait_s(offered.lane, load),
        rate=load.rate,
        arrivals=load.arrivals if is_open else None,
        own_users=offered.lane.locustfile is not None,
        duration_s=window.duration_s,
        warm_up_s=window.warm_up_s,
        requests=requests,
        failures=window.failures,
        aborted=answer.aborted,
        not_offered=window.not_offered,
        drawn=answer.drawn,
        out_of_data=answer.out_of_data,
        parsed=window.parsed,
        reconnected=window.reconnected,
        stream=_stream(offered.lane, window),
        rps=(requests - window.failures) / window.duration_s,
        latency_ms=percentiles(window.response),
        failed_latency_ms=percentiles(window.failure) if window.failure.count else None,
        service_ms=percentiles(window.service) if window.service else None,
        connect_ms=_decoded(answer.connect),
        lag_ms=_decoded(answer.lag),
        late_ms=_decoded(answer.late),
        in_flight_mean=window.in_flight_mean,
        by_name=by_name(answer),
        flows=flows(answer),
        server_cpu_us_per_request=1e6 * server_cpu_s / requests
        if server_cpu_s is not None and requests
        else None,
        server_cpu_percent=None if server_cpu_s is None else 100 * server_cpu_s / window.duration_s,
        server_processes=processes,
        server_rss_bytes=rss_bytes,
        generator_cpu_percent=100 * window.generator_cpu_s / window.duration_s,
        generator_offers_rps=_calibration(offered) if offered.engine == "native" else None,
        errors=_hidden(offered.lane, window.errors),
        slices=window.slices,
        series=window.series,
        machine=answer.machine,
        locust=answer.locust,
    )


def _stream(lane: Lane, window: Window) -> StreamFigures | None:
    seen = window.stream
    if seen is None or lane.stream is None or window.server_cpu_s is None or not seen.events:
        return seen
    return msgspec.structs.replace(seen, server_cpu_us_per_event=1e6 * window.server_cpu_s / seen.events)


def _wait_s(lane: Lane, load: Load) -> tuple[float, float]:
    """Between requests: of flows and mixes, on average over the requests of a turn."""
    turns = [(part.weight, part.lane) for part in lane.mix] or [(1, lane)]
    weights = sum(weight for weight, _ in turns)
    requests = sum(weight * max(1, len(_repeated(one))) for weight, one in turns) / weights
    low, high = (
        (
            load.wait_s[end]
            + sum(weight * sum(step.wait_s[end] for step in _repeated(one)) for weight, one in turns)
            / weights
        )
        / requests
        for end in (0, 1)
    )
    return low, high


def _repeated(lane: Lane) -> list[Step]:
    return [step for step in lane.steps if not step.once]


def _hidden(lane: Lane, errors: dict[str, int]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for text, count in errors.items():
        counts[lane.hide(text)] += count
    return dict(counts)


def _decoded(encoded: bytes | None) -> Percentiles | None:
    return percentiles(Histogram.decode(encoded)) if encoded is not None else None


def _calibration(offered: Offered) -> float:
    load = offered.load
    users = load.max_in_flight if load.model == "open" else load.users
    users = min(users, _MOST_CALIBRATED)
    lane = offered.lane
    if lane.mix:
        often = max(lane.mix, key=lambda part: part.weight)
        return _calibration(msgspec.structs.replace(offered, lane=often.lane))
    if lane.steps:
        # What its answers give to others is not there: their requests are sent as they are written.
        last = lane.steps[-1]
        request = Request(last.method, "/", headers=last.headers, body=last.body)
        return calibrate(request, body_bytes=len(offered.sample), users=users)
    request = request_of(lane)
    if request.differs or lane.expect.of_body:
        # What values and expectations cost is counted, too.
        return offers(request, offered.sample, users)
    return calibrate(request, body_bytes=offered.verified.size if offered.verified else 0, users=users)
