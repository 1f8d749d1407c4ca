"""The article's load on ``/fast``: ``locust -f locust/fast.py --host http://127.0.0.1:8080``."""

from pyapp.users import user

Fast = user("fast")
