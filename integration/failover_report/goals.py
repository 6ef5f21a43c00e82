"""What failover is meant to achieve, and whether a scenario did."""

from collections.abc import Iterator
from dataclasses import dataclass

from failover_report import settings
from failover_report.figures import Figures, Record
from failover_report.load.sample import Outcome, Sample
from failover_report.scenario import Hedged, Scenario
from failover_report.stage import PRIMARY, SECONDARY

NOTICED_WITHIN = settings.MANIFEST_ATTEMPT_SECONDS + 2.0
ONE_ATTEMPT_SHARE = Scenario.one_attempt_share
BACK_WITHIN = 10.0
# Where nobody has asked for anything before, and the registry was away for a moment.
BACK_AFTER_REST_WITHIN = 3.0
RESUMING = ("docker", "ctr")
BACKENDS = 2
# Of the reads that go on from a registry that answers 429.
ASKED_SHARE = 0.04
# What a loaded machine may add to a timeout.
SLACK_SECONDS = 1.0


@dataclass(frozen=True)
class Verdict:
    """One goal in one scenario."""

    goal: str
    is_met: bool
    found: str


def judge(scenario: Scenario, figures: Figures, seen: Record) -> list[Verdict]:
    """All goals that a scenario has."""
    return [
        *_content(scenario, figures),
        *_times(scenario, figures),
        *_rest(scenario, figures),
        *_spared(scenario, figures),
        *_hedged(scenario, seen),
        *_stays(scenario, figures),
        *_outage(scenario, seen),
        *_pushes(scenario, seen),
        *_always(figures),
    ]


def _content(scenario: Scenario, figures: Figures) -> Iterator[Verdict]:
    if not scenario.loses_no_pull:
        return
    if scenario.resumed_only:
        resumed = {name: count.failed for name, count in figures.pulls.items() if name in RESUMING}
        found = ", ".join(f"{name} {failed}" for name, failed in resumed.items())
        yield Verdict("clients that resume lose no pull", not any(resumed.values()), found)
        return
    pulls, requests = figures.all_pulls, figures.requests
    yield Verdict("no pull fails", pulls.failed == 0, f"{pulls.failed} of {pulls.all}")
    yield Verdict("no single request fails", requests.failed == 0, f"{requests.failed} of {requests.all}")


def _times(scenario: Scenario, figures: Figures) -> Iterator[Verdict]:
    if not scenario.is_noticed:
        return
    switch = figures.switch_seconds
    yield Verdict(
        f"noticed within {NOTICED_WITHIN:.0f} s (attempt timeout + 2 s)",
        switch is not None and switch <= NOTICED_WITHIN,
        "never" if switch is None else f"{switch:.2f} s",
    )
    share = figures.one_attempt_share if switch is not None else None
    yield Verdict(
        f"then {scenario.one_attempt_share:.1%} of the reads take one attempt",
        share is not None and share >= scenario.one_attempt_share,
        "-" if share is None else f"{share:.2%} of {figures.reads_after_switch}",
    )
    yield _back(figures, BACK_WITHIN)


def _back(figures: Figures, seconds: float) -> Verdict:
    back = figures.return_seconds
    found = "never" if back is None else f"{back:.2f} s"
    return Verdict(f"back on the primary within {seconds:.0f} s", back is not None and back <= seconds, found)


def _rest(scenario: Scenario, figures: Figures) -> Iterator[Verdict]:
    """Who was at rest finds out as soon as who was busy."""
    if not scenario.begins_at_rest:
        return
    yield _back(figures, BACK_AFTER_REST_WITHIN)


def _spared(scenario: Scenario, figures: Figures) -> Iterator[Verdict]:
    """Who answers 429 is not asked by every read."""
    if not scenario.is_limited:
        return
    elsewhere, asked = figures.answered[SECONDARY], figures.repeated_reads
    yield Verdict(
        f"at most {ASKED_SHARE:.0%} of the reads ask the limited registry first",
        0 < elsewhere and asked <= ASKED_SHARE * elsewhere,
        f"{asked} of {elsewhere}",
    )


def _hedged(scenario: Scenario, seen: Record) -> Iterator[Verdict]:
    """Nobody waits for a registry that does not answer, at little cost."""
    wanted, marks = scenario.hedged, seen.marks
    if wanted is None:
        return
    requests = [sample for sample in seen.requests if marks.began <= sample.began < marks.ended]
    blobs = [sample.seconds for sample in requests if sample.what == "blob"]
    manifests = [sample.seconds for sample in requests if sample.what != "blob"]
    yield from _at_most("the slowest manifest", wanted.manifest_seconds, max(manifests, default=None))
    yield from _at_most("the slowest blob", wanted.blob_seconds, max(blobs, default=None))
    every = sorted(blobs + manifests)
    p99 = every[len(every) * 99 // 100] if every else None
    yield from _at_most("the 99th percentile of single requests", wanted.p99_seconds, p99)
    if wanted.extra_share is not None:
        reads = [read for read in seen.reads if marks.began <= read.began < marks.ended]
        extra = sum(read.attempts > 1 for read in reads)
        goal = f"at most {wanted.extra_share:.0%} extra requests"
        yield Verdict(goal, extra <= wanted.extra_share * len(reads), f"{extra} of {len(reads)}")


def _at_most(what: str, wanted: float | None, found: float | None) -> Iterator[Verdict]:
    if wanted is not None:
        is_met = found is not None and found <= wanted
        yield Verdict(f"{what} takes {wanted:.1f} s at most", is_met, "-" if found is None else f"{found:.2f} s")


def _stays(scenario: Scenario, figures: Figures) -> Iterator[Verdict]:
    """A registry that is well is not left, and pushes go on."""
    if not scenario.primary_is_well:
        return
    elsewhere = sum(count for name, count in figures.answered.items() if name != PRIMARY)
    reads = sum(figures.answered.values())
    yield Verdict("the primary answers every read", elsewhere == 0, f"{reads - elsewhere} of {reads}")
    pushes = figures.pushes
    yield Verdict("no push fails", pushes.failed == 0, f"{pushes.failed} of {pushes.all}")


def _outage(scenario: Scenario, seen: Record) -> Iterator[Verdict]:
    """An outage is told as one, and in time."""
    if not scenario.everything_is_down:
        return
    failed = [sample for sample in seen.requests if sample.outcome == Outcome.FAILED]
    told = [sample for sample in failed if _tells_an_outage(sample)]
    yield Verdict(
        "every failure is an OCI 503", bool(failed) and told == failed, f"{len(told)} of {len(failed)}"
    )
    late = [sample for sample in failed if sample.seconds > _bound(sample, scenario.hedged) + SLACK_SECONDS]
    slowest = max((sample.seconds for sample in failed), default=0.0)
    bound = "attempt timeout + connect timeout" if scenario.hedged else "backends x attempt timeout"
    yield Verdict(f"within {bound}", not late, f"{len(late)} late; slowest {slowest:.1f} s")


def _pushes(scenario: Scenario, seen: Record) -> Iterator[Verdict]:
    """A push to an owner that is down is told so, and works when it is back."""
    if not scenario.pushes_are_watched:
        return
    failed = [sample for sample in seen.pushes if sample.outcome == Outcome.FAILED]
    told = [sample for sample in failed if sample.status == 503 and sample.seconds < SLACK_SECONDS]
    yield Verdict("a push to a dead owner is a 503 at once", told == failed, f"{len(told)} of {len(failed)}")
    last = [samples[-1] for samples in (seen.pushes, seen.image_pushes) if samples]
    again = [sample.client for sample in last if sample.outcome == Outcome.DONE]
    yield Verdict("pushes work when it is back", len(again) == 2, ", ".join(again) or "none")


def _tells_an_outage(sample: Sample) -> bool:
    return sample.status == 503 and sample.code == "UNAVAILABLE" and sample.has_retry_after


def _bound(sample: Sample, hedged: Hedged | None) -> float:
    is_blob = sample.what == "blob"
    attempt = settings.BLOB_ATTEMPT_SECONDS if is_blob else settings.MANIFEST_ATTEMPT_SECONDS
    return attempt + settings.CONNECT_SECONDS if hedged else BACKENDS * attempt


def _always(figures: Figures) -> Iterator[Verdict]:
    elsewhere = len(figures.writes_elsewhere)
    yield Verdict("no wrong digest", figures.wrong_digests == 0, str(figures.wrong_digests))
    yield Verdict("no write but at the owner", elsewhere == 0, str(elsewhere))
    yield Verdict("nothing crashed", not figures.crashes, str(len(figures.crashes)))
