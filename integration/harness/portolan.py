"""The command line, as it was built."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness import paths

SECONDS = 180


class PortolanFailed(RuntimeError):
    """The command line ended with an error; the message is what it said."""


def run(
    *arguments: str | Path, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs it, whatever comes of it; `environment` has variables beside those of this process."""
    command: list[str | Path] = [paths.portolan(), *arguments]
    variables = {**os.environ, **(environment or {})}
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=SECONDS, check=False, env=variables
    )


def output(*arguments: str | Path, stdin: str = "") -> str:
    """What it prints; it must succeed."""
    done = run(*arguments, stdin=stdin)
    if done.returncode != 0:
        raise PortolanFailed(f"portolan {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr}")
    return done.stdout


def build_geo_database(path: Path) -> Path:
    """Builds the synthetic database, which Envoy's geoip filter then reads."""
    output("geoip", "build", "--date", "2026-06-01", "--output", path, paths.GEO_TABLE)
    return path
