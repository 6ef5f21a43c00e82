"""Pushes of whole images with skopeo, and one upload that is interrupted in the middle."""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from failover_report import settings
from failover_report.clients.client import PullFailed, output
from failover_report.contents import TAG
from failover_report.http_stream import STREAM_LIMIT, fetch, read_head
from failover_report.load.pushes import TYPE, UPLOADS
from failover_report.load.sample import Outcome, Sample
from failover_report.load.steady import Steady
from harness import paths

IMAGES_A_SECOND = 0.7
HALF_BYTES = 8 * 1024 * 1024


class ImagePushes(Steady):
    """Each push has a repository of its own, so that nothing is there already."""

    def __init__(self, authority: str, layout: Path) -> None:
        super().__init__(IMAGES_A_SECOND, self._push)
        self.samples: list[Sample] = []
        self._authority = authority
        self._layout = layout

    async def _push(self, number: int) -> None:
        copy = ["copy", "--all", "--preserve-digests", "--dest-tls-verify=false"]
        destination = f"docker://{self._authority}/team/pushed-{number}:{TAG}"
        began, clock = time.time(), time.monotonic()
        outcome, complaint = Outcome.DONE, ""
        skopeo = paths.need_command("skopeo")
        pushed = output(skopeo, "--insecure-policy", *copy, f"oci:{self._layout}:{TAG}", destination)
        try:
            await asyncio.wait_for(pushed, settings.PULL_SECONDS)
        except PullFailed as problem:
            outcome, complaint = Outcome.FAILED, str(problem)
        except TimeoutError:
            outcome, complaint = Outcome.FAILED, f"not done within {settings.PULL_SECONDS:.0f} s"
        self.samples.append(
            Sample("skopeo push", "image", began, time.monotonic() - clock, outcome, complaint)
        )


async def interrupted_upload(port: int, interrupt: Callable[[], Awaitable[None]]) -> Sample:
    """Sends one half of a blob, interrupts, and sends the other; what the client is told then."""
    started = await fetch(port, "POST", UPLOADS, body=b"")
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=STREAM_LIMIT)
    lines = [f"PATCH {started.headers['location']} HTTP/1.1", "Host: registry.test", f"{TYPE[0]}: {TYPE[1]}"]
    lines += [f"Content-Length: {2 * HALF_BYTES}", "", ""]
    half = os.urandom(HALF_BYTES)
    status = None
    try:
        writer.write("\r\n".join(lines).encode() + half)
        await writer.drain()
        # So that the registry has some of it.
        await asyncio.sleep(0.1)
        await interrupt()
        began, clock = time.time(), time.monotonic()
        # Whoever answers early may stop reading; the answer is there all the same.
        with contextlib.suppress(OSError):
            writer.write(half)
            await writer.drain()
        head = await asyncio.wait_for(read_head(reader), settings.REQUEST_SECONDS)
        status, complaint = (head.status, head.start) if head else (None, "closed without an answer")
    except (OSError, asyncio.IncompleteReadError, TimeoutError) as problem:
        complaint = repr(problem)
    finally:
        writer.close()
    outcome = Outcome.DONE if status == 202 else Outcome.FAILED
    return Sample("push", "half", began, time.monotonic() - clock, outcome, complaint, status)
