"""A server for requests of which nothing is known yet: one that ends it is told by name, and the next gets a new server."""

from __future__ import annotations

import contextlib
import time
from types import TracebackType
from typing import Self

import psutil

from hotlap.experiment import Experiment, Lane, Load
from hotlap.experiment.openapi import Request
from hotlap.experiment.placeholders import literal
from hotlap.serving.server import Served, served
from hotlap.serving.verify import Answer, VerifyError, ask
from hotlap.serving.ways import ServeError

ANSWER_TIMEOUT_S = 10.0
MOST_BYTES = 64_000_000
MOST_STARTS = 20
"""How often the server is started, at most."""
_NOTICED_S = 1.0
"""How long after a request a process that it ended may still be seen."""
_SUSPECT_S = _NOTICED_S + 1.0
_MOST_SUSPECTS = 5
_POLL_S = 0.02
_SHOWN_CHARS = 160


class EndedError(VerifyError):
    """A request that ended its server: the message says how."""


class Restarting:
    """A server for as long as the block lasts. It is up when it answers, whatever it says."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._stack = contextlib.ExitStack()
        self._running: Served | None = None
        self._starts = 0
        self._gone = ""
        self._recent: list[tuple[Request, float]] = []
        self._before: set[int] = set()
        self.ended: dict[tuple[str, str], str] = {}
        """Requests (method and path) that were answered and ended the server right after it, each with how."""
        self._failed: dict[tuple[str, str], VerifyError] = {}

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Where it listens now: a new server has a new port."""
        return self._running.url if self._running is not None else ""

    def answer(self, request: Request) -> Answer:
        """Send a request once; again, if the server was found to have ended: the one before it may have done that.

        What has failed once fails again without being sent.

        Raises:
            EndedError: it ended the server.
            VerifyError: no answer came, or no server could be started for it.
        """
        key = request.method, request.path
        if key in self.ended:
            raise EndedError(self.ended[key])
        if key in self._failed:
            raise self._failed[key]
        try:
            return self._tried(request)
        except VerifyError as error:
            self._failed[key] = error
            raise

    def settle(self) -> None:
        """See whether one of the last requests has ended the server after its answer."""
        suspects = self._suspects()
        if self._running is not None and suspects and self._ending() is not None:
            self._start_anew()
            self._find(suspects)

    def _tried(self, request: Request) -> Answer:
        if self._running is None:
            raise VerifyError(self._gone)
        try:
            return self._ask(request)
        except EndedError:
            suspects = self._suspects()
            if not suspects or self._running is None:
                raise
        answer = self._ask(request)
        self._find(suspects)
        return answer

    def _suspects(self) -> list[Request]:
        """What was answered so shortly ago that it may have ended the server since."""
        since_s = time.monotonic() - _SUSPECT_S
        found = [request for request, at_s in self._recent if at_s > since_s]
        self._recent.clear()
        return found[-_MOST_SUSPECTS:]

    def _find(self, suspects: list[Request]) -> None:
        """Send them again, the last one first, until one has ended the server."""
        for request in reversed(suspects):
            if self._running is None:
                return
            try:
                self._ask(request)
            except EndedError as error:
                self.ended[request.method, request.path] = str(error)
                return
            except VerifyError:
                continue
            if (how := self._ending()) is not None:
                self.ended[request.method, request.path] = how
                self._start_anew()
                return

    def _ask(self, request: Request) -> Answer:
        assert self._running is not None
        self._before = set(self._running.pids())
        try:
            answer = ask(self._running, lane_of(request), most_bytes=MOST_BYTES)
        except VerifyError:
            how = self._ending() or self._silent()
            if how is None:
                raise
            self._start_anew()
            raise EndedError(how) from None
        self._recent.append((request, time.monotonic()))
        return answer

    def _ending(self) -> str | None:
        """How the server, or a process of it, ended; ``None`` where all of them live on."""
        assert self._running is not None
        deadline = time.monotonic() + _NOTICED_S
        while True:
            alive = {pid for pid in self._running.pids() if _lives(pid)}
            if not self._running.alive() or self._before - alive:
                break
            if time.monotonic() > deadline:
                return None
            time.sleep(_POLL_S)
        # What it says last comes when it is gone itself.
        while self._running.alive() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        end = self._running.end()
        how = f"it ended its server, {end}" if end else "it ended the process of the server that it came to"
        lines = [line.strip() for line in self._running.log().splitlines() if line.strip()]
        return how + (f" ({lines[-1][:_SHOWN_CHARS]})" if lines else "")

    def _silent(self) -> str | None:
        assert self._running is not None
        answers = self._running.answers(self._experiment.server.ready_path)
        return None if answers else "its server answers nothing after it"

    def _start(self) -> None:
        self._starts += 1
        self._running = self._stack.enter_context(served(self._experiment, any_status=True))

    def _start_anew(self) -> None:
        self._running = None
        self._stack.close()
        if self._starts == MOST_STARTS:
            self._gone = (
                f"the server was ended {MOST_STARTS} times by requests before it, so that it was not sent"
            )
            return
        try:
            self._start()
        except ServeError as error:
            self._gone = (
                f"the server could not be started anew after a request before it had ended it: {error}"
            )


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def lane_of(request: Request) -> Lane:
    """A request as a lane, to be sent as it stands."""
    return Lane(
        scenario="init",
        variant="app",
        method=request.method,
        path=literal(request.path),
        headers={name: literal(value) for name, value in request.headers.items()},
        body=literal(request.body) if request.body is not None else None,
        load=Load(timeout_s=ANSWER_TIMEOUT_S),
    )
