"""One trouble, as the clients of one peer see it."""

import asyncio
import time
from dataclasses import dataclass

from compare.peers import Peer
from compare.pulls import Pulls
from compare.stage import NEAR, Stage, World, staged
from compare.troubles import Trouble
from failover_report.fault import NONE
from failover_report.load.sample import Outcome, Sample

# Longer than a request takes while nothing is wrong, on a machine that is busy.
SLOW_SECONDS = 0.9
# Every peer's health check has run a few times by then.
SETTLE_SECONDS = 3.0
# How long the load runs on when the near registry answers again.
STEADY_SECONDS = 1.5


@dataclass(frozen=True)
class Phases:
    """How long each part lasts, in seconds."""

    before: float = 3.0
    trouble: float = 6.0
    after_at_least: float = 1.0
    after_at_most: float = 9.5


@dataclass(frozen=True)
class Seen:
    """Everything that was seen."""

    pulls: list[Sample]
    requests: list[Sample]
    began: float
    """When the trouble did, in seconds since the epoch."""
    ended: float
    met: int
    """Requests that the trouble has met at the near registry, health checks included where it is about them."""


@dataclass(frozen=True)
class Figures:
    """What became of it."""

    pulls: int
    failed_pulls: int
    wrong: int
    """Contents that were taken for something else."""
    missing: int
    """Requests that were told 404, of what is there."""
    slowest: float
    """Seconds that the slowest request took."""
    slow: int
    """Requests begun in the trouble that took longer than `SLOW_SECONDS`."""
    during: int
    """Requests begun in the trouble."""
    switch_seconds: float | None
    """From the beginning of the trouble until a client had a good answer that was not the near registry's."""
    return_seconds: float | None
    """From the end of the trouble to the request from which on the near registry answered all."""
    met: int


async def play(world: World, trouble: Trouble, is_warm: bool, phases: Phases, peer: Peer) -> Figures:
    """Plays it with a fresh peer. Where it is not warm, no client has asked it anything before."""
    async with staged(peer, world) as stage:
        pulls = Pulls(stage.front.port, world.both)
        if is_warm:
            pulls.start()
        await asyncio.sleep(phases.before if is_warm else SETTLE_SECONDS)
        began = time.time()
        await _begin(stage, trouble)
        if not is_warm:
            pulls.start()
        await asyncio.sleep(phases.trouble)
        met = await _end(stage, trouble)
        ended = time.time()
        if trouble.is_left and not peer.is_cache:
            await _until_steady(pulls, ended, phases)
        await pulls.stop(60.0)
    return figures(Seen(pulls.pulls, pulls.requests, began, ended, met))


async def _begin(stage: Stage, trouble: Trouble) -> None:
    if trouble.is_killed:
        stage.proxy.kill()
    else:
        await stage.proxy.fail(trouble.fault)


async def _end(stage: Stage, trouble: Trouble) -> int:
    if trouble.is_killed:
        await stage.proxy.start_again()
        return 0
    met = await stage.proxy.met()
    await stage.proxy.fail(NONE)
    return met


async def _until_steady(pulls: Pulls, ended: float, phases: Phases) -> None:
    """Until the near registry has answered everything for a while, or it takes too long."""
    while time.time() < ended + phases.after_at_most:
        await asyncio.sleep(0.2)
        since = max(time.time() - STEADY_SECONDS, ended)
        recent = [sample for sample in pulls.requests if sample.began >= since]
        if time.time() > ended + phases.after_at_least + STEADY_SECONDS and recent and all(map(_is_near, recent)):
            return


def figures(seen: Seen) -> Figures:
    """Counts."""
    during = [sample for sample in seen.requests if seen.began <= sample.began < seen.ended]
    return Figures(
        pulls=len(seen.pulls),
        failed_pulls=sum(sample.outcome != Outcome.DONE for sample in seen.pulls),
        wrong=sum(sample.outcome == Outcome.WRONG for sample in seen.requests),
        missing=sum(sample.status == 404 for sample in seen.requests),
        slowest=max((sample.seconds for sample in seen.requests), default=0.0),
        slow=sum(sample.seconds > SLOW_SECONDS for sample in during),
        during=len(during),
        switch_seconds=_switch(during, seen.began),
        return_seconds=_back(seen.requests, seen.ended),
        met=seen.met,
    )


def _switch(during: list[Sample], began: float) -> float | None:
    ends = [sample.began + sample.seconds for sample in during if _is_good(sample) and sample.served_by != NEAR]
    return min(ends) - began if ends else None


def _back(samples: list[Sample], ended: float) -> float | None:
    """`None` if the last request was not the near registry's; what the trouble has held up does not count."""
    after = sorted((sample for sample in samples if sample.began >= ended), key=lambda sample: sample.began)
    elsewhere = [number for number, sample in enumerate(after) if not _is_near(sample)]
    at_home = after[elsewhere[-1] + 1 :] if elsewhere else after
    return at_home[0].began - ended if at_home else None


def _is_good(sample: Sample) -> bool:
    return sample.outcome == Outcome.DONE


def _is_near(sample: Sample) -> bool:
    return _is_good(sample) and sample.served_by == NEAR


