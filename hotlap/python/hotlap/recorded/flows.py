"""Flows in recorded traffic: what a user sent because of what was answered before. Pure.

A value that was in an answer and is in a later request is carried from one to the other; what gave a later credential is
a login. Requests belong to one flow that depend on each other, or are of one page of a browser's or, where there are no
pages, of one login. A flow that was recorded several times is one, with the values in which its recordings differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from hotlap.experiment.init import named as scenario_named
from hotlap.experiment.init_flow import SeenFlow, SeenStep
from hotlap.experiment.openapi import Request
from hotlap.experiment.placeholders import constant
from hotlap.recorded.answers import Answer, Origin, cookies_sent, is_strong
from hotlap.recorded.request import Recorded, left_out
from hotlap.recorded.routes import Templates, after, segments_of, unlike
from hotlap.recorded.secrets import Secrets
from hotlap.recorded.secrets import named as secret_named
from hotlap.recorded.slots import Parts, Slot

_REDIRECTS = (301, 302, 303, 307, 308)
_CREDENTIALS = re.compile(r"authorization|x-.*(?:token|key|session|auth)", re.IGNORECASE)
_CSRF = re.compile(r".*(?:csrf|xsrf).*", re.IGNORECASE)
_LEFT_OUT = re.compile(
    r"origin|referer|user-agent|if-.*|sec-.*|dnt|priority|cache-control|pragma|accept-language|te|purpose"
    r"|proxy-connection|keep-alive|x-requested-by",
    re.IGNORECASE,
)
"""Headers of a browser's that say where a page was, or what it has kept."""
_UNIQUE = re.compile(
    r"(?:.*[_-])?(?:name|title|email|e-mail|mail|username|user|login|nick|handle|slug|sku|isbn|code|reference|ref|number|uuid|id)"
    r"|(?:.*[a-z])?(?:Name|Title|Email|Slug|Code|Reference|Id)",
    re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GENERATORS = ("uuid", "counter", "int", "now", "hex")


class _Needed(msgspec.Struct, frozen=True):
    """A value of a request that came from an earlier answer."""

    entry: int
    origin: Origin


class _Entry:
    """A request, with where it was redirected to."""

    def __init__(self, recorded: Recorded, hops: Sequence[Recorded]) -> None:
        self.recorded = recorded
        self.last = hops[-1] if hops else recorded
        self.follows = bool(hops)
        self.parts = Parts(recorded)
        self.segments = segments_of(recorded.path)
        # What it captures is in the last answer; cookies are in any of them.
        self.answer = Answer(
            msgspec.structs.replace(
                self.last,
                answer_headers=tuple(pair for one in (recorded, *hops) for pair in one.answer_headers),
            )
        )
        self.cookies_sent = cookies_sent(recorded)
        self.needs: dict[int, _Needed] = {}
        """By the number of the slot."""
        self.login: int | None = None
        """The request that gave it its credential."""
        self.session: int | None = None
        self.is_known = False
        """Whether it has a cookie that an earlier answer gave."""
        self.news = {slot.value for slot in self.parts.slots if _unique(self, slot)}
        """What it may have made that was not there before."""


class Flows(msgspec.Struct, frozen=True):
    """Flows in a recording, in the order of their beginnings; none where no request depends on another."""

    flows: list[SeenFlow]
    said: list[str]
    """What is to be said of them."""


def flows(requests: Sequence[Recorded], known: Sequence[str], secrets: Secrets) -> Flows:
    """Find the flows in a recording.

    Args:
        requests: With their answers, in the order in which they were sent.
        known: Paths that the app tells of itself.
        secrets: Where the credentials are noted that become variables.
    """
    if not any(one.answer or one.answer_headers for one in requests):
        # A log has no answers.
        return Flows([], [])
    good = [one for one in requests if (one.status or 200) < 400 and not _asks_leave(one)]
    entries = _redirected(good)
    logins = _logins(entries)
    before = _sessions(entries, logins)
    for number in range(len(entries)):
        _depend(entries, number, before)
    if not any(entry.needs or entry.login is not None or entry.is_known for entry in entries):
        return Flows([], [_CUT] if _is_cut(good) else [])
    templates = Templates(known)
    routes = [templates.add(entry.segments) for entry in entries]
    plain = ["/" + "/".join(_plain(templates.template(route))) for route in routes]
    groups = [_flow(entries, group, before) for group in _groups(entries, before)]
    same: dict[tuple[object, ...], list[tuple[list[int], list[int]]]] = {}
    for once, members in groups:
        signature = tuple(
            (number in once, entries[number].recorded.method, plain[number]) for number in [*once, *members]
        )
        same.setdefault(signature, []).append((once, members))
    names: set[str] = set()
    made = [_written(entries, found, plain, secrets, names) for found in same.values()]
    failed = sum((one.status or 200) >= 400 for one in requests)
    said = [left_out(failed, "answered with 400 or above")] * bool(failed)
    return Flows(made, said)


_CUT = (
    "there is a login in it, and neither a token nor a cookie in any request: the browser has left them out; save it with "
    "sensitive data, so that its flows can be found"
)


def _is_cut(requests: Sequence[Recorded]) -> bool:
    """Whether a browser took the credentials out of a recording, as Chrome does unless it is told otherwise."""
    names = {name.lower() for one in requests for name in one.headers}
    return not names & {"authorization", "cookie"} and any(_typed(_Entry(one, [])) for one in requests)


def _asks_leave(one: Recorded) -> bool:
    """Whether it is a browser that asks whether a page may ask (CORS)."""
    return one.method == "OPTIONS" and any(
        name.lower() == "access-control-request-method" for name in one.headers
    )


def _plain(template: Iterable[str]) -> list[str]:
    told: list[str] = []
    for word in template:
        told.append(f"{{{after(told)}}}" if word == "{}" else word)
    return told


def _redirected(requests: Sequence[Recorded]) -> list[_Entry]:
    """Each request with those that a client sent since it was redirected to them."""
    entries, taken = [], set[int]()
    for number, one in enumerate(requests):
        if number in taken:
            continue
        hops: list[Recorded] = []
        at, now = number, one
        while now.status in _REDIRECTS:
            there = next((value for name, value in now.answer_headers if name == "location"), None)
            following = next((later for later in range(at + 1, len(requests)) if later not in taken), None)
            if there is None or following is None:
                break
            parts = urlsplit(urljoin(now.path, there))
            wanted = parts.path + (f"?{parts.query}" if parts.query else "")
            if requests[following].path != wanted or requests[following].method not in ("GET", one.method):
                break
            at, now = following, requests[following]
            taken.add(following)
            hops.append(now)
        entries.append(_Entry(one, hops))
    return entries


def _typed(entry: _Entry) -> bool:
    """Whether a user typed a credential in it."""
    return any(
        slot.place in ("form", "json", "part")
        and secret_named(slot) is not None
        and not _CSRF.fullmatch(slot.name)
        for slot in entry.parts.slots
    )


def _logins(entries: list[_Entry]) -> list[int]:
    """The requests that gave a credential; each entry is told which gave its own."""
    found: set[int] = set()
    for number, entry in enumerate(entries):
        for slot in entry.parts.slots:
            if slot.place != "header" or not (slot.before or _CREDENTIALS.fullmatch(slot.key)):
                continue
            if _CSRF.fullmatch(slot.key):
                continue
            for earlier in range(number - 1, -1, -1):
                if entries[earlier].answer.origin(slot, entry.segments) is not None:
                    entry.login = earlier
                    break
        for name, value in entry.cookies_sent.items():
            setter = _setter(entries, number, name, value)
            if setter is None:
                continue
            entry.is_known = True
            if entry.login is None and _typed(entries[setter]) and not _CSRF.fullmatch(name):
                entry.login = setter
        if entry.login is not None:
            found.add(entry.login)
    return sorted(found)


def _setter(entries: list[_Entry], number: int, name: str, value: str) -> int | None:
    """The latest answer before a request that gave a cookie its value."""
    for earlier in range(number - 1, -1, -1):
        one = entries[earlier]
        # An answer that sets again what was sent has not given it.
        if one.answer.cookies.get(name) == value and one.cookies_sent.get(name) != value:
            return earlier
    return None


def _sessions(entries: list[_Entry], logins: list[int]) -> dict[int, list[int]]:
    """Give each entry the login whose session it is of; what comes before each login, itself the last."""
    before: dict[int, list[int]] = {}
    for login in logins:
        needed: set[int] = set()
        waiting = [login]
        while waiting:
            number = waiting.pop()
            needed.add(number)
            entry = entries[number]
            if entry.login is not None and entry.login not in needed:
                waiting.append(entry.login)
            for slot in entry.parts.slots:
                for earlier in range(number - 1, -1, -1):
                    if earlier in needed:
                        continue
                    if slot.value in entries[earlier].news:
                        # Who logs in has registered before.
                        waiting.append(earlier)
                        break
                    # A name that an earlier user's pages showed is not where this one's came from.
                    if entries[earlier].login is not None and secret_named(slot) is None:
                        continue
                    if entries[earlier].answer.origin(slot, entry.segments) is not None:
                        waiting.append(earlier)
                        break
        before[login] = sorted(needed)
    latest: int | None = None
    begins = {numbers[0]: login for login, numbers in before.items()}
    for number, entry in enumerate(entries):
        latest = begins.get(number, latest)
        entry.session = entry.login if entry.login is not None else latest
    for login, numbers in before.items():
        for number in numbers:
            entries[number].session = login
    return before


def _depend(entries: list[_Entry], number: int, before: dict[int, list[int]]) -> None:
    """Find where the values of a request came from: answers of its session, or of those before its login."""
    entry = entries[number]
    there = [
        earlier
        for earlier in range(number - 1, -1, -1)
        if entries[earlier].session == entry.session
        or (entry.session is not None and earlier in before[entry.session])
    ]
    # What made a thing gives its id for good; a list shows what others made as well.
    made = [earlier for earlier in there if _creates(entries[earlier])]
    for at, slot in enumerate(entry.parts.slots):
        if slot.place == "header" and slot.key.lower() == "cookie":
            continue
        is_id = slot.place != "header" and not is_strong(slot.value)
        for earlier in [*made, *there] if is_id else there:
            origin = entries[earlier].answer.origin(slot, entry.segments)
            if origin is not None and (not is_id or _belongs(slot, entry, entries[earlier], origin)):
                entry.needs[at] = _Needed(earlier, origin)
                break


def _belongs(slot: Slot, entry: _Entry, source: _Entry, origin: Origin) -> bool:
    """Whether a short value, which may be anybody's, is of the same thing in an answer and in a later request."""
    if origin.capture.startswith("regex:"):
        # A link to it, or a field of its name.
        return True
    if slot.place == "path":
        before = entry.segments[: int(slot.key)]
        return origin.name == after(before) or (bool(before) and before[-1] in source.segments)
    of = [after([word]) for word in source.segments]
    return slot.name in of or (origin.name == slot.name and slot.name != "id")


def _groups(entries: list[_Entry], before: dict[int, list[int]]) -> list[list[int]]:
    """The requests of each flow, without those before its login."""
    apart = {number for numbers in before.values() for number in numbers}
    members = [number for number in range(len(entries)) if number not in apart]
    same = {number: number for number in members}

    def first(number: int) -> int:
        while same[number] != number:
            number = same[number]
        return number

    def join(one: int, other: int) -> None:
        low, high = sorted((first(one), first(other)))
        same[high] = low

    seen: dict[tuple[int | None, str | None], int] = {}
    news: dict[tuple[int | None, str], int] = {}
    for number in members:
        entry = entries[number]
        join(seen.setdefault((entry.session, entry.recorded.page), number), number)
        for needed in entry.needs.values():
            if needed.entry in same:
                join(needed.entry, number)
        for slot in entry.parts.slots:
            if slot.place != "header" and (entry.session, slot.value) in news:
                join(news[entry.session, slot.value], number)
        for value in entry.news:
            news.setdefault((entry.session, value), number)
        for name, value in entry.cookies_sent.items():
            setter = _setter(entries, number, name, value)
            # What a server keeps for a user who has not logged in is behind such a cookie.
            if setter in same and not _CSRF.fullmatch(name):
                join(setter, number)
    groups: dict[int, list[int]] = {}
    for number in members:
        groups.setdefault(first(number), []).append(number)
    # Who did nothing but log in did that.
    alone = [
        numbers
        for login, numbers in before.items()
        if not any(entries[number].session == login for number in members)
        and not any(login in others for other, others in before.items() if other != login)
    ]
    return sorted([*groups.values(), *alone])


def _flow(
    entries: list[_Entry], members: list[int], before: dict[int, list[int]]
) -> tuple[list[int], list[int]]:
    """What is sent once, and what in each round."""
    once: set[int] = set()
    for number in members:
        entry = entries[number]
        if entry.login is not None and entry.login not in members:
            once.update(before[entry.login])
        once.update(needed.entry for needed in entry.needs.values() if needed.entry not in members)
    while (
        more := {needed.entry for number in once for needed in entries[number].needs.values()}
        - once
        - set(members)
    ):
        once |= more
    return sorted(once), members


class _Writing:
    """What is known while the steps of a flow are written."""

    def __init__(self) -> None:
        self.captures: dict[tuple[int, str], str] = {}
        """Their names, by the request and what is captured of it."""
        self.made: dict[str, tuple[str, str, str]] = {}
        """What is made up instead of a value: what comes before it, a generator, and what comes after."""
        self.columns: dict[tuple[int, int], str] = {}
        """By request and slot."""

    def name(self, wanted: str) -> str:
        taken = {*self.captures.values(), *self.columns.values(), *_GENERATORS}
        return unlike(wanted, taken)


def _written(
    entries: list[_Entry],
    found: list[tuple[list[int], list[int]]],
    plain: list[str],
    secrets: Secrets,
    names: set[str],
) -> SeenFlow:
    # The one that tells most of what comes from where.
    found = sorted(found, key=lambda one: -sum(len(entries[number].needs) for number in one[1]))
    once, members = found[0]
    numbers = [*once, *members]
    writing = _Writing()
    for number in numbers:
        for needed in entries[number].needs.values():
            key = (needed.entry, needed.origin.capture)
            if needed.entry in numbers and key not in writing.captures:
                writing.captures[key] = writing.name(needed.origin.name)
    rows = _columns(entries, [members for _, members in found], writing)
    steps: list[SeenStep] = []
    typed: set[str] = set()
    for number in numbers:
        steps.append(_step(entries, number, number in once, typed, plain[number], writing, secrets, steps))
        typed.update(slot.value for slot in entries[number].parts.slots)
    named = next((number for number in members if entries[number].recorded.method != "GET"), members[-1])
    asked = entries[named].recorded
    name = scenario_named(Request(method=asked.method, path=asked.path, template=plain[named]), names)
    names.add(name)
    by_token = any(
        slot.place == "header" and at in entries[number].needs and slot.before
        for number in members
        for at, slot in enumerate(entries[number].parts.slots)
    )
    return SeenFlow(
        name=name,
        count=len(found),
        steps=steps,
        again_on=[401] if once and by_token else [],
        columns=list(writing.columns.values()),
        rows=rows,
    )


def _columns(entries: list[_Entry], recordings: list[list[int]], writing: _Writing) -> list[tuple[str, ...]]:
    """The values in which recordings of one flow differ, and what they are called."""
    values: list[list[str]] = []
    model = recordings[0]
    for place, number in enumerate(model):
        entry = entries[number]
        others = [entries[recording[place]].parts.slots for recording in recordings]
        if any(
            [(slot.place, slot.key) for slot in slots]
            != [(slot.place, slot.key) for slot in entry.parts.slots]
            for slots in others
        ):
            continue
        for at, slot in enumerate(entry.parts.slots):
            there = [slots[at].value for slots in others]
            is_secret = any(secret_named(slots[at]) is not None for slots in others)
            if slot.place == "header" or at in entry.needs or is_secret or len(set(there)) == 1:
                continue
            if _unique(entry, slot) and slot.place in ("form", "json", "part"):
                continue
            wanted = after(entry.segments[: int(slot.key)]) if slot.place == "path" else slot.name
            writing.columns[number, at] = writing.name(wanted)
            values.append(there)
    return list(dict.fromkeys(zip(*values, strict=True))) if values else []


def _creates(entry: _Entry) -> bool:
    """Whether it made something: it says so, or leads there from a form."""
    recorded = entry.recorded
    return recorded.method == "POST" and (
        recorded.status == 201 or (recorded.status in _REDIRECTS and not _typed(entry))
    )


def _unique(entry: _Entry, slot: Slot) -> bool:
    """Whether a value may have to be one that was not there before."""
    return (
        _creates(entry)
        and slot.place in ("form", "json", "part")
        and slot.is_text
        and bool(slot.value)
        and not slot.value.isdigit()
        and bool(_UNIQUE.fullmatch(slot.name))
    )


def _step(
    entries: list[_Entry],
    number: int,
    once: bool,
    typed: set[str],
    plain: str,
    writing: _Writing,
    secrets: Secrets,
    others: list[SeenStep],
) -> SeenStep:
    entry = entries[number]
    recorded = entry.recorded
    otherwise: dict[int, str] = {}
    notes: list[str] = []

    def is_left_out(name: str, value: str) -> bool:
        # Cookies of the recording are the user's own in each flow.
        return bool(_LEFT_OUT.fullmatch(name)) or (
            (name.lower(), value) == ("accept", "*/*") or (name.lower() == "cookie" and entry.is_known)
        )

    for at, slot in enumerate(entry.parts.slots):
        needed = entry.needs.get(at)
        captured = writing.captures.get((needed.entry, needed.origin.capture)) if needed else None
        if slot.place == "header" and is_left_out(slot.key, slot.value):
            continue
        if captured is not None:
            otherwise[at] = f"{{{captured}}}"
        elif (column := writing.columns.get((number, at))) is not None:
            otherwise[at] = f"{{{column}}}"
        elif slot.value in writing.made and slot.place != "header":
            otherwise[at] = _made(slot, writing)
        elif (variable := secrets.slot(slot)) is not None:
            otherwise[at] = variable
        elif _unique(entry, slot) and slot.value not in typed and not _answered(entries, number, slot.value):
            writing.made[slot.value] = _generator(slot.value)
            otherwise[at] = _made(slot, writing)
            notes.append(
                f"{slot.name}: it was a new one when it was recorded, so that another is made up each time"
            )
    made = entry.parts.written(otherwise)
    body = made.body
    if body is not None and not entry.parts.is_read:
        notes.append("its body is sent as it was recorded: it is neither JSON nor a form")
        body = secrets.hide(body)
    headers = {
        slot.key: made.headers[slot.key]
        for slot in entry.parts.slots
        if slot.place == "header" and not is_left_out(slot.key, slot.value)
    }
    shown = plain if plain != "/" else recorded.path.partition("?")[0]
    name = shown if recorded.method == "GET" else f"{recorded.method} {shown}"
    again = sum(step.name == name or step.name.startswith(f"{name} (") for step in others)
    return SeenStep(
        name=name if not again else f"{name} ({again + 1})",
        method=recorded.method,
        path=made.path,
        headers=headers,
        body=body,
        # What a browser had kept, a user of the flow has not.
        status=entry.last.status if entry.last.status not in (None, 304) else 200,
        capture={name: capture for (source, capture), name in writing.captures.items() if source == number},
        once=once,
        follow=entry.follows,
        notes=notes,
    )


def _answered(entries: list[_Entry], number: int, value: str) -> bool:
    return any(value in (entries[earlier].last.answer or "") for earlier in range(number))


def _generator(value: str) -> tuple[str, str, str]:
    if _UUID.fullmatch(value):
        return "", "{uuid}", ""
    name, at, domain = value.partition("@")
    # Unlike any of an earlier run's, too: what that has left may still be there.
    made = "{now:ms}{hex:4}"
    return (f"{name}-", made, f"@{domain}") if at and domain else (f"{value}-", made, "")


def _made(slot: Slot, writing: _Writing) -> str:
    """What is made up instead of a value, as it is written where it stands."""
    before, generator, behind = writing.made[slot.value]

    def text(of: str) -> str:
        match slot.place:
            case "part":
                return constant(of)
            case "json":
                return constant(json.dumps(of, ensure_ascii=False)[1:-1])
        return constant(quote(of, safe=""))

    return text(before) + generator + text(behind)
