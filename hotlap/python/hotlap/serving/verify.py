"""Check what a lane answers before anything is measured: a wrong answer served fast is no result."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from http.client import HTTPException

from hotlap._engine import Request
from hotlap.evidence.service import Verified
from hotlap.experiment import Lane
from hotlap.serving.client import Final, connect

_SHOWN_CHARS = 200
_PART_BYTES = 65536


class VerifyError(RuntimeError):
    """A lane that does not answer as it must: the message gives what was expected and what came."""


def request(url: str, lane: Lane, timeout_s: float, *, ca_file: str | None = None) -> tuple[int, bytes]:
    """Send a lane's request once: its status and body. ``ca_file``: whom to trust, instead of the usual.

    Raises:
        VerifyError: no answer came.
    """
    try:
        # The very bytes that the engine sends: an answer may depend on any header.
        sent = Request(lane.method, lane.path, headers=lane.headers, body=lane.body).encoded(url)
    except ValueError as error:
        raise VerifyError(f"{lane.method} {lane.path} cannot be sent: {lane.hide(str(error))}") from None
    connection = connect(url, ca_file, timeout_s)
    try:
        connection.connect()
        connection.sock.sendall(sent)
        answer = Final(connection.sock, method=lane.method)
        answer.begin()
        deadline, body = time.monotonic() + timeout_s, bytearray()
        while part := answer.read1(_PART_BYTES):
            body += part
            if time.monotonic() > deadline:
                # Each part came in time: only the whole can tell that it is a stream without an end.
                raise TimeoutError(f"it did not end within {timeout_s:g} s")
        return answer.status, bytes(body)
    except (OSError, HTTPException) as error:
        raise VerifyError(f"{lane.method} {lane.path}: no answer ({error or type(error).__name__})") from None
    finally:
        connection.close()


def check(lane: Lane, status: int, body: bytes) -> None:
    """Hold an answer against what the experiment says of it.

    Raises:
        VerifyError: it is another status or body.
    """
    if status != lane.expect.status:
        raise VerifyError(
            f"{lane.method} {lane.path} answered {status}, not {lane.expect.status}: {_shown(body, lane)}"
        )
    if lane.expect.body is not None and body != lane.expect.body.encode():
        raise VerifyError(
            f"{lane.method} {lane.path} answered {_shown(body, lane)}, not {lane.expect.body!r}"
        )


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


def _answer(verified: Verified) -> tuple[int, str]:
    return verified.status, verified.sha256


def _told(verified: Verified) -> str:
    return f"status {verified.status}, {verified.size} bytes, sha256 {verified.sha256[:12]}"


def _shown(body: bytes, lane: Lane) -> str:
    text = lane.hide(body.decode(errors="replace"))
    return repr(text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…")
