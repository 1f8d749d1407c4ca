"""The article's load on ``/cpualloc``: ``locust -f locust/cpualloc.py --host http://127.0.0.1:8080``."""

from pyapp.experiment import user_of

Cpualloc = user_of("/cpualloc")
