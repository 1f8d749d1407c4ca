"""The article's load on ``/cpu``: ``locust -f locust/cpu.py --host http://127.0.0.1:8080``."""

from pyapp.users import user

Cpu = user("cpu")
