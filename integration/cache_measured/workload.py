"""A workload with the published parameters of real registries.

A. Anwar et al., "Improving Docker Registry Design Based on Workload Analysis", USENIX FAST 2018, about 75 days of five
data centres of IBM's registry: 65 % of the layers have less than 1 MB and 80 % less than 10 MB; a few layers take most
requests. How large the largest are and how much the few take is uncertain here, so both ends are computed.
"""

import bisect
import itertools
import random
from collections.abc import Iterator

# Share of the layers, and their sizes in bytes; what is above 10 MB is an assumption, in two forms.
SMALL, MEDIUM = 0.65, 0.15
LEAST, MEGABYTE, TEN, MOST = 4_000, 1_000_000, 10_000_000, 1_000_000_000
# The share of the requests that one in a hundred layers takes.
SHARES = (0.42, 0.59)
TAILS = ("short", "long")
# So many new layers come with so many requests, each in the place of another.
NEW, EVERY = 5, 200


def top_share(exponent: float, layers: int) -> float:
    """The share of the requests that the first hundredth of the layers has, with Zipf's distribution."""
    weights = [rank**-exponent for rank in range(1, layers + 1)]
    return sum(weights[: layers // 100]) / sum(weights)


def skew(layers: int, share: float) -> float:
    """The exponent of Zipf's distribution at which one in a hundred layers takes this share."""
    low, high = 0.0, 3.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if top_share(middle, layers) < share else (low, middle)
    return (low + high) / 2


class Workload:
    """Layers with sizes, and requests for them."""

    def __init__(self, layers: int, share: float, tail: str, seed: int) -> None:
        self._chance = random.Random(seed)
        self._tail = tail
        self.sizes = [self._size() for _ in range(layers)]
        exponent = skew(layers, share)
        self._weights = list(itertools.accumulate(rank**-exponent for rank in range(1, layers + 1)))

    def requests(self, count: int) -> Iterator[int]:
        """The layers that are asked for, by their numbers in `sizes`, which grows."""
        of_rank = list(range(len(self.sizes)))
        for number in range(1, count + 1):
            place = self._chance.random() * self._weights[-1]
            yield of_rank[bisect.bisect(self._weights, place)]
            if number % EVERY == 0:
                for _ in range(NEW):
                    of_rank[self._chance.randrange(len(of_rank))] = len(self.sizes)
                    self.sizes.append(self._size())

    def _size(self) -> int:
        kind, place = self._chance.random(), self._chance.random()
        if kind < SMALL:
            return _between(LEAST, MEGABYTE, place)
        if kind < SMALL + MEDIUM:
            return _between(MEGABYTE, TEN, place)
        if self._tail == "long":
            return _between(TEN, MOST, place)
        # Pareto's distribution with the exponent 1: ten times as large is a tenth as frequent.
        return round(1 / (1 / TEN - place * (1 / TEN - 1 / MOST)))


def _between(low: int, high: int, place: float) -> int:
    """Evenly on a logarithmic scale."""
    return round(low * (high / low) ** place)
