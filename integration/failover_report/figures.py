"""The figures of one scenario, from what its clients and Envoy's access log say."""

from dataclasses import dataclass, field

from failover_report.access_log import Read, reads
from failover_report.load.sample import Outcome, Sample
from failover_report.registry import writes
from failover_report.stage import PRIMARY, SECONDARY, Marks, Stage

EXAMPLES = 6


@dataclass(frozen=True)
class Count:
    """How many there were, and what became of them."""

    all: int = 0
    failed: int = 0
    wrong: int = 0
    slowest: float = 0.0

    @staticmethod
    def of(samples: list[Sample]) -> "Count":
        """Counts samples."""
        return Count(
            all=len(samples),
            failed=sum(sample.outcome == Outcome.FAILED for sample in samples),
            wrong=sum(sample.outcome == Outcome.WRONG for sample in samples),
            slowest=max((sample.seconds for sample in samples), default=0.0),
        )


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    pulls: dict[str, Count]
    """Of each client."""
    requests: Count
    pushes: Count
    image_pushes: Count
    pulls_left_out: int
    trouble_seconds: float
    switch_seconds: float | None
    """From the beginning of the trouble to the first read that went to the secondary at once."""
    return_seconds: float | None
    """From the end of the trouble to the read from which on the primary answered all at once."""
    reads_after_switch: int
    """While the trouble lasts."""
    one_attempt_share: float | None
    """Of those."""
    repeated_reads: int
    """Reads that took more than one attempt, in the whole scenario."""
    answered: dict[str, int]
    """Reads by who answered them."""
    writes_elsewhere: list[str]
    """Writes that came to the registry that is not the owner."""
    crashes: list[str]
    asides: dict[str, dict[str, int]] = field(default_factory=dict)
    """Of what is no part of the load: how often each status was answered to what; 0 for none."""
    complaints: list[str] = field(default_factory=list)
    """Some of what failed, in words."""

    @property
    def all_pulls(self) -> Count:
        """The pulls of all clients."""
        counts = self.pulls.values()
        return Count(
            all=sum(count.all for count in counts),
            failed=sum(count.failed for count in counts),
            wrong=sum(count.wrong for count in counts),
            slowest=max((count.slowest for count in counts), default=0.0),
        )

    @property
    def wrong_digests(self) -> int:
        """Everything that was taken for something else."""
        return self.all_pulls.wrong + self.requests.wrong


@dataclass(frozen=True)
class Record:
    """Everything that was seen of one scenario."""

    marks: Marks
    reads: list[Read]
    requests: list[Sample]
    pulls: list[Sample]
    pushes: list[Sample]
    image_pushes: list[Sample]
    pulls_left_out: int
    writes_elsewhere: list[str]
    crashes: list[str]
    asides: list[Sample] = field(default_factory=list)


async def record(stage: Stage) -> Record:
    """Collects it, when the load has ended."""
    return Record(
        marks=stage.marks,
        reads=reads(await stage.front.entries()),
        requests=stage.requests.samples,
        pulls=stage.pulls.samples,
        pushes=stage.pushes.samples,
        image_pushes=stage.image_pushes,
        pulls_left_out=stage.pulls.left_out,
        writes_elsewhere=writes(stage.world.secondary.requests()),
        crashes=stage.front.signs_of_a_crash(),
        asides=stage.asides,
    )


def measure(seen: Record) -> Figures:
    """Makes figures of it."""
    marks = seen.marks
    during = [read for read in seen.reads if marks.began <= read.began < marks.ended]
    switch = _first(during, marks.began, SECONDARY)
    meanwhile = [read for read in during if read.began >= marks.began + (switch or 0.0)]
    at_once = sum(read.attempts == 1 for read in meanwhile)
    return Figures(
        pulls={
            name: Count.of(_of(seen.pulls, name))
            for name in dict.fromkeys(each.client for each in seen.pulls)
        },
        requests=Count.of(seen.requests),
        pushes=Count.of(seen.pushes),
        image_pushes=Count.of(seen.image_pushes),
        pulls_left_out=seen.pulls_left_out,
        trouble_seconds=marks.ended - marks.began,
        switch_seconds=switch,
        return_seconds=_back(seen.reads, marks.ended),
        reads_after_switch=len(meanwhile),
        one_attempt_share=at_once / len(meanwhile) if meanwhile else None,
        repeated_reads=sum(read.attempts > 1 for read in seen.reads),
        answered=_answered(seen.reads),
        writes_elsewhere=seen.writes_elsewhere,
        crashes=seen.crashes,
        asides=_asides(seen.asides),
        complaints=_complaints([*seen.pulls, *seen.image_pushes, *seen.requests, *seen.pushes], marks),
    )


def _first(found: list[Read], since: float, backend: str) -> float | None:
    """Seconds until the first read that a backend answered well at the first attempt."""
    return next((read.began - since for read in found if _is_at_once(read, backend)), None)


def _back(found: list[Read], since: float) -> float | None:
    """Seconds until the primary answers everything well at the first attempt; `None` if it never does."""
    after = [read for read in found if read.began >= since]
    elsewhere = [number for number, read in enumerate(after) if not _is_at_once(read, PRIMARY)]
    at_home = after[elsewhere[-1] + 1 :] if elsewhere else after
    return at_home[0].began - since if at_home else None


def _is_at_once(read: Read, backend: str) -> bool:
    return read.backend == backend and read.attempts == 1 and read.is_good


def _of(samples: list[Sample], client: str) -> list[Sample]:
    return [sample for sample in samples if sample.client == client]


def _answered(found: list[Read]) -> dict[str, int]:
    counts = {PRIMARY: 0, SECONDARY: 0, "nobody": 0}
    for read in found:
        counts[read.backend if read.is_good and read.backend else "nobody"] += 1
    return counts


def _asides(samples: list[Sample]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for sample in samples:
        statuses = counts.setdefault(sample.what, {})
        status = str(sample.status or 0)
        statuses[status] = statuses.get(status, 0) + 1
    return counts


def _complaints(samples: list[Sample], marks: Marks) -> list[str]:
    bad = [sample for sample in samples if sample.outcome != Outcome.DONE]
    kinds: dict[tuple[str, str, str], Sample] = {}
    for sample in bad:
        kinds.setdefault((sample.client, sample.what[:3], sample.complaint[:40]), sample)
    return [
        f"{sample.client} {sample.what}, {sample.began - marks.began:+.1f} s: {sample.outcome} "
        f"after {sample.seconds:.1f} s: {' '.join(sample.complaint.split())[-300:]}"
        for sample in list(kinds.values())[:EXAMPLES]
    ]
