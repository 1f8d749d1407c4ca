"""How figures are written: three digits that count, thousands apart, an em dash for what was not measured."""

from __future__ import annotations

import math
import re

MISSING = "—"


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many significant digits; whole from 100 up. ``None`` is an em dash.

    ``5424.18`` is ``5,424``; ``19.52`` is ``19.5``; ``0.04167`` is ``0.0417``.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    before = math.floor(math.log10(abs(value))) + 1
    return f"{value:,.{max(0, digits - before)}f}"


def count(value: int | None) -> str:
    """A count, in full."""
    return MISSING if value is None else f"{value:,}"


def plural(number: int, noun: str) -> str:
    """A count with its noun: ``1 page``, ``12 pages``."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def ratio(value: float | None) -> str:
    """A ratio: ``68.2×``; near one with two decimals, so that ``1.02×`` does not read as nothing."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.2f}×" if 0.1 <= value < 10 else f"{number(value)}×"


def percent(share: float | None, digits: int = 1) -> str:
    """A share (0 to 1) in per cent."""
    return MISSING if share is None or not math.isfinite(share) else f"{100 * share:.{digits}f}%"


def size(octets: float | None) -> str:
    """Bytes in the unit that fits (powers of 1024)."""
    if octets is None:
        return MISSING
    for unit in ("B", "KiB", "MiB"):
        if abs(octets) < 1024:
            return f"{number(octets)} {unit}"
        octets /= 1024
    return f"{number(octets)} GiB"


def change(value: float | None) -> str:
    """A difference with its sign."""
    if not value:
        return number(value)
    return ("+" if value > 0 else "\u2212") + number(abs(value))


def sentence(text: str) -> str:
    """A statement as a sentence: a full stop at its end, a capital at its start unless a name stands there."""
    text = text.strip()
    first = text.split(" ", 1)[0]
    if first.isalpha():
        text = text[0].upper() + text[1:]
    return text if not text or text[-1] in ".!?" else f"{text}."


def short(text: str) -> str:
    """A figure without the noughts at its end: ``1.00 s`` is ``1 s``."""
    return re.sub(r"(\.\d*?)0+(?= |$)", r"\1", text).replace(". ", " ").removesuffix(".")


def microseconds(value: float | None) -> str:
    """A time given in microseconds, in the unit that fits."""
    return seconds(None if value is None else value / 1e6)


def seconds(value: float | None) -> str:
    """A time in the unit that fits, from microseconds to minutes."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value >= 120:
        return f"{number(value / 60)} min"
    if value >= 1 or value == 0:
        return f"{number(value)} s"
    return f"{number(value * 1000)} ms" if value >= 0.9995e-3 else f"{number(value * 1e6)} µs"
