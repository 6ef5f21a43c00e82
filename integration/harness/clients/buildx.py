"""buildx with a BuildKit: no client that pulls and pushes, but one that builds on what is in registries."""

import base64
import json
import tempfile
from pathlib import Path

from harness import paths
from harness.accounts import Account
from harness.clients.client import ClientFailed, output
from harness.clients.needs import TOOLS
from harness.processes import Server

DOCKERFILE = "FROM {base}\nCOPY Dockerfile /built\n"


class Buildx:
    """A builder of our own, with logins of its own; registries on the loopback address have no TLS."""

    name = "buildx"

    def __init__(self, directory: Path) -> None:
        """It has logged in nowhere."""
        self._program = paths.need_file(TOOLS / self.name, "scripts/setup buildx")
        self._directory = directory / self.name
        self._directory.mkdir(parents=True)
        # The path of a socket is at most 108 bytes, and pytest's directories are long.
        self._short = tempfile.TemporaryDirectory(prefix="buildkit-")
        socket = Path(self._short.name) / "b.sock"
        worker = ("--oci-worker-snapshotter", "native", "--containerd-worker=false", "--oci-worker-net", "host")
        place = ("--root", self._directory / "buildkit", "--addr", f"unix://{socket}")
        daemon = paths.need_file(TOOLS / "buildkitd", "scripts/setup buildx")
        self.server = Server("buildkitd", [daemon, *place, *worker], directory)
        self.server.wait_until(lambda: socket.exists() or None, "it listens")
        self._run("create", "--name", "own", "--driver", "remote", f"unix://{socket}")
        self.server.wait_until(self._answers, "it answers")

    def login(self, authority: str, account: Account) -> None:
        """What `docker login` leaves behind: buildx takes it from there."""
        word = base64.b64encode(f"{account.user}:{account.password}".encode()).decode()
        (self._directory / "config.json").write_text(json.dumps({"auths": {authority: {"auth": word}}}))

    def build(self, base: str, reference: str) -> None:
        """Builds on an image and pushes what it built."""
        place = Path(tempfile.mkdtemp(dir=self._directory))
        (place / "Dockerfile").write_text(DOCKERFILE.format(base=base))
        kind = f"type=image,name={reference},push=true"
        own = ("--builder", "own", "--no-cache", "--provenance=false", "--progress", "plain")
        self._run("build", *own, "--output", kind, place)

    def stop(self) -> None:
        """Stops the builder."""
        self.server.stop()
        self._short.cleanup()

    def _answers(self) -> str | None:
        try:
            return self._run("inspect", "own", "--bootstrap")
        except ClientFailed:
            return None

    def _run(self, *arguments: str | Path) -> str:
        environment = {"DOCKER_CONFIG": self._directory, "BUILDX_CONFIG": self._directory / "own"}
        return output([self._program, *arguments], environment)
