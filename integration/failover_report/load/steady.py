"""A steady rate: the next one begins on time, whatever became of the last."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class Steady:
    """Begins something so many times a second until it is told to stop."""

    def __init__(self, a_second: float, begin: Callable[[int], Awaitable[None]]) -> None:
        self._interval = 1 / a_second
        self._begin = begin
        self._running: set[asyncio.Task[None]] = set()
        self._clock: asyncio.Task[None] | None = None
        self._open = asyncio.Event()
        self._open.set()

    def start(self) -> None:
        """Begins to begin."""
        self._clock = asyncio.create_task(self._tick())

    async def stop(self, seconds: float) -> None:
        """Begins nothing more, and waits for what runs; cancels what takes too long."""
        if self._clock is not None:
            self._clock.cancel()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def quiet(self) -> None:
        """Begins nothing until `go_on`, and waits until nothing runs."""
        self._open.clear()
        while self._running:
            await asyncio.wait(self._running)

    def go_on(self) -> None:
        """Goes on."""
        self._open.set()

    async def _tick(self) -> None:
        number, due = 0, time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not self._open.is_set():
                await self._open.wait()
                due = time.monotonic()
            task = asyncio.ensure_future(self._begin(number))
            self._running.add(task)
            task.add_done_callback(self._done)
            number, due = number + 1, due + self._interval

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a load task failed", "exception": task.exception(), "task": task}
            )
