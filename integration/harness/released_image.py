"""The images `portolan` and `portolan-cache`, built from what is tested, and their files in a directory, run by chroot as the user that they name.

A root directory of its own shows whether the image has all that Envoy and the command line need; it is no container, so
limits of the kernel (capabilities, a read-only root) are for the suite with a real Docker.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import paths
from harness.processes import Server

SECONDS = 300
PACKAGES = paths.ROOT / ".tools/image-packages"
# The lists of packages of the image of a cache's nodes.
ALL = "$DEBIAN_IMAGE$DEBIAN_CACHE_IMAGE"


def pins(lists: str = "$DEBIAN_IMAGE") -> str:
    """The lines of scripts/versions that say of which packages the image is made."""
    command = ["bash", "-c", f'source scripts/versions; echo "{lists}"']
    return subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout


def build(directory: Path) -> Path:
    """Builds the archive, as `scripts/image` does."""
    paths.need_file(PACKAGES / "libc6.deb", "scripts/setup image")
    output = directory / "portolan-image.tar"
    options: list[str | Path] = [
        *("--envoy", paths.envoy(), "--portolan", paths.portolan(), "--wasm", paths.wasm()),
        *("--packages", PACKAGES, "--pins", pins(), "--output", output),
    ]
    command = [sys.executable, "-m", "release.image", *map(str, options)]
    subprocess.run(command, cwd=paths.ROOT, timeout=SECONDS, check=True)
    return output


def build_of_nodes(directory: Path) -> Path:
    """Builds the archive of the image of a cache's nodes, likewise."""
    paths.need_file(PACKAGES / "trafficserver.deb", "scripts/setup image")
    output = directory / "portolan-cache-image.tar"
    options: list[str | Path] = ["--portolan", paths.portolan(), "--packages", PACKAGES, "--pins", pins(ALL), "--output", output]
    command = [sys.executable, "-m", "release.cache_image", *map(str, options)]
    subprocess.run(command, cwd=paths.ROOT, timeout=SECONDS, check=True)
    return output


@dataclass(frozen=True)
class Archive:
    """An image layout in a tar, read without the code that wrote it."""

    path: Path

    def json(self, name: str) -> Any:
        """A document of it."""
        return json.loads(self.read(name))

    def read(self, name: str) -> bytes:
        """A file of it."""
        with tarfile.open(self.path) as archive:
            found = archive.extractfile(name)
            assert found is not None, name
            return found.read()

    def blob(self, digest: str) -> bytes:
        """A blob of it."""
        return self.read("blobs/" + digest.replace(":", "/"))

    def manifest(self) -> Any:
        """The manifest of the one image."""
        return json.loads(self.blob(self.json("index.json")["manifests"][0]["digest"]))

    def config(self) -> Any:
        """The configuration of the one image."""
        return json.loads(self.blob(self.manifest()["config"]["digest"]))

    def entries(self) -> list[tarfile.TarInfo]:
        """All files of all layers."""
        found = []
        for layer in self.manifest()["layers"]:
            with tarfile.open(fileobj=io.BytesIO(self.blob(layer["digest"]))) as files:
                found += files.getmembers()
        return found

    def unpack(self, directory: Path) -> Path:
        """The files, with their owners, in a directory."""
        directory.mkdir()
        for layer in self.manifest()["layers"]:
            command = ["tar", "--numeric-owner", "-xzf", "-", "-C", directory]
            subprocess.run(command, input=self.blob(layer["digest"]), timeout=SECONDS, check=True)
        return directory


@dataclass(frozen=True)
class Root:
    """The files of an image as a root directory."""

    directory: Path
    config: dict[str, Any]

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The image's entry point with these arguments, as its user."""
        user = self.config["config"]["User"]
        return ["chroot", f"--userspec={user}", str(self.directory), *self.config["config"]["Entrypoint"], *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs it to its end. The search path is the image's, behind that of whoever calls chroot."""
        return subprocess.run(
            self.command(arguments), capture_output=True, text=True, timeout=SECONDS, env=self._environment(), check=False
        )

    def serve(self, directory: Path, *arguments: str) -> Server:
        """Starts it."""
        variables = [f"{name}={value}" for name, value in self._environment().items()]
        return Server("image", ["env", "-i", *variables, *self.command(["serve", *arguments])], directory)

    def write(self, path: str, text: str) -> None:
        """A file in it, as if it were mounted there."""
        (self.directory / path).write_text(text)

    def _environment(self) -> dict[str, str]:
        own = dict(entry.split("=", 1) for entry in self.config["config"]["Env"])
        return {**own, "PATH": f"{own['PATH']}:{os.environ['PATH']}"}
