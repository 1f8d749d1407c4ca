"""Files of a run that the page carries within itself: flame graphs, histograms, scripts."""

from __future__ import annotations

import gzip
import math
import re
from base64 import b64encode
from pathlib import Path

_HEIGHT = re.compile(r'<svg\b[^>]*?\sheight="([\d.]+)"')


def read_inside(folder: Path, relative: str | None) -> bytes | None:
    """A file of the run by its path relative to the run's folder.

    ``None`` when there is no such file, or when the path leads out of the folder: a run that was
    handed on must not pull files of the reader's machine into the page.
    """
    if not relative:
        return None
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        return None
    return path.read_bytes()


def pack(data: bytes) -> str:
    """Compressed (gzip without a date, so that it repeats) and in base64: the page unpacks it when needed."""
    return b64encode(gzip.compress(data, 9, mtime=0)).decode("ascii")


def data_uri(data: bytes, kind: str) -> str:
    """A file as an address that needs no network."""
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"


def drawing(data: bytes) -> tuple[str, int]:
    """An SVG file as an element of HTML, without its XML prologue, and its height in pixels."""
    text = data.decode("utf-8", "replace")
    start = text.find("<svg")
    text = text[max(start, 0) :]
    height = _HEIGHT.search(text)
    return text, round(float(height[1])) if height else 600


def percentile_curve(data: bytes, limit: int = 160) -> list[tuple[float, float]]:
    """The curve of an ``.hgrm`` file: pairs of quantile (0 to 1) and value, at most ``limit`` of them.

    Lines of the percentile table have four columns (value, quantile, count, 1/(1-quantile)); what does
    not read as such is skipped, as the headings and the summary are. The last point, whose quantile is
    1, is the maximum.
    """
    points: list[tuple[float, float]] = []
    for line in data.decode("utf-8", "replace").splitlines():
        columns = line.split()
        if len(columns) not in (3, 4) or line.startswith("#"):
            continue
        try:
            value, quantile = float(columns[0]), float(columns[1])
        except ValueError:
            continue
        if math.isfinite(value) and 0 <= quantile <= 1:
            points.append((quantile, value))
    if len(points) <= limit:
        return points
    step = (len(points) - 1) / (limit - 1)
    return [points[round(index * step)] for index in range(limit)]
