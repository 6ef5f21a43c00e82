"""What the load needs of a client."""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path

from failover_report.contents import App


class PullFailed(RuntimeError):
    """The client gave up; the message is what it said."""


class WrongContent(RuntimeError):
    """The client was content with something that is not the image."""


class Client(ABC):
    """A program that pulls images."""

    name: str
    version: str
    # Whether it asks for the rest of a body that was cut.
    resumes: bool

    @abstractmethod
    async def start(self) -> None:
        """Starts what it needs."""

    @abstractmethod
    async def pull(self, authority: str, app: App, tag: str) -> None:
        """Pulls an image anew, checks all digests, and removes it.

        Raises `PullFailed` or `WrongContent`.
        """

    @abstractmethod
    def stop(self) -> None:
        """Stops what was started."""


async def output(*command: str | Path) -> str:
    """What a command prints; `PullFailed` with its complaint if it fails."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, complaint = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise PullFailed(complaint.decode(errors="replace").strip()[-600:])
    return out.decode(errors="replace")
