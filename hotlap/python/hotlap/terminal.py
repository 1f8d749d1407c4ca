"""The terminal that commands print to: text from outside is only ever text."""

from __future__ import annotations

from typing import IO, Any

from rich.console import Console
from rich.text import Text

_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}

OK = Text("✓", style="green")
FAILED = Text("✗", style="red")
PASSED_GATE = Text("passed", style="green")
FAILED_GATE = Text("FAILED", style="red")


def visible(text: str) -> str:
    """Text without the characters that steer a terminal: each is a \ufffd; tabs and line ends stay."""
    return text.translate(_CONTROLS)


class Terminal(Console):
    """A terminal on which a string is what it says: nothing in it is markup, an emoji's name or a control character.

    Whatever has a style of its own is a ``rich.text.Text`` of the lab's words, or gets its style as an argument.
    """

    def __init__(self, file: IO[str] | None = None, width: int | None = None) -> None:
        super().__init__(file=file, width=width, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """A string as it stands, whoever prints it: a table and a title ask for it too."""
        return super().render_str(visible(text), **{**options, "markup": False, "emoji": False})
