"""Mixes by scenario: which function handles each, and what each uses of apps whose shares are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import planting
import pytest

from hotlap.evidence.profile import Profile
from hotlap.experiment import Experiment, Lane, Load, Mode, Server
from hotlap.experiment.model import Part
from hotlap.load.locust_pool import LocustPool
from hotlap.load.trial import Offered
from hotlap.profiling import doctor
from hotlap.profiling.probe import probe
from hotlap.profiling.profile import Shot, record
from hotlap.profiling.routes import handlers_of
from hotlap.serving.server import served

Need = Callable[[bool, str], None]

POINTS = 0.03
CHANCE = 0.02
"""What it makes of a dozen seconds in which each request burns for a while: neighbouring samples are of one."""
PARTS = ("sixty", "thirty", "ten")
FASTAPI = """
from fastapi import APIRouter, FastAPI

app, router = FastAPI(), APIRouter(prefix="/shop")

@router.get("/sixty/{number}")
async def burns_sixty(number: int):
    return sixty() and number

@router.get("/thirty/{number}")
async def burns_thirty(number: int):
    return thirty() and number

@router.get("/ten/{name}")
async def burns_ten(name: str):
    return ten() and name

app.include_router(router)
"""
STARLETTE = """
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

async def burns_sixty(request):
    return PlainTextResponse(str(sixty() and 1))

async def burns_thirty(request):
    return PlainTextResponse(str(thirty() and 1))

class Ten(HTTPEndpoint):
    async def get(self, request):
        return PlainTextResponse(str(ten() and 1))

shop = [Route("/sixty/{n}", burns_sixty), Route("/thirty/{n}", burns_thirty), Route("/ten/{n}", Ten)]
app = Starlette(routes=[Mount("/shop", routes=shop)])
"""
FLASK = """
import functools
from flask import Flask
from flask.views import MethodView

app = Flask(__name__)

def counted(view):
    @functools.wraps(view)
    def counting(**values):
        return view(**values)
    return counting

@app.get("/shop/sixty/<int:number>")
@counted
def burns_sixty(number):
    return str(sixty() and number)

@app.get("/shop/thirty/<number>")
def burns_thirty(number):
    return str(thirty() and number)

class Ten(MethodView):
    def get(self, number):
        return str(ten() and number)

app.add_url_rule("/shop/ten/<number>", view_func=Ten.as_view("ten"))
"""
FALCON = """
import falcon

class Sixty:
    def on_get(self, request, response, number):
        response.text = str(sixty() and number)

class Thirty:
    def on_get(self, request, response, number):
        response.text = str(thirty() and number)

class Ten:
    def on_get(self, request, response, number):
        response.text = str(ten() and number)

app = falcon.App()
app.add_route("/shop/sixty/{number:int}", Sixty())
app.add_route("/shop/thirty/{number}", Thirty())
app.add_route("/shop/ten/{number}", Ten())
"""
DJANGO = """
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from django.views import View

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x")

def burns_sixty(request, number):
    return HttpResponse(str(sixty() and number))

def burns_thirty(request, number):
    return HttpResponse(str(thirty() and number))

class Ten(View):
    def get(self, request, number):
        return HttpResponse(str(ten() and number))

urlpatterns = [
    path("shop/sixty/<int:number>", burns_sixty),
    path("shop/thirty/<int:number>", burns_thirty),
    path("shop/ten/<int:number>", Ten.as_view()),
]
app = get_wsgi_application()
"""
APPS = {
    "fastapi": ("asgi", FASTAPI, ["burns_sixty", "burns_thirty", "burns_ten"]),
    "starlette": ("asgi", STARLETTE, ["burns_sixty", "burns_thirty", "Ten.get"]),
    "flask": ("wsgi", FLASK, ["burns_sixty", "burns_thirty", "Ten.get"]),
    "falcon": ("wsgi", FALCON, ["Sixty.on_get", "Thirty.on_get", "Ten.on_get"]),
    "django": ("wsgi", DJANGO, ["burns_sixty", "burns_thirty", "Ten.get"]),
}


def experiment(folder: Path, name: str) -> Experiment:
    """An app of a framework whose three routes burn 60, 30 and 10 parts, as a mix of three scenarios."""
    interface, source, _ = APPS[name]
    # A request is one route: it is a third as long as one that burns all of them.
    burns = planting.BURNS.replace("30_000 * parts", "10_000 * parts")
    (folder / f"shop_{name}.py").write_text(burns + source)
    lanes = [
        # In another order than that of their costs.
        Lane(
            scenario=part,
            variant="v",
            path=f"/shop/{part}/{{number}}" if part == "ten" else f"/shop/{part}/7",
        )
        for part in ("ten", "sixty", "thirty")
    ]
    filled = [
        Lane(scenario=one.scenario, variant="v", path=one.path.replace("{number}", "7")) for one in lanes
    ]
    mix = Lane(
        scenario="shop",
        variant="v",
        path="/",
        mix=tuple(Part(weight=1, lane=one) for one in filled),
        load=Load(users=4),
    )
    server = Server(
        app=f"shop_{name}:app",
        interface=interface,  # type: ignore[arg-type]
        ready_path="/shop/ten/7",
        granian_args=("--blocking-threads", "1") if interface == "wsgi" else (),
    )
    return Experiment(name="x", server=server, lanes=(mix,), root=str(folder))


@pytest.mark.parametrize("name", APPS)
def test_the_router_says_who_handles_a_scenario(name: str, tmp_path: Path) -> None:
    made = experiment(tmp_path, name)
    with probe() as own, served(made, env=own.env()) as server:
        found = handlers_of(own, server, made.lanes[0])
    by_scenario = {scenario: handler for handler, names in found.items() for scenario in names}
    functions = dict(zip(PARTS, APPS[name][2], strict=True))
    assert {one: handler.function for one, handler in by_scenario.items()} == functions
    lines = (tmp_path / f"shop_{name}.py").read_text().splitlines()
    for part, handler in by_scenario.items():
        assert handler.file == str(tmp_path / f"shop_{name}.py")
        body = "\n".join(lines[handler.first - 1 : handler.last])
        assert f"{part}()" in body
        assert sum(f"{other}()" in body for other in PARTS) == 1


WAITS = """
import asyncio, time
from fastapi import FastAPI

app = FastAPI()

@app.get("/")
async def ready():
    return 1

@app.get("/naps/{number}")
async def naps(number: int):
    await asyncio.sleep(0.3)

@app.get("/blocks/{number}")
def blocks(number: int):
    time.sleep(0.1)
"""


@pytest.mark.measures
def test_a_task_is_its_handlers_even_where_a_thread_does_the_work(tmp_path: Path) -> None:
    (tmp_path / "waits_shop.py").write_text(WAITS)
    parts = [Lane(scenario=one, variant="v", path=f"/{one}/7") for one in ("blocks", "naps")]
    mix = Lane(
        scenario="shop",
        variant="v",
        path="/",
        mix=tuple(Part(weight=1, lane=one) for one in parts),
        load=Load(users=16),
    )
    server = Server(app="waits_shop:app")
    made = Experiment(name="x", server=server, lanes=(mix,), root=str(tmp_path))
    found = profiled(made, "await", tmp_path, 6)
    read = shares(found)
    assert read["naps"] == pytest.approx(0.75, abs=2 * POINTS)
    assert read["blocks"] == pytest.approx(0.25, abs=2 * POINTS)
    assert read[""] < POINTS
    assert found.tasks is not None
    by = {(wait.what, wait.by.name if wait.by else None) for wait in found.tasks.waits}
    assert {("a thread pool", "blocks"), ("a timer", "naps")} <= by


def profiled(made: Experiment, mode: Mode, folder: Path, time_s: float) -> Profile:
    """A profile of an experiment's only lane."""
    (lane,) = made.lanes
    offered = Offered(lane=lane, load=lane.load, engine="native")
    shot = Shot(mode=mode, profiler=None, time_s=time_s, folder=folder / "profiles")
    found = record(made, offered, shot, LocustPool(ahead=False), folder)
    assert found.error is None
    return found


def shares(profile: Profile) -> dict[str, float]:
    """What each scenario has, and ``""`` what belongs to none."""
    return {", ".join(one.scenarios): one.share for one in profile.routes}


@pytest.mark.measures
@pytest.mark.parametrize("name", ["fastapi", "starlette", "flask", "falcon"])
def test_known_shares_of_three_routes_are_read_as_they_are(name: str, tmp_path: Path, need: Need) -> None:
    checked = doctor.tracing()
    need(checked.status == "ok", f"{checked.found}; {checked.remedy}")
    found = profiled(experiment(tmp_path, name), "on-cpu", tmp_path, 12)
    read = shares(found)
    assert set(read) == {*PARTS, ""}
    took, used = planting.burnt(tmp_path)
    assert used == pytest.approx({"sixty": 0.6, "thirty": 0.3, "ten": 0.1}, abs=0.015)
    # A thread that has to wait for a processor is not idle: a busy machine does not share that out evenly.
    # What the framework does before and after its handlers is nobody's.
    assert read[""] < 0.15
    assert {part: read[part] / (1 - read[""]) for part in PARTS} == pytest.approx(took, abs=POINTS + CHANCE)
    assert sum(one.value for one in found.routes) == found.total
