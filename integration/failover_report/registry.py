"""A real registry that can be killed, stopped for a while and started again at the same place."""

import asyncio
import json
import os
import re
import signal
from pathlib import Path

from failover_report import low_ports, waiting
from harness import paths
from harness.processes import Server
from harness.registry import settings

READS = ("GET", "HEAD")


class Registry:
    """One docker-registry of Debian."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.port = low_ports.take()
        self.storage = directory / name / "storage"
        self._directory = directory
        self._configuration = directory / name / "config.yml"
        self._configuration.parent.mkdir(parents=True)
        # JSON is YAML.
        self._configuration.write_text(json.dumps(settings(name, self.storage, self.port, "warn")))
        self._server: Server | None = None
        self._seen = 0

    @property
    def authority(self) -> str:
        """Where it is reached, as a URL has it."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Starts it; done when it accepts connections."""
        command: list[str | Path] = [paths.need_command("docker-registry"), "serve", self._configuration]
        self._server = Server(self.name, command, self._directory)
        await waiting.until_listening(self.port, self._server)

    def kill(self) -> None:
        """Ends it as a crash would: nothing is finished, nobody is told."""
        if self._server is not None:
            self._signal(signal.SIGKILL)
            self._server.stop()
            self._server = None

    def freeze(self) -> None:
        """Stops the process: the kernel goes on to accept connections, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        self._signal(signal.SIGCONT)

    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._server is not None and self._server.is_alive()

    def requests(self) -> list[str]:
        """Method and target of everything it was asked since the last call, in order."""
        text = (self._directory / f"{self.name}.out").read_text(errors="replace")
        new, self._seen = text[self._seen :], len(text)
        return re.findall(r'"([A-Z]+ \S+) HTTP/', new)

    def _signal(self, number: signal.Signals) -> None:
        if self._server is not None and self._server.is_alive():
            os.killpg(self._server.pid, number)


async def both_started(*registries: Registry) -> None:
    """Starts those that do not run."""
    await asyncio.gather(*(registry.start() for registry in registries if not registry.is_running()))


def writes(requests: list[str]) -> list[str]:
    """Those that would change a registry."""
    return [request for request in requests if request.split(" ")[0] not in READS]
