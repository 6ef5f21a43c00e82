"""The results, for a person, for a program and for the documentation."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.goals import Measurement
from harness.markdown import table

HEAD = ("name", "value", "unit", "against", "goal", "met")

# What the rows of the native module are called besides, and those of a start with either filter.
MODULE = "native module: "
STARTS = ("start, wasm: ", "start, native module: ")

Row = tuple[str, ...]


def row(found: Measurement) -> Row:
    """A measurement as the cells of a table."""
    goal = "" if found.goal is None else f"≤ {found.goal.most:,}"
    met = {None: "", True: "yes", False: "no"}[found.met]
    return (found.name, number(found.value), found.unit, found.against, goal, met)


def number(value: float) -> str:
    """Four figures, or whole."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def plain(rows: Iterable[Row]) -> str:
    """A table for a terminal."""
    table = [HEAD, *rows]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in table)
    return "\n".join(line.rstrip() for line in lines)


def markdown(rows: Iterable[Row]) -> str:
    """A table for a document."""
    return table(HEAD, rows)


def side_by_side(found: Sequence[Measurement]) -> str:
    """The rows that there are of both forms of the filter, as a table for a document."""
    values = {measurement.name: measurement for measurement in found}
    pairs = [(name.removeprefix(MODULE), name.removeprefix(MODULE), name) for name in values if name.startswith(MODULE)]
    wasm, module = STARTS
    starts = [name.removeprefix(wasm) for name in values if name.startswith(wasm)]
    pairs += [(f"start: {what}", wasm + what, module + what) for what in starts]
    rows = [
        (title, number(values[one].value), number(values[other].value), f"{values[one].unit}{_against(values[one])}")
        for title, one, other in pairs
    ]
    return table(("what", "WebAssembly", "native module", "unit"), rows)


def _against(measurement: Measurement) -> str:
    return f", against {measurement.against}" if measurement.against else ""


def write_summary(path: Path, found: Sequence[Measurement], surroundings: dict[str, Any]) -> None:
    """Everything as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    summary = {**surroundings, "results": [measurement.as_json() for measurement in found]}
    path.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")


def sentence(surroundings: dict[str, Any]) -> str:
    """Of what the numbers of a table are."""
    versions = surroundings["versions"]
    tools = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "portolan.wasm")
    return f"{surroundings['date']}, commit {surroundings['commit']}, {surroundings['machine']}; {tools}."
