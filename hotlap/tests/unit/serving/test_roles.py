"""Which processes of a server serve: from what they hold and what started them."""

from __future__ import annotations

import pytest

from hotlap.serving.roles import Role, Seen, is_tracker, roles

TRACKER = "python -c from multiprocessing.resource_tracker import main;main(6)"
WORKER, HELPER, SUPERVISOR, TRACKS = Role.WORKER, Role.HELPER, Role.SUPERVISOR, Role.TRACKER


def one(
    pid: int, parent: int = 0, *, listens: bool = False, accepted: bool = False, command: str = ""
) -> Seen:
    """A process as it was seen."""
    return Seen(pid=pid, parent=parent, listens=listens, accepted=accepted, command=command)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param([], {}, id="no process"),
        pytest.param([one(1)], {1: WORKER}, id="a process alone"),
        pytest.param(
            [
                one(1, listens=True),
                one(2, 1, command=TRACKER),
                one(3, 1, listens=True, accepted=True),
                one(4, 1, listens=True),
                one(5, 1),
            ],
            {1: SUPERVISOR, 2: TRACKS, 3: WORKER, 4: WORKER, 5: HELPER},
            id="uvicorn's, of which one worker has accepted nothing yet, and one is just starting",
        ),
        pytest.param(
            [one(1), one(2, 1, listens=True, accepted=True), one(3, 1, listens=True, accepted=True)],
            {1: SUPERVISOR, 2: WORKER, 3: WORKER},
            id="granian's, whose supervisor does not listen",
        ),
        pytest.param(
            [
                one(1, listens=True, accepted=True),
                one(2, 1, listens=True, accepted=True),
                one(3, 1, command=TRACKER),
            ],
            {1: WORKER, 2: HELPER, 3: HELPER},
            id="a server alone, whose pool was forked and holds what it had accepted",
        ),
        pytest.param(
            [one(1, listens=True), one(2, 1, listens=True, accepted=True), one(3, 2, listens=True)],
            {1: SUPERVISOR, 2: WORKER, 3: HELPER},
            id="a worker with a pool",
        ),
        pytest.param(
            [
                one(1, listens=True),
                one(2, 1, command="python -c from multiprocessing.forkserver import main; main(1)"),
                one(3, 2, listens=True, accepted=True),
            ],
            {1: SUPERVISOR, 2: SUPERVISOR, 3: WORKER},
            id="workers that a fork server started",
        ),
        pytest.param(
            [one(1, listens=True), one(2, 1, listens=True), one(3, 1, listens=True)],
            {1: SUPERVISOR, 2: WORKER, 3: WORKER},
            id="nobody has accepted anything",
        ),
    ],
)
def test_what_holds_a_connection_serves(seen: list[Seen], expected: dict[int, Role]) -> None:
    assert roles(seen) == expected


def test_multiprocessings_own_are_known_by_how_they_are_started() -> None:
    assert is_tracker(TRACKER)
    assert not is_tracker(
        "python -B -c from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=7)"
    )
