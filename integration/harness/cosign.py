"""cosign, which signs images and verifies signatures (`scripts/setup cosign`)."""

import os
import shutil
import subprocess
from pathlib import Path

from harness.clients.needs import TOOLS

PROGRAM = shutil.which(TOOLS / "cosign") or shutil.which("cosign")
# No service of Sigstore is asked: what is signed is not written into its log.
SIGN = ("--tlog-upload=false", "--yes")
VERIFY = ("--insecure-ignore-tlog=true",)


def cosign(directory: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs it in a directory with keys; a failure raises `CalledProcessError`, unless told otherwise."""
    environment = {**os.environ, "COSIGN_PASSWORD": "only for this test"}
    command = [PROGRAM or "cosign", *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=check)
