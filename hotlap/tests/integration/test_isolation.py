"""Apps that run in an environment of their own, other than the lab's: other Pythons, packages and servers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import environments
import psutil
import pytest
from environments import Need

from hotlap.analysis import judge
from hotlap.experiment import Experiment, Interface, Lane, Server, discover
from hotlap.experiment.config import load_experiment
from hotlap.profiling.probe import probe
from hotlap.profiling.statements import statements
from hotlap.serving.answers import Answers
from hotlap.serving.environment import BuildError, build_profiles
from hotlap.serving.server import free_port, served
from hotlap.serving.ways import ServeError, command_of, way_of

HOTLAP = Path(sys.executable).with_name("hotlap")
OLD_FLASK = ["flask==2.2.5", "werkzeug==2.2.3", "click==8.0.4"]
VERSIONS = environments.at_hand("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
OTHER = next(
    (one for one in ("3.13", "3.12", "3.10", "3.9") if one in VERSIONS and one != environments.OWN),
    environments.OWN,
)
"""A Python other than the lab's, where there is one."""

LOOK = """
import json, sys
from importlib import metadata

def look():
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return json.dumps({
        "path": sys.path,
        "modules": sorted(sys.modules),
        "files": [file for file in files if file],
        "executable": sys.executable,
        "version": "%d.%d" % sys.version_info[:2],
        "installed": {one.metadata["Name"].lower(): one.version for one in metadata.distributions()},
    })
"""
FLASK = (
    LOOK
    + """
from flask import Flask

app = Flask(__name__)

@app.get("/")
def hello():
    return "hello"

@app.get("/squares/<int:number>")
def squares(number):
    return str(sum(one * one for one in range(1000 * number)))

@app.get("/look")
def looked():
    return look()
"""
)
ASGI = (
    LOOK
    + """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = look() if scope["path"] == "/look" else "hello"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body.encode()})

def create_app():
    return app
"""
)
WSGI = (
    LOOK
    + """
def app(environ, start_response):
    body = (look() if environ["PATH_INFO"] == "/look" else "hello").encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

def create_app():
    return app
"""
)


def hotlap(folder: Path, *words: str, code: int = 0, env: dict[str, str] | None = None) -> str:
    """Run the lab's own command in a folder: what it printed, both streams, in one line's width."""
    done = subprocess.run(
        [HOTLAP, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "COLUMNS": "200", **(env or {})},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def asked(port: int, path: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def assert_apart(seen: dict[str, Any], python: Path, probed: bool = False) -> None:
    """Nothing of the lab is where the app looks for modules, but for the probe where it is on."""
    assert seen["executable"] == str(python)
    lab = {os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    package = os.path.realpath(Path(discover.__file__).parents[1])
    paths = [os.path.realpath(entry) for entry in seen["path"] if entry]
    assert not lab & set(paths)
    assert str(Path(package).parent) not in paths
    of_lab = [file for file in seen["files"] if os.path.realpath(file).startswith((*lab, package))]
    names = {Path(file).stem for file in of_lab}
    own = {
        *("sitecustomize", "hotlap_first", "hotlap_probe"),
        *("hotlap_routes", "hotlap_settings", "hotlap_statements"),
    }
    assert names == (own if probed else set())
    assert not {"hotlap", "locust", "gevent", "granian", "msgspec"} & {
        name.partition(".")[0] for name in seen["modules"]
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, need: Need) -> Path:
    """A folder with a Flask app of 2022 and its own environment beside it, with gunicorn and without Granian."""
    folder = tmp_path_factory.mktemp("isolated") / "shop"
    folder.mkdir()
    (folder / "shop.py").write_text(FLASK)
    environments.make(folder / ".venv", OTHER, [*OLD_FLASK, "gunicorn"], need, pip=True)
    return folder


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, need: Need) -> Path:
    """A folder with apps, and an environment that has nothing at all."""
    folder = tmp_path_factory.mktemp("bare") / "app"
    folder.mkdir()
    (folder / "asgi_app.py").write_text(ASGI)
    (folder / "wsgi_app.py").write_text(WSGI)
    environments.make(folder / "venv", OTHER, [], need)
    return folder


@pytest.fixture
def own(shop: Path) -> Path:
    """The shop's folder without what another test wrote there."""
    for left in ("hotlap.toml", "run"):
        path = shop / left
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return shop


@pytest.mark.slow
def test_two_commands_from_an_app_with_older_packages_to_a_report(own: Path) -> None:
    told = hotlap(own, "init")
    assert "shop:app: flask, wsgi; 3 of 3 routes" in told
    assert "served by gunicorn " in told
    assert f"(wsgi, 4 threads) on Python {OTHER}." in told
    assert "(.venv/bin/python)" in told
    table = tomllib.loads((own / "hotlap.toml").read_text())
    assert (table["python"], table["interface"]) == (".venv/bin/python", "wsgi")
    told = hotlap(own, "run", "root/app", "squares-number/app", "--quick", "--out", "run")
    assert f"served by gunicorn {version_of(own, 'gunicorn')} (wsgi, 4 threads) on Python {OTHER}." in told
    found = judge.read(own / "run")
    for lane in found.lanes:
        seen = lane.evidence
        assert seen.error is None
        assert [(trial.requests > 100, trial.failures) for trial in seen.trials] == [(True, 0)]
        assert seen.served is not None
        assert (seen.served.server, seen.served.interface, seen.served.threads) == ("gunicorn", "wsgi", 4)
        assert seen.served.python == str(own / ".venv" / "bin" / "python")
        assert (seen.served.python_version or "").startswith(f"{OTHER}.")
        assert not seen.served.own
    raw = json.loads((own / "run" / "run.json").read_text())
    assert raw["lanes"][0]["served"]["server"] == "gunicorn"
    page = (own / "run" / "report.html").read_text()
    assert f"served by gunicorn {version_of(own, 'gunicorn')} (wsgi, 4 threads) on Python {OTHER}." in page


def version_of(folder: Path, package: str, environment: str = ".venv") -> str:
    """The version of a server in a folder's environment."""
    server = Server(command=("{python}", "{port}"), python=f"{environment}/bin/python")
    interpreter = way_of(server, folder).interpreter
    assert interpreter is not None
    return interpreter.packages[package]


@pytest.mark.slow
def test_a_profile_names_the_functions_of_an_app_in_another_interpreter(own: Path, need: Need) -> None:
    need(os.geteuid() == 0, "profiles of a running server need root or CAP_SYS_PTRACE")
    (own / "hotlap.toml").write_text(
        'app = "shop:app"\ninterface = "wsgi"\npython = ".venv/bin/python"\n'
        '[scenarios.squares]\npath = "/squares/20"\n'
    )
    hotlap(own, "flame", "squares/app", "--time", "2", "--format", "collapsed", "-o", "squares.collapsed")
    stacks = (own / "squares.collapsed").read_text()
    assert "squares (shop.py" in stacks or "shop.py:" in stacks
    assert "gthread" in stacks


@pytest.mark.parametrize("probed", [False, True], ids=["bare", "probed"])
def test_nothing_of_the_lab_is_on_the_apps_path(
    shop: Path, probed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where the lab itself is found by a variable, as a checkout that is not installed is."""
    monkeypatch.setenv("PYTHONPATH", str(Path(discover.__file__).parents[2]))
    server = Server(app="shop:app", interface="wsgi", python=".venv/bin/python")
    with probe() as one:
        env = one.env(watch=True) if probed else {}
        with served(Experiment(name="x", server=server, lanes=(), root=str(shop)), env=env) as running:
            seen = json.loads(asked(running.port, "/look"))
            assert len(one.present(running.pids())) == (2 if probed else 0)
    assert_apart(seen, shop / ".venv" / "bin" / "python", probed)
    assert seen["version"] == OTHER
    assert {name: seen["installed"][name] for name in ("flask", "werkzeug", "click")} == {
        "flask": "2.2.5",
        "werkzeug": "2.2.3",
        "click": "8.0.4",
    }


def test_an_app_is_looked_at_by_its_own_interpreter_alone(tmp_path: Path, bare: Path) -> None:
    """It is imported where it says so, and never by the lab."""
    (tmp_path / "main.py").write_text(
        "import os, sys\n"
        "open('imported', 'a').write(sys.executable + chr(10))\n"
        "def app(environ, start_response): ...\n"
    )
    python = str(bare / "venv" / "bin" / "python")
    assert discover.ask("main:app", tmp_path, python).interface == "wsgi"
    assert (tmp_path / "imported").read_text() == f"{python}\n"
    with pytest.raises(discover.DiscoverError, match=f"it was imported by {python}: .* with --python"):
        discover.ask("flask:Flask", tmp_path, python)


@pytest.mark.parametrize("factory", [False, True], ids=["object", "factory"])
@pytest.mark.parametrize(
    ("package", "interface"),
    [("uvicorn", "asgi"), ("hypercorn", "asgi"), ("gunicorn", "wsgi"), ("waitress", "wsgi")],
)
def test_the_server_that_is_there_serves(
    package: str, interface: Interface, factory: bool, one_each: Callable[[str], Path]
) -> None:
    folder = one_each(package)
    name = "create_app" if factory else "app"
    server = Server(
        app=f"{interface}_app:{name}", factory=factory, interface=interface, python="venv/bin/python"
    )
    way = way_of(server, folder)
    assert (way.evidence.server, way.evidence.interface) == (package, interface)
    with probe() as one:
        experiment = Experiment(name="x", server=server, lanes=(), root=str(folder))
        with served(experiment, env=one.env()) as running:
            assert asked(running.port, "/") == "hello"
            seen = json.loads(asked(running.port, "/look"))
            pids = running.pids()
            # Each process that the lab asks is one that serves.
            assert len(one.present(running.workers())) == 1
    assert_apart(seen, folder / "venv" / "bin" / "python", probed=True)
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.fixture(scope="module")
def one_each(tmp_path_factory: pytest.TempPathFactory, need: Need) -> Callable[[str], Path]:
    """A folder with apps, and an environment with one server."""
    made: dict[str, Path] = {}

    def folder_of(package: str) -> Path:
        if package not in made:
            folder = tmp_path_factory.mktemp(package)
            (folder / "asgi_app.py").write_text(ASGI)
            (folder / "wsgi_app.py").write_text(WSGI)
            environments.make(folder / "venv", OTHER, [package], need)
            made[package] = folder
        return made[package]

    return folder_of


@pytest.mark.slow
def test_an_asgi_app_with_uvicorn_alone_is_measured(one_each: Callable[[str], Path]) -> None:
    folder = one_each("uvicorn")
    (folder / "hotlap.toml").unlink(missing_ok=True)
    told = hotlap(folder, "init", "--app", "asgi_app:app", "--path", "/")
    assert f"served by uvicorn {version_of(folder, 'uvicorn', 'venv')} (asgi) on Python {OTHER}." in told
    assert 'python = "venv/bin/python"' in (folder / "hotlap.toml").read_text()
    shutil.rmtree(folder / "run", ignore_errors=True)
    hotlap(folder, "run", "--quick", "--profiles", "await", "--out", "run")
    (lane,) = judge.read(folder / "run").lanes
    assert lane.evidence.error is None
    assert lane.evidence.served is not None
    assert lane.evidence.served.server == "uvicorn"
    assert [trial.failures for trial in lane.evidence.trials] == [0]
    (profile,) = lane.evidence.profiles
    assert (profile.mode, profile.error, profile.probe) == ("await", None, True)
    assert profile.tasks is not None


def test_without_a_server_it_says_what_to_install_and_where(
    bare: Path, one_each: Callable[[str], Path], tmp_path: Path
) -> None:
    python = bare / "venv" / "bin" / "python"
    told = hotlap(bare, "init", "--app", "wsgi_app:app", "--path", "/", code=2)
    assert (
        f"{python} has no server for the app's interface, wsgi; hotlap looks for granian, gunicorn, waitress. "
        f"Install one beside the app: uv pip install --python {python} granian; or name a server of your own"
    ) in told
    assert not (bare / "hotlap.toml").exists()
    folder = one_each("uvicorn")
    with pytest.raises(
        ServeError, match=r"interface, wsgi \(uvicorn does not speak wsgi\); hotlap looks for"
    ):
        way_of(Server(app="wsgi_app:app", interface="wsgi", python="venv/bin/python"), folder)
    with pytest.raises(ServeError, match=r"granian_args are for Granian, which .*, to be served by uvicorn"):
        way_of(Server(app="a:b", python="venv/bin/python", granian_args=("--http", "1")), folder)
    (tmp_path / "hotlap.toml").write_text(
        f'app = "wsgi_app:app"\ninterface = "wsgi"\npython = "{python}"\n[scenarios.s]\npath = "/"\n'
    )
    told = hotlap(tmp_path, "run", "--quick", "--out", "run", code=1)
    assert f"{python} has no server for the app's interface, wsgi" in told
    assert not (tmp_path / "run").exists()
    assert "uv pip install --python" in hotlap(tmp_path, "serve", code=1)
    told = hotlap(tmp_path, "doctor", code=1)
    assert f"✗ suite default: {python} has no server" in told
    assert "missing: suite default" in told


def test_the_doctor_says_what_serves_each_suite(
    shop: Path, one_each: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "hotlap.toml").write_text(
        f"""
app = "shop:app"
interface = "wsgi"
cwd = "{shop}"
python = "{shop}/.venv/bin/python"
[scenarios.a]
path = "/"
profiles = ["on-cpu", "memory"]
[scenarios.b]
path = "/"
suite = "stream"
app = "asgi_app:app"
interface = "asgi"
cwd = "{one_each("uvicorn")}"
python = "{one_each("uvicorn")}/venv/bin/python"
"""
    )
    told = json.loads(hotlap(tmp_path, "doctor", "--json", code=1).partition("\nError")[0])
    checks = {one["name"]: one for one in told}
    first = checks["suite default"]
    assert first["status"] == "missing"
    assert first["found"].startswith(
        f"served by gunicorn {version_of(shop, 'gunicorn')} (wsgi, 4 threads) on"
    )
    assert f"{shop}/.venv/bin/python -m pip install memray" in first["found"]
    second = checks["suite stream"]
    assert second["status"] == "ok"
    assert second["found"].startswith("served by uvicorn ")
    assert second["found"].endswith(f", {one_each('uvicorn')}/venv/bin/python")
    assert checks["Python frames in perf"]["found"].startswith(f"Python {OTHER}")
    assert checks["memray"]["remedy"] == f"{shop}/.venv/bin/python -m pip install memray"


@pytest.mark.slow
def test_memray_is_asked_for_before_anything_is_measured_and_then_used(
    one_each: Callable[[str], Path], need: Need
) -> None:
    """With a memray other than the lab's, whose files are in another form."""
    folder = one_each("gunicorn")
    python = folder / "venv" / "bin" / "python"
    (folder / "hotlap.toml").write_text(
        'app = "wsgi_app:app"\ninterface = "wsgi"\npython = "venv/bin/python"\n[scenarios.s]\npath = "/"\n'
    )
    install = f"uv pip install --python {python} memray"
    shutil.rmtree(folder / "run", ignore_errors=True)
    told = hotlap(folder, "run", "--quick", "--profiles", "memory", "--out", "run", code=1)
    assert (
        f"the memory profile of s/app needs memray beside the app, and {python} does not have it: {install}"
        in told
    )
    assert not (folder / "run").exists()
    told = hotlap(folder, "flame", "s/app", "--mode", "memory", "-o", "memory.svg", code=1)
    assert install in told
    assert install in hotlap(folder, "run", "--profiles", "memory", "--dry-run")
    environments.install(python, ["memray==1.15.0"], need)
    hotlap(folder, "run", "--quick", "--profiles", "memory", "--out", "run")
    (profile,) = judge.read(folder / "run").lanes[0].evidence.profiles
    assert profile.error is None
    assert profile.allocations is not None
    assert profile.allocations.allocations_per_request > 0
    assert any(
        "wsgi_app.py" in line for line in (folder / "run" / str(profile.collapsed)).read_text().splitlines()
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_probe_and_the_scripts_work_in_each_python(version: str, tmp_path: Path, need: Need) -> None:
    """Tasks, statements and what an app tells of itself, with nothing but the standard library."""
    python = environments.make(tmp_path / ".venv", version, [], need)
    (tmp_path / "main.py").write_text(
        """
import asyncio, sqlite3, sys

async def app(scope, receive, send): ...

async def answer(reader, writer):
    connection = sqlite3.connect(":memory:")
    while (line := await reader.readline()).strip():
        pass
    connection.execute("select 1")
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    await writer.drain()
    writer.close()

async def held(lock):
    async with lock:
        await asyncio.sleep(3600)

async def main():
    lock = asyncio.Lock()
    await lock.acquire()
    waits = asyncio.create_task(held(lock))
    server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

if __name__ == "__main__":
    asyncio.run(main())
"""
    )
    server = Server(command=("{python}", "main.py", "{port}"), python=".venv/bin/python")
    lane = Lane(scenario="s", variant="v", path="/")
    with probe() as one:
        env = one.env(watch=True)
        experiment = Experiment(name="x", server=server, lanes=(), root=str(tmp_path))
        with served(experiment, env=env) as running:
            (pid,) = one.present(running.workers())
            sampled = one.ask(pid, "tasks", dict, time_s=0.2, interval_s=0.02)
            counted = statements(one, running, Answers(lane), tmp_path)
    assert sampled["errors"] == 0
    assert "asyncio.Lock" in {wait["what"] for wait in sampled["waits"]}
    assert counted is not None
    assert [(row.sql, row.per_request) for row in counted.repeated] == [("select ?", 1.0)]
    assert counted.repeated[0].by is not None
    assert counted.repeated[0].by.name.endswith("answer")
    told = discover.ask("main:app", tmp_path, ".venv/bin/python")
    assert (told.interface, told.factory, told.routes) == ("asgi", False, [])
    assert (way_of(server, tmp_path).evidence.python_version or "").startswith(f"{version}.")
    assert str(python) == way_of(server, tmp_path).evidence.python


def test_a_command_finds_the_programs_of_the_apps_environment(shop: Path) -> None:
    """By name, since they come first on its ``PATH``; and its interpreter, by ``{python}``."""
    for command in (
        ("gunicorn", "--bind", "127.0.0.1:{port}", "shop:app"),
        ("{python}", "-m", "flask", "--app", "shop", "run", "--port", "{port}"),
    ):
        server = Server(command=command, python=".venv/bin/python")
        with served(Experiment(name="x", server=server, lanes=(), root=str(shop))) as running:
            seen = json.loads(asked(running.port, "/look"))
        assert_apart(seen, shop / ".venv" / "bin" / "python")
        by = way_of(server, shop).evidence
        assert (by.server, by.python) == ("command", str(shop / ".venv" / "bin" / "python"))


def test_serving_by_hand_says_what_serves(own: Path) -> None:
    hotlap(own, "init")
    server = load_experiment(own)[0].server
    assert command_of(server, own, 1)[0] == str(own / ".venv" / "bin" / "python")
    port = free_port()
    with subprocess.Popen(
        [HOTLAP, "serve", "--port", str(port)], cwd=own, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("served by gunicorn ")
            assert line.rstrip().endswith(f": http://127.0.0.1:{port}")
        finally:
            process.terminate()
    assert not psutil.pid_exists(process.pid)


def test_extensions_are_asked_of_the_apps_interpreter(tmp_path: Path, bare: Path, need: Need) -> None:
    python = environments.make(tmp_path / ".venv", OTHER, [], need)
    packages = next((tmp_path / ".venv" / "lib").glob("python3*/site-packages"))
    (packages / "shop_ext.py").write_text('build_profile = "release"\n')
    server = Server(app="shop:app", python=str(python))
    experiment = Experiment(name="x", server=server, lanes=(), root=str(tmp_path), extensions=("shop_ext",))
    assert build_profiles(experiment)["shop_ext"] == "release"
    (packages / "shop_ext.py").write_text('build_profile = "debug"\n')
    with pytest.raises(BuildError, match="shop_ext is a debug build"):
        build_profiles(experiment)
    elsewhere = Server(app="shop:app", python=str(bare / "venv" / "bin" / "python"))
    with pytest.raises(BuildError, match="shop_ext cannot be imported"):
        build_profiles(Experiment(**{**as_fields(experiment), "server": elsewhere}))


def as_fields(experiment: Experiment) -> dict[str, Any]:
    return {name: getattr(experiment, name) for name in experiment.__struct_fields__}


def test_an_interpreter_that_will_not_do_is_said_in_one_sentence(tmp_path: Path, need: Need) -> None:
    def said(python: str) -> str:
        (tmp_path / "hotlap.toml").write_text(
            f'app = "main:app"\npython = "{python}"\n[scenarios.s]\npath = "/"\n'
        )
        told = hotlap(tmp_path, "run", "--quick", code=1).strip()
        assert "\n" not in told
        assert told.startswith(f'Error: python = "{python}": ')
        return told

    assert "there is no file" in said(".venv/bin/python")
    assert "does not answer as Python does (asked for its version, it said: " in said("/bin/ls")
    assert "it said: nothing)" in said("/bin/true")
    (tmp_path / "script").write_text("no program at all")
    (tmp_path / "script").chmod(0o755)
    assert "cannot be run (Exec format error)" in said("script")
    for version in environments.at_hand("2.7", "3.6", "3.8"):
        old = environments.python_of(version)
        need(old is not None, f"the Python {version} of this machine does not work")
        assert f"is Python {version}." in said(str(old))
    (tmp_path / "hotlap.toml").unlink()
    (tmp_path / "main.py").write_text("def create_app(): ...\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("")
    told = hotlap(tmp_path, "init", code=2)
    assert 'python = ".venv/bin/python": there is no file' in told


def test_the_lab_is_a_module_that_can_be_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hotlap", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: hotlap [OPTIONS] COMMAND")
