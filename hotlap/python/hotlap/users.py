"""Locust users that the lab's engine lives, for locustfiles of your own.

::

    from hotlap.users import NativeUser, Request

    class Reader(NativeUser):
        wait = (0.5, 0.5)
        requests = [Request("GET", "/read"), Request("GET", "/fast", weight=3)]

What they do is declared, and runs outside Python: no logic depends on an answer. For that there are Locust's own
users, and both kinds run in one swarm. The requests of these users do not fire Locust's ``request`` event.
"""

from hotlap.load.request import Request
from hotlap.swarm.users import ArrivalUser, NativeUser, PacedUser

__all__ = ["ArrivalUser", "NativeUser", "PacedUser", "Request"]
