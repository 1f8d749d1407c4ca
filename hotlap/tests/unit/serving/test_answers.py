"""What is learnt from the answers of two servers, which are made up here."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from hotlap.evidence.words import held
from hotlap.experiment import Expect, Lane
from hotlap.serving import answers as module
from hotlap.serving.answers import Answers
from hotlap.serving.request import request_of
from hotlap.serving.server import Served
from hotlap.serving.verify import Answer, VerifyError

LANE = Lane(scenario="s", variant="v", path="/")
Body = Callable[[int, int], str]


def at(port: int) -> Served:
    return Served(f"http://127.0.0.1:{port}", None, None, None)


@pytest.fixture
def learnt(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answers]:
    """Asks two servers, whose bodies are made of the port and the number of the request."""

    def learn(body: Body, lane: Lane = LANE, statuses: tuple[int, ...] = (200,) * 9) -> Answers:
        asked = 0

        def ask(served: Served, lane: Lane, position: int) -> Answer:
            nonlocal asked
            asked += 1
            status, came = statuses[asked - 1], body(served.port, asked).encode()
            objection = request_of(lane).prepare(served.url).at(position).objection(status, [], came)
            return Answer(status=status, headers=[], body=came, took_s=0.001, objection=objection)

        monkeypatch.setattr(module, "ask", ask)
        answers = Answers(lane)
        for port in (40001, 5002):
            answers.ask(at(port))
        return answers

    return learn


@pytest.mark.parametrize(
    ("body", "there"),
    [
        (lambda port, asked: "same", b"same"),
        (lambda port, asked: f'"http://127.0.0.1:{port}/a" {port}', b'"http://127.0.0.1:777/a" 777'),
        (lambda port, asked: f"next=127.0.0.1%3A{port}", b"next=127.0.0.1%3A777"),
        # A number that is no port stays what it is.
        (lambda port, asked: f"140001 777 {port}", b"140001 777 777"),
    ],
)
def test_what_is_the_same_but_for_the_port_is_held(
    learnt: Callable[..., Answers], body: Body, there: bytes
) -> None:
    answers = learnt(body)
    assert answers.verified.constant
    assert answers.verified.held == "body"
    assert answers.verified.answers == 4
    assert answers.body_at(at(777)) == there


def test_bodies_with_the_port_have_one_digest_wherever_they_come_from(learnt: Callable[..., Answers]) -> None:
    first = learnt(lambda port, asked: f"at {port}").verified
    other = learnt(lambda port, asked: f"at {port}").verified
    assert first.holds_port
    assert first.sha256 == other.sha256


@pytest.mark.parametrize(
    ("body", "varies", "said"),
    [
        (lambda port, asked: f"{asked}", "requests", "from request to request"),
        (lambda port, asked: f"{port} {asked}", "requests", 'after 6 equal bytes: "40001 1" and "40001 2"'),
        (lambda port, asked: f"{asked > 3}", "servers", "between two servers, or with the time"),
        (lambda port, asked: f"{port}" if port == 5002 else "", "servers", "between two servers"),
    ],
)
def test_of_what_differs_the_status_alone_is_held(
    learnt: Callable[..., Answers], body: Body, varies: str, said: str
) -> None:
    answers = learnt(body)
    assert (answers.verified.constant, answers.verified.varies, answers.verified.held) == (
        False,
        varies,
        "status",
    )
    assert answers.body_at(at(777)) is None
    assert said in held(answers.verified)


def test_what_may_change_something_is_sent_once_to_each_server(learnt: Callable[..., Answers]) -> None:
    post = msgspec.structs.replace(LANE, method="POST", expect=Expect(statuses=(201,)))
    taken = learnt(lambda port, asked: "made", post, (201, 201)).verified
    assert (taken.answers, taken.once, taken.held) == (2, False, "body")
    refused = learnt(lambda port, asked: "made", post, (201, 409)).verified
    assert (refused.answers, refused.once, refused.held) == (1, True, "status")
    assert "only once" in held(refused)
    with pytest.raises(VerifyError, match="answered 409, not 201"):
        learnt(lambda port, asked: "there is one", post, (409, 409))


def test_what_the_experiment_says_is_not_learnt(learnt: Callable[..., Answers]) -> None:
    given = learnt(lambda port, asked: "6", msgspec.structs.replace(LANE, expect=Expect(body="6")))
    assert (given.open, given.verified.held, given.body_at(at(1))) == (False, "given", None)
    anything = learnt(lambda port, asked: "6", msgspec.structs.replace(LANE, expect=Expect(any_body=True)))
    assert (anything.open, anything.verified.held, anything.body_at(at(1))) == (False, "status", None)


def test_no_secret_is_in_a_difference(learnt: Callable[..., Answers]) -> None:
    lane = msgspec.structs.replace(LANE, secrets={"TOKEN": "s3cret-token"})
    found = learnt(lambda port, asked: f"s3cret-token {asked}", lane).verified.difference
    assert found is not None
    assert (found.equal_bytes, found.one) == (13, "…*********** 1")
