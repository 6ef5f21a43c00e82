"""What goes wrong at the near registry, one thing at a time."""

from dataclasses import dataclass

from failover_report.fault import BLOBS, DATA, NONE, Fault, Kind

# How much of a layer of 100 KiB arrives before it is cut.
CUT_BYTES = 50 * 1024
SLOW_SECONDS = 1.0
RETRY_AFTER = {"Retry-After": "30"}


@dataclass(frozen=True)
class Trouble:
    """One way to fail."""

    name: str
    title: str
    fault: Fault = NONE
    is_killed: bool = False
    """The process is killed with SIGKILL, and started again in the end."""
    is_left: bool = True
    """Whether there is reason to leave the near registry, so that the times to switch and to return mean something."""


KILLED = Trouble("killed", "killed", is_killed=True)
ALL = [
    KILLED,
    Trouble("hang", "hangs on everything", Fault(Kind.HANG)),
    Trouble("hang-data", "hangs on data, `/v2/` is well", Fault(Kind.HANG, DATA)),
    Trouble("503", "503 to everything", Fault(Kind.ANSWER, status=503)),
    Trouble("500-data", "500 to data, `/v2/` is well", Fault(Kind.ANSWER, DATA, status=500)),
    Trouble("429", "429 to data", Fault(Kind.ANSWER, DATA, status=429, headers=RETRY_AFTER)),
    Trouble("404", "404: lacks the image", Fault(Kind.ANSWER, DATA, status=404), is_left=False),
    Trouble("cut", "cuts blobs after 50 KiB", Fault(Kind.CUT, BLOBS, after_bytes=CUT_BYTES), is_left=False),
    Trouble("slow", "each answer takes 1 s more", Fault(Kind.DELAY, DATA, seconds=SLOW_SECONDS), is_left=False),
]
