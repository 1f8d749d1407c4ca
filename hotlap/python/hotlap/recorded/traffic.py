"""A recording as a whole: what it is of, its routes, its rate, and the credentials in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec

from hotlap.experiment.init import Seen
from hotlap.recorded import access_log, curl, har
from hotlap.recorded.request import Recorded, RecordedError, Unread, left_out
from hotlap.recorded.routes import Route, routes
from hotlap.recorded.secrets import Secrets, named
from hotlap.recorded.slots import Parts

_LOOKED_AT = 4096


class Traffic(msgspec.Struct):
    """Recorded requests, and what is to be said of their recording."""

    requests: list[Recorded]
    said: list[str]
    """What was passed over."""

    def routes(self, known: Sequence[str] = ()) -> list[Route]:
        """Its routes; ``known`` are those that the app tells of itself."""
        return routes(self.requests, known)

    @property
    def rates(self) -> tuple[float, float] | None:
        """Requests a second, on average and in the busiest second; ``None``: it has no times, or lasted a second at most."""
        times = sorted(one.at_s for one in self.requests if one.at_s is not None)
        if len(times) < 2 or times[-1] - times[0] < 1:
            return None
        # Times in whole seconds stand for the seconds that begin there.
        last_s = 1.0 if all(moment == int(moment) for moment in times) else 0.0
        busiest = max(Counter(int(moment) for moment in times).values())
        return len(times) / (times[-1] - times[0] + last_s), float(busiest)


def read(file: Path) -> Traffic:
    """Read a recording: a HAR file, a curl command, or an access log.

    Raises:
        RecordedError: it is none of them, or has no request.
    """
    try:
        with file.open(errors="replace") as opened:
            begins = opened.read(_LOOKED_AT)
    except OSError as error:
        raise RecordedError(f"{file}: {error.strerror}") from None
    if har.is_har(begins):
        found = har.read(file)
        said = [left_out(count, why) for why, count in found.left_out.items()]
        return Traffic(found.requests, said)
    if begins.lstrip().startswith("curl"):
        return Traffic([curl.read(file.read_text())], [])
    unread = Unread()
    with file.open(errors="replace") as lines:
        requests = list(access_log.read(lines, unread))
    if not requests:
        raise RecordedError(
            f"{file} has no request that can be read: give a HAR file, an access log (common, combined or JSON) or a curl "
            f"command; {unread}"
        )
    return Traffic(requests, [str(unread)] if unread.count else [])


def seen(route: Route, secrets: Secrets) -> Seen:
    """A route as an experiment has it, with its credentials as variables: none of them is among its values."""
    parts = Parts(route.example)
    path, _, query = route.template.partition("?")
    asked = dict(parse_qsl(query, keep_blank_values=True))
    segments = path.split("/")[1:]
    values = dict(zip(route.columns, zip(*route.rows, strict=True), strict=False))
    otherwise, kept = {}, []
    for number, slot in enumerate(parts.slots):
        told = segments[int(slot.key)] if slot.place == "path" else asked.get(slot.key, "")
        column = told[1:-1] if slot.place in ("path", "query") and told[1:-1] in route.columns else None
        if column is not None:
            # Each of its values may be a credential, and none of them is to be in the file.
            each = (msgspec.structs.replace(slot, value=value) for value in (slot.value, *values[column]))
            hidden = next((one for one in each if named(one) is not None), None)
            written = secrets.slot(hidden) if hidden is not None else f"{{{column}}}"
            kept += [column] * (hidden is None)
        else:
            written = secrets.slot(slot)
        if written is not None:
            otherwise[number] = written
    made = parts.written(otherwise)
    return Seen(
        count=route.count,
        path=made.path,
        headers=made.headers,
        body=made.body,
        columns=kept,
        rows=list(zip(*(values[column] for column in kept), strict=True)) if kept else [],
    )
