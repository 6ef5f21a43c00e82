"""A peer that runs: started, measured, stopped."""

import asyncio
import os
import time
from pathlib import Path

from compare.peers import Peer, Place
from harness import raw
from harness.image import ACCEPT
from harness.processes import Server

MEBIBYTE = 1 << 20


class Running:
    """One process of a peer, or several; ready to be asked when this returns."""

    def __init__(self, peer: Peer, place: Place, target: str = "/v2/") -> None:
        """`target` is what it must answer well (200, or 401 of a registry that wants tokens) to count as ready."""
        command = peer.configure(place)
        self.port = place.port
        self._target = target
        began = time.monotonic()
        self.server = Server("front", command, place.directory)
        self.server.wait_until(self._answers, f"{peer.name} answers")
        self.seconds_to_start = time.monotonic() - began

    @staticmethod
    async def started(peer: Peer, place: Place) -> "Running":
        """The same for who has other things to do meanwhile."""
        return await asyncio.to_thread(Running, peer, place)

    def processor_seconds(self) -> float:
        """On a processor so far, all of its processes."""
        return sum(_nanoseconds(pid) for pid in self._pids()) / 1e9

    def ticked_seconds(self) -> float:
        """The same in steps of the kernel's clock (10 ms), with the threads and processes that have ended."""
        return sum(_ticks(pid) for pid in self._pids()) / os.sysconf("SC_CLK_TCK")

    def mebibytes(self) -> float:
        """Memory, where processes share some each with its part of it (PSS)."""
        return sum(_proportional_bytes(pid) for pid in self._pids()) / MEBIBYTE

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()

    def _answers(self) -> bool | None:
        try:
            return raw.request(self.port, "GET", self._target, [("Accept", ACCEPT)]).status in (200, 401) or None
        except OSError:
            return None

    def _pids(self) -> list[int]:
        """The process that was started, and all that it has started."""
        found, fresh = [], [self.server.pid]
        while fresh:
            found += fresh
            fresh = [child for pid in fresh for child in _children(pid)]
        return found


def _children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


def _nanoseconds(pid: int) -> int:
    """The first field of each thread's schedstat (proc(5))."""
    return sum(int(stat.read_text().split()[0]) for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def _ticks(pid: int) -> int:
    """User and system, of itself and of the children that it waited for (proc(5), fields 14 to 17)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def _proportional_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024
