"""Malformed requests: none of them may change a client, however it is read. Pure: chance in, bytes out."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator

PATHS = ("/", "/read", "/fast", "/python/cpu", "/native/cpualloc", "/clients", "/python/clients", "/metrics")
CLIENTS = ("/clients/abused", "/native/clients/abused", "/python/clients/abused")
"""A client that is not there, and must not be afterwards."""
GOOD = {"user_id": 7, "subscribed_topics": ["owls", "ä"]}
WRONG = (
    *(b"", b"{", b"nonsense", b"\xff\xfe", b"[" * 20_000, b'{"user_id": 04, "subscribed_topics": []}'),
    *(b'{"user_id": 1, "subscribed_topics": ["\xff"]}', b'{"user_id": 1e999, "subscribed_topics": []}'),
    *(b'{"user_id": -1, "subscribed_topics": []}', b'{"user_id": 4294967296, "subscribed_topics": []}'),
    *(b'{"user_id": 1}', b'{"user_id": 1, "subscribed_topics": [], "more": 1}', b"null", b"[]", b"7"),
    *(b'{"user_id": 1.5, "subscribed_topics": []}', b'{"user_id": true, "subscribed_topics": []}'),
    *(b'{"user_id": 1, "subscribed_topics": ["\\ud800"]}', b" " * 70_000),
    json.dumps({"user_id": 1, "subscribed_topics": ["x" * 101]}).encode(),
    json.dumps({"user_id": 1, "subscribed_topics": ["x"] * 101}).encode(),
)
LAST = b"0\r\n\r\n"
"""The last chunk of a body."""
LENGTHS = (
    "-1",
    "+7",
    "0x7",
    "7, 8",
    "7 7",
    "",
    " ",
    "1" * 30,
    "18446744073709551616",
    "7.0",
    "\uff19",
    "1e3",
)
SIZES = (
    "zz",
    "-1",
    "FFFFFFFFFFFFFFFFF",
    "7fffffffffffffff",
    "",
    " 3",
    "3 ",
    "0x3",
    "3;" + "e" * 20_000,
    "\x00",
)
LINES = (
    *(
        "GET",
        "GET /",
        "GET  / HTTP/1.1",
        " GET / HTTP/1.1",
        "GET / HTTP/9.9",
        "GET / HTTP/1.1 x",
        "get / http/1.1",
    ),
    *("GET /\x00 HTTP/1.1", "GET /%00 HTTP/1.1", "GET /% HTTP/1.1", "GET /%zz%f HTTP/1.1", "GET * HTTP/1.1"),
    *("GET /\xff\xfe HTTP/1.1", "GET http:// HTTP/1.1", "GET http://[::1 HTTP/1.1", "GET //..//../ HTTP/1.1"),
    *("CONNECT a:443 HTTP/1.1", "TRACE / HTTP/1.1", "FOO /read HTTP/1.1", "OPTIONS * HTTP/1.1", "/ HTTP/1.1"),
    *(
        "GET /read?%%%=%&&&=\xe4 HTTP/1.1",
        f"GET /{'x' * 100_000} HTTP/1.1",
        f"{'G' * 9000} / HTTP/1.1",
        "",
        "\x00",
    ),
    *(
        "PRI * HTTP/2.0",
        "GET /read#f HTTP/1.1",
        "GET clients HTTP/1.1",
        "GET /read\tHTTP/1.1",
        "GET /read HTTP/1",
    ),
)
HEADERS = (
    *(
        "no colon",
        ": no name",
        "X : y",
        "X\x00: y",
        "X: \x00",
        "X: a\nY: b",
        " folded: x",
        "X: a\r\n  folded",
        "Ä: x",
    ),
    *("X: \xff\xfe", "X: " + "y" * 70_000, "Host: a\r\nHost: b", "Host: \x01", "Expect: nonsense", "TE: zz"),
    *("Transfer-Encoding: x, chunked, y", "Transfer-Encoding: chunked, chunked", "Connection: close, , \x7f"),
    *(
        "Upgrade: h2c\r\nHTTP2-Settings: !!",
        "Content-Type: \x00/\x00",
        "Accept: " + "a/b," * 5000,
        "Range: bytes=x-",
    ),
    *("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x", "Cookie: " + "=;" * 9000),
    "\r\n".join(f"X-{number}: y" for number in range(500)),
)
OTHERS = (
    *(
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60),
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"EHLO there\r\n",
    ),
    *(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n" * 2000,
        b"\x00" * 5000,
        b"*1\r\n$4\r\nPING\r\n",
        b"\x80" * 3,
    ),
)


def requests(chance: random.Random, times: int) -> Iterator[tuple[str, bytes]]:
    """So many requests, each of a kind drawn at random; its kind and its bytes."""
    for _ in range(times):
        kind = chance.choice(list(KINDS))
        yield kind, KINDS[kind](chance)


def head(first: str, *headers: str) -> bytes:
    """The head of a request that asks for the connection to be closed."""
    return "\r\n".join([first, "Host: 127.0.0.1", "Connection: close", *headers, "", ""]).encode(
        "latin-1", "replace"
    )


def _get(chance: random.Random) -> str:
    return f"GET {chance.choice(PATHS)} HTTP/{chance.choice(('1.0', '1.1', '1.1'))}"


def _put(chance: random.Random) -> str:
    return f"PUT {chance.choice(CLIENTS)} HTTP/1.1"


def _good(chance: random.Random) -> bytes:
    body = json.dumps(GOOD, ensure_ascii=False).encode()
    if chance.random() < 0.5:
        return head(_put(chance), f"Content-Length: {len(body)}") + body
    cut = chance.randrange(1, len(body))
    return head(_put(chance), "Transfer-Encoding: chunked") + chunks(body[:cut], body[cut:])


def chunks(*pieces: bytes) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + LAST


def broken_off(chance: random.Random) -> bytes:
    """A good PUT without its end."""
    whole = _good(chance)
    if chance.random() < 0.2:
        # What has come is all of a client; only more was announced.
        return re.sub(
            rb"(?<=Content-Length: )\d+", lambda found: b"%d" % (int(found[0]) + 9), whole.removesuffix(LAST)
        )
    return whole[: chance.randrange(len(whole))]


def flipped(chance: random.Random) -> bytes:
    """A head with wrong bytes in it; its body is wrong in any case."""
    body = chance.choice(WRONG[:12])
    first = chance.choice((_get, _put))(chance)
    data = bytearray(
        head(first, f"Content-Length: {len(body)}", "Content-Type: application/json", "X-One: 1")
    )
    for _ in range(chance.randint(1, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data) + body


def wrong_body(chance: random.Random) -> bytes:
    """A PUT whose body is no client."""
    body = chance.choice(WRONG)
    if chance.random() < 0.5:
        return head(_put(chance), f"Content-Length: {len(body)}") + body
    return head(_put(chance), "Transfer-Encoding: chunked") + chunks(body or b" ")


def wrong_length(chance: random.Random) -> bytes:
    """A PUT whose length is none, or not that of its body."""
    told = [chance.choice(LENGTHS) for _ in range(chance.randint(1, 2))]
    encoding = ["Transfer-Encoding: chunked"] if chance.random() < 0.3 else []
    return head(_put(chance), *(f"Content-Length: {one}" for one in told), *encoding) + chance.choice(WRONG)


def wrong_chunks(chance: random.Random) -> bytes:
    """A body in chunks that are none."""
    size = chance.choice(SIZES).encode()
    ends = chance.choice((b"\r\n", b"\n", b"", b"\r\r\n"))
    method = chance.choice((_get, _put))(chance)
    return head(method, "Transfer-Encoding: chunked") + size + ends + b'{"a' + ends + b"0\r\nX: y\x00\r\n\r\n"


def wrong_line(chance: random.Random) -> bytes:
    """A request line that is none, or asks for what is not there."""
    return head(chance.choice(LINES))


def wrong_header(chance: random.Random) -> bytes:
    """Headers that are none, too long, or too many."""
    first = chance.choice((_get(chance), f"DELETE {chance.choice(CLIENTS)} HTTP/1.1"))
    return head(first, *(chance.choice(HEADERS) for _ in range(chance.randint(1, 3))))


def other_protocol(chance: random.Random) -> bytes:
    """Something else than HTTP/1."""
    return chance.choice(
        (chance.choice(OTHERS), chance.randbytes(chance.randint(1, 300)))
    ) + chance.randbytes(9)


def followed(chance: random.Random) -> bytes:
    """A good GET, and nonsense right after it on the same connection."""
    good = f"GET {chance.choice(PATHS)} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    return good * chance.randint(1, 4) + KINDS[chance.choice([one for one in KINDS if one != "followed"])](
        chance
    )


KINDS: dict[str, Callable[[random.Random], bytes]] = {
    one.__name__: one
    for one in (
        *(broken_off, flipped, wrong_body, wrong_length, wrong_chunks, wrong_line, wrong_header),
        *(other_protocol, followed),
    )
}
"""Each kind by name."""
