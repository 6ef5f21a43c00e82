"""What goes wrong, one thing at a time.

Each scenario says when its trouble begins and when it is over; the load runs before, meanwhile and after.
"""

import asyncio

from failover_report.fault import CONTENT, DATA, EVERYTHING, NONE, PING, REFUSE, Fault, Kind
from failover_report.load import asides
from failover_report.load.images import ImagePushes, interrupted_upload
from failover_report.scenario import Hedged, Scenario, Trouble
from failover_report.stage import DELIVERY, PRIMARY, SECONDARY, Link, Stage

BOTH = (PRIMARY, SECONDARY)
# How much of a layer of 5 MB arrives before it is cut.
CUT_BYTES = 1024 * 1024
# Where each worker of Envoy lets a read find out now and then how a registry is: it takes a second attempt.
TRIED_SHARE = 0.99
# Longer than the longest interval of a health check.
REST_SECONDS = 30.0


def faulty(fault: Fault, *backends: str, then: Fault = NONE) -> Trouble:
    """Proxies fail in one way for the whole time. A delay of no time ends one, and no connection."""

    async def trouble(stage: Stage, seconds: float) -> None:
        stage.begin()
        await stage.fail(fault, *backends)
        await asyncio.sleep(seconds)
        await stage.fail(then, *backends)
        stage.end()

    return trouble


async def hanging_and_missing(stage: Stage, seconds: float) -> None:
    """The primary hangs on data, and the secondary has nothing."""
    stage.begin()
    missing = Fault(Kind.ANSWER, status=404, paths=DATA)
    await asyncio.gather(stage.fail(Fault(Kind.HANG, paths=DATA)), stage.fail(missing, SECONDARY))
    await asyncio.sleep(seconds)
    await stage.fail(NONE, *BOTH)
    stage.end()


def first(fault: Fault, seconds_of_it: float) -> Trouble:
    """The proxy fails in one way, as a process does when it is killed, and then refuses."""

    async def trouble(stage: Stage, seconds: float) -> None:
        stage.begin()
        await stage.fail(fault)
        await asyncio.sleep(seconds_of_it)
        await stage.fail(REFUSE)
        await asyncio.sleep(seconds - seconds_of_it)
        await stage.fail(NONE)
        stage.end()

    return trouble


async def untroubled(stage: Stage, seconds: float) -> None:
    """Nothing goes wrong."""
    stage.begin()
    await asyncio.sleep(seconds)
    stage.end()


async def killed(stage: Stage, seconds: float) -> None:
    """The process is killed, whatever it is doing."""
    stage.begin()
    stage.world.primary.kill()
    await asyncio.sleep(seconds)
    await stage.world.primary.start()
    stage.end()


async def killed_between_requests(stage: Stage, seconds: float) -> None:
    """The process is killed while nothing is transferred."""
    await stage.pulls.quiet()
    await stage.requests.quiet()
    stage.begin()
    stage.world.primary.kill()
    stage.pulls.go_on()
    stage.requests.go_on()
    await asyncio.sleep(seconds)
    await stage.world.primary.start()
    stage.end()


def frozen(*backends: str) -> Trouble:
    """Processes are stopped, and go on later."""

    async def trouble(stage: Stage, seconds: float) -> None:
        stage.begin()
        for name in backends:
            stage.registries[name].freeze()
        await asyncio.sleep(seconds)
        for name in backends:
            stage.registries[name].thaw()
        stage.end()

    return trouble


async def forgotten(stage: Stage, seconds: float) -> None:
    """The name server no longer knows the primary's name."""
    stage.begin()
    stage.names.knows = False
    await asyncio.sleep(seconds)
    stage.names.knows = True
    stage.end()


async def flapping(stage: Stage, seconds: float) -> None:
    """Up and down, a second each."""
    stage.begin()
    for _ in range(max(2, round(seconds / 2))):
        await stage.fail(REFUSE)
        await asyncio.sleep(1)
        await stage.fail(NONE)
        await asyncio.sleep(1)
    stage.end()


async def killed_during_pushes(stage: Stage, seconds: float) -> None:
    """The owner is killed while images are pushed to it, and in the middle of a blob."""
    images = ImagePushes(f"127.0.0.1:{stage.front.port}", stage.world.layout)
    images.start()
    await asyncio.sleep(2)

    async def interrupt() -> None:
        stage.begin()
        stage.world.primary.kill()

    stage.pushes.samples.append(await interrupted_upload(stage.front.port, interrupt))
    await asyncio.sleep(seconds)
    await stage.world.primary.start()
    stage.end()
    # Long enough for Envoy to know it again, and for pushes that then must succeed.
    await asyncio.sleep(6)
    await images.stop(30.0)
    stage.image_pushes = images.samples


async def replaced(stage: Stage, _seconds: float) -> None:
    """Another Envoy beside the old one at the same port; the old one drains and ends."""
    stage.begin()
    await stage.front.replace()
    stage.end()


async def restarted_hot(stage: Stage, _seconds: float) -> None:
    """Envoy's own hot restart: the new process takes over the listening sockets."""
    stage.begin()
    await stage.front.restart_hot()
    stage.end()


async def asked_for_nonsense(stage: Stage, seconds: float) -> None:
    """Bursts of requests that the primary answers with errors; the secondary has nothing at all."""
    await stage.fail(Fault(Kind.ANSWER, status=404, paths=DATA), SECONDARY)
    await stage.fail(Fault(Kind.ANSWER, status=500, paths=f"/v2/{asides.CORRUPT}/.*"))
    stage.begin()
    bursts = asides.targets(stage.world.aside)
    for what, target in bursts:
        stage.asides += await asides.burst(stage.front.port, what, target)
        await asyncio.sleep(seconds / len(bursts))
    stage.end()


async def undelivered(stage: Stage, seconds: float) -> None:
    """The delivery network's connections end without an answer, then it refuses to talk, and then to serve."""
    stage.begin()
    for fault in (Fault(Kind.DROP), REFUSE, Fault(Kind.ANSWER, status=403)):
        await stage.fail(fault, DELIVERY)
        await asyncio.sleep(seconds / 3)
    await stage.fail(NONE, DELIVERY)
    stage.end()


async def killed_at_rest(stage: Stage, seconds: float) -> None:
    """Nobody has asked for anything when the process is killed; then everybody does, and it comes back."""
    await asyncio.sleep(REST_SECONDS)
    stage.begin()
    stage.world.primary.kill()
    stage.start_load()
    await asyncio.sleep(seconds)
    await stage.world.primary.start()
    stage.end()


def answering(status: int, paths: str = EVERYTHING, **headers: str) -> Trouble:
    """The proxy answers with a status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return faulty(Fault(Kind.ANSWER, paths=paths, status=status, headers=named))


ALL = (
    Scenario(
        "killed-between",
        "killed between requests (kill -9)",
        killed_between_requests,
        primary=Link.DIRECT,
        is_noticed=True,
    ),
    Scenario("killed-before-headers", "killed before headers", first(Fault(Kind.DROP), 1.0), is_noticed=True),
    Scenario(
        "killed-inside-bodies",
        "killed inside bodies",
        first(Fault(Kind.CUT, after_bytes=CUT_BYTES), 3.0),
        seconds=8.0,
        resumed_only=True,
        is_noticed=True,
    ),
    Scenario(
        "killed",
        "killed at any moment (kill -9)",
        killed,
        primary=Link.DIRECT,
        resumed_only=True,
        is_noticed=True,
    ),
    Scenario("refused", "connections refused", faulty(REFUSE), is_noticed=True),
    Scenario(
        "hangs",
        "`hedge_after: off`: hangs on everything (SIGSTOP)",
        frozen(PRIMARY),
        13.0,
        Link.DIRECT,
        is_noticed=True,
        is_hedged=False,
    ),
    Scenario(
        "hangs-on-data",
        "`hedge_after: off`: hangs on data, health checks pass",
        faulty(Fault(Kind.HANG, paths=DATA)),
        13.0,
        is_noticed=True,
        is_hedged=False,
    ),
    Scenario("status-500", "answers 500", answering(500), is_noticed=True),
    Scenario("status-503", "answers 503", answering(503), is_noticed=True),
    Scenario("data-503", "answers 503 to data, health checks pass", answering(503, DATA), 13.0),
    Scenario("status-429", "429 without Retry-After", answering(429, DATA)),
    Scenario(
        "status-429-retry-after",
        "429 with Retry-After: 5",
        answering(429, DATA, Retry_After="5"),
        is_limited=True,
    ),
    Scenario(
        "certificate",
        "TLS certificate nobody trusts",
        faulty(Fault(Kind.CERTIFICATE)),
        primary=Link.TLS,
        is_noticed=True,
    ),
    Scenario(
        "ping-429",
        "429 to pings and health checks, data is well",
        answering(429, PING),
        # Longer than the longest interval of a health check.
        20.0,
        primary_is_well=True,
    ),
    Scenario(
        "nonsense",
        "bursts for a corrupt image, odd digests and what is not there; only the primary has the rest",
        asked_for_nonsense,
        12.0,
        secondary=Link.PROXIED,
        primary_is_well=True,
    ),
    Scenario(
        "delivery",
        "followed redirects: the delivery network dies, then answers 403",
        undelivered,
        9.0,
        primary=Link.DELIVERED,
    ),
    Scenario(
        "delivery-hangs",
        "followed redirects: the delivery network hangs",
        faulty(Fault(Kind.HANG), DELIVERY),
        18.0,
        primary=Link.DELIVERED,
    ),
    Scenario(
        "at-rest",
        "no request for 30 s, then killed for 10 s (kill -9)",
        killed_at_rest,
        10.0,
        primary=Link.DIRECT,
        begins_at_rest=True,
    ),
    Scenario("hedged-well", "hedged reads: both are well", untroubled, 8.0, hedged=Hedged(extra_share=0.02)),
    Scenario(
        "hedged-hangs",
        "hedged reads: hangs on everything (SIGSTOP)",
        frozen(PRIMARY),
        13.0,
        Link.DIRECT,
        is_noticed=True,
        one_attempt_share=TRIED_SHARE,
        hedged=Hedged(manifest_seconds=1.0, blob_seconds=2.0),
    ),
    Scenario(
        "hedged-hangs-on-data",
        "hedged reads: hangs on data, health checks pass",
        faulty(Fault(Kind.HANG, paths=DATA)),
        13.0,
        is_noticed=True,
        one_attempt_share=TRIED_SHARE,
        hedged=Hedged(manifest_seconds=1.0, blob_seconds=2.0),
    ),
    Scenario(
        "hedged-slow-tenth",
        "hedged reads: one answer in ten takes 2 s",
        faulty(Fault(Kind.DELAY, paths=CONTENT, seconds=2.0, share=0.1), then=Fault(Kind.DELAY)),
        20.0,
        hedged=Hedged(p99_seconds=0.5, extra_share=0.12),
    ),
    Scenario(
        "hedged-both-slow",
        "hedged reads: both take 1 s",
        faulty(Fault(Kind.DELAY, paths=CONTENT, seconds=1.0), *BOTH, then=Fault(Kind.DELAY)),
        20.0,
        secondary=Link.PROXIED,
        hedged=Hedged(extra_share=0.12),
    ),
    Scenario(
        "hedged-drops-packets",
        "hedged reads: packets are dropped",
        faulty(Fault(Kind.DROP_PACKETS)),
        13.0,
        is_noticed=True,
        one_attempt_share=TRIED_SHARE,
        hedged=Hedged(manifest_seconds=1.5, blob_seconds=1.5),
    ),
    Scenario(
        "hedged-missing",
        "hedged reads: the primary hangs on data, the secondary lacks everything",
        hanging_and_missing,
        secondary=Link.PROXIED,
        loses_no_pull=False,
        everything_is_down=True,
        hedged=Hedged(),
    ),
    Scenario("name-gone", "DNS name gone, server there", forgotten, 8.0, Link.NAMED),
    Scenario("slow", "150 ms a round trip", faulty(Fault(Kind.DELAY, seconds=0.15))),
    Scenario("flapping", "up and down, 1 s each", flapping, 8.0),
    Scenario(
        "both-refuse",
        "both down: refused",
        faulty(REFUSE, *BOTH),
        secondary=Link.PROXIED,
        loses_no_pull=False,
        everything_is_down=True,
    ),
    Scenario(
        "both-hang",
        "both down: hanging",
        frozen(*BOTH),
        10.0,
        Link.DIRECT,
        loses_no_pull=False,
        everything_is_down=True,
    ),
    Scenario(
        "owner-down",
        "the owner killed during pushes",
        killed_during_pushes,
        5.0,
        Link.DIRECT,
        resumed_only=True,
        pushes_are_watched=True,
    ),
    Scenario("replace", "Envoy replaced: a second one, then drain", replaced, primary=Link.DIRECT),
    Scenario("hot-restart", "Envoy's hot restart", restarted_hot, primary=Link.DIRECT, can_restart_hot=True),
)
