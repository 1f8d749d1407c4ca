"""What runs inside Locust for a stretch: the lane's users, and the window in which they are measured."""

from pathlib import Path


def locustfile_path() -> Path:
    """The locustfile that the lab gives to Locust."""
    return Path(__file__).with_name("locustfile.py")
