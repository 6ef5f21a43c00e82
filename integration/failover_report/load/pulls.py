"""Real pulls, one client after another."""

import asyncio
import time

from failover_report import settings
from failover_report.clients.client import Client, PullFailed, WrongContent
from failover_report.contents import TAG, App
from failover_report.load.sample import Outcome, Sample
from failover_report.load.steady import Steady


class Pulls(Steady):
    """Each pull of a client has an image that no other pull of the client has at that time."""

    def __init__(self, authority: str, clients: list[Client], apps: list[App]) -> None:
        super().__init__(settings.PULLS_A_SECOND, self._pull)
        self.samples: list[Sample] = []
        self.left_out = 0
        """Pulls that were due while all images of the client were being pulled."""
        self._authority = authority
        self._clients = clients
        self._free = {client.name: list(apps) for client in clients}

    async def _pull(self, number: int) -> None:
        client = self._clients[number % len(self._clients)]
        free = self._free[client.name]
        if not free:
            self.left_out += 1
            return
        app = free.pop(0)
        began, clock = time.time(), time.monotonic()
        try:
            outcome, complaint = await self._outcome(client, app)
        finally:
            free.append(app)
        seconds = time.monotonic() - clock
        self.samples.append(Sample(client.name, app.repository, began, seconds, outcome, complaint))

    async def _outcome(self, client: Client, app: App) -> tuple[Outcome, str]:
        try:
            await asyncio.wait_for(client.pull(self._authority, app, TAG), settings.PULL_SECONDS)
        except WrongContent as problem:
            return Outcome.WRONG, str(problem)
        except PullFailed as problem:
            return Outcome.FAILED, str(problem)
        except TimeoutError:
            return Outcome.FAILED, f"not done within {settings.PULL_SECONDS:.0f} s"
        return Outcome.DONE, ""
