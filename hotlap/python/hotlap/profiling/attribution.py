"""What a CPU profile says beyond its heaviest functions: whose code, and on what kind of work.

A stack is attributed to the innermost frame of the app's own code in it: what libraries do, they do
for that line. And it belongs to a kind of work (JSON, SQL, allocating) if a frame is known for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from hotlap._engine import Stacks
from hotlap.experiment import Mode

OWN_SHOWN = 5
ALLOCATOR = re.compile(
    r"(__rust_|__rdl_|mi_|je_|_int_|__libc_|sys)?(m|c|re|mem)?(alloc|align|free|cfree|realloc|dealloc)"
    r"(_consolidate|_perturb|_chunk|_merge_chunk|_usable_size|_array)?(@.*)?|operator (new|delete).*|unlink_chunk.*"
)
_PLACE = re.compile(r"(?P<name>.*) \((?P<file>[^()]+):(?P<line>\d+)\)$")
_OUTSIDE = re.compile(r"(^|/)(site-packages|dist-packages|lib/python3[^/]*)/|^<|\.cargo/registry|^/?rustc/")


class Kind(msgspec.Struct, frozen=True):
    """A kind of work: the frames that are known for it, and what may be done about much of it."""

    name: str
    frame: re.Pattern[str]
    advice: str
    leaf: bool = False
    """Whether only the innermost frame counts."""


KINDS = (
    Kind(
        "malloc and free", ALLOCATOR, "keep and reuse what is allocated, or borrow instead of copying", True
    ),
    Kind(
        "the standard library's JSON",
        re.compile(
            r".*\(json/(__init__|encoder|decoder|scanner)\.py:\d+\)|(c_)?make_encoder|encoder_\w+|_parse_\w+_unicode"
        ),
        "a JSON library in native code (orjson, msgspec) does the same in a fraction of the time",
    ),
    Kind(
        "SQL",
        re.compile(
            r".*\((sqlite3|sqlalchemy|django/db|psycopg\w*|pymysql|asyncpg|aiosqlite)/.*|_?sqlite3?_?\w+|pysqlite_\w+"
            r"|\[_?lib?sqlite3.*\]|\[_sqlite3.*\]"
        ),
        "ask for what is needed in one statement, with an index for it",
    ),
    Kind("templates", re.compile(r".*\((jinja2|mako|django/template)/.*"), "cache what does not change"),
    Kind(
        "regular expressions", re.compile(r".*\(re/\w+\.py:\d+\)|sre_\w+"), "compile once, or parse by hand"
    ),
    Kind("deep copies", re.compile(r".*\(copy\.py:\d+\)"), "share what nobody changes"),
    Kind("logging", re.compile(r".*\(logging/.*"), "log less on this path, or from a queue"),
    Kind(
        "pydantic",
        re.compile(r".*\((pydantic|pydantic_core)/.*|.*pydantic_core.*"),
        "validate once, at the edge",
    ),
)


def of_mode(mode: Mode, stacks: Stacks, facts: dict[str, Any], root: Path) -> dict[str, Any]:
    """Further facts about a cleaned profile of an app in ``root``, for rules."""
    if mode == "on-cpu":
        return of_stacks(stacks, root)
    if mode == "await":
        return {"waits": of_waits(stacks, root), "blocked": of_blocked(facts.pop("blocked_s", {}), root)}
    return {}


def of_stacks(stacks: Stacks, root: Path) -> dict[str, Any]:
    """Facts about a cleaned on-CPU profile.

    Returns:
        ``own``: the app's own functions by the share of samples that are theirs or were made for them,
        each with ``name``, ``place`` (file and line, the heaviest) and ``share``. ``kinds``: the kinds
        of work by their share, each with ``name``, ``share``, ``advice`` and ``by``: the own function
        that most of it is done for.
    """
    total = 0
    own: Counter[tuple[str, str]] = Counter()
    kinds: dict[str, Counter[tuple[str, str] | None]] = {kind.name: Counter() for kind in KINDS}
    is_own = owner(stacks, root)
    for frames, count in lines_of(stacks):
        total += count
        places = [is_own(frame) for frame in frames]
        innermost = _innermost(places)
        if innermost is not None:
            own[innermost] += count
        for kind in KINDS:
            at = _first(kind, frames)
            if at is not None:
                kinds[kind.name][_innermost(places[: at + 1])] += count
    if not total:
        return {}
    return {
        "own": [
            {"name": name, "place": place, "share": share}
            for name, place, share in _functions(own, total)[:OWN_SHOWN]
        ],
        "kinds": sorted(
            (_kind(kind, kinds[kind.name], total) for kind in KINDS if kinds[kind.name]),
            key=lambda one: (-one["share"], one["name"]),
        ),
    }


def _innermost(places: Sequence[tuple[str, str] | None]) -> tuple[str, str] | None:
    """The innermost of the app's own places on a stack; a closure goes by the name of the function that it is in."""
    own = [place for place in places if place is not None]
    if not own or not own[-1][0].startswith("{closure"):
        return own[-1] if own else None
    file, _, line = own[-1][1].rpartition(":")
    # The function that a closure is written in starts above it, and nearer than any other that it runs within.
    around = [
        (int(at), name)
        for name, (where, _, at) in ((name, place.rpartition(":")) for name, place in own)
        if where == file and not name.startswith("{closure") and int(at) <= int(line)
    ]
    return (max(around)[1], own[-1][1]) if around else own[-1]


def of_waits(stacks: Stacks, root: Path) -> list[dict[str, Any]]:
    """What suspended tasks wait for, and in which of the app's own functions, by their share of the tasks.

    Each has ``what``, ``share``, and ``name`` and ``place`` where one of the app's own functions waits.
    """
    total = 0
    found: Counter[tuple[str, tuple[str, str] | None]] = Counter()
    is_own = owner(stacks, root)
    for frames, count in lines_of(stacks):
        total += count
        by = next((place for frame in reversed(frames) if (place := is_own(frame)) is not None), None)
        found[frames[-1].removeprefix("waits for: "), by] += count
    return [
        {"what": what, "share": count / total, "name": by and by[0], "place": by and by[1]}
        for (what, by), count in sorted(found.items(), key=lambda item: (-item[1], str(item[0])))
    ][:OWN_SHOWN]


def of_blocked(blocked_s: dict[str, float], root: Path) -> list[dict[str, Any]]:
    """What kept an event loop from running: ``name`` and ``place`` of the app's own function, ``seconds``, and
    ``inside``: what that function ran, where it is not the app's."""
    found: Counter[tuple[str, str, str | None]] = Counter()
    for stack, seconds in blocked_s.items():
        frames = stack.split(";")
        place = own_of(frames, root)
        last = frames[-1].rpartition(" (")[0]
        if place is not None:
            found[*place, last if last != place[0] else None] += seconds  # type: ignore[assignment]
    return [
        {"name": name, "place": place, "inside": inside, "seconds": seconds}
        for (name, place, inside), seconds in found.most_common(OWN_SHOWN)
    ]


def own_of(frames: list[str], root: Path) -> tuple[str, str] | None:
    """The innermost of frames with whole paths that is the app's own: its name, and its place from the root."""
    for frame in reversed(frames):
        found = _PLACE.match(frame)
        if found is None or not Path(found["file"]).is_relative_to(root):
            continue
        file = Path(found["file"]).relative_to(root).as_posix()
        if not _OUTSIDE.search(file):
            return found["name"], f"{file}:{found['line']}"
    return None


def lines_of(stacks: Stacks) -> Iterator[tuple[list[str], int]]:
    """The frames of each stack, the outermost first, with its value."""
    for line in stacks.collapsed().splitlines():
        frames, _, count = line.rpartition(" ")
        if frames:
            yield frames.split(";"), int(count)


def owner(stacks: Stacks, root: Path) -> Callable[[str], tuple[str, str] | None]:
    """Says of a frame whether it is the app's own: then its name and place, else ``None``."""
    native = {
        one.name: one.location
        for one in stacks.top(100_000)
        if one.kind in ("rust", "c") and one.location is not None
    }

    @cache
    def is_own(frame: str) -> tuple[str, str] | None:
        found = _PLACE.match(frame)
        if found is not None:
            name, file, line = found["name"], found["file"], found["line"]
        elif (location := native.get(frame)) is not None:
            name, (file, _, line) = frame, location.rpartition(":")
            for crate in crates(root):
                if (crate / file).is_file() and not _OUTSIDE.search(file):
                    return name, f"{(crate / file).relative_to(root).as_posix()}:{line}"
        else:
            return None
        own = belongs(file, root)
        return (name, f"{own}:{line}") if own is not None else None

    return is_own


@cache
def crates(root: Path) -> tuple[Path, ...]:
    """The folders of Rust crates in the app's: the paths that a crate's debug information has start there."""
    found = [*root.glob("Cargo.toml"), *root.glob("*/Cargo.toml"), *root.glob("*/*/Cargo.toml")]
    return tuple(file.parent for file in sorted(found) if not _OUTSIDE.search(str(file.relative_to(root))))


def belongs(file: str, root: Path) -> str | None:
    """A file, as a profile shortens it, from the app's folder; ``None`` if it is elsewhere or is a package."""
    if _OUTSIDE.search(file):
        return None
    # `compare/pyapp/app.py` is what is shown of `…/compare/pyapp/app.py`: the root's own name may be in it.
    for base in (root, *root.parents[:3]):
        path = base / file
        if path.is_relative_to(root) and path.is_file():
            return path.relative_to(root).as_posix()
    return None


def _first(kind: Kind, frames: list[str]) -> int | None:
    if kind.leaf:
        return len(frames) - 1 if kind.frame.fullmatch(frames[-1]) else None
    return next((at for at, frame in enumerate(frames) if kind.frame.fullmatch(frame)), None)


def _functions(places: Counter[tuple[str, str]], total: int) -> list[tuple[str, str, float]]:
    """Functions by share, each at its heaviest line."""
    by_name: dict[tuple[str, str], Counter[str]] = {}
    for (name, place), count in places.items():
        by_name.setdefault((name, place.rpartition(":")[0]), Counter())[place] += count
    found = [
        (name, max(sorted(lines), key=lambda one: lines[one]), sum(lines.values()) / total)
        for (name, _), lines in by_name.items()
    ]
    return sorted(found, key=lambda one: (-one[2], one[0]))


def _kind(kind: Kind, by: Counter[tuple[str, str] | None], total: int) -> dict[str, Any]:
    known = Counter({place: count for place, count in by.items() if place is not None})
    heaviest = _functions(known, sum(by.values()))[:2]
    return {
        "name": kind.name,
        "share": sum(by.values()) / total,
        "advice": kind.advice,
        "by": [{"name": name, "place": place, "share": share} for name, place, share in heaviest],
    }
