"""Serve an app for one trial: a fresh server, ready when it answers, gone when the trial ends."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from hotlap.experiment import Experiment, Lane, Server
from hotlap.serving.aftermath import scratch, start
from hotlap.serving.client import UNIX, NoReplyError, UntrustedError, get, socket_of
from hotlap.serving.interrupts import uninterrupted
from hotlap.serving.roles import Role, look_closely, roles
from hotlap.serving.tls import TrustError, context
from hotlap.serving.ways import ServeError, command_of, environment_of, in_file_system, lacking

_ANSWER_S = 2.0
"""For an answer of a server that starts."""
_POLL_S = 0.02
_STOP_TIMEOUT_S = Server().stop_timeout_s
_ASK_AGAIN_S = 1.0
_LOG_TAIL_BYTES = 4000


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that is free on ``host`` now, chosen by the system."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; children inherit it. Returns the limit."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def cpu_s_of(pids: Sequence[int]) -> float | None:
    """User and system time of these processes so far, in seconds; ``None`` where none of them lives."""
    used: list[float] = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = psutil.Process(pid).cpu_times()
            used.append(times.user + times.system)
    return sum(used) if used else None


def listening(port: int) -> list[int]:
    """The processes that listen on a TCP port of this machine, and their children, as far as one may see them."""
    found: dict[int, None] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            # Asked one by one: of a socket that several processes share, all connections name but one of them.
            for one in process.net_connections("tcp"):
                if one.status == psutil.CONN_LISTEN and one.laddr.port == port:
                    found |= dict.fromkeys(
                        [process.pid, *(child.pid for child in process.children(recursive=True))]
                    )
    return list(found)


def is_local(host: str | None) -> bool:
    """Whether a host is this machine, by its name or a loopback address."""
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def is_here(url: str) -> bool:
    """Whether an address is of this machine: a path in the file system, its name, or a loopback address."""
    return socket_of(url) is not None or is_local(urlsplit(url).hostname)


def _port_of(url: str) -> int:
    if socket_of(url) is not None:
        return 0
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


class Served:
    """A server that answers: where it listens, its processes and what they have used."""

    def __init__(
        self,
        url: str,
        process: subprocess.Popen[bytes] | None,
        pid: int | None,
        log: Path | None,
        ca_file: str | None = None,
        port: int | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.ca_file = ca_file
        self.pid = pid
        self._process = process
        self._log = log
        self.port = port if port is not None else _port_of(self.url)
        """Of a server that listens in the file system, a number that another one does not have; 0: unknown."""

    def _tree(self) -> list[psutil.Process]:
        if self.pid is None:
            return []
        try:
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def pids(self) -> list[int]:
        """The server's processes, the supervisor first; empty where they are not known."""
        return [process.pid for process in self._tree()]

    def roles(self) -> dict[int, Role]:
        """What each of its processes is for, the supervisor first; empty where they are not known."""
        return roles(look_closely(self._tree()))

    def workers(self) -> list[int]:
        """The processes that answer requests."""
        return [pid for pid, role in self.roles().items() if role is Role.WORKER]

    def seen_pids(self) -> list[int]:
        """Its processes; of one that runs already and was named without its pid, those here that listen on its port.

        Who listens need not be all that serves: it is enough to leave them out, or to read what they were started with.
        """
        return self.pids() or (listening(self.port) if self.port and is_here(self.url) else [])

    def cpu_s(self) -> float | None:
        """User and system time of all its processes so far, in seconds; ``None`` where they are not known."""
        return cpu_s_of(self.pids())

    def rss_bytes(self) -> int | None:
        """Resident memory of all its processes; ``None`` where they are not known."""
        total = 0
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total or None

    def listens_on_ipv6(self) -> bool:
        """Whether one of its processes listens on its port at ``::1`` alone, as behind the name ``localhost``."""
        with contextlib.suppress(OSError), socket.create_connection(("::1", self.port), 1.0):
            for process in self._tree():
                with contextlib.suppress(psutil.Error):
                    for one in process.net_connections("tcp6"):
                        if one.status == psutil.CONN_LISTEN and tuple(one.laddr) == ("::1", self.port):
                            return True
        return False

    def ports(self) -> list[int]:
        """The TCP ports that its processes listen on, as far as one may see them."""
        found = []
        for process in self._tree():
            with contextlib.suppress(psutil.Error):
                listening = (
                    one for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN
                )
                found += [one.laddr.port for one in listening]
        return found

    def alive(self) -> bool:
        """Whether the server that we started, or that was named with its pid, still runs."""
        if self._process is not None:
            return self._process.poll() is None
        return self.pid is None or psutil.pid_exists(self.pid)

    def end(self) -> str | None:
        """How the server that we started ended, in words; ``None`` while it runs, and of others."""
        code = self._process.poll() if self._process is not None else None
        if code is None:
            return None
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"

    def answers(self, path: str) -> bool:
        """Whether it answers to a path, whatever it says."""
        return _answers(self, path, any_status=True)

    def log(self) -> str:
        """The end of what the server printed."""
        if self._log is None or not self._log.exists():
            return ""
        with self._log.open("rb") as file:
            file.seek(max(0, self._log.stat().st_size - _LOG_TAIL_BYTES))
            return file.read().decode(errors="replace").strip()


@contextlib.contextmanager
def served(
    experiment: Experiment,
    lane: Lane | None = None,
    *,
    env: Mapping[str, str] | None = None,
    port: int | None = None,
    python_args: Sequence[str] = (),
    wrapper: Sequence[str] = (),
    any_status: bool = False,
) -> Iterator[Served]:
    """Serve the experiment's app (as the lane has it) on a free port until the block ends.

    Args:
        experiment: What to serve.
        lane: The lane whose ``server`` is taken, if it has one of its own.
        env: Variables on top of the server's own.
        port: The port; ``None`` asks the system for a free one.
        python_args: Arguments for the interpreter, before ``-m``.
        wrapper: A command that runs the server's, such as a profiler's.
        any_status: It is up when it answers at all, be it with 500: nothing is known of its routes yet.

    Raises:
        ServeError: it ended or did not answer within ``ready_timeout_s``, its set-up failed, or it is not
            on this machine.
    """
    server = (lane.server if lane is not None else None) or experiment.server
    root = Path(experiment.root)
    with _set_up(experiment.setup, experiment.teardown, root):
        if server.url is not None:
            check_target(server.url, experiment.allow_remote)
            running = Served(server.url, None, server.pid, None, authority(server, root))
            _await_ready(running, server, any_status)
            yield running
        else:
            listen = port or free_port()
            with _started(server, root, env or {}, listen, python_args, wrapper, any_status) as running:
                yield running


def authority(server: Server, root: Path) -> str | None:
    """The whole path of the file by which a server is trusted; ``None``: the usual authorities.

    Raises:
        ServeError: it cannot be read.
    """
    if server.ca_file is None:
        return None
    path = str(root.resolve() / server.ca_file)
    try:
        context(path)
    except TrustError as error:
        raise ServeError(str(error)) from None
    return path


def check_target(url: str, allow_remote: bool) -> None:
    """Refuse a target that is not on this machine.

    Raises:
        ServeError: the host is not a loopback address, and ``allow_remote`` is not given.
    """
    if not is_here(url) and not allow_remote:
        raise ServeError(
            f"{url} is not on this machine: load only what is yours, and then say so with --allow-remote"
        )


@contextlib.contextmanager
def _set_up(setup: Sequence[str] | None, teardown: Sequence[str] | None, root: Path) -> Iterator[None]:
    if setup is not None:
        _run(setup, root, "set-up")
    try:
        yield
    finally:
        if teardown is not None:
            _run(teardown, root, "tear-down")


def _run(command: Sequence[str], root: Path, what: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServeError(f"the {what} command {shlex.join(command)} failed: {error}") from None
    if done.returncode:
        said = (done.stdout + done.stderr)[-_LOG_TAIL_BYTES:].strip()
        raise ServeError(f"the {what} command {shlex.join(command)} ended with {done.returncode}:\n{said}")


@contextlib.contextmanager
def _started(
    server: Server,
    root: Path,
    env: Mapping[str, str],
    listen: int,
    python_args: Sequence[str],
    wrapper: Sequence[str],
    any_status: bool,
) -> Iterator[Served]:
    with scratch("serve") as folder:
        log = folder / "server.log"
        environment = environment_of(server, root, env)
        unix = str(folder / "app.sock")
        command = command_of(server, root, listen, socket=unix, python_args=python_args, wrapper=wrapper)
        cwd = root / (server.cwd or ".")
        if not cwd.is_dir():
            raise ServeError(f"there is no folder {cwd} to serve from: see the key cwd")
        with contextlib.ExitStack() as ended:
            with log.open("wb") as output, uninterrupted():
                try:
                    process = start(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        cwd=cwd,
                        env=environment,
                        start_new_session=True,
                    )
                except OSError as error:
                    why = lacking(server, root) or error
                    raise ServeError(f"{shlex.join(command)} cannot be started: {why}") from None
                ended.callback(stop, process, server.stop_timeout_s)
            url = UNIX + unix if in_file_system(server) else f"http://127.0.0.1:{listen}"
            running = Served(url, process, process.pid, log, port=listen)
            _await_ready(running, server, any_status)
            yield running


def _await_ready(running: Served, server: Server, any_status: bool) -> None:
    deadline = time.monotonic() + server.ready_timeout_s
    while True:
        if not running.alive():
            raise ServeError(
                f"the server ended before it answered:\n{running.log() or '(it printed nothing)'}\n"
                + ("" if any_status else "(`hotlap serve` starts it by hand)")
            )
        try:
            if _answers(running, server.ready_path, any_status=any_status):
                return
            if server.command is not None and running.listens_on_ipv6():
                running.url = f"http://[::1]:{running.port}"
        except UntrustedError as error:
            raise ServeError(
                f"the certificate of {running.url} is not trusted: {error}; "
                "name its authority, a file in PEM, with the key ca_file"
            ) from None
        if time.monotonic() > deadline:
            raise ServeError(
                f"no answer from {running.url}{server.ready_path} within {server.ready_timeout_s:g} s:\n"
                f"{running.log() or '(it printed nothing)'}\n"
                + (_unknown(running) if any_status else _LONGER)
            )
        time.sleep(_POLL_S)


_LONGER = "(does it take longer, or does another path answer? ready_timeout_s, ready_path)"


def _unknown(running: Served) -> str:
    """What may be wrong with a command of which nothing is known but that it does not answer."""
    elsewhere = sorted({port for port in running.ports() if port != running.port})
    if elsewhere:
        return f"(it listens on port {elsewhere[0]}: have it listen on {{port}} instead)"
    return "(does it listen on 127.0.0.1 and {port}, over HTTP?)"


def _answers(running: Served, path: str, *, any_status: bool) -> bool:
    try:
        status, _ = get(running.url, path, running.ca_file, _ANSWER_S, whole=False)
    except UntrustedError:
        raise
    except NoReplyError:
        return False
    except ValueError as error:
        raise ServeError(f"{path} of {running.url} cannot be asked for: {error}") from None
    return status < 500 or any_status


def stop(process: subprocess.Popen[bytes], timeout_s: float = _STOP_TIMEOUT_S) -> None:
    """End a process that was started in a session of its own, with all its children, and reap it.

    Ctrl-C is heard when that is done.
    """
    with uninterrupted():
        children = []
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(process.pid).children(recursive=True)
        deadline = time.monotonic() + timeout_s
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(min(_ASK_AGAIN_S, timeout_s))
                break
            # A worker that is just starting loses what its supervisor tells it, which then waits for it (Granian's).
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.terminate()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, timeout=timeout_s)
