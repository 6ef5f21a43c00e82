"""podman and buildah: two commands over one library, with the same words for what is asked here."""

import json
import tempfile
from pathlib import Path

from harness import paths
from harness.accounts import Account
from harness.clients.client import Pusher, output, trusting
from harness.image import Image

# Ours alone: no mirrors, no short names.
REGISTRIES = 'unqualified-search-registries = []\nshort-name-mode = "disabled"\n'


class Podman(Pusher):
    """podman with a store and logins of its own. It runs no containers."""

    name = "podman"

    def __init__(
        self, directory: Path, registries_conf: str = REGISTRIES, trust: Path | None = None
    ) -> None:
        """With `trust` every registry has TLS and a certificate of that authority; without, none has."""
        self._verify = "false" if trust is None else "true"
        self._directory = directory / self.name
        self._directory.mkdir(parents=True)
        # At most 50 characters, says podman, and pytest's directories are long.
        self._short = tempfile.TemporaryDirectory(prefix=f"{self.name}-")
        registries = self._directory / "registries.conf"
        registries.write_text(registries_conf)
        self._policy = self._directory / "policy.json"
        self._policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        # It must be there, even if nobody has logged in.
        logins = self._directory / "auth.json"
        logins.write_text("{}")
        self._environment = {
            "REGISTRY_AUTH_FILE": logins,
            "CONTAINERS_REGISTRIES_CONF": registries,
            "XDG_RUNTIME_DIR": self._directory,
            "HOME": self._directory,
            **trusting(trust),
        }

    def login(self, authority: str, account: Account) -> None:
        """Logs in, with the password by standard input."""
        command = ("login", f"--tls-verify={self._verify}", "--username", account.user, "--password-stdin", authority)
        self._run(*command, stdin=account.password.encode())

    def load(self, image: Image, reference: str) -> None:
        """The image of this machine's platform."""
        layout = self._directory / "layouts" / image.digest.removeprefix("sha256:")
        if not layout.exists():
            image.write_layout(layout, "image")
        pulled = self._run("pull", "--quiet", *self._trust(), f"oci:{layout}:image").split()[-1]
        self._run("tag", pulled, reference)

    def push(self, reference: str) -> None:
        """Pushes it."""
        self._run("push", "--quiet", f"--tls-verify={self._verify}", *self._trust(), reference)

    def forget(self) -> None:
        """Empties the store."""
        self._run("rmi", "--all", "--force")

    def fetch(self, reference: str) -> str:
        """Pulls the image of this machine's platform; the digest of the configuration."""
        options = ("--quiet", f"--tls-verify={self._verify}", *self._trust())
        return "sha256:" + self._run("pull", *options, reference).split()[-1]

    def fetch_as_configured(self, reference: str) -> str:
        """The same, where the configuration says which registries have no TLS."""
        return "sha256:" + self._run("pull", "--quiet", *self._trust(), reference).split()[-1]

    def stop(self) -> None:
        """Nothing runs; the directory for what might is removed."""
        self._short.cleanup()

    def _trust(self) -> list[str]:
        return ["--signature-policy", str(self._policy)]

    def _run(self, *arguments: str, stdin: bytes = b"") -> str:
        own = ("--storage-driver", "vfs", "--root", self._directory / "root", "--runroot", self._short.name)
        command = (paths.need_command(self.name), *self._options(), *own, *arguments)
        return output(command, self._environment, stdin)

    def _options(self) -> list[str | Path]:
        """What podman needs where there is no systemd, and must not share with the machine's own."""
        here = ["--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        return [*here, "--tmpdir", self._directory / "tmp"]


class Buildah(Podman):
    """buildah, likewise."""

    name = "buildah"

    def _options(self) -> list[str | Path]:
        return []
