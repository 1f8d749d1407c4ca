"""A comparison and its gates for machines and pull requests: Markdown, JUnit XML, the CI's step summary."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from hotlap import formatting
from hotlap.analysis.comparison import GOOD, Compared, Comparison, Gate, span, verdicts
from hotlap.files import append, write_whole
from hotlap.terminal import visible

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable with the file to which a CI system wants a step's summary appended."""
_HEAD = ["| lane | figure | a | b | ratio | |", "| --- | --- | ---: | ---: | ---: | --- |"]
_MARKDOWN = re.compile(r"[\\`*_\[\]|~#!]")
"""What Markdown reads as more than text; ``&`` and ``<`` are HTML's."""
_MARKS = {"ok": "🟢", "void": "🔴"}


def markdown(gates: Sequence[Gate], comparison: Comparison | None = None, title: str = "") -> str:
    """Gates first, then what differs, then all rows, folded."""
    lines: list[str] = []
    heading = f"{comparison.a.name} → {comparison.b.name}" if comparison is not None else title
    lines += [f"### hotlap: {_plain(heading)}", ""]
    for gate in gates:
        mark = "✅" if gate.passed else "❌"
        lines.append(f"- {mark} `{_on_a_line(gate.condition).replace('`', '')}`: {_plain(gate.sentence)}")
    lines += [""] if gates else []
    if comparison is not None:
        lines += [f"> ⚠️ {_plain(text)}" for text in comparison.cautions]
        lines += [""] if comparison.cautions else []
        said = [row for row in comparison.rows if row.says in GOOD]
        told = verdicts(comparison.rows)
        lines += [told.sentence, ""]
        lines += [f"- not compared: {_plain(', '.join(lanes))}: {_plain(why)}" for why, lanes in told.reasons]
        lines += [""] if told.reasons else []
        lines += [*_HEAD, *map(_line, said), ""] if said else []
        lines += ["<details><summary>All figures</summary>", "", *_HEAD, *map(_line, comparison.rows), ""]
        lines += [_plain(comparison.method), "", "</details>", ""]
    return "\n".join(lines)


def _line(row: Compared) -> str:
    a, b = (f"{formatting.number(value)} {row.unit}" for value in (row.a, row.b))
    mark = _MARKS.get(GOOD.get(row.says, ""), "")
    return f"| {_plain(row.lane)} | {row.figure} | {a} | {b} | {span(row)} | {mark} {row.says} |"


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is, on one line."""
    return _MARKDOWN.sub(r"\\\g<0>", _on_a_line(text)).replace("&", "&amp;").replace("<", "&lt;")


def _on_a_line(text: str) -> str:
    return visible(text).replace("\n", " ")


def junit(gates: Sequence[Gate], name: str) -> bytes:
    """JUnit XML: a test case for each gate."""
    failed = sum(not gate.passed for gate in gates)
    suite = ElementTree.Element(
        "testsuite", name="hotlap", tests=str(len(gates)), failures=str(failed), errors="0"
    )
    for gate in gates:
        sentence = visible(gate.sentence)  # XML has no place for control characters
        case = ElementTree.SubElement(
            suite, "testcase", classname=visible(name), name=visible(gate.condition)
        )
        if not gate.passed:
            ElementTree.SubElement(case, "failure", message=sentence).text = sentence
        else:
            ElementTree.SubElement(case, "system-out").text = sentence
    ElementTree.indent(suite)
    text: str = ElementTree.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def publish(text: str, file: Path | None) -> None:
    """Write a summary to a file, and to the CI system's step summary where there is one."""
    if file is not None:
        write_whole(file, text)
    if summary := os.environ.get(STEP_SUMMARY):
        append(Path(summary), text + "\n")
