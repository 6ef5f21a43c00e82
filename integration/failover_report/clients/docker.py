"""dockerd, spoken to as its own command line speaks to it."""

import asyncio
import json
from pathlib import Path
from typing import Any

from failover_report import waiting
from failover_report.clients.client import Client, PullFailed, WrongContent
from failover_report.contents import App
from harness import paths
from harness.processes import Server

# docker takes 3 layers at once, of all pulls together; a layer that hangs would hold up other pulls.
DOWNLOADS = 30


class Docker(Client):
    """A dockerd of one's own: without networks, without iptables, with its files in one directory."""

    name = "docker"
    resumes = True

    def __init__(self, directory: Path, architecture: str) -> None:
        self._directory = directory / "docker"
        self._socket = self._directory / "socket"
        self._architecture = architecture
        self._server: Server | None = None

    async def start(self) -> None:
        """Starts the daemon; `ServerFailed` if it does not run on this machine."""
        self._directory.mkdir(parents=True)
        self._server = Server("dockerd", self._command(), self._directory)
        await waiting.until(lambda: self._socket.exists() or None, "its socket is there", self._server)
        version = json.loads(await self._call("GET", "/version"))
        self.version = str(version["Version"])

    async def pull(self, authority: str, app: App, tag: str) -> None:
        """Pulls, looks at the id (the digest of the configuration) and the digest, and removes."""
        image = f"{authority}/{app.repository}"
        try:
            said = await self._call("POST", f"/images/create?fromImage={image}&tag={tag}")
            _raise_error(said)
            found = json.loads(await self._call("GET", f"/images/{image}:{tag}/json"))
            _check(found, app, self._architecture)
        finally:
            await self._call("DELETE", f"/images/{image}:{tag}?force=1")

    def stop(self) -> None:
        """Stops the daemon."""
        if self._server is not None:
            self._server.stop()

    def _command(self) -> list[str | Path]:
        place = self._directory
        return [
            *(paths.need_command("dockerd"), "--host", f"unix://{self._socket}"),
            *("--data-root", place / "data", "--exec-root", place / "exec", "--pidfile", place / "pid"),
            *("--bridge", "none", "--iptables=false", "--ip-masq=false", "--storage-driver", "vfs"),
            *("--insecure-registry", "127.0.0.0/8", "--max-concurrent-downloads", str(DOWNLOADS)),
        ]

    async def _call(self, method: str, target: str) -> bytes:
        """The body of an answer. With HTTP/1.0 it ends where the connection does."""
        reader, writer = await asyncio.open_unix_connection(str(self._socket))
        try:
            writer.write(f"{method} {target} HTTP/1.0\r\nHost: docker\r\nContent-Length: 0\r\n\r\n".encode())
            return (await reader.read(-1)).partition(b"\r\n\r\n")[2]
        finally:
            writer.close()


def _raise_error(said: bytes) -> None:
    for line in said.splitlines():
        document: dict[str, Any] = json.loads(line)
        problem = document.get("error") or document.get("message")
        if problem:
            raise PullFailed(str(problem))


def _check(found: dict[str, Any], app: App, architecture: str) -> None:
    wanted = app.configuration(architecture)
    if found.get("Id") != wanted:
        raise WrongContent(f"the image is {found.get('Id')}, not {wanted}")
    digests = {str(name).partition("@")[2] for name in found["RepoDigests"]}
    if digests != {app.content.digest}:
        raise WrongContent(f"the index is {digests}, not {app.content.digest}")
