"""nerdctl, containerd's own command in the manner of docker's, at a containerd of its own."""

from pathlib import Path

from harness import paths
from harness.accounts import Account
from harness.clients.client import output
from harness.clients.ctr import Ctr
from harness.clients.needs import TOOLS
from harness.containerd import Containerd


class Nerdctl(Ctr):
    """Its logins are as docker's; what is loaded and forgotten `ctr` does, at the same daemon."""

    name = "nerdctl"
    asks_at_login = True

    def __init__(self, directory: Path, daemon: Containerd, hosts: Path | None = None) -> None:
        """`hosts` is a directory of `hosts.toml` files, by which it finds mirrors of registries."""
        super().__init__(directory, daemon, hosts)
        self._program = paths.need_file(TOOLS / self.name, "scripts/setup nerdctl")

    def login(self, authority: str, account: Account) -> None:
        """`nerdctl login`, with the password by standard input."""
        command = ("login", "--username", account.user, "--password-stdin", authority)
        self._nerdctl(*command, stdin=account.password.encode())

    def push(self, reference: str) -> None:
        """Pushes all platforms."""
        self._nerdctl("push", "--quiet", "--all-platforms", reference)

    def fetch(self, reference: str) -> str:
        """Pulls all platforms, without unpacking them; the digest of the index."""
        self._nerdctl("pull", "--quiet", "--all-platforms", "--unpack=false", reference)
        return self.digest(reference)

    def _nerdctl(self, *arguments: str, stdin: bytes = b"") -> str:
        # What it keeps beside containerd, and its logins, are in directories of its own.
        environment = {"DOCKER_CONFIG": self._directory / "docker"}
        places = ("--address", self._daemon.socket, "--namespace", "default", "--data-root", self._directory / "data")
        hosts = ("--hosts-dir", self._hosts) if self._hosts else ("--insecure-registry",)
        return output([self._program, *places, *hosts, *arguments], environment, stdin)
