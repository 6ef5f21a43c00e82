"""Waiting for servers without holding up the load."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from harness.processes import Server, ServerFailed, tail

T = TypeVar("T")
SECONDS = 120.0


async def until(probe: Callable[[], T | None], what: str, server: Server, seconds: float = SECONDS) -> T:
    """What the probe finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await asyncio.to_thread(probe)
        if found is not None:
            return found
        if not server.is_alive():
            break
        await asyncio.sleep(0.02)
    raise ServerFailed(
        f"{server.name}: not so within {seconds} s: {what}\n{tail(server.log)}\n{tail(server.out)}"
    )


async def until_listening(port: int, server: Server) -> None:
    """Until a port accepts connections."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline or not server.is_alive():
                raise ServerFailed(f"{server.name}: nobody listens at {port}\n{tail(server.log)}") from None
            await asyncio.sleep(0.02)
            continue
        writer.close()
        return
