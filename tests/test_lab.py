"""The whole lab on the service that ships: served, verified, loaded, profiled and reported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect
from serving import need
from watching import CHROMIUM, Watched, chromium

from hotlap.analysis import judge
from hotlap.analysis.judged import JudgedRun

pytestmark = [pytest.mark.measures, pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent


def hotlap(*words: str, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hotlap.cli", *words],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quick run over all lanes of the default suite."""
    out = tmp_path_factory.mktemp("lab") / "run"
    done = hotlap("run", "--quick", "--profiles", "on-cpu", "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def run(folder: Path) -> JudgedRun:
    return judge.read(folder)


def test_eight_lanes_each_with_figures_or_an_honest_reason(run: JudgedRun) -> None:
    scenarios = ("read", "fast", "cpualloc", "cpu")
    assert {lane.name for lane in run.lanes} == {f"{s}/{v}" for s in scenarios for v in ("python", "native")}
    for lane in run.lanes:
        assert lane.evidence.error is None, f"{lane.name}: {lane.evidence.error}"
        (trial,) = lane.evidence.of_role()
        assert trial.failures == 0
        assert trial.requests is not None
        assert trial.requests > 0, lane.name
        assert lane.verdict.status == "ok" or lane.verdict.rules, lane.name


def test_native_needs_far_less_cpu_for_the_same_answer(run: JudgedRun) -> None:
    cpu_us = {}
    for variant in ("python", "native"):
        lane = run.lane(f"cpu/{variant}")
        assert lane is not None
        cost = lane.evidence.of_role()[0].server_cpu_us_per_request
        assert cost is not None
        cpu_us[variant] = cost
    assert cpu_us["python"] > 10 * cpu_us["native"]


def test_every_lane_has_its_flame_graph(run: JudgedRun, folder: Path) -> None:
    for lane in run.lanes:
        (profile,) = [one for one in lane.evidence.profiles if one.mode == "on-cpu"]
        if lane.evidence.scenario == "read" and profile.error is not None:
            # Twenty requests a second: in two seconds it may be that nobody is seen to compute.
            assert "there are no samples" in profile.error
            continue
        assert profile.error is None, f"{lane.name}: {profile.error}"
        assert profile.svg is not None
        assert profile.collapsed is not None
        assert (folder / profile.svg).read_text().lstrip().startswith("<?xml")
        assert (folder / profile.collapsed).stat().st_size > 0
        assert all((folder / raw).exists() for raw in profile.raw)


def test_the_difference_between_clone_and_none_is_drawn(run: JudgedRun, folder: Path) -> None:
    (difference,) = run.evidence.diffs
    assert (difference.a, difference.b) == ("cpualloc/native", "cpu/native")
    assert difference.svg is not None
    assert (folder / difference.svg).exists()


def test_the_allocations_of_the_copy_are_found_with_the_line_that_copies(
    run: JudgedRun, folder: Path
) -> None:
    """As the article has it: malloc and free, for the function that clones. What borrows is not accused."""
    found = {
        one.lane: one
        for one in run.findings
        if one.name == "kind-of-work" and "malloc and free" in one.sentence
    }
    assert "cpualloc/native" in found
    assert "cpu/native" not in found
    finding = found["cpualloc/native"]
    by = finding.evidence["by"]
    assert isinstance(by, dict)
    (clone,) = [each for each in by if each.startswith("fold_clone (")]
    file, _, line = clone.removeprefix("fold_clone (").removesuffix(")").rpartition(":")
    assert file == "rust_core/src/fold.rs"
    # Where it is copied, or a line or two below, where the copy is dropped.
    near = (ROOT / file).read_text().splitlines()[int(line) - 3 : int(line)]
    assert any("clone" in each for each in near), near
    assert clone in finding.sentence


def test_findings_lead_to_their_evidence(run: JudgedRun, folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert run.findings
    for one in run.findings:
        assert one.link is not None, one.sentence
        assert f'id="{one.link.removeprefix("#")}"' in page, one.sentence


def test_the_report_holds_every_lane(run: JudgedRun, folder: Path) -> None:
    page = (folder / "report.html").read_text()
    for lane in run.lanes:
        assert lane.name in page


@pytest.mark.browser
def test_the_report_works_in_a_browser(run: JudgedRun, folder: Path) -> None:
    need(Path(CHROMIUM).exists(), "no Chromium here: apt install chromium")
    with chromium() as browser, Watched.on(browser) as watched:
        page = watched.open(folder / "report.html")
        watched.read_through()
        for lane in run.lanes:
            expect(page.locator(f'#lanes tr[data-lane="{lane.name}"]')).to_contain_text(lane.evidence.variant)
        expect(page.locator("#differences .flame iframe")).to_be_attached()
        graph = page.locator("#lane-cpualloc-native-on-cpu .flame")
        graph.get_by_role("searchbox").fill("clone|malloc|free")
        expect(graph.locator(".matched")).to_have_text(re.compile(r"matched [1-9]"))
        frame = graph.frame_locator("iframe")
        frame.locator("g.hit rect").first.click()
        expect(graph.get_by_role("button", name="Reset zoom")).to_be_enabled()


def test_list_serves_people_and_programs() -> None:
    told = hotlap("list", "--json")
    assert told.returncode == 0
    assert '"scenario": "cpualloc"' in told.stdout
    assert "cpualloc/native" in hotlap("list").stdout
