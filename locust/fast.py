"""The article's load on ``/fast``: ``locust -f locust/fast.py --host http://127.0.0.1:8080``."""

from pyapp.experiment import user_of

Fast = user_of("/fast")
