"""Pushes of small blobs: in every scenario there are writes that must not go astray."""

import asyncio
import os
import time

from failover_report import settings
from failover_report.http_stream import Response, fetch
from failover_report.load.requests import BROKEN, error_code
from failover_report.load.sample import Outcome, Sample
from failover_report.load.steady import Steady
from harness.digest import sha256

UPLOADS = "/v2/team/pushed/blobs/uploads/"
TYPE = ("Content-Type", "application/octet-stream")


class Pushes(Steady):
    """Starts an upload, and ends it with the whole blob."""

    def __init__(self, port: int) -> None:
        super().__init__(settings.PUSHES_A_SECOND, self._push)
        self.samples: list[Sample] = []
        self._port = port

    async def _push(self, number: int) -> None:
        began, clock = time.time(), time.monotonic()
        try:
            answer = await asyncio.wait_for(self._upload(os.urandom(1000)), settings.REQUEST_SECONDS)
        except BROKEN as problem:
            sample = Sample("push", "blob", began, time.monotonic() - clock, Outcome.FAILED, repr(problem))
        else:
            sample = Sample(
                client="push",
                what="blob",
                began=began,
                seconds=time.monotonic() - clock,
                outcome=Outcome.DONE if answer.status == 201 else Outcome.FAILED,
                complaint="" if answer.status == 201 else f"{answer.status} {answer.body[:120]!r}",
                status=answer.status,
                code=error_code(answer),
                has_retry_after="retry-after" in answer.headers,
            )
        self.samples.append(sample)

    async def _upload(self, blob: bytes) -> Response:
        started = await fetch(self._port, "POST", UPLOADS, body=b"")
        if started.status != 202:
            return started
        location = started.headers["location"]
        separator = "&" if "?" in location else "?"
        return await fetch(self._port, "PUT", f"{location}{separator}digest={sha256(blob)}", [TYPE], blob)
