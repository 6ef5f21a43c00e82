"""The fault proxy from outside: a child process that is told how to fail."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

from failover_report import low_ports, waiting
from failover_report.fault import Fault
from failover_report.fault_proxy import MET
from harness.processes import Server


class FaultProxy:
    """A proxy in front of one registry; it adds nothing until it is told to fail."""

    def __init__(self, name: str, upstream: int, directory: Path, certificates: Path | None = None) -> None:
        self.port = low_ports.take()
        arguments: list[str | Path] = [str(self.port), str(upstream)]
        arguments += [certificates] if certificates else []
        self._command: list[str | Path] = [sys.executable, "-m", "failover_report.fault_proxy", *arguments]
        self._name = name
        self._directory = directory
        self._starts = 0
        self._start()

    def _start(self) -> None:
        # Each has files of its own: what is read there is never what an earlier one said.
        self._starts += 1
        name = self._name if self._starts == 1 else f"{self._name}-{self._starts}"
        self._server = Server(name, self._command, self._directory)
        self._control = 0

    async def ready(self) -> None:
        """Waits until it takes connections."""
        self._control = await waiting.until(self._find_control, "it takes faults", self._server)

    async def fail(self, fault: Fault) -> None:
        """Fails in this way from now on; `NONE` ends it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._control)
        writer.write(fault.to_json().encode() + b"\n")
        if await reader.readline() != b"ok\n":
            raise RuntimeError(f"the fault proxy did not take {fault}; see {self._server.log}")
        writer.close()

    async def met(self) -> int:
        """How many requests faults have met since it was started."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._control)
        writer.write(MET)
        found = int(await reader.readline())
        writer.close()
        return found

    def kill(self) -> None:
        """Ends it as a crash would: nothing is finished, nobody is told."""
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.stop()

    async def start_again(self) -> None:
        """Another one at the same place, after `kill`."""
        self._start()
        await self.ready()

    def stop(self) -> None:
        """Stops it."""
        self._server.stop()

    def _find_control(self) -> int | None:
        found = re.search(r"^control (\d+)$", self._server.out.read_text(), re.MULTILINE)
        return int(found.group(1)) if found else None
