"""Files that are written whole or not at all, and places that are tried before anything is measured."""

from __future__ import annotations

import errno
import os
import secrets
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file in one step: who reads it sees the old one or the new one, and a cut leaves the old one.

    The new one is made beside it under a name that nobody else has, so that no link is followed.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(new, "xb") as file:
            file.write(data)
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def try_folder(folder: Path) -> None:
    """See that a folder, or what it would be made in, takes files; nothing is left there.

    Raises:
        OSError: it cannot be made, or nothing can be written there.
    """
    absolute = folder.absolute()
    there = next(each for each in (absolute, *absolute.parents) if each.exists())
    with tempfile.NamedTemporaryFile(prefix=".hotlap-", dir=there):
        pass


def try_file(file: Path) -> None:
    """See that a file can be written, without touching one that is there.

    Raises:
        OSError: its folder is not there or takes no files, or it is a folder itself.
    """
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    with tempfile.NamedTemporaryFile(prefix=".hotlap-", dir=file.absolute().parent):
        pass
