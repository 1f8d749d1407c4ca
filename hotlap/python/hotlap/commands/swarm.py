"""``hotlap swarm``: load one lane by hand, in Locust's web UI or without it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import get_args

import click
import msgspec
from click.core import ParameterSource

from hotlap import formatting
from hotlap.analysis.replayed import result as replay_result
from hotlap.evidence.words import held
from hotlap.experiment import Engine, Lane, Load
from hotlap.experiment.config import load_experiment
from hotlap.experiment.model import LONGEST_S, MOST_A_SECOND, MOST_USERS
from hotlap.files import try_file, write_whole
from hotlap.load.locust_pool import SWARM
from hotlap.load.wire import INTERACTIVE_VARIABLE, InteractivePlan
from hotlap.recorded import RecordedError
from hotlap.recorded.schedule import write as write_schedule
from hotlap.report.replayed import table
from hotlap.serving.aftermath import scratch, start
from hotlap.serving.answers import learn
from hotlap.serving.interrupts import Ended, uninterrupted
from hotlap.serving.request import RequestError, as_sent, check
from hotlap.serving.server import Served, authority, free_port, raise_file_limit, served, stop
from hotlap.serving.verify import VerifyError
from hotlap.serving.ways import ServeError
from hotlap.swarm.counters import Accounts
from hotlap.swarm.replay import Replay
from hotlap.terminal import FAILED, OK, Terminal
from hotlap.usage import SHARE, LabError, Number

_SPARE_FILES = 100


@click.command
@click.argument("name", metavar="LANE", required=False)
@click.option("--engine", type=click.Choice(get_args(Engine)), default="native", show_default=True)
@click.option("--url", help="Load this server; without it, the lane is served as a run would.")
@click.option("--users", type=click.IntRange(1, MOST_USERS), help="Instead of the lane's own.")
@click.option("--spawn-rate", type=Number(0, MOST_A_SECOND, min_open=True), help="Users started a second.")
@click.option("--wait", type=Number(0, LONGEST_S), help="Seconds between an answer and the next request.")
@click.option(
    "--rate", type=Number(0, MOST_A_SECOND, min_open=True), help="Arrivals a second (an open load)."
)
@click.option("--writes", type=SHARE, help="The share of writers, if the lane has some, such as 1%.")
@click.option(
    "--time",
    "time_s",
    type=click.IntRange(1, int(LONGEST_S)),
    help="Whole seconds; without it: until Ctrl-C.",
)
@click.option(
    "--processes", type=click.IntRange(1, 1000), help="Locust's: a master and so many workers, here."
)
@click.option("--headless", is_flag=True, help="Without the web UI; starts at once.")
@click.option("--web-host", default="127.0.0.1", show_default=True, help="Where the web UI listens.")
@click.option("--web-port", type=click.IntRange(1, 65535), default=8089, show_default=True)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the result."
)
@click.option("--stop-timeout", type=Number(0, LONGEST_S), default=0.0, show_default=True)
@click.option(
    "--replay",
    "recording",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send the requests of an access log or a HAR file at the times recorded, instead of a lane's.",
)
@click.option(
    "--speed", type=Number(0, 1e6, min_open=True), help="With --replay: so many times faster than recorded."
)
@click.option("--master", is_flag=True, help="Lead workers on other machines.")
@click.option("--worker", is_flag=True, help="Work for a master.")
@click.option("--master-host", default="127.0.0.1", show_default=True)
@click.option("--master-port", type=click.IntRange(1, 65535), default=5557, show_default=True)
@click.option("--expect-workers", type=click.IntRange(1, 10_000), help="A headless master waits for so many.")
def command(
    name: str | None,
    engine: Engine,
    url: str | None,
    users: int | None,
    spawn_rate: float | None,
    wait: float | None,
    rate: float | None,
    writes: float | None,
    time_s: int | None,
    processes: int | None,
    headless: bool,
    web_host: str,
    web_port: int,
    json_file: Path | None,
    stop_timeout: float,
    recording: Path | None,
    speed: float | None,
    master: bool,
    worker: bool,
    master_host: str,
    master_port: int,
    expect_workers: int | None,
) -> None:
    """Load LANE with Locust: in its web UI, or headless.

    Users come from the lab's engine, or with --engine http from Locust itself. With --master and --worker,
    several machines load one server; each has hotlap and the experiment. What workers do, their master tells them.

    With --replay FILE recorded traffic is sent again, each request at its time, to the server of LANE, of the
    experiment, or at --url; that needs no experiment.
    """
    if recording is not None:
        _refuse_beside_replay(click.get_current_context())
        _replay(recording, name, url, speed or 1.0, time_s, stop_timeout, json_file)
        return
    if speed is not None:
        raise click.UsageError("--speed is of recorded traffic: give --replay FILE with it")
    if name is None:
        raise click.UsageError("name a LANE (`hotlap list` shows them), or give --replay FILE")
    if master and worker:
        raise click.UsageError("a process is a --master or a --worker, not both")
    if processes and (master or worker):
        raise click.UsageError("--processes has a master and workers of its own")
    if rate is not None and wait is not None:
        raise click.UsageError("arrivals at a --rate wait for nothing: leave --wait out")
    if time_s is not None and not headless and not worker:
        raise click.UsageError("--time ends a run without the web UI: give --headless too")
    experiment, root = load_experiment()
    lane = experiment.lane(name)
    if writes is not None:
        if lane.writes is None:
            raise click.UsageError(f"{name} has no request that writes: leave --writes out")
        lane = msgspec.structs.replace(lane, writes=msgspec.structs.replace(lane.writes, share=writes))
    lane = as_sent(lane, engine)
    load, locust_users = _load(lane.load, users, wait, rate, processes or expect_workers or 1)
    _check_files(locust_users if load.model != "open" else load.max_in_flight)
    if lane.locustfile is not None:
        _refuse_what_its_users_decide(lane, {"--wait": wait, "--rate": rate, "--writes": writes})
    files = ",".join(filter(None, [lane.locustfile, str(SWARM / "interactive.py")]))
    words = [sys.executable, "-m", "hotlap.swarm.main", "-f", files]
    if worker:
        words += ["--worker", "--master-host", master_host, "--master-port", str(master_port)]
    else:
        words += ["--users", str(locust_users), "--stop-timeout", f"{stop_timeout:g}"]
        words += ["--spawn-rate", f"{spawn_rate or lane.load.spawn_rate or locust_users:g}"]
        words += ["--headless"] if headless else ["--web-host", web_host, "--web-port", str(web_port)]
        words += ["--run-time", f"{time_s}s"] if time_s is not None else []
        if processes:
            # Another swarm on this machine may have Locust's usual port.
            port = str(free_port())
            words += ["--processes", str(processes), "--master-bind-port", port, "--master-port", port]
        words += ["--master", "--master-bind-port", str(master_port)] if master else []
        words += ["--expect-workers", str(expect_workers)] if expect_workers else []
    try:
        ca_file = authority(lane.server or experiment.server, root)
    except ServeError as error:
        raise LabError(str(error)) from None
    if json_file is not None:
        try_file(json_file)

    def serve(lane: Lane, port: int | None) -> AbstractContextManager[Served]:
        if url is not None:
            return contextlib.nullcontext(Served(url, None, None, None, ca_file))
        return served(experiment, lane, port=port)

    try:
        with scratch("swarm") as folder, contextlib.ExitStack() as stack:
            told = folder / "result.json"
            plan = InteractivePlan(
                lane=lane,
                load=load,
                engine=engine,
                ca_file=ca_file,
                json=str(told) if json_file is not None else None,
            )
            if worker:
                words += ["--host", url] if url is not None else []
            else:
                # What workers hold against answers, too: their master tells it to them.
                answers = learn(lane, serve) if lane.locustfile is None else None
                server = stack.enter_context(serve(lane, None))
                words += ["--host", server.url]
                found = f"{lane.name} at {server.url}"
                if answers is not None:
                    check(lane, server.url, engine, server.ca_file)
                    plan = msgspec.structs.replace(
                        plan, lane=answers.lane_at(server), body=answers.body_at(server)
                    )
                    found = f"{found}, {lane.asks}: {held(answers.verified)}"
                click.echo(found, err=True)
            file = folder / "plan.json"
            file.write_bytes(msgspec.json.encode(plan))
            try:
                code = _run(words, {**os.environ, INTERACTIVE_VARIABLE: str(file)})
            finally:
                # Of one that was stopped while requests failed, too.
                if json_file is not None and told.exists():
                    _hand_over(told.read_text(), json_file)
    except (ServeError, VerifyError, RequestError) as error:
        raise LabError(lane.hide(str(error))) from None
    if code:
        raise LabError(f"Locust ended with code {code}: requests failed, or it could not run")


_OF_REPLAY = ("name", "url", "time_s", "headless", "json_file", "stop_timeout", "recording", "speed")


def _refuse_beside_replay(context: click.Context) -> None:
    for param in context.command.params:
        given = context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if given and param.name not in _OF_REPLAY:
            raise click.UsageError(f"--replay has its own requests and times: leave {param.opts[0]} out")


def _replay(
    recording: Path,
    name: str | None,
    url: str | None,
    speed: float,
    time_s: int | None,
    stop_timeout: float,
    json_file: Path | None,
) -> None:
    """Send a recording's requests at their times, and say how that went."""
    lane, ca_file, experiment = None, None, None
    if name is not None or url is None:
        experiment, root = load_experiment()
        lane = experiment.lane(name) if name is not None else experiment.lanes[0]
    if json_file is not None:
        try_file(json_file)
    load = lane.load if lane is not None and name is not None else Load()
    _check_files(load.max_in_flight)
    console, errors = Terminal(), Terminal(file=sys.stderr)
    try:
        with scratch("replay") as folder, contextlib.ExitStack() as stack:
            schedule = write_schedule(recording, folder, speed)
            for said in schedule.said:
                errors.print(said, soft_wrap=True)
            if url is not None:
                ca_file = authority((lane and lane.server) or experiment.server, root) if experiment else None
                server = Served(url, None, None, None, ca_file)
            else:
                assert experiment is not None
                server = stack.enter_context(served(experiment, lane))
            rate = f", {formatting.number(schedule.rate)}/s" if schedule.rate is not None else ""
            errors.print(
                f"{schedule.requests:,} requests in {formatting.seconds(schedule.length_s)}{rate} "
                f"({schedule.busiest:,} in the busiest second), to {server.url}",
                soft_wrap=True,
            )
            replay = Replay(
                schedule,
                server.url,
                server.ca_file,
                timeout_s=load.timeout_s,
                max_in_flight=load.max_in_flight,
            )
            whole = False

            def tell(so_far: Accounts, passed_s: float) -> None:
                total = so_far.total()
                counts = f"{total.started:,} sent, {total.failed:,} failed"
                errors.print(f"{passed_s:.0f} of {schedule.length_s:.0f} s: {counts}", soft_wrap=True)

            # What was counted so far is told, as at the end of any swarm.
            with contextlib.suppress(Ended):
                whole = replay.play(time_s, tell)
            with uninterrupted():
                replayed = replay.end(stop_timeout, whole=whole)
    except (ServeError, RecordedError, ValueError) as error:
        raise LabError(str(error)) from None
    found = replay_result(recording, speed, server.url, schedule, replayed)
    total = replayed.accounts.total()
    console.print(table(replayed.accounts, total))
    for text, count in sorted(total.errors.items(), key=lambda one: -one[1])[:_ERRORS_SHOWN]:
        console.print(f"{count:,} × {text}", soft_wrap=True)
    for claim in found.verdict:
        mark = OK if claim.severity == "note" else FAILED
        console.print(mark, formatting.sentence(claim.sentence), soft_wrap=True)
    if json_file is not None:
        _hand_over(msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n", json_file)
    if total.failed:
        raise LabError(f"{total.failed:,} of {total.started:,} requests failed")


_ERRORS_SHOWN = 5


def _refuse_what_its_users_decide(lane: Lane, given: dict[str, float | None]) -> None:
    for option, value in given.items():
        if value is not None:
            raise click.UsageError(
                f"{lane.name} has a locustfile, whose users decide that: leave {option} out, or change {lane.locustfile}"
            )


def _load(
    load: Load, users: int | None, wait: float | None, rate: float | None, processes: int
) -> tuple[Load, int]:
    """The lane's load with what the command changes of it, and how many Locust users make it."""
    if rate is not None:
        load = msgspec.structs.replace(load, model="open", rate=rate)
    if wait is not None:
        load = msgspec.structs.replace(
            load, model="closed" if load.model == "open" else load.model, wait_s=(wait, wait)
        )
    if load.model == "open":
        # Each Locust user stands for its share of the rate: no process may be left without one.
        shares = users or processes
        return msgspec.structs.replace(load, rate=(load.rate or 1.0) / shares), shares
    load = msgspec.structs.replace(load, users=users or load.users)
    return load, load.users


def _check_files(connections: int) -> None:
    limit = raise_file_limit()
    if connections + _SPARE_FILES > limit:
        raise click.UsageError(
            f"{connections} connections need more open files than the {limit} that this system allows: "
            f"give at most {limit - _SPARE_FILES} users, or raise the hard limit (ulimit -Hn)"
        )


def _hand_over(result: str, file: Path) -> None:
    """Write the result where it was asked for; where that fails, it is printed rather than lost."""
    try:
        write_whole(file, result)
    except OSError as error:
        click.echo(result)
        raise LabError(f"{file}: {error.strerror}; the result is printed above") from None


def _run(words: list[str], environment: dict[str, str]) -> int:
    """Run Locust in the foreground. Whatever ends the command is given to it as Ctrl-C: it has the time to end."""
    # From a terminal, Ctrl-C comes to both; Locust reads keys there, which only the terminal's own processes may.
    has_terminal = sys.stdin is not None and sys.stdin.isatty()
    process = start(words, env=environment, start_new_session=not has_terminal)
    first: Ended | None = None
    while True:
        try:
            code = process.wait()
            if code and first is not None:
                # It had nothing to finish yet.
                raise first
            return code
        except Ended as ended:
            if process.returncode is not None:
                raise
            first = first or ended
            if not (has_terminal and ended.number == signal.SIGINT):
                process.send_signal(signal.SIGINT)
        except BaseException:
            stop(process)
            raise
