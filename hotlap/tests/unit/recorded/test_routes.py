"""What is the same in many requests, what differs, and what is nobody's to know."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotlap.recorded import Recorded
from hotlap.recorded.routes import MOST_NAMES, Route, Templates, routes, shape

WORDS = ["known", "7", *(f"word{chr(97 + number)}" for number in range(MOST_NAMES + 4))]
"""More of them than a service has names for."""


def get(path: str, status: int = 200) -> Recorded:
    return Recorded(method="GET", path=path, status=status)


def told(found: list[Route]) -> list[tuple[str, int, list[str]]]:
    return [(route.template, route.count, route.columns) for route in found]


def test_identifiers_are_values() -> None:
    requests = [get(f"/items/{number}") for number in range(5)]
    requests += [get(f"/users/0c52d8f1-7f0e-4a6b-9d4e-00000000000{number}/orders") for number in range(3)]
    requests += [get("/about"), get("/about")]
    found = routes(requests)
    assert told(found) == [
        ("/items/{item_id}", 5, ["item_id"]),
        ("/users/{user_id}/orders", 3, ["user_id"]),
        ("/about", 2, []),
    ]
    assert found[0].rows == [("0",), ("1",), ("2",), ("3",), ("4",)]


def test_many_words_in_one_place_are_values_and_few_are_names() -> None:
    words = [f"word-{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(MOST_NAMES + 1)]
    requests = [get(f"/tags/{word}/posts") for word in words] + [get("/docs/a"), get("/docs/b")]
    assert told(routes(requests)) == [
        ("/tags/{tag_id}/posts", MOST_NAMES + 1, ["tag_id"]),
        ("/docs/a", 1, []),
        ("/docs/b", 1, []),
    ]


def test_what_the_app_tells_of_itself_comes_first() -> None:
    requests = [get("/shops/a/items/b"), get("/shops/c/items/d"), get("/shops/a/items/latest")]
    known = ["/shops/{shop}/items/{item:path}", "/shops/{shop}/items/latest"]
    assert told(routes(requests, known)) == [
        ("/shops/{shop}/items/{item}", 2, ["shop", "item"]),
        ("/shops/a/items/latest", 1, []),
    ]


def test_parameters_of_a_query_that_differ_are_values() -> None:
    requests = [get(f"/search?q=a%20{word}&page=1&q2=") for word in "xyz"] + [get("/search")]
    found = routes(requests)
    assert told(found) == [("/search?q={q}&page=1&q2=", 3, ["q"]), ("/search", 1, [])]
    assert found[0].rows[0] == ("a x",)


def test_what_was_answered_badly_gives_no_values() -> None:
    found = routes([get("/items/1"), get("/items/2", 404), get("/items/3"), get("/items/4", 500)])
    (route,) = found
    assert (route.count, route.failed, route.status, route.rows) == (4, 2, 200, [("1",), ("3",)])


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("/items/1", "/items/2", True),
        ("/items/1", "/items/a", False),
        ("/items/1.json", "/items/2.json", True),
        ("/items/1.json", "/items/1.csv", False),
        ("/items/1.json", "/items/1", False),
        ("/items?page=1&size=2", "/items?size=3&page=4", True),
        ("/items?page=1", "/items", False),
        ("/", "/x", False),
    ],
)
def test_paths_that_differ_in_values_alone_are_of_one_shape(one: str, other: str, alike: bool) -> None:
    assert (shape(one) == shape(other)) == alike


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), max_size=60), st.randoms())
def test_templates_are_the_same_in_whatever_order_paths_come(paths: list[list[str]], random: Random) -> None:
    """They are told while paths come, so that early ones have to change their minds."""

    def found(ordered: list[list[str]]) -> dict[tuple[str, ...], tuple[str, ...]]:
        templates = Templates(["/known/{id}"])
        numbers = [templates.add(one) for one in ordered]
        return {tuple(one): templates.template(number) for one, number in zip(ordered, numbers, strict=True)}

    shuffled = paths.copy()
    random.shuffle(shuffled)
    assert found(paths) == found(shuffled)


def test_templates_do_not_grow_with_the_paths() -> None:
    templates = Templates()
    numbers = {templates.add([f"word-{one}x", f"other-{two}x"]) for one in range(60) for two in range(60)}
    assert len(numbers) <= (MOST_NAMES + 1) ** 2
    assert {templates.template(number) for number in numbers} == {("{}", "{}")}
