"""How much load there is, and for how long."""

from dataclasses import dataclass

PULLS_A_SECOND = 2.0
REQUESTS_A_SECOND = 50.0
PUSHES_A_SECOND = 1.0

# What a client waits for at most. Longer than two backends that hang, so that it is Envoy that gives up.
REQUEST_SECONDS = 30.0
PULL_SECONDS = 90.0

# The policy's own defaults, which the rendered configuration of this report leaves as they are.
MANIFEST_ATTEMPT_SECONDS = 3.0
BLOB_ATTEMPT_SECONDS = 10.0
CONNECT_SECONDS = 1.0


@dataclass(frozen=True)
class Phases:
    """How long each part of a scenario lasts, in seconds."""

    before: float
    trouble_share: float
    """What is made of a scenario's own length of trouble."""
    after_at_least: float
    after_at_most: float
    steady: float
    """How long the primary must have answered everything before a scenario ends early."""


FULL = Phases(before=3.0, trouble_share=1.0, after_at_least=3.0, after_at_most=14.0, steady=2.0)
QUICK = Phases(before=1.5, trouble_share=0.6, after_at_least=1.0, after_at_most=12.0, steady=0.6)
