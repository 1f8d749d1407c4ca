"""A WSGI app that adds numbers up, so many times as the environment says: the slowdown to be found is planted there."""

import os

TIMES = int(os.environ.get("TIMES", "100000"))


def app(environ, start_response):
    """Answer ``ok``, after the work."""
    sum(range(TIMES))
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "2")])
    return [b"ok"]
