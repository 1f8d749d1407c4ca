"""A recording as a whole: what it is of, its routes, its rate, and the credentials in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl, quote

import msgspec

from hotlap.experiment.placeholders import literal
from hotlap.recorded import access_log, curl, har
from hotlap.recorded.request import Recorded, RecordedError, Unread
from hotlap.recorded.routes import Route, routes
from hotlap.recorded.secrets import Secrets

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
        said = [f"{count} requests were left out: {why}" for why, count in found.left_out.items()]
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


def written(route: Route, secrets: Secrets) -> tuple[str, dict[str, str], str | None]:
    """A route's path, headers and body as an experiment has them, with its credentials as variables."""
    path, _, query = route.template.partition("?")
    hidden = secrets.query(route.example.path)
    parts = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in hidden:
            known = dict(parse_qsl(route.example.path.partition("?")[2])).get(name, "")
            parts.append(f"{quote(name)}=${{{secrets.variable(known, name)}}}")
        else:
            parts.append(
                f"{quote(name)}={value if value.startswith('{') else quote(literal(value), safe='')}"
            )
    whole = f"{path}?{'&'.join(parts)}" if parts else path
    body = literal(route.example.body).replace("${", "$${") if route.example.body is not None else None
    return whole, secrets.headers(route.example.headers), body
