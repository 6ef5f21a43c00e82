"""What Envoy holds: memory, file descriptors, connections."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from harness.envoy import Envoy
from harness.processes import resident_bytes

# Some ten minutes of them.
LEAST_MEASURED = 100
CONNECTIONS = r"^(cluster|http)\..*(upstream|downstream)_cx_active$"
# Of the admin interface there is one, by which this is asked.
OF_CLIENTS = r"^(http\.(?!admin\.).*downstream_(cx|rq)_active|cluster\..*upstream_rq_active)$"


@dataclass(frozen=True)
class Measured:
    """At one moment: bytes of memory, and numbers.

    `memory` is what is in use: the pages of the process without those that its allocator holds free. `resident` are all
    of them. An allocator keeps what it once needed, so that the busiest moment shows in them from then on.
    """

    memory: int
    resident: int
    files: int
    connections: int


def measure(envoy: Envoy) -> Measured:
    """Now."""
    pid = envoy.server.pid
    files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    held = envoy.stats(r"^server\.memory_(allocated|physical_size)$")
    resident = resident_bytes(pid)
    # The allocator counts pages of its own as well, of which a few may not be resident.
    free = max(0, held["server.memory_physical_size"] - held["server.memory_allocated"])
    return Measured(max(0, resident - free), resident, files, sum(envoy.stats(CONNECTIONS).values()))


def left_behind(envoy: Envoy) -> int:
    """Connections of clients and requests that are under way; nought once all clients have gone."""
    return sum(envoy.stats(OF_CLIENTS).values())


def growth(measured: list[Measured]) -> dict[str, float]:
    """How many times more there is in the last quarter than in the second one; nothing of a run too short to say.

    The first quarter is left out: caches, and what is remembered, fill in it. In a quarter every fault has to have been
    there once: connections grow while a registry hangs. Of memory it is the median. Of file descriptors and connections
    it is the lowest tenth: what is held when least is going on grows with a leak, and not with how busy the machine is.
    """
    quarter = len(measured) // 4
    if len(measured) < LEAST_MEASURED:
        return {}
    before, after = measured[quarter : 2 * quarter], measured[-quarter:]

    def ratio(name: str, of: Callable[[list[int]], float]) -> float:
        old, new = (of([getattr(one, name) for one in some]) for some in (before, after))
        return float(new / max(old, 1))

    return {
        "memory in use": ratio("memory", median),
        "memory resident": ratio("resident", median),
        "file descriptors": ratio("files", lowest),
        "connections": ratio("connections", lowest),
    }


def lowest(values: list[int]) -> float:
    """The border of the lowest tenth."""
    return quantiles(values, n=10)[0]
