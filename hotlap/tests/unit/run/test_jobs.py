"""What a run will do."""

from __future__ import annotations

import pytest

from hotlap.experiment import Experiment, ExperimentError, Lane, Load, Server
from hotlap.run.jobs import TIMINGS, Options, missing, plan, window_s
from hotlap.run.result import LaneResult, Profile, RunResult, Stretch


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
    tasks = plan(EXPERIMENT, LANES, OPTIONS)
    stages = [task.stage for task in tasks]
    assert stages[:4] == ["verify"] * 4
    assert stages[4:12] == ["load", "profile"] * 4
    assert [(task.lane, task.against) for task in tasks if task.stage == "diff"] == [
        ("slow/native", "fast/native")
    ]
    noise = [task for task in tasks if task.role == "a/a"]
    assert [task.lane for task in noise] == ["fast/native"]


def test_repeats_alternate_in_a_shuffled_order_that_the_seed_fixes() -> None:
    def order(seed: int) -> list[tuple[int, str]]:
        tasks = plan(EXPERIMENT, LANES, Options(timing=TIMINGS["quick"], repeat=6, seed=seed))
        return [(task.repeat, task.lane) for task in tasks if task.stage == "load" and task.role == "measure"]

    assert order(1) == order(1)
    assert order(1) != order(2)
    for repeat in range(6):
        assert sorted(name for round_, name in order(1) if round_ == repeat) == sorted(EXPERIMENT.names())
    assert len({tuple(name for round_, name in order(1) if round_ == repeat) for repeat in range(6)}) > 1


def test_profiles_can_be_chosen_or_left_out() -> None:
    none = plan(EXPERIMENT, LANES, Options(timing=TIMINGS["quick"], profiles=()))
    assert not [task for task in none if task.stage in ("profile", "diff")]
    two = plan(EXPERIMENT, LANES[:1], Options(timing=TIMINGS["quick"], profiles=("gil", "memory")))
    assert [task.mode for task in two if task.stage == "profile"] == ["gil", "memory"]


def test_profiles_can_be_those_of_one_variant() -> None:
    tasks = plan(EXPERIMENT, LANES, Options(timing=TIMINGS["quick"], profile_variant="native"))
    assert {task.lane for task in tasks if task.stage == "profile"} == {"slow/native", "fast/native"}


def test_a_ramp_counts_into_the_time() -> None:
    slow = Options(timing=TIMINGS["quick"], load=Load(users=300, spawn_rate=10.0))
    ramped = next(task for task in plan(EXPERIMENT, LANES, slow) if task.stage == "load")
    straight = next(task for task in plan(EXPERIMENT, LANES, OPTIONS) if task.stage == "load")
    assert ramped.estimate_s == pytest.approx(straight.estimate_s + 30.0)


def test_a_short_stretch_is_longer_for_slow_answers() -> None:
    assert window_s(1.0, Load(users=2), 0.001) == 1.0
    assert window_s(1.0, Load(users=2), 1.0) == pytest.approx(2.4)
    assert window_s(1.0, Load(users=50), 1.0) == 4.0
    assert window_s(8.0, Load(users=50), 1.0) == 8.0
    assert window_s(1.0, Load(model="open", rate=1.0, users=50), 1.0) == 1.0


def test_resuming_does_only_what_is_missing() -> None:
    tasks = plan(EXPERIMENT, LANES, OPTIONS)
    done = LaneResult(
        scenario="slow",
        variant="python",
        path="/",
        loads=[Stretch(engine="http", model="closed")],
        profiles=[Profile(profiler="py-spy", mode="on-cpu")],
    )
    half = LaneResult(
        scenario="slow",
        variant="native",
        path="/",
        loads=[Stretch(engine="http", model="closed")],
        profiles=[Profile(profiler="py-spy", mode="on-cpu", error="not permitted")],
    )
    left = missing(tasks, RunResult(created="", lanes=[done, half]))
    assert not [task for task in left if task.lane == "slow/python"]
    assert [task.stage for task in left if task.lane == "slow/native"] == ["verify", "profile", "diff"]
    assert [task.stage for task in left if task.lane == "fast/python"] == ["verify", "load", "profile"]


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
