"""Images for the node, made without a daemon: what holds a pod's network open, and a client with a shell."""

import shutil
from pathlib import Path

from harness import paths

from kubernetes.settings import PAUSE
from release import oci
from release.oci import Entry

# How containerd completes the name of an archive.
LIBRARY = "docker.io/library/"
CLIENT = f"{LIBRARY}client:1"
BUSYBOX = Path("/usr/bin/busybox")
NOBODY = 65534
APPLETS = ("sh", "sleep", "wget", "cat", "sha256sum", "grep", "ip", "id")
TIME = 0


def write_all(directory: Path) -> list[Path]:
    """The archives, for `ctr images import`."""
    shell = _static("busybox", BUSYBOX)
    crane = shutil.which("crane", path=f"{paths.ROOT}/.tools/bin")
    assert crane, "there is no crane. Run: scripts/setup go-clients"
    pause = [shell]
    client = [shell, *(Entry(f"bin/{name}", 0o777, target="busybox") for name in APPLETS), _static("crane", Path(crane))]
    wait = ["/bin/busybox", "sleep", "1000000000"]
    return [_write(directory, PAUSE, pause, wait), _write(directory, CLIENT, [*client, Entry("tmp", 0o1777)], wait)]


def _static(name: str, program: Path) -> Entry:
    return Entry(f"bin/{name}", 0o755, program.read_bytes())


def _write(directory: Path, name: str, entries: list[Entry], command: list[str]) -> Path:
    """An image of one layer."""
    run = {"Entrypoint": command, "User": f"{NOBODY}:{NOBODY}", "Env": ["PATH=/bin"]}
    platform = {"os": "linux", "architecture": "amd64"}
    made = oci.image([oci.layer(entries, TIME)], run, platform, "1970-01-01T00:00:00Z", {})
    short = name.removeprefix(LIBRARY)
    path = directory / f"{short.replace(':', '-')}.tar"
    path.write_bytes(oci.archive(made, short, TIME))
    return path
