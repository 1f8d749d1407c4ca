"""The servers that the lab knows: which is chosen, and how it is started."""

from __future__ import annotations

import pytest

from hotlap.evidence.service import ServedBy
from hotlap.experiment import Interface, Server
from hotlap.serving.servers import SERVERS, choose


@pytest.mark.parametrize(
    ("interface", "present", "chosen"),
    [
        ("asgi", {"granian", "uvicorn", "gunicorn"}, "granian"),
        ("asgi", {"hypercorn", "uvicorn", "gunicorn"}, "uvicorn"),
        ("asgi", {"hypercorn", "waitress"}, "hypercorn"),
        ("asgi", {"gunicorn", "waitress"}, None),
        ("wsgi", {"granian", "gunicorn"}, "granian"),
        ("wsgi", {"waitress", "gunicorn", "uvicorn"}, "gunicorn"),
        ("wsgi", {"waitress", "uvicorn"}, "waitress"),
        ("wsgi", {"uvicorn", "hypercorn"}, None),
        ("rsgi", {"uvicorn", "gunicorn"}, None),
        ("rsgi", {"granian"}, "granian"),
    ],
)
def test_the_first_that_speaks_the_interface_is_chosen(
    interface: Interface, present: set[str], chosen: str | None
) -> None:
    found = choose(interface, present)
    assert (found.package if found is not None else None) == chosen


def words(package: str, server: Server, host: str = "127.0.0.1", version: str = "") -> str:
    by = next(one for one in SERVERS if one.package == package)
    return " ".join(by.words(server, host, 8123, version))


@pytest.mark.parametrize(
    ("package", "app", "factory"),
    [
        ("granian", "shop:app", "--factory"),
        ("uvicorn", "shop:app", "--factory"),
        ("hypercorn", "shop:app()", ""),
        ("gunicorn", "shop:app()", ""),
        ("waitress", "shop:app", "--call"),
    ],
)
def test_each_makes_the_app_of_a_factory(package: str, app: str, factory: str) -> None:
    made = words(package, Server(app="shop:app", factory=True))
    assert made.endswith(f" {app}")
    assert factory in made
    assert words(package, Server(app="shop:app")).endswith(" shop:app")
    assert not factory or factory not in words(package, Server(app="shop:app"))


def test_an_address_of_version_6_is_written_as_each_reads_it() -> None:
    server = Server(app="shop:app")
    assert "--bind [::1]:8123" in words("gunicorn", server, host="::1")
    assert "--bind [::1]:8123" in words("hypercorn", server, host="::1")
    assert "--host ::1 --port 8123" in words("uvicorn", server, host="::1")


@pytest.mark.parametrize(
    ("version", "workers"), [("0.14.4", "1"), ("0.9", "1"), ("0.15.0", "0"), ("0.18.0", "0"), ("", "0")]
)
def test_an_old_hypercorn_needs_a_worker(version: str, workers: str) -> None:
    assert f"--workers {workers} " in words("hypercorn", Server(app="shop:app"), version=version)


def test_what_served_is_said_in_a_few_words() -> None:
    gunicorn = ServedBy(
        server="gunicorn",
        version="20.1.0",
        interface="wsgi",
        threads=4,
        python="/x/bin/python",
        python_version="3.9.18",
        implementation="CPython",
    )
    assert gunicorn.title() == "gunicorn 20.1.0 (wsgi, 4 threads) on Python 3.9.18"
    pypy = ServedBy(server="waitress", interface="wsgi", python_version="3.11.2", implementation="PyPy")
    assert pypy.title() == "waitress (wsgi) on PyPy 3.11.2"
    assert ServedBy(server="url").title() == "a server that ran already"
    assert ServedBy(server="command").title() == "the experiment's own command"
