"""The docker command, with logins of its own at an engine that others may share."""

import re
from pathlib import Path

from harness import docker, paths
from harness.accounts import Account
from harness.clients.client import Pusher, output
from harness.image import Image


class Docker(Pusher):
    """A user of a docker engine: the logins are in the command's directory, not in the engine."""

    name = "docker"

    def __init__(self, directory: Path, engine: docker.Docker) -> None:
        self._engine = engine
        self._environment = {"DOCKER_CONFIG": directory / "docker"}

    def login(self, authority: str, account: Account) -> None:
        """`docker login`, with the password by standard input."""
        command = ("login", "--username", account.user, "--password-stdin", authority)
        self._docker(*command, stdin=account.password.encode())

    def load(self, image: Image, reference: str) -> None:
        """The image of the first platform."""
        self._engine.load(image, reference)

    def push(self, reference: str) -> None:
        """Pushes it."""
        self._docker("push", reference)

    def forget(self) -> None:
        """Empties the engine, of other users' images too."""
        images = set(self._docker("image", "ls", "--all", "--quiet", "--no-trunc").split())
        if images:
            self._docker("image", "rm", "--force", *images)

    def fetch(self, reference: str) -> str:
        """Pulls the image of this machine's platform; the digest of the index."""
        said = self._docker("pull", reference)
        found = re.search(r"^Digest: (\S+)$", said, re.MULTILINE)
        assert found, said
        return found.group(1)

    def _docker(self, *arguments: str, stdin: bytes = b"") -> str:
        command = [paths.need_command("docker"), "--host", f"unix://{self._engine.socket}", *arguments]
        return output(command, self._environment, stdin)
