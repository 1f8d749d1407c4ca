"""``python -m pyapp``: serves the app with Granian."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys
from typing import Any, get_args, get_origin

import msgspec
from granian.constants import Interfaces
from granian.server import Server

from pyapp.settings import PREFIX, Settings, SettingsError, load

DRAIN_S = 5
"""How long a worker may finish what it has begun before it is killed."""


def main(arguments: list[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT; the exit code."""
    try:
        settings = load(os.environ, **vars(_parser().parse_args(arguments)))
        _check_port(settings)
    except SettingsError as error:
        print(f"pyapp: {error}", file=sys.stderr)
        return 2
    os.environ.update(settings.environment())
    Server(
        "pyapp.app:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces(settings.interface),
        workers=settings.workers,
        workers_kill_timeout=DRAIN_S,
    ).serve()
    return 0


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


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be bound: {error.strerror}"
            raise SettingsError(
                f"port {settings.port} of {settings.host} {reason}; choose another with --port"
            ) from error


if __name__ == "__main__":
    sys.exit(main())
