"""Variables of the environment in the requests of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotlap.experiment import ExperimentError
from hotlap.experiment.config import load_experiment
from hotlap.experiment.variables import VariableProblem, filled


def test_variables_are_put_in_and_told() -> None:
    environment = {"A": "1", "B_2": "${A}", "OTHER": "x"}
    assert filled("a ${A}-${B_2} $A {A} $$", environment) == (
        "a 1-${{A} $A {A} $$",
        {"A": "1", "B_2": "${A}"},
    )
    assert filled("$${A} $$${A}", environment) == ("${{A} $${{A}", {})


@pytest.mark.parametrize("text", ["${}", "${a-b}", "${A", "${2}"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(VariableProblem, match=r"does not name a variable.* write \$\$\{"):
        filled(text, {"A": "1"})


def test_requests_of_a_file_have_the_values_and_show_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hotlap.toml").write_text(
        'app = "a:b"\n[variants.v]\nheaders = { X = "${ONE}" }\n'
        '[scenarios.s]\npath = "/"\nbody = "<${TWO}>"\nheaders = { Y = "$${ONE}" }\n'
        'writes = { share = 0.1, body = "${ONE}${TWO}" }\n'
    )
    monkeypatch.setenv("ONE", "first")
    monkeypatch.delenv("TWO", raising=False)
    with pytest.raises(
        ExperimentError, match=r"hotlap.toml:6: scenarios.s.body: the variable TWO is not set"
    ):
        load_experiment(tmp_path)
    monkeypatch.setenv("TWO", "second")
    (lane,) = load_experiment(tmp_path)[0].lanes
    assert (lane.headers, lane.body) == ({"Y": "${{ONE}", "X": "first"}, "<second>")
    assert lane.writes is not None
    assert lane.writes.body == "firstsecond"
    assert lane.hide("second, then first") == "${TWO}, then ${ONE}"


@pytest.mark.parametrize(
    ("kind", "body", "sent"),
    [
        ("application/x-www-form-urlencoded", "password=${PW}", "password=a%22%26%20%7Bb"),
        ("application/json", '{"password": "${PW}"}', '{"password": "a\\"& {{b"}'),
        ("application/json", '{"q\\"": "${PW}"}', '{"q\\"": "a\\"& {{b"}'),
        ("application/json", '{"n": ${N}}', '{"n": {{"a": "b"}}'),
        ("text/plain", "${PW}", 'a"& {{b'),
    ],
)
def test_a_variable_in_a_body_is_written_by_the_rules_of_the_body(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, body: str, sent: str
) -> None:
    monkeypatch.setenv("PW", 'a"& {b')
    monkeypatch.setenv("N", '{"a": "b"}')
    text = f"url = 'http://127.0.0.1:1'\n[scenarios.x]\npath = '/'\nheaders = {{ Content-Type = '{kind}' }}\nbody = '{body}'\n"
    (tmp_path / "hotlap.toml").write_text(text)
    experiment, _ = load_experiment(tmp_path)
    assert experiment.lanes[0].body == sent
