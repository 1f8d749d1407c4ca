"""Where the tests find what is not beside them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
"""The repository."""
RECORDINGS = ROOT / "hotlap" / "tests" / "stacks"
"""Real recordings of py-spy and perf. The tests of the Rust side read them too."""
SCHEMAS = Path(__file__).with_name("schemas")
"""Published schemas of the formats that the lab writes."""
APPS = Path(__file__).with_name("apps")
"""Small apps, each with a bottleneck that a report has to point at."""
RUNS = Path(__file__).with_name("runs")
"""A ``run.json`` of an earlier schema."""
