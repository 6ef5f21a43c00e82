"""The fault proxy from outside: a child process that is told how to fail."""

import asyncio
import re
import sys
from pathlib import Path

from failover_report import low_ports, waiting
from failover_report.fault import Fault
from harness.processes import Server


class FaultProxy:
    """A proxy in front of one registry; it adds nothing until it is told to fail."""

    def __init__(self, name: str, upstream: int, directory: Path, certificates: Path | None = None) -> None:
        self.port = low_ports.take()
        arguments: list[str | Path] = [str(self.port), str(upstream)]
        arguments += [certificates] if certificates else []
        command: list[str | Path] = [sys.executable, "-m", "failover_report.fault_proxy", *arguments]
        self._server = Server(name, command, directory)
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

    def stop(self) -> None:
        """Stops it."""
        self._server.stop()

    def _find_control(self) -> int | None:
        found = re.search(r"^control (\d+)$", self._server.out.read_text(), re.MULTILINE)
        return int(found.group(1)) if found else None
