"""Variables of the environment in the requests of a table: ``${NAME}``, so that no token is in the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from hotlap.experiment.placeholders import part

_PLACE = re.compile(r"(?P<literal>\$\$\{)|\$\{(?P<name>[^{}]*)(?P<end>\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class VariableProblem(Exception):
    """A variable that cannot be put in: the message names it, and says what to do."""


def filled(
    text: str,
    environment: Mapping[str, str],
    encode: Callable[[str, str], str] = lambda value, before: value,
) -> tuple[str, dict[str, str]]:
    """Put variables in the places of ``${NAME}``; ``$${`` stands for ``${`` itself.

    Args:
        text: See above.
        environment: The variables.
        encode: What is done to their values for where they stand: it is given each value and the text before it.

    Returns:
        The text, with its other placeholders as they are, and the variables that were put in, with their values.

    Raises:
        VariableProblem: one is not set, or what is in the braces is not a name.
    """
    used: dict[str, str] = {}

    def put(place: re.Match[str]) -> str:
        if place["literal"]:
            # What follows is no placeholder for a value either.
            return "${{"
        name = place["name"]
        if not place["end"] or not _NAME.fullmatch(name):
            raise VariableProblem(
                f"{place[0]!r} does not name a variable, as ${{TOKEN}} does; for the characters themselves write $${{"
            )
        if name not in environment:
            raise VariableProblem(
                f"the variable {name} is not set in the environment: set it, as in {name}=... hotlap run; "
                "for the characters themselves write $${"
            )
        used[name] = environment[name]
        return part(encode(used[name], text[: place.start()]))

    return _PLACE.sub(put, text), used
