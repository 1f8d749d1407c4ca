"""Credentials in recorded requests: they become variables of the environment, and reach no file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

_HEADERS = re.compile(
    r"authorization|proxy-authorization|cookie|x-csrf-?token|x-xsrf-token|.*(?:api|auth|access|secret)[-_]?(?:key|token)?",
    re.IGNORECASE,
)
_QUERY = re.compile(
    r"(?:.*[-_])?(?:token|key|apikey|secret|password|passwd|signature|sig|auth|session|sid|code)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?P<scheme>Bearer|Basic|Token|Digest) +(?P<rest>.+)", re.IGNORECASE | re.DOTALL)


class Secrets:
    """The secrets that were found, each under the name of a variable."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        """By value."""

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers with ``${NAME}`` in the places of credentials."""
        return {
            name: self._header(name, value) if _HEADERS.fullmatch(name) else value.replace("${", "$${")
            for name, value in headers.items()
        }

    def query(self, path: str) -> list[str]:
        """The names of the parameters in a path's query that hold a credential."""
        pairs = parse_qsl(path.partition("?")[2], keep_blank_values=True)
        return [name for name, value in pairs if value and _QUERY.fullmatch(name)]

    def variable(self, value: str, wanted: str) -> str:
        """The variable of a value: the same for the same value."""
        if value not in self.names:
            name = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_").upper() or "SECRET"
            name = f"_{name}" if name[0].isdigit() else name
            taken, number, unique = set(self.names.values()), 2, name
            while unique in taken:
                unique, number = f"{name}_{number}", number + 1
            self.names[value] = unique
        return self.names[value]

    def _header(self, name: str, value: str) -> str:
        if (found := _SCHEME.fullmatch(value)) is not None:
            wanted = "TOKEN" if found["scheme"].lower() in ("bearer", "token") else name
            return f"{found['scheme']} ${{{self.variable(found['rest'], wanted)}}}"
        return f"${{{self.variable(value, name)}}}"
