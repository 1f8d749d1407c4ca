"""The lab's own requests, one at a time: the load engine sends them, so that all that is asked is asked alike."""

from __future__ import annotations

from urllib.parse import urlsplit

from hotlap._engine import Behaviour, Request, Swarm
from hotlap.experiment import Stream

UNIX = "unix:"
"""What the address of a server begins with that listens in the file system; its path follows."""


class NoReplyError(RuntimeError):
    """No answer came: the message says why."""


class UntrustedError(NoReplyError):
    """The server's certificate is not trusted."""


def socket_of(url: str) -> str | None:
    """The path of an address in the file system; ``None``: it is a host's."""
    return url.removeprefix(UNIX).removeprefix("//") if url.startswith(UNIX) else None


def get(
    url: str, path: str, ca_file: str | None, timeout_s: float, *, whole: bool = True
) -> tuple[int, bytes]:
    """Ask for a path of a server: the status, and the body.

    Args:
        url: Of the server.
        path: With the query, percent-encoded.
        ca_file: The authorities that it is trusted by; ``None``: the usual ones.
        timeout_s: For connecting, and for the answer.
        whole: Without it the body's beginning will do: one without an end, such as an event stream's, is an answer too.

    Raises:
        NoReplyError: nothing came within the time, or it is not HTTP.
        ValueError: the address or the path is none.
    """
    swarm = Swarm(url, timeout_s=timeout_s, connect_timeout_s=timeout_s, ca_file=ca_file)
    stream = None if whole else Stream(each="chunk", events=1, time_s=timeout_s / 2)
    user = swarm.declare(Behaviour([Request("GET", path, status=None, stream=stream)]))
    seen, error, _ = swarm.attempt(user)
    if not seen:
        untrusted = urlsplit(url).scheme == "https" and "certificate" in (error or "")
        raise (UntrustedError if untrusted else NoReplyError)(error or "no answer")
    _, status, _, body, _ = seen[0]
    return status, body
