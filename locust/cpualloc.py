"""The article's load on ``/cpualloc``: ``locust -f locust/cpualloc.py --host http://127.0.0.1:8080``."""

from pyapp.users import user

Cpualloc = user("cpualloc")
