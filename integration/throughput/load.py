"""Requests of many clients at once, by h2load: as many as there can be, or so many a second."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.load import WrongAnswers, h2load, status_counts


@dataclass(frozen=True)
class Protocol:
    """How clients connect."""

    name: str
    # What h2load is told: HTTP/1.1 has one request at a time on a connection.
    options: tuple[str, ...]
    connections: int


HTTP1 = Protocol("HTTP/1.1", ("--h1",), connections=64)
HTTP2 = Protocol("HTTP/2", ("-m", "16"), connections=8)


@dataclass(frozen=True)
class Load:
    """What was answered: how many requests, in which time, and how long each took, in microseconds and in order."""

    requests: int
    seconds: float
    micros: list[int]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the requests was answered."""
        return percentile(self.micros, share) / 1000


def percentile(ordered: list[int], share: float) -> int:
    """The smallest value that this share of all does not exceed (nearest rank)."""
    rank = max(1, -(-len(ordered) * round(share * 1000) // 1000))
    return ordered[rank - 1]


def send(url: str, protocol: Protocol, seconds: int, rate: float | None = None, prefix: tuple[str, ...] = ()) -> Load:
    """Sends for so long, at most `rate` requests a second if there is one. Every answer must be 200."""
    with tempfile.TemporaryDirectory(prefix="h2load-") as directory:
        log = Path(directory) / "requests"
        options = [*protocol.options, "-c", str(protocol.connections), "-D", str(seconds), f"--log-file={log}"]
        if rate is not None:
            options.append(f"--rps={max(1, round(rate / protocol.connections))}")
        said = h2load(url, options, seconds=seconds + 60, prefix=prefix)
        return read(log.read_text(), said)


def read(log: str, said: str) -> Load:
    """What h2load wrote: a line for each request with its beginning, its status, and how long it took, in microseconds."""
    lines = [tuple(int(field) for field in line.split("\t")[:3]) for line in log.splitlines()]
    wrong = [status for _, status, _ in lines if status != 200]
    counts = status_counts(said)
    if not lines or wrong or any(counts.get(hundred) for hundred in (3, 4, 5)):
        raise WrongAnswers(f"want 200 for each of {len(lines)} requests; others: {wrong[:5]}, {counts}")
    first = min(begun for begun, _, _ in lines)
    last = max(begun + took for begun, _, took in lines)
    return Load(len(lines), (last - first) / 1e6, sorted(took for _, _, took in lines))
