"""The article's load on ``/cpu``: ``locust -f locust/cpu.py --host http://127.0.0.1:8080``."""

from locust import FastHttpUser, constant, task


class Cpu(FastHttpUser):
    wait_time = constant(0.5)
    network_timeout = connection_timeout = 300.0

    @task
    def cpu(self) -> None:
        self.client.get("/cpu")
