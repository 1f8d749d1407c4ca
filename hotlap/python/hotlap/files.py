"""Files that are written whole or not at all, and places that are tried before anything is measured.

What cannot be written is an ``OSError`` that names the file which was asked for, whatever failed on the way to it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

UNFINISHED = ".hotlap-"
"""What the name of a file begins with that is being written, or only tries whether one could be."""


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file in one step: who reads it sees the old one or the new one, and a cut leaves the old one.

    The new one is made beside it under a name that nobody else has, so that no link is followed; it has the
    permissions of the old one. What is no file (a pipe, a terminal, ``/dev/null``) is written to as it is.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    with naming(path):
        if _takes_a_stream(path):
            path.write_bytes(data)
            return
        new = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
        try:
            with open(new, "xb") as file:
                file.write(data)
            with contextlib.suppress(FileNotFoundError):
                before = path.lstat().st_mode
                if stat.S_ISREG(before):
                    new.chmod(stat.S_IMODE(before))
            os.replace(new, path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


def append(path: Path, text: str) -> None:
    """Add text to the end of a file that others write to as well.

    Raises:
        OSError: it cannot be written.
    """
    with naming(path), path.open("a") as file:
        file.write(text)


def copy_folder(folder: Path, to: Path) -> None:
    """Copy what is in a folder into another one, which may be there.

    Raises:
        OSError: something cannot be copied; it names the first of it.
    """
    with naming(to):
        try:
            shutil.copytree(folder, to, dirs_exist_ok=True)
        except shutil.Error as failed:
            _, _, why = failed.args[0][0]
            raise OSError(errno.EIO, why) from None


def try_folder(folder: Path) -> None:
    """See that a folder, or what it would be made in, takes files; nothing is left there.

    Raises:
        OSError: it cannot be made, or nothing can be written there.
    """
    absolute = folder.absolute()
    with naming(folder):
        there = next(each for each in (absolute, *absolute.parents) if each.exists())
        with tempfile.NamedTemporaryFile(prefix=UNFINISHED, dir=there):
            pass


def try_file(file: Path) -> None:
    """See that a file can be written, without touching one that is there.

    Raises:
        OSError: its folder is not there or takes no files, or it is a folder itself.
    """
    with naming(file):
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if _takes_a_stream(file):
            return
        with tempfile.NamedTemporaryFile(prefix=UNFINISHED, dir=file.absolute().parent):
            pass


def _takes_a_stream(path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        kind = path.stat().st_mode
        return stat.S_ISCHR(kind) or stat.S_ISFIFO(kind)
    return False


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let each ``OSError`` of the block name this file."""
    try:
        yield
    except OSError as error:
        # A write that fails names no file, and what fails beside the file names that.
        raise OSError(error.errno, error.strerror, str(path)) from None
