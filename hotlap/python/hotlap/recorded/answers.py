"""What a recorded answer gives to later requests: values, and how a flow captures them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import msgspec

from hotlap.recorded.request import Recorded
from hotlap.recorded.routes import after, is_identifier
from hotlap.recorded.slots import Slot, leaves

STRONG_CHARS = 16
"""A value that is so long, without a space, is the same thing wherever it is."""
_KEY = re.compile(
    r"(?:.*[_-])?(?:id|pk|uuid|guid|slug|key|no|nr|number|code|ref|reference|username|login|handle|sku)"
    r"|(?:.*[a-z])?(?:Id|Uuid|Slug|Key|Number|Code|Ref)",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(?:input|meta|button|option)\b[^>]*>", re.IGNORECASE)
_TOKEN_LIKE = re.compile(r"(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}")
_META = re.compile(r"([\\.+*?()|\[\]{}^$])")
_CONTEXT_CHARS = 24


class Origin(msgspec.Struct, frozen=True):
    """Where in an answer a value is: ``capture`` as a step of a flow has it, and a name for it."""

    capture: str
    name: str


def is_strong(value: str) -> bool:
    """Whether a value is the same thing wherever it is, as a token."""
    return len(value) >= STRONG_CHARS and not re.search(r"[\s@/]", value)


class Answer:
    """A recorded answer."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self.cookies = dict(_cookies(recorded))

    @cached_property
    def _leaves(self) -> dict[str, list[str]]:
        """The pointers of each value of a JSON body."""
        found: dict[str, list[str]] = {}
        try:
            whole = json.loads(self._recorded.answer or "")
        except ValueError:
            return found
        for pointer, leaf in leaves(whole):
            found.setdefault(leaf if isinstance(leaf, str) else repr(leaf), []).append(pointer)
        return found

    def origin(self, slot: Slot, segments: Sequence[str]) -> Origin | None:
        """Where a value of a later request is in it, if that is what the value comes from.

        Args:
            slot: The place of the value.
            segments: Those of the request's path.
        """
        if not slot.value or not self._may_come(slot):
            return None
        return self._in_json(slot) or self._in_head(slot) or self._in_text(slot, segments)

    def _may_come(self, slot: Slot) -> bool:
        if is_strong(slot.value):
            return True
        if slot.place == "header":
            return False
        return is_identifier(slot.value) if slot.place == "path" else bool(_KEY.fullmatch(slot.name))

    def _in_json(self, slot: Slot) -> Origin | None:
        pointers = self._leaves.get(slot.value, [])
        if not is_strong(slot.value):
            pointers = [one for one in pointers if _KEY.fullmatch(_last(one))]
        # Of several, the one that is called as it is in the request; then the outermost.
        pointers = sorted(pointers, key=lambda one: (_last(one) != slot.name, one.count("/"), one))
        return Origin(f"json:{pointers[0]}", _last(pointers[0])) if pointers else None

    def _in_head(self, slot: Slot) -> Origin | None:
        if not is_strong(slot.value):
            return None
        for name, value in self.cookies.items():
            if value == slot.value:
                return Origin(f"cookie:{name}", name)
        for name, value in self._recorded.answer_headers:
            if value == slot.value and name != "set-cookie":
                return Origin(f"header:{name}", name)
        return None

    def _in_text(self, slot: Slot, segments: Sequence[str]) -> Origin | None:
        text = self._recorded.answer or ""
        if self._leaves or slot.value not in text:
            return None
        for pattern, name in self._patterns(slot, segments, text):
            found = re.search(pattern, text)
            if found is not None and not _TOKEN_LIKE.search(pattern):
                exact = found[1] == slot.value
                # Of several links of a kind, the first is taken.
                if exact or (slot.place == "path" and slot.value in re.findall(pattern, text)):
                    return Origin(f"regex:{pattern}", name)
        return None

    def _patterns(self, slot: Slot, segments: Sequence[str], text: str) -> Iterator[tuple[str, str]]:
        for tag in _TAG.findall(text):
            at = re.search(rf"""(?:value|content)=["']?(?={re.escape(slot.value)}["'\s>/])""", tag)
            named = re.search(r"""name=["']?([^"'\s>]+)""", tag)
            if at is not None and (is_strong(slot.value) or (named and named[1] == slot.name)):
                yield _escaped(tag[: at.end()]) + r"""([^"'\s>]+)""", named[1] if named else slot.name
        if slot.place == "path":
            before = segments[: int(slot.key)]
            start = _escaped("/".join(["", *before, ""]))
            yield rf"""["'=]{start}({_kind(slot.value)})["'/?#]""", after(before)
        elif is_strong(slot.value):
            at_char = text.index(slot.value)
            line = text[max(0, at_char - _CONTEXT_CHARS) : at_char].rpartition("\n")[2]
            # What has digits may be the end of something that is to be in no file.
            line = re.split(r"\d", line)[-1]
            if line.strip():
                yield _escaped(line) + r"""([^"'<>&\s\\]+)""", slot.name


def _cookies(recorded: Recorded) -> Iterator[tuple[str, str]]:
    for name, value in recorded.answer_headers:
        if name == "set-cookie":
            pair = value.partition(";")[0]
            key, equals, content = pair.partition("=")
            # An empty one takes a cookie away.
            if equals and content.strip('"'):
                yield key.strip(), content.strip()


def cookies_sent(recorded: Recorded) -> dict[str, str]:
    """The cookies that went with a request."""
    line = next((value for name, value in recorded.headers.items() if name.lower() == "cookie"), "")
    pairs = (pair.partition("=") for pair in line.split(";"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _last(pointer: str) -> str:
    """The last key of a JSON pointer that is no number."""
    return next((part for part in reversed(pointer.split("/")) if part and not part.isdigit()), "value")


def _kind(value: str) -> str:
    if value.isdigit():
        return r"\d+"
    return r"[0-9a-fA-F-]{36}" if len(value) == 36 and value.count("-") == 4 else r"""[^"'/?#\s<>]+"""


def _escaped(text: str) -> str:
    """As a pattern of the engine's has it: it knows fewer escapes than Python's."""
    return _META.sub(r"\\\1", text)
