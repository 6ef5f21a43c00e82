"""What a start costs: processor time until Envoy is ready, and the memory that it has then.

The policy is a small one, so that what is measured is the filter itself: without one, in WebAssembly, and native.
"""

import os
from pathlib import Path
from statistics import median

from bench import cases
from bench.cases import Upstreams
from bench.goals import Measurement
from bench.servers import Envoy, rendered, rendered_bare, rendered_native
from harness.processes import resident_bytes

ROUNDS = 5


def measure(upstreams: Upstreams, directory: Path) -> list[Measurement]:
    """The three in turn, so that what else the machine does meets them alike."""
    policy = cases.by_country(upstreams)
    places = {
        "without the filter": rendered_bare(policy, directory, cases.NEAR),
        "wasm": rendered(policy, directory),
        "native module": rendered_native(policy, directory),
    }
    rounds = [{name: _once(place) for name, place in places.items()} for _ in range(ROUNDS)]
    found = []
    for name in places:
        seconds, megabytes = (median(each[name][field] for each in rounds) for field in (0, 1))
        found += [
            Measurement(f"start, {name}: processor time", seconds, "s"),
            Measurement(f"start, {name}: memory", megabytes, "MB"),
        ]
    return found


def _once(configuration: Path) -> tuple[float, float]:
    envoy = Envoy(configuration)
    found = _seconds(envoy.server.pid), resident_bytes(envoy.server.pid) / 1e6
    envoy.stop()
    return found


def _seconds(pid: int) -> float:
    """In user and system mode, of threads that have ended as well (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
