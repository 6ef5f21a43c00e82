"""Whole pulls by a client of this program, which repeats nothing: what a front does not mend is seen."""

import asyncio
import json
import time

from failover_report.contents import TAG, App
from failover_report.http_stream import Response, fetch
from failover_report.load.requests import BROKEN
from failover_report.load.sample import Outcome, Sample
from failover_report.load.steady import Steady
from harness.digest import sha256
from harness.image import ACCEPT
from harness.registry import SERVED_BY

PULLS_A_SECOND = 4.0
# Longer than two registries that hang, one after the other.
REQUEST_SECONDS = 25.0


class Pulls(Steady):
    """A pull is the tag, the manifest of one platform, its configuration and its layers, one after the other."""

    def __init__(self, port: int, app: App, a_second: float = PULLS_A_SECOND) -> None:
        super().__init__(a_second, self._pull)
        self.pulls: list[Sample] = []
        self.requests: list[Sample] = []
        self._port = port
        self._steps = steps(app)

    async def _pull(self, number: int) -> None:
        began, clock = time.time(), time.monotonic()
        outcome, complaint = Outcome.DONE, ""
        for what, target, digest in self._steps:
            sample = await self._ask(what, target, digest)
            self.requests.append(sample)
            if sample.outcome != Outcome.DONE:
                outcome, complaint = sample.outcome, f"{what}: {sample.complaint}"
                break
        seconds = time.monotonic() - clock
        self.pulls.append(Sample("pull", "image", began, seconds, outcome, complaint))

    async def _ask(self, what: str, target: str, digest: str) -> Sample:
        began, clock = time.time(), time.monotonic()
        answer: Response | None = None
        complaint = ""
        try:
            asked = fetch(self._port, "GET", target, [("Accept", ACCEPT)])
            answer = await asyncio.wait_for(asked, REQUEST_SECONDS)
        except BROKEN as problem:
            complaint = f"{type(problem).__name__}: {problem}"
        outcome = _outcome(answer, digest)
        return Sample(
            client="pull",
            what=what,
            began=began,
            seconds=time.monotonic() - clock,
            outcome=outcome,
            complaint=complaint or ("" if outcome == Outcome.DONE or not answer else str(answer.status)),
            status=answer.status if answer else None,
            served_by=answer.headers.get(SERVED_BY, "") if answer else "",
        )


def steps(app: App) -> list[tuple[str, str, str]]:
    """What one pull asks for: its kind, its target and the digest that it must have."""
    base = f"/v2/{app.repository}"
    manifest = app.platform_manifest("amd64")
    found = [
        ("tag", f"{base}/manifests/{TAG}", app.content.digest),
        ("manifest", f"{base}/manifests/{manifest}", manifest),
    ]
    document = json.loads(app.content.manifests[manifest])
    parts = [document["config"], *document["layers"]]
    return found + [("blob", f"{base}/blobs/{part['digest']}", part["digest"]) for part in parts]


def _outcome(answer: Response | None, digest: str) -> Outcome:
    if answer is None or answer.status != 200:
        return Outcome.FAILED
    return Outcome.DONE if sha256(answer.body) == digest else Outcome.WRONG
