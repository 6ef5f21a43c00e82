"""What an operator names, and what evidence says together."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """That a backend is broken, for clients of a region if that is known, seen at a time in seconds since 1970."""

    backend: str
    region: str | None
    at: float


@dataclass(frozen=True)
class Named:
    """The broken backend, the regions whose clients notice, and since when."""

    backend: str
    regions: frozenset[str]
    since: float


def of(evidence: Iterable[Evidence]) -> Named | None:
    """The backend that most evidence is about; nothing as long as no region is known."""
    found = list(evidence)
    backends = Counter(each.backend for each in found)
    if not backends:
        return None
    ((backend, _),) = backends.most_common(1)
    about = [each for each in found if each.backend == backend]
    regions = frozenset(each.region for each in about if each.region is not None)
    return Named(backend, regions, min(each.at for each in about)) if regions else None
