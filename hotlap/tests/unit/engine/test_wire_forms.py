"""What crosses between Python and the engine: requests, counters on their way to a master, and panics."""

from __future__ import annotations

import hashlib
import pickle
from typing import Any

import msgpack
import pytest

from hotlap import _engine
from hotlap._engine import Behaviour, Counters, Histogram, NullServer, Request, Swarm


def counted() -> Counters:
    """Real ones: of a few requests, one of which is expected to fail."""
    server, swarm = NullServer(3), None
    try:
        swarm = Swarm(server.url)
        behaviour = swarm.declare(
            Behaviour([Request("GET", "/"), Request("GET", "/other", name="/", expected_body="no")])
        )
        for _ in range(3):
            swarm.add(behaviour)
        while server.received < 200:
            pass
    finally:
        if swarm is not None:
            swarm.stop(grace_s=10)
        server.close()
    (counters,) = swarm.take()
    return counters


def test_a_panic_is_an_error_like_others() -> None:
    with pytest.raises(_engine.PanicError, match=r"^the engine panicked: oh no$") as raised:
        _engine._panic("oh no")
    assert isinstance(raised.value, Exception)


def test_a_request_is_read_as_it_was_declared() -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    request = Request("POST", "/a", "b", 3, {"X-A": "é"}, "ü", None, expected_sha256=digest.upper())
    assert (request.method, request.path, request.name, request.weight) == ("POST", "/a", "b", 3)
    assert (request.headers, request.body, request.statuses) == ({"X-A": "é"}, "ü".encode(), [])
    assert (request.expected_body, request.expected_sha256) == (None, digest)
    assert request == Request("POST", "/a", "b", 3, {"X-A": "é"}, "ü".encode(), None, expected_sha256=digest)
    plain = Request("GET", "/a?b=1", expected_body="6")
    assert (plain.name, plain.weight, plain.statuses, plain.body) == ("/a?b=1", 1, [200], None)
    assert (plain.expected_body, plain.expected_sha256) == (b"6", None)
    assert plain != request
    with pytest.raises(AttributeError):
        plain.weight = 2  # type: ignore[misc]


@pytest.mark.parametrize("digest", ["", "ab", "g" * 64, "é" * 64])
def test_a_digest_that_is_not_one_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256: it has 64 hexadecimal digits"):
        Request("GET", "/", expected_sha256=digest)


def test_a_request_that_cannot_be_sent_is_refused_by_the_engine() -> None:
    swarm = Swarm("http://127.0.0.1:1")
    for request, said in (
        (Request("GET", "a"), "is not a path"),
        (Request("GET", "/", weight=0), "a weight is at least 1"),
        (Request("GET", "/", headers={"A": "b\r\nc: d"}), "cannot be sent"),
    ):
        with pytest.raises(ValueError, match=said):
            swarm.declare(Behaviour([request]))


@pytest.mark.parametrize(
    "sent",
    [
        lambda data: msgpack.loads(msgpack.dumps(data, use_bin_type=True), raw=False, strict_map_key=False),
        lambda data: pickle.loads(pickle.dumps(data)),
    ],
    ids=["msgpack", "pickle"],
)
def test_counters_are_the_same_after_a_journey(sent: Any) -> None:
    there = counted()
    here = Counters.from_dict(sent(there.to_dict()))
    assert here.to_dict() == there.to_dict()
    assert here.counts() == there.counts()
    assert (here.method, here.name) == ("GET", "/")
    assert here.answered
    assert here.failed
    assert here.requests == sum(ended for ended, _ in here.seconds.values())
    assert (here.response.count, here.failure.count) == (here.answered, here.failed)
    said = f'{_engine.ANOTHER_BODY}: the first time, after 0 equal bytes came "xxx" instead of "no"'
    assert here.errors == {said: here.failed}
    assert here.body_bytes == 3 * here.requests


def test_what_is_not_whole_is_refused() -> None:
    data = counted().to_dict()
    for name in data:
        with pytest.raises(ValueError, match=f"^{name} is missing in what was sent"):
            Counters.from_dict({key: value for key, value in data.items() if key != name})
    for name, value in {"started": -1, "lag": b"x", "seconds": {1: (2,)}, "errors": None}.items():
        with pytest.raises(ValueError, match=f"^{name} in what was sent: "):
            Counters.from_dict({**data, name: value})


def test_counters_add_up() -> None:
    one, total = counted(), Counters()
    total.merge(one)
    total.merge(one)
    assert total.counts() == {name: 2 * count for name, count in one.counts().items()}
    assert total.response.recorded() == [(value, 2 * count) for value, count in one.response.recorded()]
    assert total.errors == {text: 2 * count for text, count in one.errors.items()}
    total.merge(total)
    assert total.started == 4 * one.started
    assert isinstance(total.lag, Histogram)
    total.lag.record(1)
    assert total.lag.count == 4 * one.lag.count, "a histogram that is read is a copy"


def test_what_is_in_flight_outlives_a_reset_and_can_be_written_off() -> None:
    data = Counters("GET", "/").to_dict()
    counters = Counters.from_dict({**data, "started": 5, "answered": 2})
    assert counters.in_flight == 3
    counters.reset()
    assert counters.counts() | {"started": 3, "in_flight": 3} == counters.counts()
    counters.write_off(3)
    assert (counters.aborted, counters.in_flight) == (3, 0)
    counters.write_off(-3)
    assert (counters.aborted, counters.in_flight) == (0, 3)


def test_a_behaviour_is_read_as_it_was_declared() -> None:
    requests = [Request("GET", "/a"), Request("GET", "/b", weight=3)]
    plain = Behaviour(requests)
    assert (plain.model, plain.wait_s, plain.arrivals, plain.max_in_flight) == ("closed", (0, 0), None, None)
    assert plain.requests == requests
    paced = Behaviour(tuple(requests), model="paced", wait_s=(0.5, 1.5))
    assert (paced.model, paced.wait_s) == ("paced", (0.5, 1.5))
    arriving = Behaviour(requests, model="open", arrivals="exponential", max_in_flight=7)
    assert (arriving.model, arriving.arrivals, arriving.max_in_flight) == ("open", "exponential", 7)


def test_a_behaviour_that_nobody_can_live_is_refused() -> None:
    requests = [Request("GET", "/")]
    for wrong in ({"model": "half"}, {"arrivals": "late"}, {"wait_s": (-1.0, 1.0)}):
        with pytest.raises(ValueError, match=" not "):
            Behaviour(requests, **wrong)  # type: ignore[arg-type]
    swarm = Swarm("http://127.0.0.1:1")
    for behaviour in (
        Behaviour([]),
        Behaviour(requests, wait_s=(2.0, 1.0)),
        Behaviour(requests, model="paced"),
        Behaviour(requests, model="open", max_in_flight=0),
    ):
        with pytest.raises(ValueError, match=r"needs|low|allowed"):
            swarm.declare(behaviour)
