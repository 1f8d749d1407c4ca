"""The flame graph in a real browser: alone, and several in one page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from hotlap._engine import FLAME_SCRIPT, Stacks

pytestmark = pytest.mark.browser

LONG = "a_service_with_a_long_name/endpoints/of_the_catalogue/reservations_and_returns/handlers.py"
HOSTILE = '<img src=x onerror="window.hurt=1">&amp;]]>'


@pytest.fixture(scope="module")
def stacks() -> Stacks:
    """A small recording: half of it under ``left``, a quarter under ``right``."""
    return Stacks.from_counts(
        [
            (["main (app.py:1)", "left", "deep"], 50),
            (["main (app.py:1)", "right", HOSTILE], 25),
            (
                [
                    "main (app.py:1)",
                    "_RNvXs4_NtCslNYArtu3iFV_5alloc6stringNtB5_6StringNtNtCsgEmfK2I1SDS_4core5clone5Clone5clone",
                ],
                25,
            ),
        ]
    ).clean()


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A page that must raise no error of its own and ask for nothing outside of its file."""
    page = browser.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("request", lambda asked: None if asked.url.startswith("file:") else troubles.append(asked.url))
    yield page
    page.close()
    assert troubles == []


def box_width(page: Page, graph: int, name: str) -> float:
    """How wide a frame is drawn, in pixels; 0 if it is hidden."""
    width: float = page.evaluate(
        """([graph, name]) => {
            const svg = document.querySelectorAll("svg.hotlap-flame")[graph];
            const g = [...svg.querySelectorAll(".flame-frames g")].find(
                (g) => g.querySelector("title").textContent.split("\\n")[0] === name);
            return g.querySelector("rect").getBoundingClientRect().width;
        }""",
        [graph, name],
    )
    return width


def click_frame(page: Page, graph: int, name: str) -> None:
    """Click the middle of a frame, as a hand does."""
    frames = page.locator("svg.hotlap-flame").nth(graph).locator(".flame-frames g")
    frames.filter(has=page.locator("title", has_text=name)).last.locator("rect").click()


def test_zoom_and_reset(page: Page, stacks: Stacks, tmp_path: Path) -> None:
    file = tmp_path / "graph.svg"
    file.write_text(stacks.svg("a graph", subtitle="of samples"))
    page.goto(file.as_uri())
    whole = box_width(page, 0, "all")
    assert box_width(page, 0, "left") == pytest.approx(whole / 2, rel=0.02)
    click_frame(page, 0, "left")
    assert box_width(page, 0, "left") == pytest.approx(whole, rel=0.02)
    assert box_width(page, 0, "deep") == pytest.approx(whole, rel=0.02)
    assert box_width(page, 0, "right") == 0
    page.get_by_text("Reset zoom").click()
    assert box_width(page, 0, "right") == pytest.approx(whole / 4, rel=0.02)
    assert page.get_by_text("Reset zoom").is_hidden()


def test_search_tells_the_share(page: Page, stacks: Stacks, tmp_path: Path) -> None:
    file = tmp_path / "graph.svg"
    file.write_text(stacks.svg("a graph"))
    page.goto(file.as_uri())
    page.locator(".flame-search").fill("^(left|deep)")
    assert page.locator(".flame-matched").text_content() == "matched 50.0%"
    assert page.locator(".flame-frames g.hit").count() == 2
    page.locator(".flame-search").fill("alloc::string::String")
    assert page.locator(".flame-matched").text_content() == "matched 25.0%", "whole names are searched too"
    page.locator(".flame-search").fill("(")
    assert page.locator(".flame-matched").text_content() == "no regular expression"
    page.locator(".flame-search").press("Escape")
    assert page.locator(".flame-frames g.hit").count() == 0


def test_names_fit_and_tooltips_have_all_of_them(page: Page, stacks: Stacks, tmp_path: Path) -> None:
    file = tmp_path / "graph.svg"
    file.write_text(stacks.svg("a graph"))
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(file.as_uri())
    overflowing = page.evaluate(
        """() => [...document.querySelectorAll(".flame-frames g")].filter((g) =>
            g.querySelector("text").getBoundingClientRect().width > g.querySelector("rect").getBoundingClientRect().width
        ).length"""
    )
    assert overflowing == 0
    titles = page.locator(".flame-frames g title").all_text_contents()
    assert any(
        title.split("\n")[:2]
        == ["<String as Clone>::clone", "<alloc::string::String as core::clone::Clone>::clone"]
        for title in titles
    )
    page.locator(".flame-frames g").filter(has=page.locator("title", has_text="deep")).last.hover()
    assert "50 samples, 50.00%" in (page.locator(".flame-details").text_content() or "")


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["laptop", "phone"])
def test_a_graph_higher_than_the_window_opens_at_its_root(
    page: Page, tmp_path: Path, size: tuple[int, int]
) -> None:
    chain = [f"frame {depth} ({LONG}:{depth})" for depth in range(90)]
    file = tmp_path / "graph.svg"
    file.write_text(Stacks.from_counts([(["root", *chain], 1)]).svg("waits"))
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(file.as_uri())
    root = page.locator(".flame-frames g").filter(has=page.locator("title", has_text="root")).first
    leaf = page.locator(".flame-frames g").filter(has=page.locator("title", has_text="frame 89")).first
    expect(root.locator("rect")).to_be_in_viewport()
    expect(leaf.locator("rect")).not_to_be_in_viewport()
    page.mouse.move(200, 300)
    page.mouse.wheel(0, -5000)
    expect(leaf.locator("rect")).to_be_in_viewport()


def test_the_header_has_room_for_a_long_path(page: Page, stacks: Stacks, tmp_path: Path) -> None:
    file = tmp_path / "graph.svg"
    file.write_text(stacks.svg(f"process {LONG}", subtitle=f"2,911 samples, {LONG}"))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(file.as_uri())
    parts = (
        "foreignObject, .flame-title, .flame-subtitle, .flame-legend text, .flame-frames g:last-child rect"
    )
    boxes = page.locator(parts).evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(({left, right, top, bottom}) => [left, right, top, bottom])"
    )
    assert len(boxes) >= 5
    assert all(left >= 0 and right <= 390 for left, right, _, _ in boxes)
    for (left, right, top, bottom), other in combinations(boxes, 2):
        assert right <= other[0] or other[1] <= left or bottom <= other[2] + 2 or other[3] <= top + 2
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert (page.locator(".flame-title").text_content() or "").replace(" ", "") == f"process{LONG}"
    page.set_viewport_size({"width": 1800, "height": 844})
    expect(page.locator(".flame-title tspan")).to_have_count(0)
    expect(page.locator(".flame-title")).to_have_attribute("x", "50%")


def test_graphs_in_one_page_keep_to_themselves(page: Page, stacks: Stacks, tmp_path: Path) -> None:
    diff = stacks.diff(Stacks.from_counts([(["main (app.py:2)", "left"], 1)]), names=("one", "two"))
    graphs = [
        stacks.svg(HOSTILE, standalone=False),
        stacks.svg("second", standalone=False),
        diff.svg("third", standalone=False),
    ]
    assert all(" id=" not in graph for graph in graphs)
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><meta charset=utf-8><body>" + "<hr>".join(graphs))
    page.goto(file.as_uri())
    assert page.evaluate("window.hurt") is None
    assert page.locator("svg.hotlap-flame[data-ready]").count() == 3
    assert page.locator(".flame-search").count() == 3
    before = box_width(page, 0, "left")
    click_frame(page, 1, "right")
    assert box_width(page, 1, "left") == 0
    assert box_width(page, 0, "left") == before
    page.locator(".flame-search").nth(2).fill("left")
    assert page.locator("svg.hotlap-flame").nth(2).locator("g.hit").count() == 1
    assert page.locator("svg.hotlap-flame").nth(0).locator("g.hit").count() == 0


def test_a_graph_put_in_later_is_started_by_the_script(page: Page, stacks: Stacks, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><meta charset=utf-8><body></body>")
    page.goto(file.as_uri())
    page.evaluate("(svg) => { document.body.innerHTML = svg; }", stacks.svg("late", standalone=False))
    assert page.locator("svg.hotlap-flame[data-ready]").count() == 0
    page.evaluate(FLAME_SCRIPT)
    click_frame(page, 0, "left")
    assert box_width(page, 0, "right") == 0
