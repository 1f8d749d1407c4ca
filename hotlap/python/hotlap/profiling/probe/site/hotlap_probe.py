"""Looks into the process that it is loaded in: suspended tasks, the event loop's lag, allocations, statements, settings.

It uses the standard library alone, and does nothing until it is asked: a thread listens on a Unix
socket in the folder that the lab names, ``PID.sock``. A question is a line of JSON, and so is its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import mmap
import os
import socket
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any, NamedTuple

import hotlap_routes  # type: ignore[import-not-found,unused-ignore]
import hotlap_settings  # type: ignore[import-not-found,unused-ignore]  # They lie beside this file.
import hotlap_statements  # type: ignore[import-not-found,unused-ignore]

Waited = tuple[str, str]
"""What is waited for: its kind, one of the lab's ``WaitKind``, and in words."""


class Chain(NamedTuple):
    """An await chain, the outermost frame first, and what it ends in."""

    frames: tuple[str, ...]
    kind: str
    what: str


MAX_DEPTH = 100
ANSWERS_S = 5.0
"""How long an event loop may take to do what it is asked to."""
BLOCKED_S = 0.02
"""An event loop that is so late is looked at, again and again until it runs."""
MOST_OF_LOOP = 0.1
"""The share of an event loop's time that looking at its tasks may take: with many tasks it looks less often."""


def start(folder: str) -> None:
    """Listen, in this process and in those that it forks."""
    if "HOTLAP_WATCH" in os.environ:
        hotlap_settings.watch()
        hotlap_statements.watch()
    os.register_at_fork(after_in_child=lambda: _listen(folder))
    _listen(folder)


def _listen(folder: str) -> None:
    listener = socket.socket(socket.AF_UNIX)
    path = os.path.join(folder, f"{os.getpid()}.sock")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener.bind(path)
    listener.listen()
    threading.Thread(target=_serve, args=(listener,), name="hotlap-probe", daemon=True).start()


def _serve(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw") as lines:
            for line in lines:
                try:
                    answer = _COMMANDS[(question := json.loads(line)).pop("do")](**question)
                except Exception as error:
                    answer = {"error": f"{type(error).__name__}: {error}"}
                lines.write(json.dumps(answer) + "\n")
                lines.flush()


def tasks(time_s: float, interval_s: float) -> dict[str, Any]:
    """Sample what the event loops' tasks wait for, and how late the loops run what is due."""
    chains: Counter[Chain] = Counter()
    blocked: Counter[str] = Counter()
    threads: dict[int, int] = {}
    lags_s: list[float] = []
    ticks = errors = 0
    look_s = 0.0
    running = _Loops()
    began_s = time.monotonic()
    while (now_s := time.monotonic()) - began_s < time_s:
        looked_s = look_s
        for loop in running.now():
            done = threading.Event()
            asked_s = time.monotonic()

            def look(
                loop: asyncio.AbstractEventLoop = loop, done: threading.Event = done, asked_s: float = asked_s
            ) -> None:
                nonlocal errors, look_s
                threads[id(loop)] = threading.get_ident()
                runs_s = time.monotonic()
                lags_s.append(runs_s - asked_s)
                try:
                    _count(_of_requests(loop), chains)
                except Exception:
                    errors += 1
                look_s += time.monotonic() - runs_s
                done.set()

            try:
                loop.call_soon_threadsafe(look)
            except RuntimeError:
                continue  # It was closed meanwhile.
            # A loop that is blocked shows as lag once it runs again; what blocks it is looked at meanwhile.
            until_s = asked_s + max(1.0, time_s)
            while not done.wait(timeout=BLOCKED_S) and time.monotonic() < until_s:
                blocked[_running(threads.get(id(loop)))] += 1
        ticks += 1
        rest_s = (look_s - looked_s) * (1 / MOST_OF_LOOP - 1)
        time.sleep(max(rest_s, interval_s - (time.monotonic() - now_s), 0.0))
    return {
        # In hundredths so far: see `_count`.
        "waits": [
            {"frames": chain.frames, "kind": chain.kind, "what": chain.what, "count": round(weight / 100)}
            for chain, weight in chains.items()
            if weight >= 50
        ],
        "ticks": ticks,
        "look_s": look_s,
        "took_s": time.monotonic() - began_s,
        "errors": errors,
        "lags_s": lags_s,
        "blocked_s": {stack: count * BLOCKED_S for stack, count in blocked.items() if stack},
    }


def _running(thread: int | None) -> str:
    """What a thread runs now, the outermost frame first."""
    frame = sys._current_frames().get(thread) if thread is not None else None
    frames: list[str] = []
    while frame is not None and len(frames) < MAX_DEPTH:
        code = frame.f_code
        name = getattr(code, "co_qualname", code.co_name)
        frames.append(f"{_clean(name)} ({_clean(code.co_filename)}:{frame.f_lineno})")
        frame = frame.f_back
    return ";".join(reversed(frames))


_before: weakref.WeakSet[Any] = weakref.WeakSet()


def tasks_before() -> dict[str, Any]:
    """Tasks that are there now, before there is any load, are the server's own: they are not sampled.

    The answer has how many there are, and on how many event loops that run.
    """
    loops = _Loops().now()
    for loop in loops:
        _on(loop, lambda loop=loop: _before.update(asyncio.all_tasks(loop)))  # type: ignore[misc]
    return {"tasks": len(_before), "loops": len(loops)}


def _on(loop: asyncio.AbstractEventLoop, call: Callable[[], Any]) -> None:
    """Call something in the thread of an event loop, and wait until it is done."""
    done = threading.Event()

    def calls() -> None:
        try:
            call()
        finally:
            done.set()

    with contextlib.suppress(RuntimeError):  # It was closed meanwhile.
        loop.call_soon_threadsafe(calls)
        done.wait(timeout=ANSWERS_S)


SERVERS_OWN = (
    ("uvicorn/server.py", ""),
    ("uvicorn/lifespan/on.py", ""),
    ("uvicorn/workers.py", ""),
    ("uvicorn_worker/_workers.py", ""),
    ("gunicorn/asgi/lifespan.py", ""),
    ("gunicorn/workers/gasgi.py", ""),
    ("granian/asgi.py", "LifespanProtocol."),
    ("granian/server/embed.py", ""),
    ("hypercorn/asyncio/lifespan.py", ""),
    ("hypercorn/asyncio/run.py", ""),
    ("aiohttp/web.py", ""),
)
"""Where the tasks begin that servers keep for themselves, by the end of their file and how the function's name begins.

A worker that starts late, or anew, has them after the load has begun.
"""


def _of_requests(loop: asyncio.AbstractEventLoop) -> set[Any]:
    """The tasks of a loop but for the server's own; it is asked in the loop's thread."""
    found = asyncio.all_tasks(loop) - set(_before)
    return {task for task in found if not _is_servers(task.get_coro())}


def _is_servers(coroutine: Any) -> bool:
    code, _, _ = _step(coroutine)
    if code is None:
        return False
    name = getattr(code, "co_qualname", getattr(coroutine, "__qualname__", code.co_name))
    return any(code.co_filename.endswith(file) and name.startswith(begin) for file, begin in SERVERS_OWN)


def _count(tasks: set[Any], chains: Counter[Chain]) -> None:
    """Add a sample of each task that no other one of them waits for: those are part of that one's chain."""
    found = {task: _with_handler(task, waits(task)) for task in tasks}
    within = {id(child) for task in tasks for child in _children(task)}
    for task, of_task in found.items():
        if id(task) not in within and not all(map(_is_connections, of_task)):
            # A sample is one task; of several chains each has its part, in hundredths.
            for chain in of_task:
                chains[chain] += 100 // len(of_task)


def _with_handler(task: Any, of_task: list[Chain]) -> list[Chain]:
    """The chains of a task: what a thread pool does for it is its handler's, which is on no chain."""
    if not any(map(_in_threads, of_task)):
        return of_task
    handler = hotlap_routes.endpoint_of(_frames(task.get_coro()))
    if handler is None:
        return of_task
    handler = _clean(handler)
    own = handler.rpartition(":")[0]
    return [
        chain._replace(frames=(*chain.frames, handler))
        if _in_threads(chain) and not any(frame.rpartition(":")[0] == own for frame in chain.frames)
        else chain
        for chain in of_task
    ]


def _in_threads(chain: Chain) -> bool:
    """Whether a thread pool does something for a task, or the task waits for one of its threads."""
    return chain.kind == "thread-pool" or any(_IN_THREAD in frame for frame in chain.frames)


def _frames(at: Any) -> Iterator[FrameType]:
    """The frames of a coroutine and of what it waits for, the outermost first."""
    for _ in range(MAX_DEPTH):
        code, frame, inner = _step(at)
        if frame is not None:
            yield frame
        at = inner if code is not None else _inside(at)
        if at is None:
            return


CONNECTIONS = (
    ("gunicorn/asgi/protocol.py", ("ASGIProtocol._handle_connection", "ASGIProtocol._serve_http_request")),
)
"""Where a server's task for a connection waits for the task that answers, or for the next request."""


def _is_connections(chain: Chain) -> bool:
    frames = (frame for frame in reversed(chain.frames) if "/asyncio/" not in frame)
    name, _, place = next(frames, "").partition(" (")
    return any(name in names and f"{file}:" in place for file, names in CONNECTIONS)


def _children(task: Any) -> list[Any]:
    """The tasks that a task waits for directly."""
    at, seen = task.get_coro(), set()
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        code, frame, inner = _step(at)
        if (
            code is not None
            and code.co_name == "_wait"
            and frame is not None
            and "asyncio" in code.co_filename
        ):
            return [one for one in frame.f_locals.get("fs", ()) if isinstance(one, asyncio.Task)]
        at = inner if code is not None else _inside(at)
        if isinstance(at, asyncio.Task):
            return [at]
        if isinstance(at, asyncio.Future):
            return [one for one in getattr(at, "_children", None) or [] if isinstance(one, asyncio.Task)]
    waiter = getattr(task, "_fut_waiter", None)
    return [waiter] if isinstance(waiter, asyncio.Task) else list(getattr(waiter, "_children", None) or [])


def _at_hand() -> list[asyncio.AbstractEventLoop]:
    """The event loops in what the threads' functions have: a variable, or an attribute of one."""
    found: dict[int, asyncio.AbstractEventLoop] = {}
    for innermost in sys._current_frames().values():
        frame: FrameType | None = innermost
        while frame is not None:
            for value in list(frame.f_locals.values()):
                for one in (value, *_attributes(value)):
                    if issubclass(type(one), asyncio.AbstractEventLoop):
                        found[id(one)] = one
            frame = frame.f_back
    return list(found.values())


def _attributes(value: Any) -> list[Any]:
    """What an object has itself; it is not asked in its own way, which would wake a proxy."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return []
    return list(own.values()) if type(own) is dict else []


class _Loops:
    """The event loops that run: found among all objects, since nobody else knows those of other threads.

    Looking takes a while in a large process, so that it is done only now and then.
    """

    MOST_OF_TIME = 0.02
    EACH_S = 0.25

    def __init__(self) -> None:
        self._found: list[asyncio.AbstractEventLoop] = []
        self._again_s = 0.0

    def now(self) -> list[asyncio.AbstractEventLoop]:
        """Those that run now."""
        began_s = time.monotonic()
        if began_s >= self._again_s:
            # An object's type, not what it says that it is: a proxy would be woken by that.
            is_loop = {
                kind: issubclass(kind, asyncio.AbstractEventLoop) for kind in set(map(type, gc.get_objects()))
            }
            found = [one for one in gc.get_objects() if is_loop.get(type(one), False)]
            # Those that `gc.freeze` put aside are not among them; who runs one has it at hand.
            self._found = [*found, *(one for one in _at_hand() if not any(one is other for other in found))]
            took_s = time.monotonic() - began_s
            self._again_s = began_s + max(self.EACH_S, took_s / self.MOST_OF_TIME)
        return [loop for loop in self._found if loop.is_running()]


def waits(task: Any) -> list[Chain]:
    """What a task waits for, with its await chain.

    A task that waits for several others has a chain for each of them. One that only watches whether the
    client goes away is left out while there are others: it is not what the request waits for.
    """
    return _chains(task.get_coro(), task, {id(task)})


def _chains(at: Any, task: Any, seen: set[int]) -> list[Chain]:
    frames: list[str] = []
    while id(at) not in seen and len(frames) < MAX_DEPTH:
        seen.add(id(at))
        code, frame, inner = _step(at)
        if code is None:
            inner = _inside(at)
            if inner is None:
                break
        else:
            line = frame.f_lineno if frame is not None else code.co_firstlineno
            # Before 3.11 it is the coroutine that knows it, not its code.
            name = getattr(code, "co_qualname", getattr(at, "__qualname__", code.co_name))
            frames.append(f"{_clean(name)} ({_clean(code.co_filename)}:{line})")
            if code.co_name == "_wait" and frame is not None and "asyncio" in code.co_filename:
                return _of_others(frames, frame.f_locals.get("fs", ()), seen)
            if inner is None:
                inner = getattr(task, "_fut_waiter", None)
                if inner is None:
                    return [_chain(frames, "loop-turn", "its turn on the event loop")]
        at = inner
        if isinstance(at, asyncio.Task):
            return _of_others(frames, [at], seen)
        others = getattr(at, "_children", None)
        if isinstance(at, asyncio.Future) and others:
            return _of_others(frames, others, seen)
    return [_chain(frames, *_named(at, frames))]


def _chain(frames: list[str], kind: str, what: str) -> Chain:
    return Chain(tuple(frames), kind, what)


def _of_others(frames: list[str], others: Any, seen: set[int]) -> list[Chain]:
    inner = [
        chain
        for other in others
        if isinstance(other, asyncio.Task) and not other.done() and id(other) not in seen
        for chain in _chains(other.get_coro(), other, seen | {id(other)})
    ]
    work = [chain for chain in inner if chain.kind != "client"] or inner
    if not work:
        return [_chain(frames, *_future(frames))]
    return [chain._replace(frames=(*frames, *chain.frames)) for chain in work]


def _future(frames: list[str]) -> Waited:
    """What a bare future stands for: a server's `receive` waits for its client, whatever it does so with."""
    if frames and _IN_THREAD in frames[-1]:
        return _POOL
    asked = any(frame.split(" (")[0].endswith("receive") for frame in frames[-5:])
    return _CLIENT if asked else ("future", "a future")


def _step(at: Any) -> tuple[CodeType | None, FrameType | None, Any]:
    if isinstance(at, CoroutineType):
        return at.cr_code, at.cr_frame, at.cr_await
    if isinstance(at, GeneratorType):
        return at.gi_code, at.gi_frame, at.gi_yieldfrom
    if isinstance(at, AsyncGeneratorType):
        return at.ag_code, at.ag_frame, at.ag_await
    return None, None, None


_WRAPPERS = ("async_generator_asend", "async_generator_athrow", "coroutine_wrapper", "FutureIter")


def _inside(at: Any) -> Any:
    """What the interpreter's own wrappers hold; they do not say, but the garbage collector knows."""
    if type(at).__name__ not in _WRAPPERS:
        return None
    kinds = (CoroutineType, GeneratorType, AsyncGeneratorType, asyncio.Future)
    return next((held for held in gc.get_referents(at) if isinstance(held, kinds)), None)


_IN_THREAD = "run_sync_in_worker_thread ("
"""How anyio has a thread do something."""
_POOL: Waited = ("thread-pool", "a thread pool")
_CLIENT: Waited = ("client", "the client")
_KNOWN_FRAMES: dict[str, Waited] = {
    "Lock.acquire": ("lock", "asyncio.Lock"),
    "Semaphore.acquire": ("semaphore", "asyncio.Semaphore"),
    "Condition.wait": ("condition", "asyncio.Condition"),
    "Event.wait": ("event", "asyncio.Event"),
    "Queue.get": ("queue", "asyncio.Queue (to be filled)"),
    "Queue.put": ("queue", "asyncio.Queue (to have room)"),
    "sleep": ("timer", "a timer"),
    "StreamReader._wait_for_data": ("stream", "data from a stream"),
}
_KNOWN_TYPES = {"granian._granian.PyFutureAwaitable": _CLIENT, "granian._granian.PyEmptyAwaitable": _CLIENT}


def _named(at: Any, frames: list[str]) -> Waited:
    """What a chain ends in: what it says itself, what the standard library's last frame means, or its type."""
    own = getattr(at, "waits_for", None)
    if isinstance(own, str):
        kind = getattr(at, "waits_for_kind", None)
        return kind if isinstance(kind, str) else "other", _clean(own)
    if frames:
        name, _, place = frames[-1].partition(" (")
        if "asyncio" in place and name in _KNOWN_FRAMES:
            return _CLIENT if _future(frames[-3:-1]) == _CLIENT else _KNOWN_FRAMES[name]
    if isinstance(at, asyncio.Future):
        pool = any("_chain_future" in repr(callback) for callback in getattr(at, "_callbacks", None) or [])
        return _POOL if pool else _future(frames)
    kind = f"{type(at).__module__}.{type(at).__qualname__}"
    return _KNOWN_TYPES.get(kind, ("other", _clean(kind)))


def _clean(text: str) -> str:
    return text.replace(";", ",").replace("\n", " ")


_tracker: Any = None


def memory_start(path: str) -> dict[str, Any]:
    """Record each allocation, with its native stack, into a file. The answer names the interpreter that can read it."""
    global _tracker
    import memray

    if _tracker is not None:
        raise RuntimeError("allocations are being recorded already")
    tracker = memray.Tracker(path, native_traces=True)
    tracker.__enter__()
    _tracker = tracker
    return {"python": sys.executable}


def memory_stop() -> dict[str, Any]:
    """End the recording; the file is whole afterwards."""
    global _tracker
    if _tracker is None:
        raise RuntimeError("no allocations are being recorded")
    _tracker.__exit__(None, None, None)
    _tracker = None
    return {}


_flushes = 0


def perf_flush() -> dict[str, Any]:
    """Have the interpreter write down what it buffers of its own functions' names for perf.

    It cannot be asked to, but a function whose name is longer than the buffer pushes all before it out.
    """
    global _flushes
    _flushes += 1
    name = f"_{_flushes}_".ljust(8192, "_")
    scope: dict[str, Any] = {}
    exec(f"def {name}(): pass", scope)
    scope[name]()
    return {"perf": bool(getattr(sys, "is_stack_trampoline_active", bool)())}


_mapped: list[mmap.mmap] = []


def map_file(path: str) -> dict[str, Any]:
    """Map a file as if it were code, so that perf sees that this process has it."""
    with open(path, "rb") as file:
        readable = mmap.PROT_READ | mmap.PROT_EXEC
        _mapped.append(mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=readable))
    return {}


_COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    "tasks": tasks,
    "tasks_before": tasks_before,
    "memory_start": memory_start,
    "memory_stop": memory_stop,
    "handlers": hotlap_routes.handlers,
    "statements": hotlap_statements.statements,
    "settings": hotlap_settings.settings,
    "perf_flush": perf_flush,
    "map_file": map_file,
}
