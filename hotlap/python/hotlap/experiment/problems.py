"""What is wrong with a table, told with the key."""

from __future__ import annotations


class KeyProblem(Exception):
    """A key that is wrong: where it is in the table, and why."""

    def __init__(self, path: tuple[str, ...], why: str) -> None:
        super().__init__(why)
        self.path = path
        self.why = why
