"""Counts what the worker of an Envoy executes in user space.

The worker is the thread that does all the work of a request, the access log included. What other threads do goes with
the time that passes (statistics, the overload manager), not with requests, and would only add noise.
"""

import re
import subprocess
from pathlib import Path

from bench.cases import Case
from bench.load import ask
from bench.servers import Envoy
from harness import paths

# Every dump of a thread ends with its sum.
TOTAL = re.compile(r"^totals: (\d+)", re.MULTILINE)


class CountedEnvoy:
    """An Envoy under callgrind, which counts nothing until it is told to."""

    def __init__(self, configuration: Path) -> None:
        self._dump = configuration.with_suffix(".callgrind")
        self._dumps = 0
        valgrind = [
            *(paths.need_command("valgrind"), "--tool=callgrind", f"--callgrind-out-file={self._dump}"),
            # V8 writes code while it runs; without the check valgrind executes what it translated before.
            *("--smc-check=all-non-file", "--instr-atstart=no", "--separate-threads=yes"),
        ]
        self.envoy = Envoy(configuration, valgrind)

    def warm_up(self, case: Case, target: str, count: int) -> None:
        """Sends requests that are not counted."""
        ask(self.envoy, case, target, count)

    def per_request(self, case: Case, target: str, count: int, repetitions: int = 2) -> float:
        """Instructions for one request; of the repetitions the lowest, in which least else happened."""
        self._control("--instr=on")
        lowest = min(self._count_once(case, target, count) for _ in range(repetitions))
        self._control("--instr=off")
        return lowest / count

    def _count_once(self, case: Case, target: str, count: int) -> int:
        # After a switch the first requests wait for valgrind to translate Envoy again.
        ask(self.envoy, case, target, 1)
        self._control("--zero")
        ask(self.envoy, case, target, count)
        self._dumps += 1
        self._control("--dump")
        threads = self._dump.parent.glob(f"{self._dump.name}.{self._dumps}-*")
        return max(total(thread.read_text(errors="replace")) for thread in threads)

    def _control(self, option: str) -> None:
        command = [paths.need_command("callgrind_control"), option, str(self.envoy.server.pid)]
        subprocess.run(command, check=True, timeout=60, capture_output=True)


def total(dump: str) -> int:
    """The instructions in the dump of a thread."""
    found = TOTAL.search(dump)
    if found is None:
        raise RuntimeError("callgrind wrote a dump without a total")
    return int(found[1])
