"""What Envoy's access log says of the reads of a scenario."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from failover_report.contents import ASIDE

# Response flags of an answer that did not reach its end: see "RESPONSE_FLAGS" in Envoy's manual.
BROKEN = {"UC", "UPE", "UF", "UH", "UO", "UR", "UT", "URX", "NR", "NC", "SI", "LR"}


@dataclass(frozen=True)
class Read:
    """One read, as Envoy saw it."""

    began: float
    """Seconds since the epoch."""
    backend: str
    """Who answered; "" where Envoy answered itself."""
    attempts: int
    status: int
    is_whole: bool
    answered_after: float
    """Seconds until the head of the answer."""

    @property
    def is_good(self) -> bool:
        """Whether the client got what it wanted."""
        return self.status < 400 and self.is_whole


def reads(entries: list[dict[str, Any]]) -> list[Read]:
    """The reads among the entries that go along the list: not those that only the owner may answer."""
    return [_read(entry) for entry in entries if _follows_the_list(entry)]


def _follows_the_list(entry: dict[str, Any]) -> bool:
    path = entry["path"] or ""
    if not path.startswith("/v2/team/") or path.startswith(f"/v2/{ASIDE}") or "/uploads/" in path:
        return False
    return entry["method"] == "GET" or (entry["method"] == "HEAD" and "/sha256:" not in path)


def _read(entry: dict[str, Any]) -> Read:
    flags = set((entry["flags"] or "-").split(","))
    milliseconds = entry["first_byte_ms"] if entry["first_byte_ms"] is not None else entry["duration_ms"]
    return Read(
        began=datetime.fromisoformat(entry["time"]).timestamp(),
        backend=entry["backend"] or "",
        attempts=entry["attempts"] or 0,
        status=entry["status"],
        is_whole=not flags & BROKEN,
        answered_after=(milliseconds or 0) / 1000,
    )
