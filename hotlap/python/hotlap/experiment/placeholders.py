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


def constant(text: str) -> str:
    """A text that stands for itself, whatever braces and names of variables are in it."""
    # What a literal ``${`` is written as takes its brace with it.
    return "$${".join(literal(piece) for piece in text.split("${"))
