"""skopeo with logins of its own."""

import tempfile
from pathlib import Path

from harness import paths
from harness.accounts import Account
from harness.clients.client import Pusher, output, trusting
from harness.digest import check, sha256
from harness.image import Image


class Skopeo(Pusher):
    """skopeo; its store is a directory of OCI layouts, and it takes all platforms of an image."""

    name = "skopeo"

    def __init__(self, directory: Path, trust: Path | None = None) -> None:
        """With `trust` every registry has TLS and a certificate of that authority; without, none has."""
        self._trust = trusting(trust)
        self._verify = "false" if trust is None else "true"
        self._directory = directory / self.name
        self._directory.mkdir(parents=True)
        self._layouts: dict[str, Path] = {}
        # It must be there, even if nobody has logged in.
        self._logins = self._directory / "auth.json"
        self._logins.write_text("{}")

    def login(self, authority: str, account: Account) -> None:
        """`skopeo login`, with the password by standard input."""
        command = ("login", f"--tls-verify={self._verify}", "--username", account.user, "--password-stdin", authority)
        self._run(*command, stdin=account.password.encode())

    def load(self, image: Image, reference: str) -> None:
        """All platforms."""
        self._layouts[reference] = Path(tempfile.mkdtemp(dir=self._directory))
        image.write_layout(self._layouts[reference], "image")

    def push(self, reference: str) -> None:
        """Pushes all platforms."""
        options = ("--all", "--preserve-digests", f"--dest-tls-verify={self._verify}")
        self._run("copy", *options, f"oci:{self._layouts[reference]}:image", f"docker://{reference}")

    def forget(self) -> None:
        """Each pull is into a directory of its own."""
        self._layouts.clear()

    def fetch(self, reference: str) -> str:
        """Pulls all platforms; the digest of the index. All blobs are checked once more."""
        place = Path(tempfile.mkdtemp(dir=self._directory))
        options = ("--all", "--preserve-digests", f"--src-tls-verify={self._verify}")
        self._run("copy", *options, f"docker://{reference}", f"dir:{place}")
        for file in place.iterdir():
            if len(file.name) == 64:
                check(file.read_bytes(), f"sha256:{file.name}")
        return sha256((place / "manifest.json").read_bytes())

    def _run(self, *arguments: str, stdin: bytes = b"") -> str:
        # Its own default is a policy file of the distribution, which not every machine has.
        command = [paths.need_command("skopeo"), "--insecure-policy", *arguments]
        return output(command, {"REGISTRY_AUTH_FILE": self._logins, **self._trust}, stdin)
