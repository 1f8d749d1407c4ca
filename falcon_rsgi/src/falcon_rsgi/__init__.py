"""Falcon over RSGI: an app class that Granian serves with ``--interface rsgi`` and with ``asgi`` alike."""

from falcon_rsgi.app import App
from falcon_rsgi.scope import RECEIVE

__all__ = ["RECEIVE", "App"]
