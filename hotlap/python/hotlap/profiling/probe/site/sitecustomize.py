"""Python runs this at the start of each process that the lab serves with its probe on."""

import importlib.machinery
import importlib.util
import os
import sys

_OWN = os.path.dirname(os.path.abspath(__file__))

# Another sitecustomize further down the path is run as if this one were not there.
_spec = importlib.machinery.PathFinder.find_spec(
    "sitecustomize", [entry for entry in sys.path if os.path.abspath(entry or ".") != _OWN]
)
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))

if "HOTLAP_PROBE" in os.environ:
    import hotlap_probe  # type: ignore[import-not-found]  # It lies beside this file.

    hotlap_probe.start(os.environ["HOTLAP_PROBE"])
