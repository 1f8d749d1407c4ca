"""The experiment as it is written down for an app."""

from __future__ import annotations

import tomllib

from hotlap.experiment import Server
from hotlap.experiment.init import Found, Route, table
from hotlap.experiment.openapi import Request


def written(server: Server) -> dict[str, object]:
    request = Request(method="GET", path="/", template="/")
    found = Found(server=server, framework="flask", routes=[Route(name="root", request=request)])
    return tomllib.loads(table(found, "shop", ()))


def test_the_interpreter_is_written_where_it_is_not_the_labs() -> None:
    made = written(Server(app="shop:app", interface="wsgi", python='en"v/bin/python'))
    assert (made["app"], made["interface"], made["python"]) == ("shop:app", "wsgi", 'en"v/bin/python')
    assert "python" not in written(Server(app="shop:app"))


def test_a_command_keeps_its_braces_and_has_the_interpreter() -> None:
    made = written(Server(command=("{python}", "-m", "shop", "--port", "{port}"), python=".venv/bin/python"))
    assert made["command"] == "{python} -m shop --port {port}"
    assert made["python"] == ".venv/bin/python"
