"""What the lab's pages share: their templates, their typeface, their library, and how they are written."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jinja2
import msgspec

from hotlap import formatting
from hotlap.analysis import rows
from hotlap.files import write_whole
from hotlap.report.html import assets, details

TEMPLATES = Path(__file__).parent / "templates"
KINDS = {"python": "Python", "rust": "Rust", "c": "C"}
"""What the kinds of code are called, where that is not their own name."""
MODES = {
    "on-cpu": ("On CPU", "Where the processor's time goes."),
    "off-cpu": ("Off CPU", "Where threads are blocked."),
    "await": ("Await", "Where requests wait: the suspended coroutines of the event loop."),
    "gil": ("Interpreter lock", "Which stacks hold the Python interpreter."),
    "memory": ("Memory", "What allocates."),
}


@cache
def environment() -> jinja2.Environment:
    """The page's templates; everything that they print is escaped."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "number": formatting.number,
        "count": formatting.count,
        "ratio": formatting.ratio,
        "percent": formatting.percent,
        "size": formatting.size,
        "seconds": formatting.seconds,
        "change": formatting.change,
        "sentence": formatting.sentence,
        "date": date,
        "evidence": details.flat,
        "packed": packed,
    }
    found.globals |= {
        "source": source,
        "font": font,
        "library": library,
        "modes": MODES,
        "kinds": KINDS,
        "limits": rows.LIMITS,
    }
    return found


@cache
def source(name: str) -> str:
    """A style sheet or script of the page, for a ``<style>`` or ``<script>`` element."""
    return (TEMPLATES / name).read_text("utf-8")


@cache
def font() -> str:
    """The page's typeface as an address that needs no network."""
    return assets.data_uri((TEMPLATES / "inter.woff2").read_bytes(), "font/woff2")


def packed(value: object) -> str:
    """Plain values as JSON, packed."""
    return assets.pack(msgspec.json.encode(value))


@cache
def library() -> str:
    """plotly's script, packed: its basic bundle (lines, points, bars), as ``plotly.js-basic-dist-min`` on npm has it.

    A newer one takes the place of ``plotly-basic.min.js`` and its licence; ``scripts/third-party`` names the version.
    """
    return assets.pack((TEMPLATES / "plotly-basic.min.js").read_bytes())


def date(created: str) -> str:
    """``2026-11-23T13:05:22Z`` as ``2026-11-23 13:05 UTC``; anything else as it is."""
    found = re.match(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)", created)
    return f"{found[1]} {found[2]} UTC" if found else created


def put(text: str, target: Path) -> Path:
    """Write a page in one step, so that a cut leaves the older one whole."""
    write_whole(target, text)
    return target
