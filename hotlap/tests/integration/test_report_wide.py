"""The report of sixty lanes in a real Chromium: short, small, and everything in it within reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import made_run
import pytest
import wide_run
from playwright.sync_api import BrowserContext, Locator, Page, expect
from watching import LAPTOP, Watched

from hotlap.analysis.causes import causes
from hotlap.analysis.comparison import verdicts
from hotlap.analysis.judged import JudgedRun
from hotlap.report import render
from hotlap.report.html.comparison import render_comparison

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
LANES = wide_run.SCENARIOS * len(wide_run.VARIANTS)
OVERFLOWING = """() => [...document.querySelectorAll("main *")].filter((one) =>
    one.checkVisibility() && !one.closest(".scroll, .stage, svg, .visually-hidden")
    && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 120))"""


@pytest.fixture
def watched(browser: BrowserContext) -> Iterator[Watched]:
    with Watched.on(browser) as seen:
        yield seen


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wide")


@pytest.fixture(scope="module")
def run(folder: Path) -> JudgedRun:
    return wide_run.make(folder)


@pytest.fixture(scope="module")
def report(run: JudgedRun, folder: Path) -> Path:
    return render(run, folder)


def rows(page: Page) -> Locator:
    """The lanes that the table shows."""
    return page.locator("#lanes tr[data-lane]:visible")


def names(page: Page) -> list[str | None]:
    """The lanes that the table shows, by name, in their order."""
    found: list[str | None] = rows(page).evaluate_all("all => all.map(one => one.dataset.lane)")
    return found


@pytest.mark.parametrize(("size", "limit"), [(LAPTOP, 16_000), (PHONE, 22_000)], ids=["laptop", "phone"])
def test_the_page_is_short(watched: Watched, report: Path, size: dict[str, int], limit: int) -> None:
    watched.page.set_viewport_size(size)  # type: ignore[arg-type]
    page = watched.open(report)
    watched.read_through()
    assert page.evaluate("document.documentElement.scrollHeight") < limit


def test_the_file_is_small(report: Path, tmp_path: Path) -> None:
    assert report.stat().st_size < 1_900_000
    assert render(made_run.make(tmp_path), tmp_path).stat().st_size < 720_000


def test_ten_findings_are_shown_and_the_rest_is_folded(
    watched: Watched, report: Path, run: JudgedRun
) -> None:
    told = causes(run.findings)
    page = watched.open(report)
    shown = page.locator("#findings .finding:visible")
    expect(shown).to_have_count(10)
    expect(shown.first).to_contain_text("Requests wait for the same lock (catalogue). 8 lanes")
    rest = page.get_by_text(f"{len(told) - 10} more findings")
    rest.focus()
    page.keyboard.press("Enter")
    expect(shown).to_have_count(len(told))
    places = page.locator("#findings .finding").evaluate_all(
        "all => all.map(one => getComputedStyle(one, '::before').content)"
    )
    assert len(places) == len(told)
    numbers = page.locator("ol.findings").nth(1)
    assert numbers.evaluate("one => getComputedStyle(one).counterReset") == "f 10"


def test_a_folded_finding_leads_to_its_folded_evidence(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    idle = page.locator("#findings .finding", has_text="idle half of the time")
    idle.locator("summary").first.click()
    each = idle.locator(".each > ul > li")
    assert each.count() == int((idle.locator(".reach").text_content() or "").split()[0])
    evidence = page.locator("#lane-report-24-python")
    expect(evidence).to_be_hidden()
    each.filter(has_text="report-24/python").get_by_role("link").click()
    expect(evidence).to_be_in_viewport()
    expect(evidence.locator(".flame").first).to_be_visible()


def test_scenarios_beyond_ten_are_folded_until_they_are_asked_for(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    folded = page.locator("section.scenario > details.fold")
    expect(folded).to_have_count(wide_run.SCENARIOS - 10)
    expect(page.locator("section.scenario > details.fold[open]")).to_have_count(0)
    name = wide_run.scenario(wide_run.SCENARIOS - 1)
    page.locator(f'#lanes tr[data-lane="{name}/native"] a').click()
    lane = page.locator(f"#lane-{name}-native")
    expect(lane).to_be_in_viewport()
    expect(lane.locator(".flame[data-ready]").first).to_be_attached()
    expect(page.locator("section.scenario > details.fold[open]")).to_have_count(1)


def test_lanes_are_filtered_by_words(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    filtered = page.get_by_role("searchbox", name="Filter")
    said = page.locator("#lanes output")
    assert rows(page).count() == LANES
    filtered.fill("ORDER native")
    expect(said).to_have_text("6 of 60 lanes")
    assert names(page) == [f"order-{number:02}/native" for number in range(2, 30, 5)]
    filtered.fill("void")
    void = page.locator("#lanes tr.void").count()
    assert void > 0
    assert rows(page).count() == page.locator("#lanes .because:visible").count() == void
    filtered.fill("exit code 3")
    assert names(page) == [f"{wide_run.scenario(wide_run.UNMEASURED // 2)}/native"]
    filtered.fill("no lane has this")
    expect(said).to_have_text("0 of 60 lanes")
    assert page.locator("#lanes tbody:visible").count() == 0
    filtered.fill("")
    expect(said).to_have_text("60 lanes")
    assert rows(page).count() == LANES


def test_lanes_are_sorted_by_a_column_and_back(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    before = names(page)
    head = page.locator("th[data-key=p99]")
    button = head.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    values = figures(page, "p99")
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True)
    assert len(set(known)) > 10
    assert values[len(known) :] == [None] * (LANES - len(known)) != []
    page.keyboard.press("Space")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert figures(page, "p99")[: len(known)] == sorted(known)
    reasons = page.locator("#lanes .because").evaluate_all(
        "all => all.map(one => [one.previousElementSibling.dataset.lane, one.textContent])"
    )
    assert reasons
    assert all(lane in told for lane, told in reasons)
    page.locator("th[data-key=rps]").get_by_role("button").click()
    expect(page.locator("th[aria-sort]")).to_have_count(1)
    page.locator("th[data-key=lane]").get_by_role("button").click()
    assert names(page) == sorted(map(str, before))
    page.get_by_role("searchbox", name="Filter").fill("report")
    for _ in range(2):
        page.locator("th[data-key=lane]").get_by_role("button").click()
    assert page.locator("th[aria-sort]").count() == 0
    assert names(page) == [name for name in before if "report" in str(name)]
    page.get_by_role("searchbox", name="Filter").fill("")
    assert names(page) == before


def figures(page: Page, key: str) -> list[float | None]:
    """What the table's rows are sorted by, in their order."""
    found: list[float | None] = rows(page).evaluate_all(
        "(all, key) => all.map(one => JSON.parse(one.dataset.sortsBy)[key] ?? null)", key
    )
    return found


def test_nothing_is_cut_off_on_a_phone(watched: Watched, report: Path) -> None:
    watched.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page = watched.open(report)
    page.evaluate("document.querySelectorAll('#findings details, .more, .scenario:nth-child(-n+2) details, "
                  ".scenario:nth-child(12) details').forEach(one => { one.open = true; })")  # fmt: skip
    watched.read_through()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_a_graph_of_waits_opens_at_its_root(watched: Watched, report: Path, size: dict[str, int]) -> None:
    watched.page.set_viewport_size(size)  # type: ignore[arg-type]
    page = watched.open(report)
    lane = page.locator("#lane-read-00-python")
    lane.locator("summary", has_text="Profiles").click()
    tabs = lane.get_by_role("tablist")
    awaited = page.locator("#lane-read-00-python-await")
    for name in ("Await", "On CPU", "Await"):
        tabs.get_by_role("tab", name=name).click()
    expect(awaited.locator(".flame[data-ready]")).to_be_attached()
    stage = awaited.locator(".stage")
    assert stage.evaluate("one => one.scrollHeight - one.clientHeight") > 100
    assert stage.evaluate("one => one.scrollHeight - one.clientHeight - one.scrollTop") <= 1
    frames = awaited.frame_locator("iframe").locator(".flame-frames g")
    stage.evaluate("one => one.scrollIntoView({ block: 'end' })")
    expect(frames.filter(has_text="root of await").first).to_be_in_viewport()
    expect(frames.filter(has_text="frame 89").first).not_to_be_in_viewport()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_comparison(wide_run.comparison(), tmp_path_factory.mktemp("compared") / "compare.html")


def test_a_comparison_leads_with_its_verdict(watched: Watched, compared: Path) -> None:
    told = verdicts(wide_run.comparison().rows)
    page = watched.open(compared)
    expect(page.locator("main > section").first).to_have_attribute("id", "verdict")
    expect(page.locator(".verdict")).to_have_text(told.sentence)
    worse = page.locator("h3:has-text('Worse') + ul > li")
    expect(worse).to_have_count(10)
    first = told.worse[0]
    expect(worse.first).to_contain_text(f"{first.lane}: {first.figure[0].lower()}{first.figure[1:]}")
    page.locator("#verdict summary", has_text=f"{len(told.worse) - 10} more").first.click()
    expect(page.locator("#verdict .changes").nth(1).locator("li:visible")).to_have_count(len(told.worse) - 10)
    cells = page.locator(".compared tbody tr").evaluate_all("all => all.map(one => one.textContent)")
    assert len(cells) == 3 * LANES
    assert not [text for text in cells if "no difference" in text and "not compared" in text]


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_a_wide_comparison_is_cut_off_nowhere(watched: Watched, compared: Path, size: dict[str, int]) -> None:
    watched.page.set_viewport_size(size)  # type: ignore[arg-type]
    page = watched.open(compared)
    assert page.evaluate("document.documentElement.scrollHeight") < 11_000
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    watched.read_through()
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert page.evaluate(OVERFLOWING) == []
    tables = page.locator(".scroll:has(.compared)")
    widths = tables.evaluate_all("all => all.map(one => [one.scrollWidth, one.clientWidth])")
    assert widths
    assert all(inner <= outer for inner, outer in widths)


def test_no_table_of_functions_starts_with_the_clock(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    first = page.locator(".functions:has-text('vdso') tbody tr:first-child th").all_text_contents()
    assert len(first) == LANES - 1
    assert not [name for name in first if "vdso" in name]


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_words_of_charts_neither_overlap_nor_are_cut_off(
    watched: Watched, report: Path, size: dict[str, int]
) -> None:
    watched.page.set_viewport_size(size)  # type: ignore[arg-type]
    page = watched.open(report)
    watched.read_through()
    wrong = page.evaluate(CROWDED)
    assert wrong == []


CROWDED = """() => [...document.querySelectorAll(".chart")].filter((chart) => chart.checkVisibility()).flatMap((chart) => {
    const edge = chart.getBoundingClientRect();
    const of = (selector) => [...chart.querySelectorAll(selector)].map((one) =>
        ({ word: one.textContent, box: one.getBoundingClientRect() })).filter(({ box }) => box.width > 0);
    const meet = (one, other) => one.left < other.right && other.left < one.right
        && one.top + 3 < other.bottom && other.top + 3 < one.bottom;
    const [x, y, points, legend] = [".xtick text", ".ytick text, .y2tick text", ".textpoint text", ".legendtext"].map(of);
    const named = chart.dataset.chart;
    const found = [];
    for (const { word, box } of [...x, ...y, ...points, ...legend]) {
        if (box.left < edge.left - 1 || box.right > edge.right + 1) found.push(`${named}: ${word} is cut off`);
    }
    for (const words of [x, y, legend]) {
        words.forEach((one, at) => words.slice(at + 1).forEach((other) => {
            if (meet(one.box, other.box)) found.push(`${named}: ${one.word} on ${other.word}`);
        }));
    }
    for (const one of points) for (const other of y) {
        if (meet(one.box, other.box)) found.push(`${named}: ${one.word} on ${other.word}`);
    }
    return found;
})"""
