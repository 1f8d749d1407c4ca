"""What is left to be done when a command is gone, however it ended: its processes end, its folders go.

A watcher, a process of its own, holds a pipe to the command; when that closes, be it by ``kill -9``, it ends all
that the command started and removes its temporary folders. It knows its processes by a variable that they inherit,
so that none is missed that was started a moment before, by a child, or in a session of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

OWNER = "HOTLAP_OWNER"
"""The variable by which a command's processes are known."""
_PREFIX = "hotlap-"
_LOCK = "owner.lock"
_WATCHER = Path(__file__).with_name("watcher.py")

_begun = False
_scratch: Path | None = None


def begin() -> None:
    """Make this process a command whose processes and folders go with it. The first call counts."""
    global _begun
    if _begun:
        return
    _begun = True
    token = secrets.token_hex(16)
    os.environ[OWNER] = token
    read, write = os.pipe()
    # Nobody else inherits the other end: it closes when this process is gone.
    subprocess.Popen(
        [sys.executable, "-I", "-S", str(_WATCHER), OWNER, token],
        stdin=read,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={key: value for key, value in os.environ.items() if key != OWNER},
        cwd="/",
    )
    os.close(read)
    # It stays open for as long as this process lives.
    os.write(write, os.fsencode(_own_folder()))
    sweep()


def start(words: Sequence[str | Path], **options: Any) -> subprocess.Popen[bytes]:
    """A process that ends when this one does, with all that it starts; ``options`` are those of ``Popen``."""
    begin()
    environment = {**(options.pop("env", None) or os.environ), OWNER: os.environ[OWNER]}
    return subprocess.Popen(words, env=environment, **options)


def _own_folder() -> Path:
    """The folder that all temporary ones of this process are in, locked for as long as it lives."""
    global _scratch
    if _scratch is None:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _scratch = folder
    return _scratch


def sweep() -> None:
    """Remove the temporary folders of commands that are gone: nobody holds their lock."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError):
            handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if os.fstat(handle).st_uid != os.getuid():
                    continue
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(handle)


@contextlib.contextmanager
def scratch(what: str) -> Iterator[Path]:
    """A temporary folder until the block ends, or the command does."""
    with tempfile.TemporaryDirectory(prefix=f"{what}-", dir=_own_folder()) as folder:
        yield Path(folder)
