"""containerd of our own: the client of Kubernetes nodes, driven by `ctr`."""

import json
import subprocess
import tempfile
from pathlib import Path

from harness import paths
from harness.processes import Server

SECONDS = 180
# Nothing here runs a container, so nothing may touch the machine's directories or its network.
UNNEEDED = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]


class CtrFailed(RuntimeError):
    """ctr ended with an error; the message is what it said."""


class Containerd:
    """A containerd with a socket and a store of its own."""

    def __init__(self, directory: Path) -> None:
        # The path of a socket is at most 108 bytes, and pytest's directories are long.
        self._short = tempfile.TemporaryDirectory(prefix="containerd-")
        self.socket = Path(self._short.name) / "c.sock"
        directory.mkdir(parents=True, exist_ok=True)
        configuration = directory / "containerd.toml"
        configuration.write_text(_configuration(directory, self.socket))
        command: list[str | Path] = [paths.need_command("containerd"), "--config", configuration]
        self.server = Server("containerd", command, directory)
        self.server.wait_until(self._answers, "it answers")

    def load(self, layout: Path, repository: str) -> None:
        """Reads an image, all platforms, from an OCI layout: `host:port/repository`, and its tag there."""
        archive = layout.with_suffix(".tar")
        subprocess.run(["tar", "-cf", archive, "-C", layout, "."], timeout=SECONDS, check=True)
        options = ["--all-platforms", "--no-unpack", "--base-name", repository]
        self._ctr("images", "import", *options, str(archive))

    def push(self, name: str) -> None:
        """Pushes an image, all platforms, where its name says: `host:port/repository:tag`."""
        self._ctr("images", "push", "--plain-http", name)

    def pull(self, name: str) -> None:
        """Pulls an image, all platforms, without unpacking it."""
        self._ctr("content", "fetch", "--plain-http", "--all-platforms", name)

    def tag(self, name: str, other: str) -> None:
        """Gives an image another name."""
        self._ctr("images", "tag", "--force", name, other)

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()
        self._short.cleanup()

    def _ctr(self, *arguments: str) -> str:
        command = [paths.need_command("ctr"), "--address", str(self.socket), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode != 0:
            raise CtrFailed(f"{' '.join(command)}\n{done.stderr}{done.stdout}")
        return done.stdout

    def _answers(self) -> str | None:
        try:
            return self._ctr("version")
        except CtrFailed:
            return None


def _configuration(directory: Path, socket: Path) -> str:
    """TOML writes strings and lists of strings as JSON does."""
    return "\n".join(
        [
            "version = 2",
            f"root = {json.dumps(str(directory / 'containerd-root'))}",
            f"state = {json.dumps(str(socket.parent / 'state'))}",
            f"disabled_plugins = {json.dumps(UNNEEDED)}",
            "[grpc]",
            f"address = {json.dumps(str(socket))}",
            "",
        ]
    )
