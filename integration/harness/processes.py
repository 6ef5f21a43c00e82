"""Servers as child processes that never outlive a run.

Each has a process group of its own, so that Ctrl-C in the terminal reaches this program alone,
which then stops its servers in order. Three things hold them: the fixture that started them,
`atexit`, and, when this program is killed outright, the kernel (PDEATHSIG, by `setpriv`).
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

# For a machine on which a start takes long; what has died is told at once.
START_SECONDS = 120.0
STOP_SECONDS = 20.0
TAIL_LINES = 40


class ServerFailed(RuntimeError):
    """A server did not start or died; the message ends with the tail of its log."""


class Server:
    """A running child process; its output is in `<directory>/<name>.out` and `.log`."""

    def __init__(self, name: str, command: Sequence[str | Path], directory: Path) -> None:
        self.name = name
        self.out = directory / f"{name}.out"
        self.log = directory / f"{name}.log"
        directory.mkdir(parents=True, exist_ok=True)
        # Append mode: a server may open its standard output a second time by name.
        with self.out.open("ab") as out, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*die_with_parent(), *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                start_new_session=True,
            )
        _running.append(self)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_until(self, probe: Callable[[], T | None], what: str, seconds: float = START_SECONDS) -> T:
        """What the probe finds, as soon as it finds something."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = probe()
            if found is not None:
                return found
            if not self.is_alive():
                raise ServerFailed(self._report(f"ended with {self._process.returncode} before {what}"))
            time.sleep(0.01)
        raise ServerFailed(self._report(f"not within {seconds} s: {what}"))

    def wait(self, seconds: float) -> int:
        """Waits for the end; the exit code."""
        return self._process.wait(seconds)

    def stop(self) -> None:
        """Asks the group to end, and ends it if it does not. Harmless if it has ended."""
        if self in _running:
            _running.remove(self)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.is_alive():
                return
            os.killpg(self.pid, number)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue

    def _report(self, problem: str) -> str:
        return f"{self.name}: {problem}\n{tail(self.log)}\n{tail(self.out)}"


_running: list[Server] = []


def die_with_parent() -> list[str]:
    """A wrapper that has the kernel kill what it runs when this process is gone."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def resident_bytes(pid: int) -> int:
    """The memory that a process has, as the kernel counts it (proc(5), VmRSS)."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The end of a log file, with its name."""
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join([f"--- the end of {path}:", *text.splitlines()[-lines:]])


def stop_all() -> None:
    """Stops whatever runs still, the last started first."""
    for server in reversed(_running[:]):
        server.stop()


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def stop_all_at_exit() -> None:
    """Has this program stop its servers however it ends, SIGTERM included."""
    signal.signal(signal.SIGTERM, _leave)


atexit.register(stop_all)
