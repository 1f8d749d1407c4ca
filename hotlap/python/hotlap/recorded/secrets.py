"""Credentials in recorded requests: they become variables of the environment, and reach no file."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from hotlap.recorded.slots import Slot

_HEADERS = re.compile(
    r"authorization|proxy-authorization|cookie|x-csrf-?token|x-xsrf-token|.*(?:api|auth|access|secret)[-_]?(?:key|token)?",
    re.IGNORECASE,
)
_QUERY = re.compile(
    r"(?:.*[-_])?(?:token|key|apikey|secret|password|passwd|signature|sig|auth|session|sid|code)",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"(?:.*[-_])?(?:token|api_?key|secret|passwor[dt]\d?|passwd|passphrase|passcode|pass|pwd|kennwort|senha|contrasena"
    r"|mot_?de_?passe|signature|auth|session|sid|otp|pin|cvv|cvc|card_?number|iban|ssn)"
    r"|client_?secret|(?:.*[a-z])?(?:Token|Secret|Password|ApiKey|CardNumber)",
    re.IGNORECASE,
)
"""Fields of a body that hold a credential, or what is as little to be in a file."""
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_FEWEST_CHARS = 4
"""A credential that is shorter is not looked for in other texts: it would be found where it is not meant."""


class Secrets:
    """The secrets that were found, each under the name of a variable."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        """By value."""

    def slot(self, slot: Slot) -> str | None:
        """What is written in the place of a value that is a credential; ``None``: it is none."""
        wanted = named(slot)
        return None if wanted is None else f"${{{self.variable(slot.value, wanted)}}}"

    def hide(self, text: str) -> str:
        """A text with ``${NAME}`` in the place of each credential that was found."""
        for value, name in sorted(self.names.items(), key=lambda one: -len(one[0])):
            if len(value) >= _FEWEST_CHARS:
                for written in (value, quote(value, safe=""), json.dumps(value)[1:-1]):
                    text = text.replace(written, f"${{{name}}}")
        return text

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


def named(slot: Slot) -> str | None:
    """What the variable of a value that is a credential is to be called; ``None``: it is none."""
    if not slot.value:
        return None
    match slot.place:
        case "header" if _HEADERS.fullmatch(slot.key):
            is_token = slot.before.strip().lower() in ("bearer", "token", "jwt")
            return "TOKEN" if is_token else slot.key
        case "query" if _QUERY.fullmatch(slot.key):
            return slot.key
        case "form" | "json" | "part" if slot.is_text and _FIELD.fullmatch(slot.name):
            return slot.name
        case _ if _JWT.fullmatch(slot.value):
            return "TOKEN"
    return None
