"""Has this folder's ``sitecustomize`` be the one that Python runs, where another comes before it on the path.

The interpreter imports this module before it looks for any ``sitecustomize``, since the lab names its class in
``PYTHONWARNINGS``: a tool that instruments processes (OpenTelemetry's, say) puts its own folder first on the path, and
knows of no other. Nothing else is left of it.
"""

import importlib.machinery
import os
import sys

_OWN = os.path.dirname(os.path.abspath(__file__))


class Never(Warning):
    """A warning that nobody gives."""


class _Finder:
    """Finds this folder's ``sitecustomize``, once."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname != "sitecustomize":
            return None
        sys.meta_path.remove(_Finder)
        return importlib.machinery.PathFinder.find_spec(fullname, [_OWN])


sys.meta_path.insert(0, _Finder)
# Who asks whether warnings were configured, and processes that this one starts with its options, see none of ours.
sys.warnoptions[:] = [option for option in sys.warnoptions if not option.endswith("hotlap_first.Never")]
