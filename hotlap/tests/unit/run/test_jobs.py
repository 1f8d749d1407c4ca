"""What a run will do."""

from __future__ import annotations

import pytest

from hotlap.evidence.load import Trial
from hotlap.evidence.profile import Profile
from hotlap.experiment import Experiment, ExperimentError, Lane, Load, Server
from hotlap.run.jobs import Compare, Measure, Record, Verify, missing, plan, window_s
from hotlap.run.options import TIMINGS, Options
from hotlap.run.result import LaneResult, RunResult


def lane(scenario: str, variant: str, **more: object) -> Lane:
    return Lane(scenario=scenario, variant=variant, path=f"/{variant}/{scenario}", suite="s", **more)


EXPERIMENT = Experiment(
    name="x",
    server=Server(app="x:app"),
    lanes=tuple(lane(scenario, variant) for scenario in ("slow", "fast") for variant in ("python", "native")),
    diffs=(("slow/native", "fast/native"),),
)
LANES = list(EXPERIMENT.lanes)
OPTIONS = Options(timing=TIMINGS["quick"])


def test_each_lane_is_verified_before_any_is_loaded_and_profiled_after_its_load() -> None:
    jobs = plan(EXPERIMENT, LANES, OPTIONS)
    kinds = [type(job) for job in jobs]
    assert kinds[:4] == [Verify] * 4
    assert kinds[4:12] == [Measure, Record] * 4
    assert [(job.lane.name, job.after.name) for job in jobs if isinstance(job, Compare)] == [
        ("slow/native", "fast/native")
    ]
    noise = [job for job in jobs if isinstance(job, Measure) and job.role == "a/a"]
    assert [job.lane.name for job in noise] == ["fast/native"]


def test_repeats_alternate_in_a_shuffled_order_that_the_seed_fixes() -> None:
    def order(seed: int) -> list[tuple[int, str]]:
        jobs = plan(EXPERIMENT, LANES, Options(timing=TIMINGS["quick"], repeat=6, seed=seed))
        return [
            (job.repeat, job.lane.name) for job in jobs if isinstance(job, Measure) and job.role == "measure"
        ]

    assert order(1) == order(1)
    assert order(1) != order(2)
    for repeat in range(6):
        assert sorted(name for round_, name in order(1) if round_ == repeat) == sorted(EXPERIMENT.names())
    assert len({tuple(name for round_, name in order(1) if round_ == repeat) for repeat in range(6)}) > 1


def test_profiles_can_be_chosen_or_left_out() -> None:
    none = plan(EXPERIMENT, LANES, Options(timing=TIMINGS["quick"], profiles=()))
    assert not [job for job in none if isinstance(job, Record | Compare)]
    two = plan(EXPERIMENT, LANES[:1], Options(timing=TIMINGS["quick"], profiles=("gil", "memory")))
    assert [job.mode for job in two if isinstance(job, Record)] == ["gil", "memory"]


def test_profiles_can_be_those_of_one_variant() -> None:
    jobs = plan(EXPERIMENT, LANES, Options(timing=TIMINGS["quick"], profile_variant="native"))
    assert {job.lane.name for job in jobs if isinstance(job, Record)} == {"slow/native", "fast/native"}


def test_a_ramp_counts_into_the_time() -> None:
    slow = Options(timing=TIMINGS["quick"], load=Load(users=300, spawn_rate=10.0))
    ramped = next(job for job in plan(EXPERIMENT, LANES, slow) if isinstance(job, Measure))
    straight = next(job for job in plan(EXPERIMENT, LANES, OPTIONS) if isinstance(job, Measure))
    assert ramped.estimate_s == pytest.approx(straight.estimate_s + 30.0)


def test_a_short_trial_is_longer_for_slow_answers() -> None:
    assert window_s(1.0, Load(users=2), 0.001) == 1.0
    assert window_s(1.0, Load(users=2), 1.0) == pytest.approx(2.4)
    assert window_s(1.0, Load(users=50), 1.0) == 4.0
    assert window_s(8.0, Load(users=50), 1.0) == 8.0
    assert window_s(1.0, Load(model="open", rate=1.0, users=50), 1.0) == 1.0


def test_resuming_does_only_what_is_missing() -> None:
    jobs = plan(EXPERIMENT, LANES, OPTIONS)
    done = LaneResult(
        scenario="slow",
        variant="python",
        path="/",
        trials=[Trial(engine="native", model="closed")],
        profiles=[Profile(profiler="py-spy", mode="on-cpu")],
    )
    half = LaneResult(
        scenario="slow",
        variant="native",
        path="/",
        trials=[Trial(engine="native", model="closed")],
        profiles=[Profile(profiler="py-spy", mode="on-cpu", error="not permitted")],
    )
    left = missing(jobs, RunResult(created="", lanes=[done, half]))
    assert not [job for job in left if job.lane.name == "slow/python"]
    assert [type(job) for job in left if job.lane.name == "slow/native"] == [Verify, Record, Compare]
    assert [type(job) for job in left if job.lane.name == "fast/python"] == [Verify, Measure, Record]


@pytest.mark.parametrize(
    ("patterns", "suite", "names"),
    [
        ((), None, ["slow/python", "slow/native", "fast/python", "fast/native"]),
        (("slow/*",), None, ["slow/python", "slow/native"]),
        (("*/native", "slow/python"), "s", ["slow/python", "slow/native", "fast/native"]),
    ],
)
def test_lanes_are_chosen_by_pattern_and_suite(
    patterns: tuple[str, ...], suite: str | None, names: list[str]
) -> None:
    assert [one.name for one in EXPERIMENT.select(patterns, suite)] == names


@pytest.mark.parametrize(
    ("patterns", "suite", "said"), [(("nope/*",), None, "no lane matches"), ((), "z", "no suite")]
)
def test_a_choice_that_matches_nothing_says_what_there_is(
    patterns: tuple[str, ...], suite: str | None, said: str
) -> None:
    with pytest.raises(ExperimentError, match=f"{said}.*s"):
        EXPERIMENT.select(patterns, suite)
