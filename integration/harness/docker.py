"""A docker engine of our own, driven by the docker command."""

import gzip
import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import paths
from harness.containerd import Containerd
from harness.image import Image
from harness.processes import Server

SECONDS = 180


class DockerFailed(RuntimeError):
    """docker ended with an error; the message is what it said."""


class Docker:
    """An engine with a socket and a store of its own, in a containerd that is there already.

    It runs no containers, and so needs no network and no storage driver of the kernel's.
    """

    def __init__(
        self,
        directory: Path,
        containerd: Containerd,
        mirrors: Sequence[str] = (),
        settings: Mapping[str, object] | None = None,
    ) -> None:
        """`settings` is a whole `daemon.json`; what an engine of our own needs is added."""
        # The path of a socket is at most 108 bytes, and pytest's directories are long.
        self._short = tempfile.TemporaryDirectory(prefix="docker-")
        self.socket = Path(self._short.name) / "d.sock"
        directory.mkdir(parents=True, exist_ok=True)
        # The machine's own configuration and credentials have no say.
        configuration = directory / "daemon.json"
        own = {"deprecated-key-path": str(directory / "key.json"), "registry-mirrors": list(mirrors)}
        configuration.write_text(json.dumps({**own, **(settings or {})}))
        self._environment = {**os.environ, "DOCKER_CONFIG": str(directory / "client")}
        self.server = Server("dockerd", self._command(directory, configuration, containerd), directory)
        self.server.wait_until(self._answers, "it answers")

    def load(self, image: Image, name: str) -> None:
        """Puts the image of the first platform into the store: `host:port/repository:tag`."""
        self._docker("load", stdin=_archive(image, name))

    def tag(self, name: str, other: str) -> None:
        """Gives an image another name."""
        self._docker("tag", name, other)

    def push(self, name: str) -> None:
        """Pushes an image where its name says."""
        self._docker("push", name)

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()
        self._short.cleanup()

    def _command(self, directory: Path, configuration: Path, containerd: Containerd) -> list[str | Path]:
        short = Path(self._short.name)
        return [
            *(paths.need_command("dockerd"), "--config-file", configuration),
            *("--host", f"unix://{self.socket}", "--containerd", containerd.socket),
            *("--data-root", directory / "docker-root", "--exec-root", short / "run"),
            *("--pidfile", short / "d.pid", "--storage-driver", "vfs"),
            *("--bridge", "none", "--iptables=false", "--ip6tables=false"),
        ]

    def _docker(self, *arguments: str, stdin: bytes = b"") -> str:
        command = [paths.need_command("docker"), "--host", f"unix://{self.socket}", *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, timeout=SECONDS, env=self._environment, check=False
        )
        if done.returncode != 0:
            raise DockerFailed(f"{' '.join(command)}\n{done.stderr.decode()}{done.stdout.decode()}")
        return done.stdout.decode()

    def _answers(self) -> str | None:
        try:
            return self._docker("info")
        except DockerFailed:
            return None


def _archive(image: Image, name: str) -> bytes:
    """What `docker save` would write: layers are plain tars."""
    manifest = json.loads(image.manifests[image.children()[0]["digest"]])
    files = {"config.json": image.blobs[manifest["config"]["digest"]]}
    for number, layer in enumerate(manifest["layers"]):
        files[f"{number}.tar"] = gzip.decompress(image.blobs[layer["digest"]])
    layers = [file for file in files if file.endswith(".tar")]
    entry = {"Config": "config.json", "RepoTags": [name], "Layers": layers}
    files["manifest.json"] = json.dumps([entry]).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file, content in files.items():
            info = tarfile.TarInfo(file)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
