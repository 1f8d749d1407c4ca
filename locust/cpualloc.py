"""The article's load on ``/cpualloc``: ``locust -f locust/cpualloc.py --host http://127.0.0.1:8080``."""

from locust import FastHttpUser, constant, task


class Cpualloc(FastHttpUser):
    wait_time = constant(0.5)
    network_timeout = connection_timeout = 300.0

    @task
    def cpualloc(self) -> None:
        self.client.get("/cpualloc")
