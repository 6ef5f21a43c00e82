"""What became of requests, and whether that is as it must be."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


class Ending(StrEnum):
    """How one request ended."""

    RIGHT = "right"
    """What was asked for, or the refusal that is due."""
    UNSERVED = "unserved"
    """A status of 500 and above, or none at all, for what a registry that is well has."""
    CUT = "cut"
    """The body ended before its end."""
    NOT_PUSHED = "not pushed"
    """A push that was not taken; while its owner is in trouble that is right."""
    WRONG = "wrong bytes"
    UNAUTHORISED = "unauthorised"
    """An answer that this client must not have."""
    FALSE = "false answer"
    """404, 401 or whatever else for what is there and may be read."""


def clock() -> str:
    """The time of day, by which a complaint finds the fault that it belongs to."""
    return f"{datetime.now(UTC):%H:%M:%S}"


# What must never happen.
FORBIDDEN = (Ending.WRONG, Ending.UNAUTHORISED, Ending.FALSE)


@dataclass
class Tally:
    """The endings of all requests, and what was said of those that were not right."""

    counts: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    MOST_COMPLAINTS = 200

    def note(self, ending: Ending, complaint: str = "") -> None:
        """One request has ended."""
        self.counts[ending] += 1
        if complaint and len(self.complaints) < self.MOST_COMPLAINTS:
            self.complaints.append(f"{clock()} {ending}: {complaint}")

    def add(self, other: "Tally") -> None:
        """Those of another as well."""
        self.counts.update(other.counts)
        self.complaints.extend(other.complaints)

    @property
    def all(self) -> int:
        """How many requests there were."""
        return sum(self.counts.values())


def of_read(status: int | None, is_right: bool, may_read: bool) -> Ending:
    """The ending of a request for content. `None` is no answer; `is_right` says that the body has the digest."""
    if not may_read:
        return Ending.UNAUTHORISED if status is not None and status < 400 else Ending.RIGHT
    if status is None or status >= 500:
        return Ending.UNSERVED
    if status != 200:
        return Ending.FALSE
    return Ending.RIGHT if is_right else Ending.WRONG


def problems(
    tally: Tally, strays: list[str], growth: dict[str, float], reloads_failed: int, left: int = 0
) -> list[str]:
    """All that must not be: wrong answers, writes at another registry than the owner, what grows, and what is left."""
    found = [f"{tally.counts[ending]} x {ending}" for ending in FORBIDDEN if tally.counts[ending]]
    if strays:
        found.append(f"{len(strays)} writes elsewhere, the first: {strays[0]}")
    found += [f"{name} grew to {ratio:.2f} times" for name, ratio in growth.items() if ratio > MOST_GROWTH.get(name, MOST)]
    if reloads_failed:
        found.append(f"{reloads_failed} changes of the policy failed")
    if left:
        found.append(f"{left} connections or requests of clients that have gone")
    if not tally.counts[Ending.RIGHT]:
        found.append("nothing was served")
    return found


# From the second quarter of the run to the last one. What is resident steps up with the busiest moment.
MOST = 1.15
MOST_GROWTH = {"memory resident": 1.5}
