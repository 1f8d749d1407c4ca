"""``python -m pyapp``: serves the app with Granian."""

from __future__ import annotations

import argparse
import errno
import os
import resource
import socket
import sys
from typing import Any, get_args, get_origin

import msgspec
from granian.constants import Interfaces, Loops
from granian.server import Server

from pyapp.settings import PREFIX, Settings, SettingsError, load

DRAIN_S = 5
"""How long a worker may finish what it has begun before it is killed."""

OTHER_FILES = 64
"""How many files a worker has open beside its connections, at most."""


def main(arguments: list[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT; the exit code."""
    try:
        settings = load(os.environ, **vars(_parser().parse_args(arguments)))
        address = _address(settings)
        _check_port(settings, address)
        _raise_file_limit(settings)
    except SettingsError as error:
        print(f"pyapp: {error}", file=sys.stderr)
        return 2
    os.environ.update(settings.environment())
    Server(
        "pyapp.app:create_app",
        factory=True,
        address=address,
        port=settings.port,
        interface=Interfaces(settings.interface),
        workers=settings.workers,
        # The default takes whichever loop is installed, and what is measured should not hang on that.
        loop=Loops.uvloop,
        # Without these two Granian serves the first 1024 connections and leaves the others to wait.
        backlog=settings.connections,
        backpressure=settings.connections,
        workers_kill_timeout=DRAIN_S,
        # Granian alone ends all workers when one dies.
        respawn_failed_workers=True,
    ).serve()
    return 0


def _raise_file_limit(settings: Settings) -> None:
    needed = settings.connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SettingsError(
            f"{settings.connections} connections need {needed} open files and the system allows {hard}: "
            f"raise the hard limit (ulimit -Hn, LimitNOFILE=, docker run --ulimit nofile={needed}), "
            f"or expect fewer with --connections {max(1, hard - OTHER_FILES)}"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m pyapp", description="Serves the service with Granian.")
    for field in msgspec.structs.fields(Settings):
        kind, meta = get_args(field.type)
        help_text = f"{meta.description} (default {field.default}; {PREFIX}{field.name.upper()})"
        options: dict[str, Any] = {"help": help_text.replace("%", "%%")}
        if kind is bool:
            options |= {"action": "store_true", "default": None}
        elif get_origin(kind) is not None:
            options["choices"] = get_args(kind)
        parser.add_argument("--" + field.name.replace("_", "-"), **options)
    return parser


def _address(settings: Settings) -> str:
    """The address that the host's name stands for, of IPv4 if it has one: Granian takes no names."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            f"there is no address of the name {settings.host!r} ({error}); give another --host, such as 127.0.0.1"
        ) from error
    *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return str(address[0])


def _check_port(settings: Settings, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, settings.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SettingsError(
                    f"port {settings.port} of {settings.host} is in use; choose another with --port"
                ) from error
            raise SettingsError(
                f"cannot listen on port {settings.port} of {settings.host}: {error.strerror}; "
                "choose others with --host and --port"
            ) from error


if __name__ == "__main__":
    sys.exit(main())
