"""Tables in Markdown, and the page that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- written by make abuse -->", "<!-- to here -->"


@dataclass(frozen=True)
class Table:
    """What came of one kind of abuse."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    is_clean: bool
    """Whether nothing was left, lost or wrong."""

    def text(self) -> str:
        """The table in Markdown."""
        lines = [self.heads, ["---"] * len(self.heads), *self.rows]
        return "\n".join([f"### {self.title}", "", *(f"| {' | '.join(map(str, line))} |" for line in lines)])


def write(page: Path, text: str) -> None:
    """Put the text into the page, in place of what was written there before.

    Raises:
        ValueError: the page has no place for it.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no lines {BEGIN} and {END}: put them where the tables belong")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
