"""Ways for a server of the tests to fail, switched on and off while it runs."""

import time
from collections.abc import Callable
from typing import NoReturn

from harness.scripted import Answer, Seen, Silence

# What to answer instead of the truth; None to tell the truth after all.
Fault = Callable[[Seen], Answer | None]


def down(_seen: Seen) -> Answer | None:
    """The connection ends without an answer, the open ones of a pool too."""
    raise ConnectionAbortedError


def hang(_seen: Seen) -> NoReturn:
    """No answer, until the server is closed. Also a script by itself."""
    raise Silence


def slow(seconds: float) -> Fault:
    """The truth, late."""

    def wait(_seen: Seen) -> Answer | None:
        time.sleep(seconds)
        return None

    return wait


def answers(status: int, content_type: str = "text/plain", body: bytes = b"out of order") -> Fault:
    """The same answer to everything."""
    answer = Answer(status, [("Content-Type", content_type)], body)
    return lambda _seen: answer


def junk(_seen: Seen) -> Answer | None:
    """A success that is none: the page of a captive portal."""
    return Answer(200, [("Content-Type", "text/html")], b"<html>{token: please log in</html>")
