"""How long a service's locks were waited for and held, as it counts itself.

A native lock is opaque to every profiler of Python. A service that counts says so in the Prometheus text
format: histograms whose names end in ``lock_wait_seconds`` and ``lock_hold_seconds``, with a label
``lock``, and with a label ``variant`` where each variant has locks of its own.
"""

from __future__ import annotations

import contextlib
import re
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from hotlap.serving.tls import context

_SAMPLE = re.compile(
    r"^\w*lock_(?P<kind>wait|hold)_seconds_(?P<part>bucket|sum)\{(?P<labels>[^}]*)\} (?P<value>\S+)",
    re.MULTILINE,
)
_LABEL = re.compile(r'(\w+)="([^"]*)"')

Locks = dict[str, dict[str, dict[str, Any]]]
"""Of each lock ``wait`` and ``hold``, each with ``bounds_s``, ``counts`` (one a bucket, and one above the
last bound) and ``total_s``."""


def read_locks(url: str, variant: str, *, ca_file: str | None = None) -> Locks:
    """The locks of a variant as the service at ``url`` counts them now; empty where it does not say."""
    with (
        contextlib.suppress(URLError, OSError, HTTPException),
        urlopen(url, timeout=10, context=context(ca_file)) as response,
    ):
        return parse(response.read().decode(errors="replace"), variant)
    return {}


def parse(text: str, variant: str) -> Locks:
    """The histograms of a variant's locks, and of those that name no variant."""
    locks: Locks = {}
    for sample in _SAMPLE.finditer(text):
        labels = dict(_LABEL.findall(sample["labels"]))
        if "lock" not in labels or labels.get("variant", variant) != variant:
            continue
        times = locks.setdefault(labels["lock"], {}).setdefault(
            sample["kind"], {"bounds_s": [], "counts": [], "total_s": 0.0}
        )
        value = float(sample["value"])
        if sample["part"] == "sum":
            times["total_s"] = value
            continue
        # A bucket of Prometheus counts all that are below its bound.
        times["counts"].append(int(value) - sum(times["counts"]))
        if labels.get("le") != "+Inf":
            times["bounds_s"].append(float(labels["le"]))
    return locks


def since(before: Locks, after: Locks) -> Locks:
    """What was counted between two looks, of the locks that were used."""
    used: Locks = {}
    for lock, kinds in after.items():
        for kind, times in kinds.items():
            start = before.get(lock, {}).get(kind, {"counts": [0] * len(times["counts"]), "total_s": 0.0})
            counts = [now - then for now, then in zip(times["counts"], start["counts"], strict=True)]
            if any(counts):
                used.setdefault(lock, {})[kind] = {
                    "bounds_s": times["bounds_s"],
                    "counts": counts,
                    "total_s": times["total_s"] - start["total_s"],
                }
    return used
