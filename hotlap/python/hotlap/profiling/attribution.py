"""What a CPU profile says beyond its heaviest functions: whose code, and on what kind of work.

A stack is attributed to the innermost frame of the app's own code in it: what libraries do, they do
for that line. And it belongs to a kind of work (JSON, SQL, allocating) if a frame is known for it.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

from hotlap._engine import Stacks
from hotlap.evidence.figures import Place
from hotlap.evidence.profile import (
    Attribution,
    LoopBlock,
    OwnShare,
    Wait,
    WaitKind,
    WorkCaller,
    WorkKind,
    WorkShare,
)

OWN_KEPT = 20
"""How many of the app's functions are kept of each profile."""
_BY_KEPT = 2
_CALLERS_KEPT = 3
WAITS_FOR = "waits for: "
"""How the innermost frame of a suspended task begins in a graph."""
ALLOCATOR = re.compile(
    r"(__rust_|__rdl_|mi_|je_|_int_|__libc_|sys)?(m|c|re|mem)?(alloc|align|free|cfree|realloc|dealloc)"
    r"(_consolidate|_perturb|_chunk|_merge_chunk|_usable_size|_array)?(@.*)?|operator (new|delete).*|unlink_chunk.*"
)
_PLACE = re.compile(r"(?P<name>.*) \((?P<file>[^()]+):(?P<line>\d+)\)$")
_OUTSIDE = re.compile(r"(^|/)(site-packages|dist-packages|lib/python3[^/]*)/|^<|\.cargo/registry|^/?rustc/")


class _Known(msgspec.Struct, frozen=True):
    """The frames that a kind of work is known by."""

    kind: WorkKind
    frame: re.Pattern[str]
    leaf: bool = False
    """Whether only the innermost frame counts."""
    is_part: bool = False
    """Whether any other work may do it, as a part of its own."""


_KNOWN = (
    _Known(WorkKind.ALLOCATION, ALLOCATOR, leaf=True, is_part=True),
    _Known(
        WorkKind.JSON,
        re.compile(
            r".*\(json/(__init__|encoder|decoder|scanner)\.py:\d+\)|(c_)?make_encoder|encoder_\w+|_parse_\w+_unicode"
        ),
    ),
    _Known(
        WorkKind.SQL,
        re.compile(
            r".*\((sqlite3|sqlalchemy|django/db|psycopg\w*|pymysql|asyncpg|aiosqlite)/.*|_?sqlite3?_?\w+|pysqlite_\w+"
            r"|\[_?lib?sqlite3.*\]|\[_sqlite3.*\]"
        ),
    ),
    _Known(WorkKind.TEMPLATES, re.compile(r".*\((jinja2|mako|django/template)/.*")),
    _Known(WorkKind.REGULAR_EXPRESSIONS, re.compile(r".*\(re/\w+\.py:\d+\)|sre_\w+"), is_part=True),
    _Known(WorkKind.DEEP_COPIES, re.compile(r".*\(copy\.py:\d+\)"), is_part=True),
    _Known(WorkKind.LOGGING, re.compile(r".*\(logging/.*")),
    _Known(WorkKind.PYDANTIC, re.compile(r".*\((pydantic|pydantic_core)/.*|.*pydantic_core.*")),
)


def of_stacks(stacks: Stacks, root: Path) -> Attribution:
    """Whose code a cleaned on-CPU profile of an app in ``root`` shows, and what kinds of work."""
    total = 0
    own: Counter[tuple[str, str]] = Counter()
    kinds = {known.kind: _Seen() for known in _KNOWN}
    is_own = owner(stacks, root)
    for frames, count in lines_of(stacks):
        total += count
        places = [is_own(frame) for frame in frames]
        innermost = _innermost(places)
        if innermost is not None:
            own[innermost] += count
        begins = {known: at for known in _KNOWN if (at := _first(known, frames)) is not None}
        innermost_at = max((at for known, at in begins.items() if not known.is_part), default=-1)
        for known, at in begins.items():
            seen = kinds[known.kind]
            seen.by[_innermost(places[: at + 1])] += count
            if at >= innermost_at:
                seen.alone += count
            if not known.leaf and (caller := _caller(frames, places, at)) is not None:
                seen.callers[caller] += count
    if not total:
        return Attribution()
    return Attribution(
        own=_functions(own, total)[:OWN_KEPT],
        kinds=sorted(
            (_work(kind, seen, total) for kind, seen in kinds.items() if seen.by),
            key=lambda one: (-one.share, one.kind.value),
        ),
    )


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


def of_waits(stacks: Stacks, leaves: Mapping[str, WaitKind], root: Path) -> list[Wait]:
    """What suspended tasks wait for, and in which of the app's own functions, by their share of the tasks.

    Args:
        stacks: The cleaned await chains; each ends in a frame that says what is waited for.
        leaves: The kind of each such frame.
        root: The app's folder.
    """
    total = 0
    found: Counter[tuple[str, Place | None]] = Counter()
    is_own = owner(stacks, root)
    for frames, count in lines_of(stacks):
        total += count
        by = next((place for frame in reversed(frames) if (place := is_own(frame)) is not None), None)
        found[frames[-1], Place(name=by[0], place=by[1]) if by else None] += count
    return [
        Wait(
            kind=leaves.get(leaf, WaitKind.OTHER),
            what=leaf.removeprefix(WAITS_FOR),
            share=count / total,
            by=by,
        )
        for (leaf, by), count in sorted(found.items(), key=lambda item: (-item[1], str(item[0])))
    ][:OWN_KEPT]


def of_blocked(blocked_s: Mapping[str, float], root: Path) -> list[LoopBlock]:
    """What kept an event loop from running: the app's own functions, the worst first."""
    found: dict[tuple[str, str, str | None], float] = {}
    for stack, seconds in blocked_s.items():
        frames = stack.split(";")
        place = own_of(frames, root)
        last = frames[-1].rpartition(" (")[0]
        if place is not None:
            key = (*place, last if last != place[0] else None)
            found[key] = found.get(key, 0.0) + seconds
    return [
        LoopBlock(by=Place(name=name, place=place), inside=inside, seconds=seconds)
        for (name, place, inside), seconds in sorted(found.items(), key=lambda item: -item[1])
    ][:OWN_KEPT]


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
            file, _, line = location.rpartition(":")
            # Its place says it better than the engine, which tells namesakes and closures apart by their file.
            name = frame.removesuffix(f" in {Path(file).name}")
            source = None if _OUTSIDE.search(file) else _source(file, root)
            if source is not None:
                return name, f"{source}:{line}"
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


@cache
def _source(file: str, root: Path) -> str | None:
    """A Rust file, as a profile shortens it to its last two folders, from the app's folder."""
    found = [crate / file for crate in crates(root) if (crate / file).is_file()]
    if not found:
        # Of a module within modules the crate's folder is not told: it counts where one file alone can be meant.
        nested = [path for crate in crates(root) for path in crate.glob(f"src/**/{file}")]
        found = nested if len(nested) == 1 else []
    return found[0].relative_to(root).as_posix() if found else None


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


def _first(kind: _Known, frames: list[str]) -> int | None:
    if kind.leaf:
        return len(frames) - 1 if kind.frame.fullmatch(frames[-1]) else None
    return next((at for at, frame in enumerate(frames) if kind.frame.fullmatch(frame)), None)


def _functions(places: Counter[tuple[str, str]], total: int) -> list[OwnShare]:
    """Functions by share, each at its heaviest line."""
    by_name: dict[tuple[str, str], Counter[str]] = {}
    for (name, place), count in places.items():
        by_name.setdefault((name, place.rpartition(":")[0]), Counter())[place] += count
    found = [
        OwnShare(
            function=Place(name=name, place=max(sorted(lines), key=lambda one: lines[one])),
            share=sum(lines.values()) / total,
        )
        for (name, _), lines in by_name.items()
    ]
    return sorted(found, key=lambda one: (-one.share, one.function.name))


class _Seen:
    """What was seen of a kind of work, in samples."""

    def __init__(self) -> None:
        self.by: Counter[tuple[str, str] | None] = Counter()
        self.alone = 0
        self.callers: Counter[tuple[str | None, str]] = Counter()
        """By library (``None``: the app) and function."""


def _caller(
    frames: Sequence[str], places: Sequence[tuple[str, str] | None], at: int
) -> tuple[str | None, str] | None:
    """Who asks for the work that begins at a frame: the app, or a library by its folder's or module's name."""
    for frame, place in zip(reversed(frames[:at]), reversed(places[:at]), strict=True):
        if place is not None:
            return None, f"{place[0]} ({place[1]})"
        found = _PLACE.match(frame)
        library = found["file"].partition("/")[0].removesuffix(".py") if found is not None else ""
        if library and not library.startswith("<") and library not in sys.stdlib_module_names:
            return library, frame
    return None


def _work(kind: WorkKind, seen: _Seen, total: int) -> WorkShare:
    known = Counter({place: count for place, count in seen.by.items() if place is not None})
    of_kind = seen.by.total()
    callers: dict[str | None, Counter[str]] = {}
    for (library, function), count in seen.callers.items():
        callers.setdefault(library, Counter())[function] += count
    return WorkShare(
        kind=kind,
        share=of_kind / total,
        by=_functions(known, of_kind)[:_BY_KEPT],
        alone=seen.alone / total,
        callers=sorted(
            (
                WorkCaller(
                    library=library,
                    function=max(sorted(functions), key=lambda one: functions[one]),
                    share=functions.total() / of_kind,
                )
                for library, functions in callers.items()
            ),
            key=lambda one: (-one.share, one.library or ""),
        )[:_CALLERS_KEPT],
    )
