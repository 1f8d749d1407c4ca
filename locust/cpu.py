"""The article's load on ``/cpu``: ``locust -f locust/cpu.py --host http://127.0.0.1:8080``."""

from pyapp.experiment import user_of

Cpu = user_of("/cpu")
