"""Many clients that want the same blob at once, which nothing but a slow registry has."""

from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from harness import markdown

from cache_measured import peers, readers
from cache_measured.origin import Origin
from cache_measured.readers import Client

MIB = 1 << 20


@dataclass(frozen=True)
class Plan:
    """A herd."""

    clients: int = 200
    size: int = 32 * MIB
    # Bytes a second that the registry sends in all.
    rate: int = 100 * MIB
    peers: tuple[str, ...] = tuple(peers.ALL)


@dataclass(frozen=True)
class Outcome:
    """What came of a herd at one peer."""

    peer: str
    plan: Plan
    clients: list[Client]
    copies: float
    gets: int

    def failed(self) -> int:
        """How many did not get all of it."""
        return sum(client.status != 200 or client.received != self.plan.size for client in self.clients)

    def ends(self) -> tuple[float, float]:
        """The median and the 99th percentile of completion."""
        return _middle_and_last([client.end for client in self.clients])

    def followers(self) -> tuple[float, float]:
        """The same of the first byte, after the first client's."""
        first = min(client.first_byte for client in self.clients)
        return _middle_and_last([client.first_byte - first for client in self.clients])


def run(plan: Plan, directory: Path) -> list[Outcome]:
    """The herd at each peer, one after the other, each time for another blob."""
    origin = Origin()
    found = []
    for number, name in enumerate(plan.peers):
        with peers.ALL[name](origin, directory / str(number)) as running:
            path = origin.fresh(plan.size)
            origin.rate = plan.rate
            clients = readers.together(running.port, path, plan.clients, peers.SECONDS)
            origin.rate = None
            counts = origin.counts
            found.append(Outcome(name, plan, clients, counts.sent / plan.size, counts.gets))
        print(markdown.line(row(found[-1])), flush=True)
    origin.close()
    return found


def _middle_and_last(values: list[float]) -> tuple[float, float]:
    parts = quantiles(values, n=100, method="inclusive")
    return parts[49], parts[98]


def table(found: list[Outcome]) -> str:
    """Rows for the page."""
    head = ["", "copies from the registry", "`GET`s there", "p50", "p99", "first byte after the first client's, p50", "p99", "failed"]
    return markdown.table(head, map(row, found))


def row(outcome: Outcome) -> list[str]:
    """One peer."""
    (middle, last), (first, latest) = outcome.ends(), outcome.followers()
    return [
        *(outcome.peer, f"{outcome.copies:.2f}", str(outcome.gets), f"{middle:.1f} s", f"{last:.1f} s"),
        *(f"{first:.2f} s", f"{latest:.2f} s", str(outcome.failed())),
    ]
