"""What Envoy holds: memory, file descriptors, connections."""

import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harness.envoy import Envoy

# Some ten minutes of them.
LEAST_MEASURED = 100
CONNECTIONS = r"^(cluster|http)\..*(upstream|downstream)_cx_active$"


@dataclass(frozen=True)
class Measured:
    """At one moment: bytes of memory, and numbers."""

    memory: int
    files: int
    connections: int


def measure(envoy: Envoy) -> Measured:
    """Now."""
    process = Path(f"/proc/{envoy.server.pid}")
    found = re.search(r"^VmRSS:\s+(\d+) kB", (process / "status").read_text(), re.MULTILINE)
    assert found
    files = sum(1 for _ in (process / "fd").iterdir())
    return Measured(int(found[1]) * 1024, files, sum(envoy.stats(CONNECTIONS).values()))


def growth(measured: list[Measured]) -> dict[str, float]:
    """How many times more there is in the last quarter than in the second one; nothing of a run too short to say.

    The first quarter is left out: caches, and what is remembered, fill in it. In a quarter every fault has to have been
    there once: connections grow while a registry hangs.
    """
    quarter = len(measured) // 4
    if len(measured) < LEAST_MEASURED:
        return {}
    before, after = measured[quarter : 2 * quarter], measured[-quarter:]

    def ratio(name: str) -> float:
        old, new = (median(getattr(one, name) for one in some) for some in (before, after))
        return float(new / max(old, 1))

    return {
        "memory": ratio("memory"),
        "file descriptors": ratio("files"),
        "connections": ratio("connections"),
    }
