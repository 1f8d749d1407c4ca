"""What the types of a ``run.json`` cannot say: figures out of all bounds, lists that do not fit together."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hotlap.evidence.figures import LARGEST, SMALLEST, Durations


def problems(value: object, place: str = "") -> Iterator[str]:
    """Each value that no run has: its path, and what was expected there."""
    match value:
        case float():
            if value and not SMALLEST <= abs(value) <= LARGEST:
                yield f"{place} is {value:g}: expected 0, or a figure from {SMALLEST:g} to {LARGEST:g}"
        case msgspec.Struct():
            if isinstance(value, Durations) and (flaw := value.flaw) is not None:
                yield f"{place}.{flaw}"
            for field in value.__struct_fields__:
                yield from problems(getattr(value, field), f"{place}.{field}" if place else field)
        case dict():
            for key, one in value.items():
                yield from problems(one, f"{place}[{key!r}]")
        case list() | tuple():
            for index, one in enumerate(value):
                yield from problems(one, f"{place}[{index}]")
