"""The article's load on ``/fast``: ``locust -f locust/fast.py --host http://127.0.0.1:8080``."""

from locust import FastHttpUser, constant, task


class Fast(FastHttpUser):
    wait_time = constant(0.5)
    network_timeout = connection_timeout = 300.0

    @task
    def fast(self) -> None:
        self.client.get("/fast")
