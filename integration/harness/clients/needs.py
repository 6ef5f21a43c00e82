"""What a client needs of the machine, and what becomes of a test whose client cannot run here.

It is skipped on somebody's desk, and fails on the gate's machine, which has to have them all (CI is
"true" there). crane, oras, regctl, nerdctl and buildx are not Debian's, and only `make test-all` has to have them: PORTOLAN_ALL_CLIENTS
says so.
"""

import os
import shutil

import pytest

from harness import paths

TOOLS = paths.ROOT / ".tools/bin"
COMMANDS = {
    "docker": ("docker", "dockerd", "containerd"),
    "podman": ("podman",),
    "buildah": ("buildah",),
    "skopeo": ("skopeo",),
    "ctr": ("ctr", "containerd"),
    "nerdctl": ("ctr", "containerd"),
    "buildx": ("runc",),
    "cri": ("containerd", "curl"),
}
# They unpack layers into file systems that they mount, or keep their files where only root may.
ROOT_ONLY = ("docker", "podman", "buildah", "ctr", "nerdctl", "cri", "buildx")
GO_CLIENTS = ("crane", "oras", "regctl", "nerdctl", "buildx")


def need(name: str) -> None:
    """Skips the test, or fails it, if this machine cannot run the client."""
    reason = _why_not(name)
    if reason is None:
        return
    if os.environ.get("PORTOLAN_ALL_CLIENTS" if name in GO_CLIENTS else "CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _why_not(name: str) -> str | None:
    if name == "helm":
        return None if (TOOLS / name).is_file() else "there is no helm. Run: scripts/setup chart"
    if name in GO_CLIENTS:
        part = name if name in ("nerdctl", "buildx") else "go-clients"
        if not (TOOLS / name).is_file():
            return f"there is no {name}. Run: scripts/setup {part}"
    missing = [command for command in COMMANDS.get(name, ()) if shutil.which(command) is None]
    if missing:
        return f"not on this machine: {', '.join(missing)}. Run: make setup"
    return f"only root can run {name}" if name in ROOT_ONLY and os.geteuid() != 0 else None
