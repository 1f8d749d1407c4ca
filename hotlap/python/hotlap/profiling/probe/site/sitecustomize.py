"""Python runs this at the start of each process that the lab serves with its probe on."""

import importlib.machinery
import importlib.util
import os
import sys

_OWN = os.path.dirname(os.path.abspath(__file__))

# Another sitecustomize on the path, whether before this one or after it, is run as if this one were not there. It may
# take itself off the path, as OpenTelemetry's does.
_spec = importlib.machinery.PathFinder.find_spec(
    "sitecustomize", [entry for entry in sys.path if os.path.abspath(entry or ".") != _OWN]
)
try:
    if _spec is not None and _spec.loader is not None:
        _other = importlib.util.module_from_spec(_spec)
        # Who imports it while it runs, or later, finds it.
        sys.modules["sitecustomize"] = _other
        _spec.loader.exec_module(_other)
finally:
    if "HOTLAP_PROBE" in os.environ:
        import hotlap_probe  # type: ignore[import-not-found]  # It lies beside this file.

        hotlap_probe.start(os.environ["HOTLAP_PROBE"])
