"""Check what a lane answers before anything is measured: a wrong answer served fast is no result."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from http.client import HTTPException

import msgspec

from hotlap._engine import Swarm
from hotlap.evidence.service import Verified, VerifiedStep
from hotlap.experiment import Lane
from hotlap.serving.client import Final, connect
from hotlap.serving.request import behaviour_of, request_of
from hotlap.serving.server import Served

_SHOWN_CHARS = 200
_PART_BYTES = 65536


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
    """Send a lane's request once, with the values of that position.

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
    if lane.steps:
        return _walked(served, lane, position)
    timeout_s = lane.load.timeout_s
    try:
        # The very bytes that the engine sends: an answer may depend on any header.
        sent = request_of(lane).prepare(served.url).at(position)
    except IndexError:
        raise VerifyError(f"{lane.method} {lane.path} cannot be sent: no row of its data is left") from None
    except (ValueError, OSError) as error:
        raise VerifyError(f"{lane.method} {lane.path} cannot be sent: {lane.hide(str(error))}") from None
    connection = connect(served.url, served.ca_file, timeout_s)
    began_s = time.perf_counter()
    try:
        connection.connect()
        connection.sock.sendall(sent.bytes)
        answer = Final(connection.sock, method=lane.method)
        answer.begin()
        deadline, body = time.monotonic() + timeout_s, bytearray()
        while part := answer.read1(_PART_BYTES):
            body += part
            if most_bytes is not None and len(body) > most_bytes:
                raise HTTPException(f"it is longer than {most_bytes / 1e6:g} MB")
            if time.monotonic() > deadline:
                # Each part came in time: only the whole can tell that it is a stream without an end.
                raise TimeoutError(f"it did not end within {timeout_s:g} s")
        headers = answer.getheaders()
        return Answer(
            status=answer.status,
            headers=headers,
            body=bytes(body),
            took_s=time.perf_counter() - began_s,
            objection=sent.objection(answer.status, headers, bytes(body)),
        )
    except (OSError, HTTPException) as error:
        raise NoAnswerError(f"{lane.method} {lane.path}", str(error) or type(error).__name__) from None
    finally:
        connection.close()


def _walked(served: Served, lane: Lane, position: int) -> Answer:
    """Go through a flow once, as the engine's users do: its last answer, and what was wrong with the first that was."""
    began_s = time.perf_counter()
    try:
        swarm = Swarm(served.url.rstrip("/"), timeout_s=lane.load.timeout_s, ca_file=served.ca_file)
        seen, error = swarm.attempt(swarm.declare(behaviour_of(lane)), position=position)
    except IndexError:
        raise VerifyError(f"{lane.name} cannot be sent: no row of its data is left") from None
    except (ValueError, OSError) as problem:
        raise VerifyError(f"{lane.name} cannot be sent: {lane.hide(str(problem))}") from None
    if not seen:
        raise VerifyError(f"{lane.name}: no answer ({lane.hide(error or 'nothing was sent')})")
    _, status, body, _ = seen[-1]
    return Answer(
        status=status,
        headers=[],
        body=body,
        took_s=time.perf_counter() - began_s,
        objection=error,
        steps=[VerifiedStep(name=name, status=status, size=len(body)) for name, status, body, _ in seen],
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
