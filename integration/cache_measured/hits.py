"""The share of requests and of bytes that caches of several sizes serve."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness import markdown

from cache_measured.ring import tier
from cache_measured.workload import SHARES, TAILS, Workload

LAYERS, REQUESTS = 30_000, 400_000
# While a cache is empty, misses say nothing of its size.
WARM_UP = REQUESTS // 4
PERCENT = (1, 5, 10, 20)
NODES = 2
# Which layers are wanted most is chance, and a few of them are most of the bytes.
SEEDS = range(5)


@dataclass(frozen=True)
class Hits:
    """One cache and one workload."""

    share: float
    tail: str
    percent: int
    # All layers that there were, in bytes.
    total: int
    requests: float
    octets: float


def simulate(workload: Workload, percents: tuple[int, ...], share: float, tail: str) -> Iterator[Hits]:
    """The same requests at caches of several sizes."""
    asked = list(workload.requests(REQUESTS))
    sizes = workload.sizes
    total = sum(sizes)
    for percent in percents:
        cache = tier(total * percent // 100, NODES)
        count = served = octets = 0
        for number, key in enumerate(asked):
            is_hit = cache.get(key, sizes[key])
            if number >= WARM_UP:
                octets += sizes[key]
                count += is_hit
                served += is_hit * sizes[key]
        yield Hits(share, tail, percent, total, count / (REQUESTS - WARM_UP), served / octets)


def all_of_them() -> list[Hits]:
    """Every combination of what is uncertain."""
    found: list[Hits] = []
    for tail in TAILS:
        for share in SHARES:
            for seed in SEEDS:
                found += simulate(Workload(LAYERS, share, tail, seed), PERCENT, share, tail)
    return found


def table(found: list[Hits]) -> str:
    """Rows for the page."""
    head = ["one layer in a hundred takes", "sizes above 10 MB", "all bytes", *(f"{percent} %" for percent in PERCENT)]
    lines = []
    for tail in TAILS:
        for share in SHARES:
            rows = [hit for hit in found if (hit.tail, hit.share) == (tail, share)]
            cells = [_cell([hit for hit in rows if hit.percent == percent]) for percent in PERCENT]
            total = sum(hit.total for hit in rows) / len(rows)
            lines.append([f"{share:.0%} of the requests", f"{tail} tail", f"{total / 1e12:.2f} TB", *cells])
    return markdown.table(head, lines)


def _cell(hits: list[Hits]) -> str:
    """Percent of the requests, and of the bytes from the least of all runs to the most."""
    octets = [round(hit.octets * 100) for hit in hits]
    requests = sum(hit.requests for hit in hits) / len(hits)
    return f"{requests * 100:.0f} / {min(octets)}–{max(octets)}"
