"""A soak of half a minute; `make soak` is the one of an hour. Everything is real but the registries' troubles."""

import subprocess
import sys

from harness import paths


def test_nothing_is_wrong_while_everything_fails() -> None:
    options = ("--seconds", "30", "--rate", "40", "--seed", "4", "--share", "0.3")
    done = subprocess.run(
        [sys.executable, "-m", "soak", *options],
        cwd=paths.ROOT / "integration",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "**Everything is as it must be.**" in done.stdout, done.stdout
    assert "Changes of the policy: 0" not in done.stdout, done.stdout
