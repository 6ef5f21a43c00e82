"""What became of one pull, request or push, as its client saw it."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    FAILED = "failed"
    WRONG = "wrong digest"


@dataclass(frozen=True)
class Sample:
    """One of them."""

    client: str
    what: str
    began: float
    """Seconds since the epoch."""
    seconds: float
    outcome: Outcome
    complaint: str = ""
    status: int | None = None
    """Of a single request that was answered."""
    code: str = ""
    """Of the OCI error in the answer."""
    has_retry_after: bool = False
    served_by: str = ""
    """The registry, where it could say so."""
