"""Locust users that the lab's engine lives, for locustfiles of your own.

::

    from hotlap.users import Data, NativeUser, Request

    class Reader(NativeUser):
        wait = (0.5, 0.5)
        requests = [Request("GET", "/items/{id}", data=[Data("ids.csv")]), Request("GET", "/fast", weight=3)]

What they do is declared, and runs outside Python: what depends on an answer is a :class:`Flow` at most. For more there
are Locust's own users, and both kinds run in one swarm. The requests of these users do not fire Locust's ``request`` event.
"""

from hotlap.serving.request import Data, Flow, Request, Stream
from hotlap.swarm.users import ArrivalUser, NativeUser, PacedUser

__all__ = ["ArrivalUser", "Data", "Flow", "NativeUser", "PacedUser", "Request", "Stream"]
