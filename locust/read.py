"""The article's load on ``/read``: ``locust -f locust/read.py --host http://127.0.0.1:8080``."""

from locust import FastHttpUser, constant, task


class Read(FastHttpUser):
    wait_time = constant(0.5)
    network_timeout = connection_timeout = 300.0

    @task
    def read(self) -> None:
        self.client.get("/read")
