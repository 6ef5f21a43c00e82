"""crane, oras and regctl, which Debian 12 does not have: built by `scripts/setup go-clients`."""

import json
import re
import tempfile
from pathlib import Path

from harness import paths
from harness.accounts import Account
from harness.clients.client import Pusher, output, trusting
from harness.clients.needs import TOOLS
from harness.image import Image


class _GoClient(Pusher):
    """What they have in common: logins as docker's, and OCI layouts for a store."""

    def __init__(self, directory: Path, trust: Path | None = None) -> None:
        """With `trust` every registry has TLS and a certificate of that authority; without, none has."""
        self._trust = trusting(trust)
        self._is_plain = trust is None
        self._program = paths.need_file(TOOLS / self.name, "scripts/setup go-clients")
        self._directory = directory / self.name
        self._directory.mkdir(parents=True)
        self._layouts: dict[str, Path] = {}

    def load(self, image: Image, reference: str) -> None:
        """All platforms."""
        self._layouts[reference] = Path(tempfile.mkdtemp(dir=self._directory))
        image.write_layout(self._layouts[reference], "image")

    def forget(self) -> None:
        """Each pull is into a directory of its own."""
        self._layouts.clear()

    def _run(self, *arguments: str | Path, stdin: bytes = b"", directory: Path | None = None) -> str:
        environment = {"DOCKER_CONFIG": self._directory / "docker", **self._trust, **self._environment()}
        return output([self._program, *arguments], environment, stdin, directory)

    def _environment(self) -> dict[str, str | Path]:
        """What one of them wants besides."""
        return {}


class Crane(_GoClient):
    """crane, of go-containerregistry, which ko, cosign and many more are made with."""

    name = "crane"
    asks_at_login = False

    def login(self, authority: str, account: Account) -> None:
        """`crane auth login`, which writes a file and asks nobody."""
        command = ("auth", "login", "--username", account.user, "--password-stdin", authority)
        self._run(*command, stdin=account.password.encode())

    def push(self, reference: str) -> None:
        """Pushes all platforms."""
        self._run("push", *self._insecure(), "--index", self._layouts[reference], reference)

    def fetch(self, reference: str) -> str:
        """Pulls all platforms; the digest of the index."""
        place = Path(tempfile.mkdtemp(dir=self._directory))
        self._run("pull", *self._insecure(), "--format=oci", reference, place)
        digest: str = json.loads((place / "index.json").read_text())["manifests"][0]["digest"]
        return digest

    def _insecure(self) -> list[str]:
        return ["--insecure"] if self._is_plain else []


class Oras(_GoClient):
    """oras, for artifacts of any kind."""

    name = "oras"

    def _plain(self, side: str) -> str:
        return f"--{side}plain-http={str(self._is_plain).lower()}"

    def login(self, authority: str, account: Account) -> None:
        """`oras login`, with the password by standard input."""
        command = ("login", self._plain(""), "--username", account.user, "--password-stdin", authority)
        self._run(*command, stdin=account.password.encode())

    def push(self, reference: str) -> None:
        """Pushes all platforms."""
        source = f"{self._layouts[reference]}:image"
        self._run("cp", "--from-oci-layout", source, self._plain("to-"), reference)

    def fetch(self, reference: str) -> str:
        """Pulls all platforms; the digest of the index."""
        place = Path(tempfile.mkdtemp(dir=self._directory))
        said = self._run("cp", self._plain("from-"), reference, "--to-oci-layout", f"{place}:image")
        return _digest(said)

    def attach(self, reference: str, content: bytes, artifact_type: str) -> str:
        """Pushes an artifact that refers to an image; its digest."""
        place = Path(tempfile.mkdtemp(dir=self._directory))
        (place / "artifact").write_bytes(content)
        options = (self._plain(""), "--artifact-type", artifact_type)
        # By a relative path, which becomes the file's name in the artifact.
        return _digest(self._run("attach", *options, reference, "artifact", directory=place))

    def referrers(self, reference: str) -> list[str]:
        """The digests of all artifacts that refer to an image."""
        said = json.loads(self._run("discover", self._plain(""), "--format=json", reference))
        return [entry["digest"] for entry in said.get("referrers") or []]

    def artifact(self, reference: str) -> bytes:
        """Pulls an artifact of one file; the file."""
        place = Path(tempfile.mkdtemp(dir=self._directory))
        self._run("pull", self._plain(""), "--output", place, reference)
        return (place / "artifact").read_bytes()


class Regctl(_GoClient):
    """regctl, of regclient."""

    name = "regctl"

    def login(self, authority: str, account: Account) -> None:
        """`regctl registry login`, with the password by standard input."""
        self._know(authority)
        command = ("registry", "login", "--user", account.user, "--pass-stdin", authority)
        self._run(*command, stdin=account.password.encode())

    def push(self, reference: str) -> None:
        """Pushes all platforms."""
        self._know(_authority(reference))
        self._run("image", "copy", f"ocidir://{self._layouts[reference]}:image", reference)

    def fetch(self, reference: str) -> str:
        """Pulls all platforms; the digest of the index."""
        self._know(_authority(reference))
        place = Path(tempfile.mkdtemp(dir=self._directory))
        self._run("image", "copy", reference, f"ocidir://{place}:image")
        digest: str = json.loads((place / "index.json").read_text())["manifests"][0]["digest"]
        return digest

    def _know(self, authority: str) -> None:
        """It is told of each registry once whether that has TLS."""
        tls = "disabled" if self._is_plain else "enabled"
        self._run("registry", "set", "--skip-check", f"--tls={tls}", authority)

    def _environment(self) -> dict[str, str | Path]:
        return {"REGCTL_CONFIG": self._directory / "regctl.json"}


def _authority(reference: str) -> str:
    return reference.partition("/")[0]


def _digest(said: str) -> str:
    found = re.search(r"^Digest: (\S+)$", said, re.MULTILINE)
    assert found, said
    return found.group(1)
