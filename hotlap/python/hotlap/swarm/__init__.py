"""What runs inside Locust: users of both kinds, the window of a stretch, and the figures that they feed."""

from pathlib import Path


def locustfile_path() -> Path:
    """The locustfile that the lab gives to Locust for a stretch."""
    return Path(__file__).with_name("locustfile.py")


def by_hand_path() -> Path:
    """The locustfile of ``hotlap swarm``."""
    return Path(__file__).with_name("by_hand.py")
