"""The loop in Python, which never lets the interpreter go."""

from __future__ import annotations

from pyapp.reference import cpu

loop_attached = cpu
