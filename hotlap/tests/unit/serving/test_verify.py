"""What the answers of a scenario's variants must have in common."""

from __future__ import annotations

import msgspec

from hotlap.evidence.service import Verified
from hotlap.experiment import Lane
from hotlap.serving.verify import disagreements


def test_variants_that_differ_are_named() -> None:
    lanes = [Lane(scenario="s", variant=variant, path="/") for variant in ("python", "native")]
    same = Verified(status=200, size=1, sha256="a" * 64, constant=True, alone_ms=1.0)
    other = Verified(status=200, size=2, sha256="b" * 64, constant=True, alone_ms=1.0)
    varying = msgspec.structs.replace(other, constant=False)
    assert disagreements(lanes, {"s/python": same, "s/native": same}) == {}
    told = disagreements(lanes, {"s/python": same, "s/native": other})
    assert set(told) == {"s/python", "s/native"}
    assert "answer differently" in told["s/native"]
    assert disagreements(lanes, {"s/python": same, "s/native": varying}) == {}
