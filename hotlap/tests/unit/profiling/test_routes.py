"""What each scenario of a mix has of a recording."""

from __future__ import annotations

from pathlib import Path

from hotlap._engine import Stacks
from hotlap.evidence.figures import Place
from hotlap.evidence.profile import RouteShare
from hotlap.experiment import Lane
from hotlap.experiment.model import Step
from hotlap.profiling.routes import Handler, by_route, requests_of

ROOT = Path("/srv/shop")
BROWSE = Handler("browse", "/srv/shop/app.py", 10, 19)
BUY = Handler("Cart.post", "/srv/shop/cart.py", 5, 30)
RECORDED = b"""\
run (/v/uvicorn/x.py:3);browse (/srv/shop/app.py:12);helper (/srv/shop/cart.py:90) 60
run (/v/uvicorn/x.py:3);Cart.post.<locals>.inner (/srv/shop/cart.py:28);dumps (/lib/json/__init__.py:8) 25
run (/v/uvicorn/x.py:3);Cart.post (/srv/shop/cart.py:7);browse (/srv/shop/app.py:11) 5
run (/v/uvicorn/x.py:3);Cart.post (/srv/shop/cart.py:7);0x1 (libc.so.6);epoll_wait (libc.so.6) 50
run (/v/uvicorn/x.py:3);parse (/v/uvicorn/y.py:12) 10
"""


def test_a_sample_is_the_outermost_handlers() -> None:
    stacks = Stacks.from_bytes(RECORDED)
    found = by_route(stacks, {BROWSE: ["browse"], BUY: ["buy", "buy much"]}, ROOT, lambda one: one.clean())
    assert found == [
        RouteShare(
            scenarios=["browse"], handlers=[Place(name="browse", place="app.py:10")], value=60, share=0.6
        ),
        RouteShare(
            scenarios=["buy", "buy much"],
            handlers=[Place(name="Cart.post", place="cart.py:5")],
            value=30,
            share=0.3,
        ),
        RouteShare(value=10, share=0.1),
    ]


def test_a_scenario_that_was_never_seen_is_shown_with_nothing() -> None:
    found = by_route(Stacks.from_counts([(["f (/a.py:1)"], 3)]), {BUY: ["buy"]}, ROOT, lambda one: one)
    assert [(one.scenarios, one.value) for one in found] == [(["buy"], 0), ([], 3)]


def test_placeholders_are_filled_with_what_a_router_may_take() -> None:
    lane = Lane(scenario="item", variant="v", path="/items/{id}?page={page}", method="DELETE")
    assert requests_of(lane) == [
        ("DELETE", ["/items/1", "/items/a", "/items/00000000-0000-0000-0000-000000000000"])
    ]
    flow = Lane(scenario="flow", variant="v", path="/", steps=(Step(name="in", method="POST", path="/in"),))
    assert requests_of(flow) == [("POST", ["/in"])]
