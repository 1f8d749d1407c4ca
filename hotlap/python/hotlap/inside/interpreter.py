"""Says what the interpreter is that runs it, and which of the packages named it has, with their versions.

It is written for every Python, 2.7 included: one that is too old still says its version.
"""

import json
import os
import sys

if sys.path and os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
    # As the server sees it, which is run with -m in the same folder.
    sys.path[0] = os.getcwd()

told = {"version": list(sys.version_info[:3]), "implementation": "", "packages": {}}
if sys.version_info >= (3, 9):
    import importlib.metadata
    import importlib.util
    import platform

    told["implementation"] = platform.python_implementation()
    for name in sys.argv[1:]:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        if spec is None or spec.origin is None:
            continue  # A folder of that name, without a module in it, is found without an origin.
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = ""
        told["packages"][name] = version  # type: ignore[index]
print(json.dumps(told))
