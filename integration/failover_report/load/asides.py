"""What scanners, broken builds and corrupt images ask of a registry: much at once, and none of it is there.

A registry answers some of it with errors of the kind by which one recognises a registry that is out of order.
"""

import asyncio
import time

from failover_report import settings
from failover_report.contents import ASIDE, App
from failover_report.http_stream import fetch
from failover_report.load.requests import BROKEN, error_code
from failover_report.load.sample import Outcome, Sample
from harness.image import ACCEPT

AT_ONCE = 30
CORRUPT = f"{ASIDE}-corrupt"
ABSENT = f"{ASIDE}-absent"


def targets(aside: App) -> list[tuple[str, str]]:
    """What is asked for, in words and as a path."""
    digest = aside.content.digest
    return [
        ("a corrupt image", f"/v2/{CORRUPT}/manifests/{digest}"),
        # A real docker-registry answers 500 to these two.
        ("a blob as a manifest", f"/v2/{ASIDE}/manifests/{aside.content.layers()[0]}"),
        ("an odd digest", f"/v2/{ASIDE}/manifests/sha384:abc"),
        ("what is not there", f"/v2/{ABSENT}/manifests/{digest}"),
    ]


async def burst(port: int, what: str, target: str) -> list[Sample]:
    """Many clients ask for the same at once; each has the answer that it must have if it is an error."""
    return list(await asyncio.gather(*(_ask(port, what, target) for _ in range(AT_ONCE))))


async def _ask(port: int, what: str, target: str) -> Sample:
    began, clock = time.time(), time.monotonic()
    status, code, complaint = None, "", ""
    try:
        asked = fetch(port, "GET", target, [("Accept", ACCEPT)])
        answer = await asyncio.wait_for(asked, settings.REQUEST_SECONDS)
        status, code = answer.status, error_code(answer)
    except BROKEN as problem:
        complaint = f"{type(problem).__name__}: {problem}"
    outcome = Outcome.DONE if status is not None and status >= 400 else Outcome.FAILED
    return Sample("aside", what, began, time.monotonic() - clock, outcome, complaint, status, code)
