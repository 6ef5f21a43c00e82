"""Processor time per request: what the kernel says that the threads of an Envoy were on a processor.

Noisy on a machine that others use: rounds with and without the filter alternate, and the medians count.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import cases
from bench.cases import Case, Upstreams
from bench.goals import Measurement
from bench.load import ask
from bench.servers import Envoy, rendered, rendered_bare

ROUNDS = 7


@dataclass(frozen=True)
class Times:
    """Microseconds for one request, and the median of the ratios of neighbouring rounds."""

    bare: float
    filtered: float
    ratio: float


def measure(upstreams: Upstreams, directory: Path) -> list[Measurement]:
    """A manifest and a blob."""
    manifest = _compare(cases.ROUTED, upstreams, directory / "manifest", count=10_000)
    blob = _compare(cases.BLOB, upstreams, directory / "blob", count=10)
    return [
        *_rows(cases.ROUTED, manifest, "µs", 1),
        *_rows(cases.BLOB, blob, "ms", 1000),
    ]


def _rows(case: Case, times: Times, unit: str, microseconds: int) -> list[Measurement]:
    without = f"{times.bare / microseconds:.4g} {unit} without the filter"
    return [
        Measurement(f"{case.name}: processor time", times.filtered / microseconds, unit, against=without),
        Measurement(f"{case.name}: processor time", times.ratio, "times", against="without the filter"),
    ]


def _compare(case: Case, upstreams: Upstreams, directory: Path, count: int) -> Times:
    """One case with and without the filter, the same number of requests a round."""
    policy = case.policy(upstreams)
    bare = Envoy(rendered_bare(policy, directory, case.counted_backend))
    filtered = Envoy(rendered(policy, directory))
    pairs = [(bare, case.backend_target), (filtered, case.target)]
    for envoy, target in pairs:
        ask(envoy, case, target, count)
    rounds = [_round(pairs[:: 1 if number % 2 else -1], case, count) for number in range(ROUNDS)]
    bares, filters = ([times[envoy.port] for times in rounds] for envoy in (bare, filtered))
    for envoy in (bare, filtered):
        envoy.stop()
    ratios = [with_it / without for with_it, without in zip(filters, bares, strict=True)]
    return Times(median(bares), median(filters), median(ratios))


def _round(pairs: list[tuple[Envoy, str]], case: Case, count: int) -> dict[int, float]:
    """Microseconds for one request, by the port of the Envoy."""
    times = {}
    for envoy, target in pairs:
        before = on_processor_nanoseconds(envoy.server.pid)
        ask(envoy, case, target, count)
        times[envoy.port] = (on_processor_nanoseconds(envoy.server.pid) - before) / count / 1000
    return times


def on_processor_nanoseconds(pid: int) -> int:
    """The sum over the threads of a process: the first field of schedstat (proc(5))."""
    stats = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(stat.read_text().split()[0]) for stat in stats)
