"""The page as it is written: one file, escaped, complete. What a browser makes of it: test_report_browser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import made_run
import msgspec
import pytest
from click.testing import CliRunner

from hotlap.analysis import judge as judgement
from hotlap.analysis.judge import judge
from hotlap.analysis.judged import JudgedRun
from hotlap.analysis.trials import judged_trial
from hotlap.cli import main
from hotlap.evidence.load import Slice, Trial
from hotlap.evidence.profile import DiffFrame, ProfileDiff
from hotlap.report import render
from hotlap.run import result
from hotlap.run.result import RuleHit, RunResult, Settings, Verdict

LOADS_SOMETHING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href"}


class Elements(HTMLParser):
    """The page's elements and texts."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def run(tmp_path: Path) -> JudgedRun:
    return made_run.make(tmp_path)


def test_the_page_is_one_file_that_loads_nothing(run: JudgedRun, tmp_path: Path) -> None:
    page = Elements(render(run, tmp_path))
    assert not [tag for tag, attributes in page.tags if LOADS_SOMETHING & attributes.keys()]
    assert [link["href"] for link in page.all("link")] == ["data:,"]
    assert len([script for script in page.all("script") if script.get("id") == "plotly-packed"]) == 1
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"url\((?!\"data:)", text)
    assert not (tmp_path / "report.html.part").exists()


def test_every_link_within_the_page_has_its_target_once(run: JudgedRun, tmp_path: Path) -> None:
    page = Elements(render(made_run.spoil(run), tmp_path))
    assert len(page.ids) == len(set(page.ids))
    within = {href[1:] for link in page.all("a") if (href := link.get("href") or "").startswith("#")}
    assert within - set(page.ids) == set()
    assert {"lane-cpu-native", "lane-read-python", "findings", "environment"} <= within


def test_names_that_look_alike_have_fragments_of_their_own(run: JudgedRun, tmp_path: Path) -> None:
    first, second = run.lanes[0].evidence, run.lanes[1].evidence
    first.scenario, first.variant = "a-b", "c"
    second.scenario, second.variant = "a", "b-c"
    page = Elements(render(run, tmp_path))
    assert {"lane-a-b-c", "lane-a-b-c-2"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_findings_come_first_as_sentences_with_links(run: JudgedRun, tmp_path: Path) -> None:
    (tmp_path / "locks.json").write_text("{}")
    run.findings.append(
        RuleHit(name="file", scope="run", severity="finding", sentence="See it.", link="locks.json")
    )
    mode = "#lane-cpu-native-on-cpu"
    for sentence, link in (
        ("Of it.", mode),
        ("To it.", "#gone"),
        ("Not it.", "javascript:x()"),
        ("Nor it.", "../x"),
    ):
        made = RuleHit(
            name="x", scope="lane", severity="finding", sentence=sentence, link=link, lane="cpu/native"
        )
        run.findings.append(made)
    page = Elements(render(run, tmp_path))
    text = (tmp_path / "report.html").read_text("utf-8")
    places = [text.index(finding.sentence.removesuffix(".")) for finding in run.findings]
    assert places == sorted(places)
    assert places[-1] < text.index('id="lanes"')
    links = [link.get("href") or "" for link in page.all("a")]
    assert {"locks.json", mode} <= set(links)
    assert "#gone" not in links
    assert links.count("#lane-cpu-native") >= 3 + 1
    assert not [link for link in links if "javascript" in link or ".." in link]


def test_failed_lanes_are_rows_with_their_reason(run: JudgedRun, tmp_path: Path) -> None:
    text = render(made_run.spoil(run), tmp_path).read_text("utf-8")
    row = text[text.index('data-lane="cpu/python"') :]
    row = row[: row.index("</tr>")]
    assert "the server ended with exit code 3" in row
    assert "not measured" in row
    assert not re.search(r">\s*0\s*<", row)
    assert "The load generator used 97% of a core" in text
    assert "41% slower while it was profiled" in text
    assert "leave out --pid" in text


def test_the_pill_of_a_lane_tells_of_its_doubtful_profile(run: JudgedRun, tmp_path: Path) -> None:
    text = render(made_run.spoil(run), tmp_path).read_text("utf-8")
    row = text[text.index('data-lane="cpu/native"') :]
    assert "ok, doubtful on-cpu profile</span>" in row[: row.index("</tr>")]
    assert "of them 1 doubtful" in text


def test_what_is_doubtful_about_the_run_is_said_once_before_the_findings(
    run: JudgedRun, tmp_path: Path
) -> None:
    sentence = "while all 8 lanes were measured, other processes used up to 92% of a core"
    hit = RuleHit(
        name="other-processes",
        scope="run",
        severity="doubtful",
        sentence=sentence,
        lanes=[one.name for one in run.lanes],
    )
    run.doubts.append(hit)
    for lane in run.lanes:
        lane.verdict.rules.append(hit)
    text = render(run, tmp_path).read_text("utf-8")
    said = sentence[0].upper() + sentence[1:]
    assert text.count(said) == 1
    assert text.index(said) < text.index(run.findings[0].sentence.removesuffix("."))
    # In the table, and above each lane.
    assert text.count("</svg>ok, doubtful</span>") == 2 * 8


def test_a_run_of_nothing_is_a_page_too(tmp_path: Path) -> None:
    page = Elements(render(judge(RunResult(created="2026-11-23T13:05:22+00:00")), tmp_path))
    assert "No rule had anything to report about this run." in page.texts
    assert not [script for script in page.all("script") if script.get("id") == "plotly-packed"]


def test_figures_that_are_missing_are_dashes(run: JudgedRun, tmp_path: Path) -> None:
    for lane in run.lanes:
        lane.trials = [judged_trial(Trial(engine="native", model="closed"))]
        lane.profiles = []
    run.evidence.settings = Settings()
    text = render(run, tmp_path).read_text("utf-8")
    row = text[text.index('data-lane="cpu/native"') :]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row[: row.index("</tr>")], re.DOTALL)
    assert [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells] == ["—"] * 10 + ["ok"]
    assert "— means not measured" in text


def test_names_from_outside_are_escaped_everywhere(tmp_path: Path) -> None:
    hostile = made_run.HOSTILE + "'\"{{ 7 * 7 }}</style>"
    run = made_run.spoil(made_run.make(tmp_path))
    spoiled = _poisoned(json.loads(result.write(run.evidence, tmp_path).read_bytes()), hostile)
    (tmp_path / "run.json").write_text(json.dumps(spoiled))
    clean = Elements(render(run, tmp_path))
    page = Elements(render(judge(result.read(tmp_path)), tmp_path))
    text = (tmp_path / "report.html").read_text("utf-8")
    assert hostile not in text
    assert made_run.HOSTILE not in text
    assert sum("alert" in part for part in page.texts) > 50
    for tag in ("script", "style", "iframe", "img"):
        assert len(page.all(tag)) <= len(clean.all(tag))
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_the_article_stands_beside_the_run(run: JudgedRun, tmp_path: Path) -> None:
    text = render(run, tmp_path).read_text("utf-8")
    table = text[text.index('id="reference"') :]
    table = table[: table.index("</section>")]
    assert "Beside the article" in table
    assert [figure in table for figure in ("19.5", "18,000", "820", "19.6", "3,020")] == [True] * 5


def test_what_stock_locust_said_is_a_column(run: JudgedRun, tmp_path: Path) -> None:
    assert "What stock Locust said" not in render(run, tmp_path).read_text("utf-8")
    lane = run.lane("fast/native")
    assert lane is not None
    said = made_run.trial(tmp_path, "stock", (942.0, 1484.0, 180.0, "generator"), role="stock", engine="http")
    lane.trials.append(said)
    text = render(run, tmp_path).read_text("utf-8")
    row = text[text.index('data-lane="fast/native"') :]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row[: row.index("</tr>")])
    assert "What stock Locust said" in text
    assert cells[-3:] == ["942", "1,529", "11.5%"]


def test_a_difference_is_shown_with_its_table(run: JudgedRun, tmp_path: Path) -> None:
    run.evidence.diffs = [
        ProfileDiff(
            a="cpualloc/native",
            b="cpu/native",
            unit="µs/request",
            frames=[
                DiffFrame(name="new", kind="c", a=0.0, b=3.0, self_a=0.0, self_b=3.0),
                DiffFrame(name="malloc", kind="c", a=9200.0, b=14.0, self_a=9100.0, self_b=12.0),
            ],
        )
    ]
    text = render(run, tmp_path).read_text("utf-8")
    table = text[text.index('id="differences"') :]
    table = table[: table.index("</section>")]
    assert [part in table for part in ("malloc", "9,100", "12.0", "\u22129,088", "µs/request")] == [True] * 5


def test_the_same_run_gives_the_same_page(run: JudgedRun, tmp_path: Path) -> None:
    first = render(run, tmp_path).read_bytes()
    assert render(run, tmp_path).read_bytes() == first


def test_hotlap_report_judges_and_renders_anew(tmp_path: Path) -> None:
    run = made_run.write(tmp_path)
    stale = RuleHit(
        name="no-such-rule", scope="lane", severity="void", sentence="Judged by a rule of the past."
    )
    made_run.of(run, "cpu/native").verdict = Verdict(status="void", rules=[stale])
    judgement.write(run, tmp_path)
    assert stale.sentence in (tmp_path / "run.json").read_text("utf-8")
    done = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert (done.exit_code, done.output.strip()) == (0, str(tmp_path / "report.html"))
    written = result.read(tmp_path)
    assert written.judgement is not None
    assert stale not in written.judgement.lanes["cpu/native"].verdict.rules
    assert written.lane("cpu/native") == made_run.of(run, "cpu/native").evidence
    assert stale.sentence not in (tmp_path / "report.html").read_text("utf-8")


def test_an_old_run_is_judged_by_todays_thresholds_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made_run.make(tmp_path)
    seen = made_run.of(run, "cpu/native").evidence
    growing = [Slice(length_s=0.25, requests=90, mean_ms=40.0 + at, in_flight=16) for at in range(20)]
    seen.trials[0] = msgspec.structs.replace(
        seen.trials[0], slices=growing, generator_cpu_percent=70.0, users=16, in_flight_mean=16.0
    )
    result.write(run.evidence, tmp_path)

    def judged_now() -> tuple[str, float | None, str | None, set[str]]:
        assert CliRunner().invoke(main, ["report", str(tmp_path)]).exit_code == 0
        lane = made_run.of(judgement.read(tmp_path), "cpu/native")
        (trial,) = lane.of_role()
        return (
            lane.verdict.status,
            trial.latency_ms.p50,
            trial.limited_by,
            {hit.name for hit in lane.verdict.rules},
        )

    status, p50, limit, names = judged_now()
    assert (status, p50, limit) == ("ok", None, "server")
    assert names == {"still-growing"}
    # By looser rules the same evidence has a median again; by stricter ones the generator set the figure.
    monkeypatch.setattr("hotlap.analysis.trials.GROWTH", 0.9)
    status, p50, limit, names = judged_now()
    assert (status, p50, limit) == ("ok", 46.4, "server")
    assert names == set()
    monkeypatch.setattr("hotlap.analysis.trials.GENERATOR_PERCENT", 60.0)
    monkeypatch.setattr("hotlap.analysis.rules.load.GENERATOR_PERCENT", 60.0)
    status, p50, limit, names = judged_now()
    assert (status, p50, limit) == ("void", 46.4, "generator")
    assert names == {"generator-busy"}


def test_hotlap_report_of_no_run_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert done.exit_code == 2
    assert "it has no run.json" in done.output


def _poisoned(value: Any, hostile: str, key: str = "") -> Any:
    """Every text of the run with a hostile one behind it, but for those that the form itself restricts."""
    if isinstance(value, dict):
        return {name: _poisoned(item, hostile, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_poisoned(item, hostile, key) for item in value]
    restricted = ("severity", "scope", "status", "role", "mode", "limited_by", "histogram", "engine", "model")
    return value + hostile if isinstance(value, str) and key not in restricted else value
