"""Single requests for manifests and blobs, each checked against its digest."""

import asyncio
import json
import time

from failover_report import settings
from failover_report.contents import TAG, App
from failover_report.http_stream import Response, fetch
from failover_report.load.sample import Outcome, Sample
from failover_report.load.steady import Steady
from harness.digest import sha256
from harness.image import ACCEPT
from harness.registry import SERVED_BY

# What can go wrong on a connection.
BROKEN = (OSError, asyncio.IncompleteReadError, TimeoutError)


class Requests(Steady):
    """Asks for one part of an image after another."""

    def __init__(self, port: int, app: App) -> None:
        super().__init__(settings.REQUESTS_A_SECOND, self._ask)
        self.samples: list[Sample] = []
        self._port = port
        self._targets = targets(app)

    def last_served_by(self, seconds: float) -> set[str]:
        """Who served what was asked in the last so many seconds; "" for a failure."""
        since = time.time() - seconds
        return {sample.served_by for sample in reversed(self.samples[-500:]) if sample.began >= since}

    async def _ask(self, number: int) -> None:
        part = self._targets[number % len(self._targets)]
        self.samples.append(await ask(self._port, "single", part, settings.REQUEST_SECONDS))


async def ask(port: int, client: str, part: tuple[str, str, str], seconds: float) -> Sample:
    """Asks for one part, its kind, its target and the digest that it must have, and waits for so long at most."""
    what, target, digest = part
    began, clock = time.time(), time.monotonic()
    answer: Response | None = None
    try:
        asked = fetch(port, "GET", target, [("Accept", ACCEPT)])
        answer = await asyncio.wait_for(asked, seconds)
    except BROKEN as problem:
        outcome, complaint = Outcome.FAILED, f"{type(problem).__name__}: {problem}"
    else:
        outcome = _outcome(answer, digest)
        complaint = "" if outcome == Outcome.DONE else f"{answer.status} {answer.body[:120]!r}"
    return Sample(
        client=client,
        what=what,
        began=began,
        seconds=time.monotonic() - clock,
        outcome=outcome,
        complaint=complaint,
        status=answer.status if answer else None,
        code=error_code(answer) if answer else "",
        has_retry_after=bool(answer and "retry-after" in answer.headers),
        served_by=answer.headers.get(SERVED_BY, "") if answer else "",
    )


def targets(app: App) -> list[tuple[str, str, str]]:
    """What is asked for: its kind, its target and the digest that it must have."""
    base = f"/v2/{app.repository}"
    children = [str(child["digest"]) for child in app.content.children()]
    found = [("tag", f"{base}/manifests/{TAG}", app.content.digest)]
    found += [
        ("manifest", f"{base}/manifests/{digest}", digest) for digest in [app.content.digest, *children]
    ]
    found += [("blob", f"{base}/blobs/{digest}", digest) for digest in app.content.layers()]
    return found


def error_code(answer: Response) -> str:
    """The code of an OCI error; "" if the answer is none."""
    if answer.status < 400:
        return ""
    try:
        return str(json.loads(answer.body)["errors"][0]["code"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""


def _outcome(answer: Response, digest: str) -> Outcome:
    if answer.status != 200:
        return Outcome.FAILED
    return Outcome.DONE if sha256(answer.body) == digest else Outcome.WRONG
