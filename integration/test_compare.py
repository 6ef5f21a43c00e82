"""`make compare`, its quick form: Portolan beside the proxies that Debian has, and what must come of it on any machine.

`scripts/test-all compare` runs it before the long form. It cannot see how fast anything is. The figures of docs/comparison.md are made by the long form.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from compare import arguments, page, peers
from harness import paths
from harness.markdown import markers

pytestmark = pytest.mark.skipif(
    "PORTOLAN_LONG_COMPARE" not in os.environ, reason="scripts/test-all compare runs it, for minutes"
)
PEERS = [peers.PORTOLAN, peers.NGINX, peers.HAPROXY]
SECONDS = 600


@pytest.fixture(scope="module")
def output(work: Path) -> Path:
    """What a quick run wrote."""
    # Each has a proxy and a client of its own, and waits for most of the time.
    wanted = ["--quick", "--peers", ",".join(map(arguments.key, PEERS)), "--together", str(len(PEERS))]
    place = work / "compare"
    command = [paths.ROOT / "scripts/compare", *wanted, "--output", place]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.fixture(scope="module")
def summary(output: Path) -> dict[str, Any]:
    """The same, for programs."""
    found: dict[str, Any] = json.loads((output / "summary.json").read_text())
    return found


def test_every_peer_is_measured_and_every_pull_of_portolan_is_done(summary: dict[str, Any]) -> None:
    played = {(each["trouble"], each["peer"]): each for each in summary["troubles"]}
    assert set(played) == {(name, peer.name) for name in arguments.QUICK_TROUBLES for peer in PEERS}
    assert all(each["pulls"] > 10 and each["during"] > 0 for each in played.values())
    for name in arguments.QUICK_TROUBLES:
        figures = played[name, peers.PORTOLAN.name]
        assert (figures["failed_pulls"], figures["wrong"], figures["missing"]) == (0, 0, 0), figures
    assert set(summary["costs"]) == {peer.name for peer in PEERS}
    assert all(cost["manifest_microseconds"][0] > 0 for cost in summary["costs"].values())


@pytest.mark.parametrize(
    ("peer", "wrong"),
    [
        (peers.PORTOLAN, []),
        # A token of the near registry is shown to the far one.
        (peers.NGINX, ["tokens"]),
        (peers.HAPROXY, ["tokens"]),
    ],
)
def test_the_questions_have_the_answers_that_the_page_names(
    summary: dict[str, Any], peer: peers.Peer, wrong: list[str]
) -> None:
    found = [each["question"] for each in summary["answers"] if each["peer"] == peer.name and not each["is_right"]]
    assert len(found) == len(wrong)
    assert all(word in title for word, title in zip(wrong, found, strict=True)), found


def test_the_tables_have_a_column_for_each_peer(output: Path) -> None:
    text = (output / "comparison.md").read_text()
    heads = [line for line in text.splitlines() if line.startswith("|  |")]
    assert heads[1:] and all(f"| {' | '.join(peer.name for peer in PEERS)} |" in head for head in heads[1:])


def test_the_page_keeps_what_is_outside_its_markers() -> None:
    before, after = "# Comparison\n", "\n## The rest\n"
    begin, end = markers()
    assert page.renewed(f"{before}{begin}old{end}{after}", "new") == f"{before}{begin}\n\nnew\n\n{end}{after}"
