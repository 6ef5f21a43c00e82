"""The ring against an obvious slow twin, which writes each byte of a real ring."""

import random

import pytest

from cache_measured.ring import Ring, tier
from cache_measured.workload import Workload, skew, top_share


class Twin:
    """A ring of cells, each of which says what stands there."""

    def __init__(self, capacity: int, evacuate_percent: int) -> None:
        self.cells: list[int | None] = [None] * capacity
        self.next = 0
        self.window = capacity * evacuate_percent / 100
        self.first: dict[int, int] = {}
        self.sizes: dict[int, int] = {}
        self.wanted: set[int] = set()

    def get(self, key: int, size: int) -> bool:
        """Whether it is there."""
        if key in self.first:
            if (self.first[key] - self.next) % len(self.cells) < self.window:
                self.wanted.add(key)
            return True
        queue = [(key, size)]
        while queue:
            queue += self.write(*queue.pop(0))
        return False

    def write(self, key: int, size: int) -> list[tuple[int, int]]:
        """Writes it cell by cell; what has to be written anew."""
        saved = []
        for _ in range(size):
            lost = self.cells[self.next]
            if lost is not None and lost in self.first and lost != key:
                if lost in self.wanted:
                    saved.append((lost, self.sizes[lost]))
                self.forget(lost)
            self.cells[self.next] = key
            self.next = (self.next + 1) % len(self.cells)
        if size <= len(self.cells):
            self.first[key], self.sizes[key] = (self.next - size) % len(self.cells), size
        else:
            self.forget(key)
        return saved

    def forget(self, key: int) -> None:
        """It is no longer whole."""
        self.wanted.discard(key)
        self.first.pop(key, None)
        self.cells = [None if cell == key else cell for cell in self.cells]


@pytest.mark.parametrize("percent", [0, 10, 30])
@pytest.mark.parametrize("seed", range(8))
def test_the_ring_is_its_twin(seed: int, percent: int) -> None:
    chance = random.Random(seed)
    capacity = chance.choice([10, 37, 100])
    sizes = {key: chance.randint(1, max(2, capacity // 3)) for key in range(40)}
    ring, twin = Ring(capacity, percent), Twin(capacity, percent)
    hits = 0
    for number in range(1500):
        # Some keys are asked for much more often than others.
        key = min(chance.randrange(40), chance.randrange(40))
        found = ring.get(key, sizes[key])
        assert found == twin.get(key, sizes[key]), f"request {number} of seed {seed}"
        hits += found
    assert 0 < hits < 1500


def test_content_larger_than_the_ring_is_not_kept() -> None:
    ring = Ring(10)
    assert [ring.get(1, 4), ring.get(1, 4), ring.get(2, 11), ring.get(2, 11), ring.get(1, 4)] == [False, True, False, False, False]


def test_evacuation_keeps_what_is_asked_for() -> None:
    """Content that is asked for in the window before the writing place survives the round; without the window it is lost."""
    survived = {}
    for percent in (0, 20):
        ring = Ring(100, percent)
        ring.get(0, 10)
        for key in range(1, 9):
            ring.get(key, 10)
        ring.get(0, 10)
        for key in range(9, 12):
            ring.get(key, 10)
        survived[percent] = ring.get(0, 10)
    assert survived == {0: False, 20: True}


def test_nodes_share_the_capacity() -> None:
    nodes = tier(100, 2)
    assert [ring.capacity for ring in nodes.rings] == [50, 50]
    for key in range(200):
        nodes.get(key, 1)
    assert all(ring.written > 50 for ring in nodes.rings)


@pytest.mark.parametrize("share", [0.42, 0.59])
def test_the_skew_gives_the_share_that_was_asked_for(share: float) -> None:
    assert abs(top_share(skew(20_000, share), 20_000) - share) < 1e-6


def test_the_workload_has_the_published_sizes() -> None:
    workload = Workload(layers=20_000, share=0.5, tail="long", seed=1)
    small = sum(size < 1_000_000 for size in workload.sizes) / len(workload.sizes)
    medium = sum(size < 10_000_000 for size in workload.sizes) / len(workload.sizes)
    assert abs(small - 0.65) < 0.02 and abs(medium - 0.80) < 0.02
    asked = list(workload.requests(20_000))
    assert max(asked) > 20_000, "new layers come"
    top = sum(key < 200 for key in asked) / len(asked)
    assert 0.3 < top < 0.52, "less than the share, as layers are replaced"
