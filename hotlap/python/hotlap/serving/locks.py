"""How long a service's locks were waited for and held, as it counts itself.

A native lock is opaque to every profiler of Python. A service that counts says so in the Prometheus text
format: histograms whose names end in ``lock_wait_seconds`` and ``lock_hold_seconds``, with a label
``lock``, and with a label ``variant`` where each variant has locks of its own.
"""

from __future__ import annotations

import contextlib
import math
import re

from hotlap.evidence.figures import Durations
from hotlap.evidence.service import LockTimes
from hotlap.serving.client import NoReplyError, get

_SAMPLE = re.compile(
    r"^\w*lock_(?P<kind>wait|hold)_seconds_(?P<part>bucket|sum)\{(?P<labels>[^}]*)\} (?P<value>\S+)",
    re.MULTILINE,
)
_LABEL = re.compile(r'(\w+)="([^"]*)"')

_TIMEOUT_S = 10.0

Locks = dict[str, LockTimes]
"""By the lock's name."""


def read_locks(url: str, path: str, variant: str, *, ca_file: str | None = None) -> Locks:
    """The locks of a variant as the service at ``url`` counts them now; empty where it does not say."""
    with contextlib.suppress(NoReplyError, ValueError):
        status, body = get(url, path, ca_file, _TIMEOUT_S)
        if status == 200:
            return parse(body.decode(errors="replace"), variant)
    return {}


def parse(text: str, variant: str) -> Locks:
    """The histograms of a variant's locks, and of those that name no variant."""
    locks: Locks = {}
    for sample in _SAMPLE.finditer(text):
        labels = dict(_LABEL.findall(sample["labels"]))
        if "lock" not in labels or labels.get("variant", variant) != variant:
            continue
        try:
            value, bound_s = float(sample["value"]), float(labels.get("le", "inf"))
        except ValueError:
            continue
        if not math.isfinite(value):
            continue
        times = _durations(locks.setdefault(labels["lock"], LockTimes()), sample["kind"])
        if sample["part"] == "sum":
            times.total_s = value
            continue
        # A bucket of Prometheus counts all that are below its bound.
        times.counts.append(int(value) - times.count)
        if math.isfinite(bound_s):
            times.bounds_s.append(bound_s)
    return locks


def _durations(lock: LockTimes, kind: str) -> Durations:
    fresh = Durations(bounds_s=[], counts=[], total_s=0.0)
    if kind == "wait":
        lock.wait = lock.wait or fresh
        return lock.wait
    lock.hold = lock.hold or fresh
    return lock.hold


def since(before: Locks, after: Locks) -> Locks:
    """What was counted between two looks, of the locks that were used.

    A service may count wrongly, or anew because it was started again meanwhile: that is left out.
    """
    used: Locks = {}
    for name, lock in after.items():
        start = before.get(name, LockTimes())
        found = LockTimes(wait=_since(start.wait, lock.wait), hold=_since(start.hold, lock.hold))
        if found.wait or found.hold:
            used[name] = found
    return used


def _since(before: Durations | None, after: Durations | None) -> Durations | None:
    if after is None or after.flaw is not None:
        return None
    then = before.counts if before is not None else [0] * len(after.counts)
    if len(then) != len(after.counts):
        return None
    counts = [now - start for now, start in zip(after.counts, then, strict=True)]
    total_s = after.total_s - (before.total_s if before is not None else 0.0)
    if not any(counts) or min(counts) < 0 or total_s < 0:
        return None
    return Durations(bounds_s=after.bounds_s, counts=counts, total_s=total_s)
