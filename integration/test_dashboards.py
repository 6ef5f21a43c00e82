"""The dashboards: what is checked in is what the program writes, and every query has an answer.

A real Grafana is not to be had here: that it takes the JSON is not seen. That a real Prometheus answers each query after a run
of traffic and faults takes a minute, and is part of `make test-all` (`PORTOLAN_LONG_OBSERVING`).
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dashboards.__main__ import PLACE, files
from dashboards.asking import Span
from dashboards.every import ALL
from dashboards.pictures import SETTLE_SECONDS, silent
from dashboards.scene import FAULTS, scene
from harness import paths

KNOWN = {"$__rate_interval", "$__range", "$instance"}


def test_the_files_in_the_tree_are_those_that_the_program_writes() -> None:
    expected = files()
    assert set(PLACE.glob("*.json")) == set(expected)
    for path, text in expected.items():
        assert path.read_text() == text, f"{path.name}: run scripts/dashboards"


@pytest.mark.parametrize("name", ALL)
def test_a_dashboard_is_whole(name: str) -> None:
    dashboard = ALL[name]
    document = json.loads((PLACE / f"{name}.json").read_text())
    choices = {f"${variable.name}" for variable in dashboard.variables}
    panels = [panel for panel in document["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    for panel in panels:
        assert panel["description"][-1] in ".?", panel["title"]
        for target in panel["targets"]:
            assert set(re.findall(r"\$\w+", target["expr"])) <= KNOWN | choices, target["expr"]
    places = [tuple(panel["gridPos"].values()) for panel in document["panels"]]
    cells = [
        (column, row)
        for x, y, width, height in places
        for column in range(x, x + width)
        for row in range(y, y + height)
    ]
    assert len(cells) == len(set(cells)), "no panel lies on another"
    assert max(column for column, _ in cells) < 24


@pytest.mark.skipif("PORTOLAN_LONG_OBSERVING" not in os.environ, reason="takes a minute; see make test-all")
def test_every_query_has_an_answer(tmp_path: Path) -> None:
    with scene(tmp_path) as seen:
        begun = time.time()
        seen.play(rest=6, fault=6)
        assert silent(seen.prometheus.port, Span(begun + SETTLE_SECONDS, time.time())) == []


@pytest.mark.skipif("PORTOLAN_LONG_OBSERVING" not in os.environ, reason="takes a minute; see make test-all")
def test_make_observe_says_what_it_breaks_and_where_to_look() -> None:
    command = [sys.executable, paths.ROOT / "integration/observe.py", "--rest", "2", "--fault", "2", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (*(f"broken: {fault.name}" for fault in FAULTS), "status 127.0.0.1:", "Prometheus", "/metrics"):
        assert words in done.stdout, words
