"""The article's load on ``/read``: ``locust -f locust/read.py --host http://127.0.0.1:8080``."""

from pyapp.experiment import user_of

Read = user_of("/read")
