"""``python -m hotlap``: the command ``hotlap``, by the interpreter that is called."""

from __future__ import annotations

import sys

from hotlap.cli import main

if __name__ == "__main__":
    sys.exit(main(prog_name="hotlap"))
