"""Check what a lane answers before anything is measured: a wrong answer served fast is no result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from hotlap._engine import Swarm
from hotlap.evidence.service import Verified, VerifiedStep
from hotlap.experiment import Lane
from hotlap.serving.request import behaviour, flow_of, request_of
from hotlap.serving.server import Served

_SHOWN_CHARS = 200


class VerifyError(RuntimeError):
    """A lane that does not answer as it must: the message gives what was expected and what came."""


class NoAnswerError(VerifyError):
    """No answer came: ``why`` says it without the request."""

    def __init__(self, asked: str, why: str) -> None:
        super().__init__(f"{asked}: no answer ({why})")
        self.why = why


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server answered to one request."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    took_s: float
    objection: str | None
    """What is wrong with it, by what the experiment expects; in a flow, with the step."""
    steps: list[VerifiedStep] | None = None
    """What the steps of a flow were answered."""


def ask(served: Served, lane: Lane, position: int = 0, most_bytes: int | None = None) -> Answer:
    """Let the engine send a lane's request once, or go through its flow, with the values of that position.

    Args:
        served: Where to.
        lane: What.
        position: Which of its values.
        most_bytes: How long the body may be.

    Raises:
        VerifyError: it cannot be sent, or no answer came.
    """
    if lane.mix:
        return ask(served, lane.mix[position % len(lane.mix)].lane, position // len(lane.mix))
    what = lane.name if lane.steps else f"{lane.method} {lane.path}"
    endless = lane.stream is not None and lane.stream.events is None and lane.stream.time_s is None
    limit_s = lane.load.timeout_s if endless else None
    try:
        swarm = Swarm(
            served.url.rstrip("/"),
            timeout_s=lane.load.timeout_s,
            ca_file=served.ca_file,
            most_bytes=most_bytes,
        )
        user = swarm.declare(behaviour(flow_of(lane) or [request_of(lane)]))
        seen, error, took_s = swarm.attempt(user, position=position, limit_s=limit_s)
    except IndexError:
        raise VerifyError(f"{what} cannot be sent: no row of its data is left") from None
    except (ValueError, OSError) as problem:
        raise VerifyError(f"{what} cannot be sent: {lane.hide(str(problem))}") from None
    if took_s is None:
        raise VerifyError(
            f"{what}: the stream did not end within {limit_s:g} s; say when it is over: "
            "stream = { events = 10 }, or { time_s = 5 }"
        )
    if not seen:
        raise NoAnswerError(what, lane.hide(error or "nothing was sent"))
    _, status, headers, body, objection = seen[-1]
    steps = [VerifiedStep(name=name, status=status, size=len(body)) for name, status, _, body, _ in seen]
    return Answer(
        status=status,
        headers=headers,
        body=body,
        took_s=took_s,
        # What is wrong with a stream as a whole is not seen in its beginning.
        objection=error if lane.steps or lane.stream else objection,
        steps=steps if lane.steps else None,
    )


def check(lane: Lane, answer: Answer) -> None:
    """Hold an answer against what the experiment says of it.

    Raises:
        VerifyError: it is another.
    """
    body = _shown(answer.body, lane)
    if lane.steps:
        if answer.objection is not None:
            raise VerifyError(f"in {lane.name}, {lane.hide(answer.objection)}; the last answer: {body}")
        return
    asked = f"{lane.method} {lane.path}"
    if answer.status not in lane.expect.statuses:
        raise VerifyError(f"{asked} answered {answer.status}, not {lane.expect.status}: {body}")
    if answer.objection is not None:
        raise VerifyError(f"{asked} answered {lane.hide(answer.objection)}; the whole body: {body}")


def disagreements(lanes: Sequence[Lane], verified: Mapping[str, Verified]) -> dict[str, str]:
    """The lanes whose answer is not the one that it must equal, each with a sentence.

    Args:
        lanes: The lanes of the run.
        verified: What was found of their answers, by the lane's name. Answers that change from request to
            request are not compared.

    A variant with an expected body was held against that already. One that names another variant is
    compared with it; all others of a scenario with each other.
    """
    sentences: dict[str, str] = {}
    for scenario in dict.fromkeys(lane.scenario for lane in lanes):
        constant = {
            lane.variant: lane
            for lane in lanes
            if lane.scenario == scenario
            and not lane.expect.any_body
            and lane.name in verified
            and verified[lane.name].constant
        }
        alike = [
            lane for lane in constant.values() if lane.expect.body is None and lane.expect.same_as is None
        ]
        groups = [alike] + [
            [lane, constant[lane.expect.same_as]]
            for lane in constant.values()
            if lane.expect.same_as in constant
        ]
        for group in groups:
            if len({_answer(verified[lane.name]) for lane in group}) > 1:
                told = "; ".join(f"{lane.variant}: {_told(verified[lane.name])}" for lane in group)
                for lane in group:
                    sentences[lane.name] = f"the variants of {scenario} answer differently ({told})"
    return sentences


def _answer(verified: Verified) -> tuple[int, tuple[str, ...]]:
    return verified.status, tuple(verified.rows or [verified.sha256])


def _told(verified: Verified) -> str:
    return f"status {verified.status}, {verified.size} bytes, sha256 {verified.sha256[:12]}"


def _shown(body: bytes, lane: Lane) -> str:
    text = lane.hide(body.decode(errors="replace"))
    return repr(text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…")
