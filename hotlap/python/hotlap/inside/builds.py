"""Imports the extensions named, and says how each was built and where it lies."""

from __future__ import annotations

import importlib
import json
import os
import sys

if __name__ == "__main__":
    if os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
        sys.path[0] = os.getcwd()
    modules = {name: importlib.import_module(name) for name in sys.argv[1:]}
    print(
        json.dumps(
            {
                name: {"profile": getattr(module, "build_profile", None), "file": module.__file__}
                for name, module in modules.items()
            }
        )
    )
