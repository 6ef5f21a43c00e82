"""What a scenario of the report is: its trouble, and what is expected meanwhile."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from failover_report.stage import Link, Stage

Trouble = Callable[[Stage, float], Awaitable[None]]


@dataclass(frozen=True)
class Hedged:
    """What hedged reads are to achieve while the trouble lasts, as far as they are to."""

    manifest_seconds: float | None = None
    blob_seconds: float | None = None
    """The slowest manifest, and the slowest blob."""
    p99_seconds: float | None = None
    """Of all single requests."""
    extra_share: float | None = None
    """Requests to registries beyond one for each read."""


@dataclass(frozen=True)
class Scenario:
    """One way to fail."""

    name: str
    title: str
    trouble: Trouble
    seconds: float = 6.0
    primary: Link = Link.PROXIED
    secondary: Link = Link.DIRECT
    loses_no_pull: bool = True
    resumed_only: bool = False
    """Only clients that resume must lose no pull."""
    is_noticed: bool = False
    """Envoy must find out, and ask the secondary first."""
    one_attempt_share: float = 0.999
    """Of the reads after that."""
    everything_is_down: bool = False
    pushes_are_watched: bool = False
    """Pushes must be answered in time, and succeed again afterwards."""
    can_restart_hot: bool = False
    primary_is_well: bool = False
    """Whatever happens, there is no reason to leave the primary, or to refuse a push."""
    begins_at_rest: bool = False
    """There is no load until the trouble begins; the primary must soon be used again all the same."""
    is_limited: bool = False
    """The primary says for how long it wants to be left alone; it must not be asked by every read."""
    hedged: Hedged | None = None
    """What is asked of hedged reads, which every policy has unless it says otherwise."""
    is_hedged: bool = True
    """No: the policy says otherwise, `hedge_after: off`."""
