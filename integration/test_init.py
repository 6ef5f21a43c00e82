"""`portolan init` on a terminal: it asks, and what it writes is accepted as it is."""

import os
import pty
import subprocess
from pathlib import Path

from harness import paths, portolan

SECONDS = 60


def test_a_conversation_on_a_terminal(tmp_path: Path) -> None:
    answers = b"registry.example.com\nghcr=https://ghcr.io\nquay.io\n\n\nCN,SG\nghcr\n\n"
    here, there = pty.openpty()
    try:
        child = subprocess.Popen(
            [paths.portolan(), "init"], cwd=tmp_path, stdin=there, stdout=there, stderr=there, close_fds=True
        )
        os.write(here, answers)
        assert child.wait(SECONDS) == 0
    finally:
        os.close(there)
        os.close(here)
    policy = tmp_path / "portolan.yaml"
    assert "near-quay: {countries: [CN, SG]}" in policy.read_text()
    checked = portolan.run("check", "--strict", policy)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_without_a_terminal_it_says_what_to_name() -> None:
    done = portolan.run("init")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--registry" in done.stderr and "--from" in done.stderr
