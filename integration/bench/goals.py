"""What was measured, and what it must be."""

from dataclasses import dataclass

# A time on a busy machine says little until it is this much too long.
TIMING_TOLERANCE = 2.0


@dataclass(frozen=True)
class Goal:
    """The most that a value may be."""

    most: float
    # Whether the value is the same on a busy machine: then it fails the run as soon as it is missed.
    repeatable: bool


@dataclass(frozen=True)
class Measurement:
    """One measured value."""

    name: str
    value: float
    unit: str
    against: str = ""
    goal: Goal | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; nothing if there is none."""
        return None if self.goal is None else self.value <= self.goal.most

    @property
    def fails(self) -> bool:
        """Whether the run has failed with it."""
        if self.goal is None:
            return False
        tolerance = 1.0 if self.goal.repeatable else TIMING_TOLERANCE
        return self.value > self.goal.most * tolerance

    def as_json(self) -> dict[str, object]:
        """For a program to read."""
        goal = None if self.goal is None else self.goal.most
        return {
            **{"name": self.name, "value": self.value, "unit": self.unit},
            **{"against": self.against, "goal": goal, "met": self.met},
        }


ROUTED_MANIFEST = Goal(1.40, repeatable=True)
BLOB = Goal(1.02, repeatable=True)
TOKEN = Goal(0.20, repeatable=True)
METRICS_INSTRUCTIONS = Goal(40_000, repeatable=True)
LIMITS = Goal(1.10, repeatable=True)
REDIRECT = Goal(1.60, repeatable=True)
MANY_RULES = Goal(1.05, repeatable=True)
LOOKUP_NATIVE_NANOSECONDS = Goal(1000, repeatable=False)
LOOKUP_IN_FILTER_NANOSECONDS = Goal(3000, repeatable=False)
NETWORKS_LOAD_MILLISECONDS = Goal(300, repeatable=False)
