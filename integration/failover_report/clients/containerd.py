"""containerd and its `ctr`."""

import os
from pathlib import Path

from failover_report import waiting
from failover_report.clients.client import Client, PullFailed, WrongContent, output
from failover_report.contents import App
from harness import paths
from harness.processes import Server

NAMESPACE = "failover"

# The plug-in of Kubernetes wants a network set-up, and is not what is asked here.
CONFIGURATION = """version = 2
root = "{place}/root"
state = "{place}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{socket}"
"""


class Containerd(Client):
    """A containerd of one's own; it verifies every digest before it keeps anything."""

    name = "ctr"
    resumes = True

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "containerd"
        self._socket = self._directory / "socket"
        self._server: Server | None = None

    async def start(self) -> None:
        """Starts the daemon; `ServerFailed` if it does not run on this machine."""
        self._directory.mkdir(parents=True)
        configuration = self._directory / "config.toml"
        configuration.write_text(CONFIGURATION.format(place=self._directory, socket=self._socket))
        command: list[str | Path] = [paths.need_command("containerd"), "--config", configuration]
        self._server = Server("containerd", command, self._directory)
        await waiting.until(lambda: self._socket.exists() or None, "its socket is there", self._server)
        self.version = (await output(paths.need_command("containerd"), "--version")).split()[2]

    async def pull(self, authority: str, app: App, tag: str) -> None:
        """Pulls and unpacks, looks at the digest, and removes."""
        image = f"{authority}/{app.repository}:{tag}"
        try:
            # It unpacks into the file system that every machine has.
            await self._ctr("images", "pull", "--plain-http", "--snapshotter", "native", image)
            row = (await self._ctr("images", "ls", f"name=={image}")).splitlines()[-1]
            if app.content.digest not in row.split():
                raise WrongContent(f"{app.content.digest} is not in {row}")
        finally:
            await self._forget(image)

    def stop(self) -> None:
        """Stops the daemon."""
        if self._server is not None:
            self._server.stop()

    async def _forget(self, image: str) -> None:
        try:
            await self._ctr("images", "rm", "--sync", image)
        except PullFailed as problem:
            # It is not there if the pull failed.
            if "not found" not in str(problem):
                raise

    async def _ctr(self, *arguments: str) -> str:
        ctr = paths.need_command("ctr")
        return await output(ctr, "--address", self._socket, "--namespace", NAMESPACE, *arguments)


def is_allowed() -> bool:
    """Whether this process may run the daemons at all."""
    return os.geteuid() == 0
