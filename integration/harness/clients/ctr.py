"""`ctr` with a user and a password, at a containerd that others may share."""

import tempfile
from pathlib import Path

from harness import paths
from harness.accounts import Account
from harness.clients.client import ClientFailed, Pusher, output
from harness.containerd import Containerd
from harness.image import Image

# What Debian's ctr says in one push of a hundred, to any registry: it lost its own daemon, or itself. If it was for a
# fault of the registry, it says so again (https://github.com/containerd/nerdctl/issues/984).
LOST = ("failed to copy: rpc error: code = Internal desc = unexpected EOF", "panic: send on closed channel")


class Ctr(Pusher):
    """`ctr`, which knows no login: the account goes with each command."""

    name = "ctr"
    asks_at_login = False

    def __init__(self, directory: Path, daemon: Containerd, hosts: Path | None = None) -> None:
        """`hosts` is a directory of `hosts.toml` files, by which containerd finds mirrors of registries."""
        self._hosts = hosts
        self._directory = directory / self.name
        self._directory.mkdir(parents=True)
        self._daemon = daemon
        self._accounts: dict[str, Account] = {}

    def login(self, authority: str, account: Account) -> None:
        """Remembers the account for the commands."""
        self._accounts[authority] = account

    def load(self, image: Image, reference: str) -> None:
        """All platforms."""
        repository, _, tag = reference.rpartition(":")
        layout = Path(tempfile.mkdtemp(dir=self._directory))
        image.write_layout(layout, tag)
        self._daemon.load(layout, repository)

    def push(self, reference: str) -> None:
        """Pushes all platforms; once more if it was ctr itself that failed."""
        command = ("images", "push", *self._how(), *self._account(reference), reference)
        try:
            self._ctr(*command)
        except ClientFailed as problem:
            if not any(words in str(problem) for words in LOST):
                raise
            self._ctr(*command)

    def forget(self) -> None:
        """Empties the daemon, and waits until it has collected what nothing refers to any more."""
        images = self._ctr("images", "ls", "--quiet").split()
        if images:
            self._ctr("images", "rm", "--sync", *images)

    def fetch(self, reference: str) -> str:
        """Pulls all platforms, without unpacking them; the digest of the index."""
        options = (*self._how(), "--all-platforms", *self._account(reference))
        self._ctr("content", "fetch", *options, reference)
        return self.digest(reference)

    def digest(self, reference: str) -> str:
        """The digest that the daemon has under a name."""
        row = self._ctr("images", "ls", f"name=={reference}").splitlines()[-1]
        return row.split()[2]

    def _how(self) -> list[str]:
        return ["--hosts-dir", str(self._hosts)] if self._hosts else ["--plain-http"]

    def _account(self, reference: str) -> list[str]:
        account = self._accounts.get(reference.partition("/")[0])
        return ["--user", f"{account.user}:{account.password}"] if account else []

    def _ctr(self, *arguments: str) -> str:
        return output([paths.need_command("ctr"), "--address", self._daemon.socket, *arguments])
