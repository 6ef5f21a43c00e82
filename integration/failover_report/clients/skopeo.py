"""skopeo: what podman and buildah pull with."""

import asyncio
import shutil
from itertools import count
from pathlib import Path

from failover_report.clients.client import Client, WrongContent, output
from failover_report.contents import App
from harness import paths
from harness.digest import sha256

# A directory of the `dir:` transport holds these beside the blobs.
OTHERS = ("version", "manifest.json")


class Skopeo(Client):
    """Copies to a directory, which is then checked file by file."""

    name = "skopeo"
    resumes = False

    def __init__(self, directory: Path, architecture: str) -> None:
        self._directory = directory
        self._architecture = architecture
        self._numbers = count()

    async def start(self) -> None:
        """Nothing but its version."""
        self.version = (await output(paths.need_command("skopeo"), "--version")).split()[-1]

    async def pull(self, authority: str, app: App, tag: str) -> None:
        """Pulls one platform."""
        place = self._directory / f"pulled-{next(self._numbers)}"
        platform = ["--override-os=linux", f"--override-arch={self._architecture}"]
        copy = ["copy", "--preserve-digests", "--src-tls-verify=false"]
        source = f"docker://{authority}/{app.repository}:{tag}"
        try:
            await output(
                paths.need_command("skopeo"), "--insecure-policy", *platform, *copy, source, f"dir:{place}"
            )
            await asyncio.to_thread(_check, place, app.platform_manifest(self._architecture))
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)

    def stop(self) -> None:
        """Nothing runs."""


def _check(place: Path, manifest: str) -> None:
    found = sha256((place / "manifest.json").read_bytes())
    if found != manifest:
        raise WrongContent(f"the manifest is {found}, not {manifest}")
    for path in place.iterdir():
        if path.name not in OTHERS and sha256(path.read_bytes()) != f"sha256:{path.name}":
            raise WrongContent(f"{path.name} has other bytes")
