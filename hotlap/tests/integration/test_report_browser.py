"""The page in a real Chromium: offline, without an error, usable on a laptop, on a phone and in the dark."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import made_run
import pytest
from click.testing import CliRunner
from playwright.sync_api import BrowserContext, Locator, Page, expect
from watching import LAPTOP, Watched

from hotlap import _engine
from hotlap.cli import main
from hotlap.evidence.profile import Profile, ProfileDiff
from hotlap.report import render

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
WORDS = (
    *("body", ".byline", ".note", ".fact", ".notice", ".reasons li", ".functions thead th", "#findings a"),
    *(f".status.{kind}" for kind in ("ok", "void", "doubtful", "failed")),
)
COLOURS = """element => {
    let under = element;
    while (getComputedStyle(under).backgroundColor === "rgba(0, 0, 0, 0)") under = under.parentElement;
    return [getComputedStyle(element).color, getComputedStyle(under).backgroundColor];
}"""
STACKS = [
    (["event loop", "app (pyapp/app.py:88)", "pyapp_core::fold::fold_cloned", "malloc"], 61),
    (["event loop", "app (pyapp/app.py:88)", "pyapp_core::fold::fold_cloned", "cfree"], 22),
    (["event loop", "app (pyapp/app.py:88)", "json (falcon/media.py:7)"], 17),
]


@pytest.fixture
def watched(browser: BrowserContext) -> Iterator[Watched]:
    with Watched.on(browser) as seen:
        yield seen


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a void lane, an unmeasured one, a doubtful profile and a failed one."""
    folder = tmp_path_factory.mktemp("run")
    svg = _engine.Stacks.from_counts(STACKS).svg("cpualloc/native", unit="samples")
    run = made_run.spoil(made_run.make(folder, svg.encode()))
    run.evidence.diffs = [ProfileDiff(a="cpualloc/native", b="cpu/native", unit="samples", svg="flame.svg")]
    return render(run, folder)


def flame(page: Page, place: str = "#lane-cpualloc-native") -> Locator:
    """A flame graph of the page, drawn."""
    found = page.locator(f"{place} .flame").first
    found.scroll_into_view_if_needed()
    expect(page.locator(f"{place} .flame[data-ready]").first).to_be_attached()
    return found


def test_every_lane_has_its_row(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    rows = page.locator("#lanes tr[data-lane]")
    names = [f"{scenario}/{variant}" for scenario in made_run.ARTICLE for variant in ("python", "native")]
    assert [row.get_attribute("data-lane") for row in rows.all()] == names
    expect(page.locator('tr[data-lane="cpu/python"]')).to_contain_text("exit code 3")
    expect(page.locator('tr[data-lane="fast/python"]')).to_contain_text("void")
    expect(page.locator('tr[data-lane="cpualloc/native"]')).to_contain_text("39.2×")


def test_everything_is_drawn_without_an_error_or_a_request(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    watched.read_through()
    assert page.locator(".chart .main-svg").count() >= page.locator(".chart").count() > 6
    assert page.locator(".flame iframe").count() == page.locator(".flame").count() == 8
    assert (
        page.evaluate(
            "performance.getEntriesByType('resource').map(one => one.name).filter(one => /^http/.test(one))"
        )
        == []
    )


def test_a_flame_graph_zooms_within_the_page(watched: Watched, report: Path) -> None:
    graph = flame(watched.open(report))
    frame = graph.frame_locator("iframe")
    clicked = frame.locator("g", has_text="fold_cloned").locator("rect")
    before = clicked.bounding_box()
    reset = graph.get_by_role("button", name="Reset zoom")
    expect(reset).to_be_disabled()
    clicked.click()
    expect(reset).to_be_enabled()
    after = clicked.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > before["width"] * 1.15
    expect(frame.locator("g", has_text="json (falcon")).to_be_hidden()
    reset.click()
    expect(reset).to_be_disabled()
    expect(frame.locator("g", has_text="json (falcon")).to_be_visible()


def test_a_flame_graph_is_searched_within_the_page(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    graph = flame(page)
    graph.get_by_role("searchbox").fill("malloc")
    expect(graph.locator(".matched")).to_have_text("matched 61.0%")
    expect(graph.frame_locator("iframe").locator("g.hit")).to_have_count(1)
    graph.get_by_role("searchbox").fill("malloc|cfree")
    expect(graph.locator(".matched")).to_have_text("matched 83.0%")
    graph.get_by_role("searchbox").fill("(")
    expect(graph.locator(".matched")).to_contain_text("no regular expression")
    graph.get_by_role("searchbox").fill("")
    expect(graph.locator(".matched")).to_have_text("")
    other = flame(page, "#lane-read-python")
    expect(other.frame_locator("iframe").locator("g.hit")).to_have_count(0)


def test_a_function_is_found_in_its_flame_graph(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    graph = flame(page)
    page.locator("#lane-cpualloc-native").get_by_role("button", name="malloc", exact=True).click()
    expect(graph.get_by_role("searchbox")).to_have_value("malloc")
    expect(graph.locator(".matched")).to_have_text("matched 61.0%")
    expect(graph).to_be_in_viewport()


def test_profiles_of_a_lane_are_tabs_and_links_open_them(watched: Watched, tmp_path: Path) -> None:
    svg = _engine.Stacks.from_counts(STACKS).svg("cpualloc/native", unit="samples")
    run = made_run.make(tmp_path, svg.encode())
    lane = made_run.of(run, "read/python")
    made_run.add(lane, Profile(profiler="probe", mode="await", svg="flame.svg", probe=True))
    made_run.add(
        lane, Profile(profiler="memray", mode="memory", error="It may not trace: see hotlap doctor.")
    )
    run.findings[0].link = "#lane-read-python-await"
    page = watched.open(render(run, tmp_path))
    tabs = page.get_by_role("tablist", name="Profiles of read/python").get_by_role("tab")
    expect(tabs).to_have_text(["On CPU", "Await", "Memory "])
    on_cpu, awaited = page.locator("#lane-read-python-on-cpu"), page.locator("#lane-read-python-await")
    expect(on_cpu).to_be_visible()
    expect(awaited).to_be_hidden()
    page.locator("#findings a").first.click()
    expect(awaited).to_be_visible()
    expect(awaited).to_be_in_viewport()
    expect(on_cpu).to_be_hidden()
    flame(page, "#lane-read-python-await")
    tabs.nth(1).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#lane-read-python-memory")).to_contain_text("hotlap doctor")
    expect(awaited).to_be_hidden()


def test_a_frame_says_its_name_when_pointed_at(watched: Watched, report: Path) -> None:
    graph = flame(watched.open(report))
    graph.frame_locator("iframe").locator("g", has_text="malloc").locator("rect").hover()
    expect(graph.locator(".hovered")).to_contain_text("malloc")
    expect(graph.locator(".hovered")).to_contain_text("61")


def test_a_finding_leads_to_its_evidence(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    page.locator("#findings a").first.click()
    expect(page.locator("#lane-read-python")).to_be_in_viewport()


@pytest.mark.parametrize(("size", "scheme"), [(LAPTOP, "dark"), (PHONE, "light")], ids=["laptop", "phone"])
def test_the_page_never_scrolls_sideways(
    watched: Watched, report: Path, size: dict[str, int], scheme: str
) -> None:
    watched.page.set_viewport_size(size)  # type: ignore[arg-type]
    watched.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page = watched.open(report)
    watched.read_through()
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1] == size["width"]
    table = page.locator("#lanes .scroll")
    assert table.evaluate("box => box.getBoundingClientRect().right") <= size["width"]


def test_the_dark_page_follows_the_system_and_the_button(watched: Watched, report: Path) -> None:
    page = watched.page
    page.emulate_media(color_scheme="dark")
    watched.open(report)
    graph = flame(page)
    behind = "getComputedStyle(document.body).backgroundColor"
    inside = "svg => getComputedStyle(svg).backgroundColor"
    svg = graph.frame_locator("iframe").locator("svg.hotlap-flame")
    assert brightness(page.evaluate(behind)) < 40
    assert brightness(svg.evaluate(inside)) < 50
    page.get_by_role("button", name="Switch between the light and the dark page").click()
    assert brightness(page.evaluate(behind)) > 240
    expect(graph.frame_locator("iframe").locator("html[data-theme=light]")).to_be_attached()
    assert brightness(svg.evaluate(inside)) > 240


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(watched: Watched, report: Path, scheme: str) -> None:
    watched.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page = watched.open(report)
    for selector in WORDS:
        ink, behind = page.locator(selector).first.evaluate(COLOURS)
        assert contrast(ink, behind) >= 4.5, (selector, ink, behind)


def test_the_page_is_read_by_keyboard_and_by_structure(watched: Watched, report: Path) -> None:
    page = watched.open(report)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(one => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("thead th:not([scope])").count() == 0
    named = page.locator(".scroll[tabindex='0'][role=region][aria-label]")
    names = named.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert len(names) == len(set(names)) == page.locator(".scroll").count()
    flame(page)
    assert page.locator("iframe:not([title])").count() == 0


def test_hostile_names_stay_names(watched: Watched, tmp_path: Path) -> None:
    run = made_run.make(tmp_path)
    hostile = "<img src=x onerror=alert(1)>" + made_run.HOSTILE
    for lane in run.lanes:
        lane.evidence.variant += hostile
        lane.evidence.path += hostile
    run.evidence.name = hostile
    run.findings[0].sentence = hostile
    run.evidence.environment.versions[hostile] = hostile
    page = watched.open(render(run, tmp_path))
    watched.read_through()
    expect(page.locator("h1")).to_have_text(hostile)
    expect(page.locator("#findings .finding").first).to_contain_text(hostile)
    assert page.locator("main img, main script").count() == 0
    legend = page.locator(".chart .legendtext").first.text_content() or ""
    assert "<img src=x" in legend


def test_names_on_an_axis_are_neither_colours_nor_markup(watched: Watched, tmp_path: Path) -> None:
    run = made_run.make(tmp_path)
    names = {"read": "$ink", "fast": "<b>bold</b> &amp;"}
    for lane in run.lanes:
        lane.evidence.scenario = names.get(lane.evidence.scenario, lane.evidence.scenario)
    page = watched.open(render(run, tmp_path))
    watched.read_through()
    ticks = page.locator(".chart").first.locator(".ytick text").all_text_contents()
    assert {tick.strip() for tick in ticks} == {"$ink", "<b>bold</b> &amp;", "cpualloc", "cpu"}


def test_a_hostile_flame_graph_stays_in_its_frame(browser: BrowserContext, tmp_path: Path) -> None:
    """What the browser says of the attempts differs by version: the proof is that nobody was called."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/told"
        evil = f"""<svg class="hotlap-flame" xmlns="http://www.w3.org/2000/svg" height="60"><text>evil</text>
        <script>
        const done = document.documentElement.dataset;
        try {{ parent.document.title = "taken"; }} catch {{ done.title = "refused"; }}
        try {{ top.location = "{address}"; }} catch {{ done.top = "refused"; }}
        fetch("{address}").catch(() => {{ done.fetch = "refused"; }});
        const image = new Image();
        image.onerror = () => {{ done.image = "refused"; }};
        image.src = "{address}";
        </script></svg>"""
        page = browser.new_page()
        page.goto(render(made_run.make(tmp_path, evil.encode()), tmp_path).as_uri())
        page.locator(".flame").first.scroll_into_view_if_needed()
        inside = page.frame_locator(".flame iframe").first.locator("html")
        for attempt in ("title", "top", "fetch", "image"):
            expect(inside).to_have_attribute(f"data-{attempt}", "refused")
        assert page.title() == "pyapp: hotlap report"
        assert page.url.startswith("file:")
        page.close()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def brightness(colour: str) -> float:
    """The mean of a colour's channels, 0 to 255."""
    return sum(channels(colour)) / 3


def channels(colour: str) -> list[float]:
    """Red, green and blue, 0 to 255, of a computed colour."""
    return [float(part) for part in re.findall(r"[\d.]+", colour)[:3]]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 defines it, 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [part / 255 for part in channels(colour)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_run.history(tmp_path_factory.mktemp("runs"))


def test_the_history_works_in_a_browser(browser: BrowserContext, runs: Path) -> None:
    assert CliRunner().invoke(main, ["history", str(runs)]).exit_code == 0
    with Watched.on(browser) as watched:
        page = watched.open(runs / "index.html")
        watched.read_through()
        rows = page.locator("#runs tbody tr")
        expect(rows).to_have_count(3)
        expect(rows.first).to_contain_text("1 void")
        expect(rows.nth(1)).to_contain_text("hotlap report")
        assert page.locator(".chart .main-svg").count() >= page.locator(".chart").count() >= 8
        page.set_viewport_size({"width": 390, "height": 844})
        watched.read_through()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        expect(page.locator("#comparisons a")).to_have_attribute("href", "deep/compare.html")
        rows.first.get_by_role("link").click()
        expect(page.locator("h1")).to_have_text("pyapp")
