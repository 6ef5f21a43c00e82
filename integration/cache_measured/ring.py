"""What the store of a cache node keeps: the policy of Apache Traffic Server, without its bytes.

The store is a ring. What comes is written behind what came before, and over the oldest. What is asked for while it lies
in a window before the place that is written next (`hit_evacuate_percent` of the ring) is written anew when its turn
comes, in the place of being lost. Whole contents stand for their fragments, and nothing else takes room.
"""

from collections import deque
from dataclasses import dataclass, field


@dataclass
class Entry:
    """Content that is in the ring, from `begin` on; places count all bytes that were ever written."""

    key: int
    size: int
    begin: int
    is_wanted: bool = False


@dataclass
class Ring:
    """A store of `capacity` bytes."""

    capacity: int
    evacuate_percent: int = 10
    written: int = 0
    _order: deque[Entry] = field(default_factory=deque)
    _known: dict[int, Entry] = field(default_factory=dict)

    def get(self, key: int, size: int) -> bool:
        """Whether it is there; if it is not, it is fetched and written."""
        entry = self._known.get(key)
        if entry is None:
            self._write(key, size)
            return False
        # How much is written before its first byte is.
        ahead = entry.begin + self.capacity - self.written
        if ahead * 100 < self.capacity * self.evacuate_percent:
            entry.is_wanted = True
        return True

    def _write(self, key: int, size: int) -> None:
        saved = self._place(key, size)
        while saved:
            entry = saved.popleft()
            saved.extend(self._place(entry.key, entry.size))

    def _place(self, key: int, size: int) -> deque[Entry]:
        """Writes one content; what it overwrote of that is to be written anew."""
        end = self.written + size
        saved: deque[Entry] = deque()
        while self._order and self._order[0].begin + self.capacity < end:
            entry = self._order.popleft()
            del self._known[entry.key]
            if entry.is_wanted:
                saved.append(entry)
        if size <= self.capacity:
            entry = Entry(key, size, self.written)
            self._order.append(entry)
            self._known[key] = entry
        self.written = end
        return saved


@dataclass
class Nodes:
    """A tier: each content has its node."""

    rings: list[Ring]

    def get(self, key: int, size: int) -> bool:
        """Whether its node has it."""
        return self.rings[key * 2654435761 % 2**32 % len(self.rings)].get(key, size)


def tier(capacity: int, nodes: int, evacuate_percent: int = 10) -> Nodes:
    """Nodes that have this capacity together."""
    return Nodes([Ring(capacity // nodes, evacuate_percent) for _ in range(nodes)])
