"""Falcon over RSGI: an app class that Granian serves with ``--interface rsgi`` and with ``asgi`` alike."""

from pyapp.rsgi.app import App

__all__ = ["App"]
