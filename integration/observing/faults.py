"""What can be wrong with a registry: twelve faults, and whom each of them hits."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.faults import answers, down, hang, slow
from harness.scripted import Answer, Scripted, Seen

LATE_SECONDS = 2.5


@dataclass(frozen=True)
class Fault:
    """A fault of one backend, the nearest one for clients of these regions."""

    name: str
    inject: Callable[[Scripted], None]
    backend: str = "east"
    regions: frozenset[str] = frozenset({"cn"})


def _instead(fault: Callable[[Seen], Answer | None]) -> Callable[[Scripted], None]:
    """Something else than the truth, or the truth late; health checks pass."""

    def inject(registry: Scripted) -> None:
        truth = registry.script

        def script(seen: Seen) -> Answer:
            return fault(seen) or truth(seen)

        registry.script = script

    return inject


def _fails_its_checks(registry: Scripted) -> None:
    registry.health = 503


def _nonsense(_seen: Seen) -> Answer:
    """An answer that is no HTTP."""
    return Answer(200, [("Content-Length", "many")])


FAULTS = [
    Fault("checks", _fails_its_checks),
    Fault("500", _instead(answers(500))),
    Fault("502", _instead(answers(502))),
    Fault("503", _instead(answers(503))),
    Fault("401", _instead(answers(401))),
    Fault("403", _instead(answers(403))),
    Fault("429", _instead(answers(429))),
    Fault("late", _instead(slow(LATE_SECONDS))),
    Fault("hangs", _instead(hang)),
    Fault("resets", _instead(down)),
    Fault("nonsense", _instead(_nonsense)),
    Fault("the other one", _instead(answers(503)), "west", frozenset({"default"})),
]
