"""Two words for what takes time: `eventually` something is so, and for a while it `stays` so.

`within` is for a machine that is slow. It ends a test in which nothing happens, and it proves nothing about how soon
something happened: who wants to prove that compares two things in one run, or asks Envoy's log how long a request took.
"""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Long enough for a machine that does a lot besides.
SECONDS = 60.0
PAUSE_SECONDS = 0.02


def eventually(check: Callable[[], T], within: float = SECONDS, what: str = "") -> T:
    """What `check` says, as soon as that is true (a count above nought, a text, a list with something in it).

    An assertion that fails in `check` says "not yet"; if nothing better comes, it is what the test fails with.
    """
    deadline = time.monotonic() + within
    while True:
        last: AssertionError | None = None
        try:
            if found := check():
                return found
        except AssertionError as failed:
            last = failed
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what or last or check}") from last
        time.sleep(PAUSE_SECONDS)


def stays(check: Callable[[], object], for_: float, what: str = "") -> int:
    """Asks again and again for so many seconds; fails as soon as it is no longer so. How often it was asked."""
    started = time.monotonic()
    asked = 0
    while asked == 0 or time.monotonic() < started + for_:
        asked += 1
        assert check(), f"no longer so after {time.monotonic() - started:.1f} s: {what or check}"
        time.sleep(PAUSE_SECONDS)
    return asked
