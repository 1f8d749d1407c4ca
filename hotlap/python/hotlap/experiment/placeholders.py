"""Placeholders in the requests of a table: ``{name}`` stands for a value, ``{{`` for a brace."""

from __future__ import annotations

import re

_READ_AS_MORE = re.compile(r"\{(?=\{|[A-Za-z_][A-Za-z0-9_]*[:#}])")


def literal(text: str) -> str:
    """A text that stands for itself, whatever braces are in it."""
    return _READ_AS_MORE.sub("{{", text)


def part(text: str) -> str:
    """The same of a part: what follows it is not read together with its braces."""
    return text.replace("{", "{{")
