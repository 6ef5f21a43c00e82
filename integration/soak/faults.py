"""What goes wrong, in which order: chosen by a seed, so that a run can be made again."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from failover_report.fault import BLOBS, DATA, REFUSE, Fault, Kind

NEAR, FAR = "near", "far"
CONTENT = r"/v2/.+/(blobs|manifests)/sha256:[0-9a-f]{64}"


class Blow(StrEnum):
    """What is done to the process of a registry, where no proxy can play it."""

    KILL = "killed"
    FREEZE = "stopped"


@dataclass(frozen=True)
class Trouble:
    """One thing that goes wrong at one registry. The other one is well meanwhile."""

    name: str
    fault: Fault | Blow
    cuts: bool = False
    """Whether bodies end in their middle, which no proxy can mend."""


TROUBLES = (
    Trouble("killed", Blow.KILL, cuts=True),
    Trouble("hangs", Blow.FREEZE, cuts=True),
    Trouble("refuses connections", REFUSE),
    Trouble("resets connections", Fault(Kind.DROP)),
    Trouble("cuts blobs", Fault(Kind.CUT, paths=BLOBS, after_bytes=20_000), cuts=True),
    Trouble("hangs on data", Fault(Kind.HANG, paths=DATA)),
    Trouble("answers 500", Fault(Kind.ANSWER, status=500)),
    Trouble("answers 502 to data", Fault(Kind.ANSWER, paths=DATA, status=502)),
    Trouble("answers 503", Fault(Kind.ANSWER, status=503)),
    # Of a tag the owner's 404 is the answer (docs/failover.md): whoever deletes a tag there means it.
    Trouble("answers 404 to what has a digest", Fault(Kind.ANSWER, paths=CONTENT, status=404)),
    Trouble("answers 403 to data", Fault(Kind.ANSWER, paths=DATA, status=403)),
    Trouble("answers 429 to data", Fault(Kind.ANSWER, paths=DATA, status=429, headers={"Retry-After": "2"})),
    Trouble("is slow", Fault(Kind.DELAY, seconds=0.3)),
)


@dataclass(frozen=True)
class Act:
    """A trouble, where it is, how long it lasts, and how long all is well then, in seconds."""

    trouble: Trouble
    registry: str
    seconds: float
    rest: float


def acts(seed: int, share: float = 1.0) -> Iterator[Act]:
    """Acts without end. Each trouble comes once at each registry before any comes again; `share` shortens all of them."""
    chance = random.Random(seed)
    while True:
        round_ = [(trouble, registry) for trouble in TROUBLES for registry in (NEAR, FAR)]
        chance.shuffle(round_)
        for trouble, registry in round_:
            # A registry that hung is asked again within eight seconds (docs/failover-report.md); the other one may fail then.
            yield Act(trouble, registry, share * chance.uniform(3.0, 8.0), 9.0 + share * chance.uniform(0.0, 3.0))
