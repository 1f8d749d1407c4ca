"""A ``run.json`` of the first schema, as one of the present schema: the one place that knows the old form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hotlap.evidence.profile import NativeFrames, PythonFrames, WaitKind, WorkKind

SCHEMA = 1

_Old = Mapping[str, Any]
_TRIAL = (
    *("engine", "model", "role", "repeat", "started", "users", "wait_s", "rate", "arrivals", "duration_s"),
    *("requests", "failures", "aborted", "not_offered", "rps", "latency_ms", "service_ms", "connect_ms"),
    *("histogram", "server_cpu_us_per_request", "server_cpu_percent", "server_rss_bytes"),
    *("generator_cpu_percent", "errors", "series"),
)
"""Fields of a trial that are what they were; likewise of the other tables."""
_PROFILE = (
    *("profiler", "mode", "unit", "collapsed", "svg", "raw", "samples", "missed", "errors", "rate_hz"),
    *("rate_reached_hz", "duration_s", "requests", "unnamed_share", "probe", "error", "frames"),
)
_LANE = ("scenario", "variant", "path", "suite", "title", "error", "verified")
_RUN = ("created", "name", "environment", "settings", "diffs", "interrupted")
_WAITS = {
    "its turn on the event loop": WaitKind.LOOP_TURN,
    "the client": WaitKind.CLIENT,
    "a future": WaitKind.FUTURE,
    "a thread pool": WaitKind.THREAD_POOL,
    "a timer": WaitKind.TIMER,
    "data from a stream": WaitKind.STREAM,
    "asyncio.Semaphore": WaitKind.SEMAPHORE,
    "asyncio.Condition": WaitKind.CONDITION,
    "asyncio.Event": WaitKind.EVENT,
}


class _Named(msgspec.Struct):
    name: str
    place: str
    share: float


class _Kind(msgspec.Struct):
    name: str
    by: list[_Named]
    share: float


class _Waited(msgspec.Struct):
    what: str
    name: str | None = None
    place: str | None = None


class _Blocked(msgspec.Struct):
    name: str | None = None
    place: str | None = None


class _ProfileFacts(msgspec.Struct):
    doubt: str | None = None
    python_frames: str | None = None
    own: list[_Named] | None = None
    kinds: list[_Kind] | None = None
    waits: list[_Waited] | None = None
    blocked: list[_Blocked] | None = None


class _OldProfile(msgspec.Struct):
    facts: _ProfileFacts | None = None


class _Steady(msgspec.Struct):
    growing: bool | None = None


class _TrialFacts(msgspec.Struct):
    steady: _Steady | None = None
    littles: dict[str, Any] | None = None
    calibration: dict[str, Any] | None = None


class _OldTrial(msgspec.Struct):
    facts: _TrialFacts | None = None


class _Statements(msgspec.Struct):
    repeated: list[_Blocked] | None = None


class _Tried(msgspec.Struct):
    latency_ms: dict[str, Any] | None = None


class _OldCapacity(msgspec.Struct):
    tried: list[_Tried] | None = None


class _LaneFacts(msgspec.Struct):
    statements: _Statements | None = None
    capacity: _OldCapacity | None = None


class _OldLane(msgspec.Struct):
    facts: _LaneFacts | None = None
    loads: list[_OldTrial] | None = None
    profiles: list[_OldProfile] | None = None


class _OldRun(msgspec.Struct):
    """As much of the old form as the conversion takes for granted; what it passes on, the new form checks."""

    lanes: list[_OldLane] | None = None


def converted(text: bytes) -> dict[str, Any]:
    """The run in the present schema; its verdicts are left out, as they are found anew.

    Raises:
        msgspec.DecodeError: it is malformed, or not of the old form.
    """
    msgspec.json.decode(text, type=_OldRun)
    return _run(msgspec.json.decode(text))


def _run(run: _Old) -> dict[str, Any]:
    return {
        "schema": 2,
        **_same(run, _RUN),
        "lanes": [_lane(lane) for lane in run.get("lanes") or []],
    }


def _same(old: _Old, fields: tuple[str, ...]) -> dict[str, Any]:
    return {field: old[field] for field in fields if old.get(field) is not None}


def _lane(lane: _Old) -> dict[str, Any]:
    facts = lane.get("facts") or {}
    new = {
        **_same(lane, _LANE),
        "trials": [_trial(trial) for trial in lane.get("loads") or []],
        "profiles": [_profile(profile) for profile in lane.get("profiles") or []],
        "locks": facts.get("locks") or {},
    }
    if sent := facts.get("statements"):
        repeated = [{**one, "by": _place(one)} for one in sent.get("repeated") or []]
        new["statements"] = {**sent, "repeated": repeated}
    if capacity := facts.get("capacity"):
        tried = [
            {
                **one,
                "p50_ms": (one.get("latency_ms") or {}).get("p50"),
                "p99_ms": (one.get("latency_ms") or {}).get("p99"),
            }
            for one in capacity.get("tried") or []
        ]
        new["capacity"] = {**capacity, "tried": tried}
    return new


def _trial(trial: _Old) -> dict[str, Any]:
    facts = trial.get("facts") or {}
    steady = facts.get("steady") or {}
    return {
        **_same(trial, _TRIAL),
        **_same(facts, ("machine", "locust", "lag_ms", "late_ms")),
        "by_name": trial.get("parts") or {},
        # Users of a locustfile had no law, and every closed loop of the lab's own had.
        "own_users": trial.get("model") == "closed" and bool(facts) and facts.get("littles") is None,
        "warm_up_s": steady.get("warm_up_s"),
        "in_flight_mean": (facts.get("littles") or {}).get("in_flight"),
        "generator_offers_rps": (facts.get("calibration") or {}).get("offered_rps"),
        "first_schema": {
            "growth_ms_per_s": steady.get("slope_ms_per_s") if steady.get("growing") else None,
            "saturated": bool(facts.get("saturated")),
        },
    }


def _profile(profile: _Old) -> dict[str, Any]:
    facts = profile.get("facts") or {}
    new = {
        **_same(profile, _PROFILE),
        **_same(facts, ("looks", "server_cpu_us_per_request", "processor_time_s")),
        "stands_in": facts.get("doubt"),
    }
    if "could not unwind" in (facts.get("doubt") or ""):
        new |= {"stands_in": None, "native_frames": NativeFrames.UNREADABLE.value}
    if said := facts.get("python_frames"):
        new["python_frames"] = (
            PythonFrames.INNERMOST if said.startswith("Python stacks are cut off") else PythonFrames.MISSING
        ).value
    if "own" in facts or "kinds" in facts:
        new["attribution"] = {
            "own": [_share(one) for one in facts.get("own") or []],
            "kinds": [
                {"kind": one["name"], "share": one["share"], "by": [_share(by) for by in one["by"]]}
                for one in facts.get("kinds") or []
                if one["name"] in {kind.value for kind in WorkKind}
            ],
        }
    if facts.get("gil_ticks") is not None:
        new["gil"] = {
            "samples": facts.get("gil_samples") or 0,
            "looks": facts["gil_ticks"],
            "outside_share": facts.get("gil_outside_share"),
        }
    if "waits_for" in facts:
        new["tasks"] = {
            "waits": [
                {**_same(one, ("what", "share")), "kind": _wait_kind(one["what"]), "by": _place(one)}
                for one in facts.get("waits") or []
            ],
            "blocked": [
                {**_same(one, ("seconds", "inside")), "by": _place(one)} for one in facts.get("blocked") or []
            ],
            "looked_s": facts.get("blocked_of_s"),
            "ms_per_look": facts.get("probe_ms_per_look"),
            "share_of_loop": facts.get("probe_share_of_loop"),
            **_same(facts, ("waits_for", "tasks_mean", "loop_lag_ms")),
        }
    if "switches_per_s" in facts:
        new["off_cpu"] = {
            **_same(facts, ("switches_per_s", "unpaired", "runnable_us", "waiting_us", "throughout_us")),
            "throughout_svg": "off-cpu-throughout.svg" if facts.get("throughout") else None,
        }
    if "allocations_per_request" in facts:
        fields = ("allocations_per_request", "bytes_per_request", "peak_rss_bytes", "heaviest_by_bytes")
        new["allocations"] = _same(facts, fields)
    return new


def _place(one: _Old) -> dict[str, str] | None:
    return {"name": one["name"], "place": one["place"]} if one.get("name") and one.get("place") else None


def _share(one: _Old) -> dict[str, Any]:
    return {"function": {"name": one["name"], "place": one["place"]}, "share": one["share"]}


def _wait_kind(what: str) -> str:
    if "Lock" in what:
        return WaitKind.LOCK.value
    if what.startswith("asyncio.Queue"):
        return WaitKind.QUEUE.value
    return _WAITS.get(what, WaitKind.OTHER).value
