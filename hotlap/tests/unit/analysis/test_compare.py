"""Comparing runs and variants: what may be compared, what is said, gates and what they write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from hotlap.analysis.comparison import Compared, Comparison, Gate, Side
from hotlap.analysis.gate import hold, parse
from hotlap.analysis.judge import judge
from hotlap.cli import main
from hotlap.evidence.environment import Environment
from hotlap.evidence.figures import Percentiles
from hotlap.evidence.load import NamedRequests, Trial
from hotlap.evidence.profile import Allocations, Profile
from hotlap.evidence.service import ServedBy, ServerName
from hotlap.experiment import ExperimentError
from hotlap.report.ci_summary import junit, markdown
from hotlap.run import result
from hotlap.run.options import TIMINGS, Options
from hotlap.run.result import LaneResult, RunResult, Settings

WOBBLE = (0.01, -0.012, 0.004, 0.0, -0.006, 0.011, -0.003)


def lane(variant: str, factor: float, wobble: tuple[float, ...] = WOBBLE) -> LaneResult:
    return LaneResult(
        scenario="cpu",
        variant=variant,
        path=f"/{variant}/cpu",
        trials=[
            Trial(
                engine="native",
                model="closed",
                users=16,
                wait_s=(0.0, 0.0),
                repeat=number,
                duration_s=4.0,
                requests=1000,
                failures=0,
                rps=250 / factor * (1 - noise),
                latency_ms=Percentiles(p50=60 * factor * (1 + noise), p99=90 * factor * (1 + noise)),
                server_cpu_us_per_request=4000 * factor * (1 + noise),
            )
            for number, noise in enumerate(wobble)
        ],
    )


def write(folder: Path, *lanes: LaneResult, cpu: str = "one", fail_if: Sequence[str] = ()) -> Path:
    folder.mkdir()
    result.write(made(*lanes, cpu=cpu, fail_if=fail_if), folder)
    return folder


def made(*lanes: LaneResult, cpu: str = "one", fail_if: Sequence[str] = ()) -> RunResult:
    return RunResult(
        created="2026-11-23T13:05:22+00:00",
        name="made",
        environment=Environment(cpu=cpu, cores=2, builds={"pyapp._core": "release"}, commit="8dca656"),
        settings=Settings(options=Options(timing=TIMINGS["quick"]), fail_if=list(fail_if)),
        lanes=list(lanes),
    )


def hotlap(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_a_slower_run_is_said_to_be_slower(tmp_path: Path) -> None:
    a = write(tmp_path / "a", lane("native", 1.0))
    b = write(tmp_path / "b", lane("native", 1.3, tuple(reversed(WOBBLE))))
    told = hotlap("compare", a, b)
    assert told.exit_code == 0, told.output
    page = (b / "compare-a.html").read_text()
    assert "1.30×" in page
    assert "slower" in page
    assert "99%" in page


def test_equal_runs_differ_in_nothing(tmp_path: Path) -> None:
    a = write(tmp_path / "a", lane("native", 1.0))
    b = write(tmp_path / "b", lane("native", 1.0, tuple(reversed(WOBBLE))))
    summary = tmp_path / "summary.md"
    told = hotlap("compare", a, b, "--markdown", summary)
    assert told.exit_code == 0, told.output
    assert "4 figures show no difference." in summary.read_text()


def test_runs_without_rounds_are_not_compared_and_nothing_else_is_said(tmp_path: Path) -> None:
    a = write(tmp_path / "a", lane("native", 1.0, (1.0,)))
    b = write(tmp_path / "b", lane("native", 1.3, (1.0,)))
    summary = tmp_path / "summary.md"
    told = hotlap("compare", a, b, "--markdown", summary)
    assert told.exit_code == 0, told.output
    for text in ((b / "compare-a.html").read_text(), summary.read_text()):
        assert " figures were not compared." in text
        assert "no difference" not in text.lower()
        assert "too few for an interval" in text


def test_variants_of_one_run(tmp_path: Path) -> None:
    run = write(tmp_path / "run", lane("python", 1.0), lane("native", 0.1, tuple(reversed(WOBBLE))))
    told = hotlap("compare", run, "--fail-if", "cpu/native cpu > 0.2x")
    assert told.exit_code == 0, told.output
    assert "faster" in (run / "compare-python-native.html").read_text()
    assert hotlap("compare", run, "--variants", "native,python", "--fail-if", "* cpu > 2x").exit_code == 1
    wrong = hotlap("compare", run, "--variants", "native,rust")
    assert wrong.exit_code == 2
    assert "its variants are: python, native" in wrong.output


def test_what_was_made_differently_is_compared_only_by_force(tmp_path: Path) -> None:
    a = write(tmp_path / "a", lane("native", 1.0), cpu="one")
    b = write(tmp_path / "b", lane("native", 1.0), cpu="other")
    refused = hotlap("compare", a, b)
    assert refused.exit_code == 2
    assert "another machine (cpu: one and other)" in refused.output
    assert "--force" in refused.output
    assert hotlap("compare", a, b, "--force").exit_code == 0
    assert "Compared by force: another machine" in (b / "compare-a.html").read_text()


def test_another_server_or_interpreter_is_a_caution(tmp_path: Path) -> None:
    def by(server: ServerName, version: str, folder: str) -> LaneResult:
        made = lane("native", 1.0)
        made.served = ServedBy(
            server=server, interface="wsgi", python=f"/{folder}/python", python_version=version
        )
        return made

    a = write(tmp_path / "a", by("gunicorn", "3.12.1", "a"))
    b = write(tmp_path / "b", by("waitress", "3.13.0", "b"))
    assert hotlap("compare", a, b).exit_code == 0
    caution = (
        "Served by gunicorn (wsgi) on Python 3.12.1 in one and by waitress (wsgi) on Python 3.13.0 in the other: "
        "cpu/native."
    )
    assert caution in (b / "compare-a.html").read_text()
    # The same in another place, and a run that does not say, are none.
    c = write(tmp_path / "c", by("gunicorn", "3.12.1", "c"))
    d = write(tmp_path / "d", lane("native", 1.0))
    assert hotlap("compare", a, c).exit_code == 0
    assert hotlap("compare", a, d).exit_code == 0
    assert "Served by" not in (c / "compare-a.html").read_text() + (d / "compare-a.html").read_text()


def test_other_loads_and_builds_are_other_settings(tmp_path: Path) -> None:
    other = lane("native", 1.0)
    for trial in other.trials:
        trial.users = 64
    a, b = write(tmp_path / "a", lane("native", 1.0)), write(tmp_path / "b", other)
    refused = hotlap("compare", a, b)
    assert refused.exit_code == 2
    assert "another load on cpu/native" in refused.output


def test_one_round_gives_no_interval_and_a_void_lane_no_ratio(tmp_path: Path) -> None:
    void = lane("native", 1.0)
    void.trials[0].requests, void.trials[0].failures, void.trials[0].errors = 9, 3, {"status 500": 3}
    a = write(tmp_path / "a", lane("native", 1.0, (0.0,)))
    b = write(tmp_path / "b", lane("native", 2.0, (0.0,)))
    c = write(tmp_path / "c", void)
    for other in (b, c):
        told = hotlap("compare", a, other, "--fail-if", "cpu/native cpu > 1.10x")
        assert told.exit_code == 1
        assert "FAILED" in told.output
    assert "too few for an interval" in (b / "compare-a.html").read_text()
    assert "3 of 9 requests to cpu/native failed" in (c / "compare-a.html").read_text()


def test_gates_fail_and_leave_junit_and_summaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = tmp_path / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    a = write(tmp_path / "a", lane("native", 1.0))
    b = write(tmp_path / "b", lane("native", 1.2, tuple(reversed(WOBBLE))), fail_if=["cpu/native p99 > 1s"])
    junit = tmp_path / "junit.xml"
    told = hotlap(
        "compare", a, b, "--fail-if", "cpu/native p99 > 1.10x", "--fail-if", "* rps < 0.5x", "--junit", junit
    )
    assert told.exit_code == 1
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    [failed] = [case for case in suite if case.find("failure") is not None]
    assert failed.get("name") == "fail if cpu/native p99 > 1.10x"
    assert "❌ `fail if cpu/native p99 > 1.10x`" in step.read_text()
    assert "1.2" in step.read_text()


@pytest.mark.parametrize(
    ("bytes_", "lane_", "passed", "said"),
    [
        ((1000.0, 1020.0), "cpu/native", True, "cpu/native: 1.02×"),
        ((1000.0, 1200.0), "cpu/native", False, "cpu/native: 1.20×"),
        ((1000.0, 1000.0), "*", False, "not profiled (memory): cpu/python"),
        ((1000.0, 1200.0), "*", False, "cpu/native: 1.20×"),
    ],
)
def test_allocations_are_counted_so_their_ratio_is_held_as_it_is(
    tmp_path: Path, bytes_: tuple[float, float], lane_: str, passed: bool, said: str
) -> None:
    folders = []
    for name, value in zip("ab", bytes_, strict=True):
        native = lane("native", 1.0)
        native.profiles = [
            Profile(
                profiler="memray",
                mode="memory",
                samples=9,
                allocations=Allocations(allocations_per_request=9.0, bytes_per_request=value),
            )
        ]
        folders.append(write(tmp_path / name, native, lane("python", 1.0)))
    told = hotlap("compare", *folders, "--fail-if", f"{lane_} allocated > 1.05x")
    assert (told.exit_code == 0) is passed
    assert said in " ".join(told.output.split())


@pytest.mark.parametrize(
    ("condition", "passed", "said"),
    [
        ("cpu/python:look p99 > 5ms", True, "cpu/python:look: 4.00 ms"),
        ("cpu/python:look p99 > 3ms", False, "cpu/python:look: 4.00 ms"),
        ("*:l* p50 > 3ms", False, "cpu/python:log in: 9.00 ms"),
        ("cpu/python:flow rps < 50", False, "cpu/python:flow: 40.0 requests/s"),
        ("cpu/python:log* failures > 1%", False, "cpu/python:log in: 20.00%"),
        ("cpu/python:no p99 > 1ms", False, "no step of cpu/python matches no"),
    ],
)
def test_a_gate_may_be_about_a_step(condition: str, passed: bool, said: str) -> None:
    row = lane("python", 1.0, (0.0,))
    row.trials[0].by_name = {
        "log in": NamedRequests(requests=10, failures=2, rps=2.0, latency_ms=Percentiles(p50=9.0, p99=10.0)),
        "look": NamedRequests(requests=80, failures=0, rps=80.0, latency_ms=Percentiles(p50=1.0, p99=4.0)),
    }
    row.trials[0].flows = {
        "cpu/python": NamedRequests(
            requests=40, failures=0, rps=40.0, latency_ms=Percentiles(p50=11.0, p99=20.0)
        )
    }
    run = judge(made(row))
    (gate,) = hold([parse(condition)], run, None)
    assert (gate.passed, said in gate.sentence) == (passed, True), gate.sentence


def test_a_gate_of_nothing_fails(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", lane("native", 1.0)), write(tmp_path / "b", lane("native", 1.0))
    told = hotlap("compare", a, b, "--fail-if", "gpu/* p99 > 1.1x")
    assert told.exit_code == 1
    assert "no lane of the comparison matches gpu/*" in told.output


@pytest.mark.parametrize(
    ("text", "figure", "limit", "relative"),
    [
        ("cpu/native p99 > 1.10x", "p99", 1.10, True),
        ("*/native cpu > 2ms", "cpu", 2000.0, False),
        ("a/b p99.9 > 1.5 s", "p99_9", 1500.0, False),
        ("a/b rps<100/s", "rps", 100.0, False),
        ("* failures > 0.1%", "failures", 0.001, False),
    ],
)
def test_conditions(text: str, figure: str, limit: float, relative: bool) -> None:
    condition = parse(text)
    assert (condition.figure, condition.relative) == (figure, relative)
    assert condition.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpu p99",
        "cpu/native p98 > 2x",
        "a rps > 5ms",
        "a failures > 2x",
        "a p99 >= 2x",
        "a:b p99 > 2x",
        "a:b cpu > 5",
    ],
)
def test_what_is_no_condition_says_so(text: str) -> None:
    with pytest.raises(ExperimentError):
        parse(text)


def test_names_are_no_markdown_and_no_control_characters(tmp_path: Path) -> None:
    comparison = Comparison(
        a=Side(name="![a](http://x)"),
        b=Side(name="<b>\x1b[31m\nb"),
        rows=[Compared(lane="*x*|y/`z`", figure="p50", unit="ms")],
        method="",
    )
    gate = Gate(condition="fail if `x\x00` > 1", passed=False, sentence="a_b_ ~c~\x08")
    text = markdown([gate], comparison)
    assert r"\!\[a\](http://x) → &lt;b>" in text
    assert r"\*x\*\|y/\`z\`" in text
    assert r"a\_b\_ \~c\~" in text
    assert len([line for line in text.splitlines() if line.startswith("###")]) == 1
    [case] = ElementTree.fromstring(junit([gate], "\x1b"))
    assert (case.get("name"), case.get("classname")) == ("fail if `x\ufffd` > 1", "\ufffd")
