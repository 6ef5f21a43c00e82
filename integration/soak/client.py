"""A program: the clients of one tenant, until standard input ends. Prints their tally as JSON.

    python -m soak.client PORT TENANT RATE SEED

RATE is requests a second. Most are reads of what the tenant may have, each checked against its digest; some are pushes,
and some want what is the other tenant's, with every kind of credential.
"""

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable

from harness import raw
from harness.accounts import Account
from harness.digest import sha256
from harness.image import ACCEPT
from soak.tally import Ending, Tally, of_read
from soak.tenants import BOTH, TAG, Tenant, content, parts

# A registry that hangs holds a request for seconds: there must be enough clients for the rate all the same.
CLIENTS = 48
# What a client waits for; longer than three backends that hang.
SECONDS = 60.0
# Of a thousand requests so many are pushes, and so many want what they may not have. Others are reads.
PUSHES, TRESPASSES = 20, 150
BROKEN = (OSError, ValueError, AssertionError)


class Clients:
    """The clients of one tenant."""

    def __init__(self, port: int, tenant: Tenant, rate: float, seed: int) -> None:
        self.tally = Tally()
        self._port, self._tenant = port, tenant
        self._other = next(other for other in BOTH if other != tenant)
        self._pause = CLIENTS / rate
        self._seed = seed
        self._parts = parts(tenant, content())
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]

    def start(self) -> None:
        """They begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """They end, each with the request that it has begun."""
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        chance = random.Random(f"{self._seed} {self._tenant.name} {number}")
        client = _Client(self._port)
        due = time.monotonic() + chance.random() * self._pause
        while not self._end.wait(max(0.0, due - time.monotonic())):
            ending, complaint = self._one(client, chance)
            with self._lock:
                self.tally.note(ending, complaint)
            # What was late is not made up for: that would be a burst after each registry that hung.
            due = max(due + self._pause, time.monotonic())
        client.close()

    def _one(self, client: "_Client", chance: random.Random) -> tuple[Ending, str]:
        lot = chance.randrange(1000)
        if lot < PUSHES:
            return self._push(client)
        if lot < PUSHES + TRESPASSES:
            return self._trespass(client, chance)
        return self._read(client, chance)

    def _read(self, client: "_Client", chance: random.Random) -> tuple[Ending, str]:
        part = chance.choice(self._parts)
        # A HEAD by digest is the question before a push, which the owner answers (docs/failover.md).
        method = chance.choice(["GET", "HEAD"]) if part.target.endswith(TAG) else "GET"
        seen = client.ask(method, part.target, self._tenant.host, self._tenant.account)
        if seen.is_cut:
            return Ending.CUT, ""
        is_right = method == "HEAD" or sha256(seen.body) == part.digest
        ending = of_read(seen.status, is_right, may_read=True)
        return ending, "" if ending == Ending.RIGHT else f"{method} {part.target}: {seen}"

    def _trespass(self, client: "_Client", chance: random.Random) -> tuple[Ending, str]:
        """What is the other's has the same digests: only the name of the repository says whose it is."""
        part = chance.choice(self._parts)
        tail = part.target.removeprefix(f"/v2/{self._tenant.repository}")
        foreign = f"/v2/{self._other.repository}{tail}"
        own, other = self._tenant, self._other
        ways: list[tuple[str, str, Account | None]] = [
            (foreign, own.host, own.account),
            (foreign, other.host, own.account),
            (foreign, other.host, other.account.but_wrong()),
            (foreign, other.host, None),
            (part.target, own.host, None),
            (part.target, other.host, other.account),
            (f"/v2/{own.repository}/../../{other.repository}{tail}", own.host, own.account),
            (f"/v2/{own.repository}/%2e%2e/%2e%2e/{other.repository}{tail}", own.host, own.account),
            (f"/v2/{other.prefix}app{tail}", own.host, own.account),
        ]
        target, host, account = chance.choice(ways)
        seen = client.ask("GET", target, host, account)
        ending = of_read(seen.status, False, may_read=False)
        return ending, "" if ending == Ending.RIGHT else f"{target} at {host} as {account and account.user}: {seen}"

    def _push(self, client: "_Client") -> tuple[Ending, str]:
        blob = os.urandom(1000)
        who = (self._tenant.host, self._tenant.account)
        begun = client.ask("POST", f"/v2/{self._tenant.pushed}/blobs/uploads/", *who, body=b"")
        if begun.status != 202:
            return Ending.NOT_PUSHED, ""
        place = begun.location
        target = f"{place}{'&' if '?' in place else '?'}digest={sha256(blob)}"
        ended = client.ask("PUT", target, *who, body=blob)
        return (Ending.RIGHT if ended.status == 201 else Ending.NOT_PUSHED), ""


class _Seen:
    """What came back: no status if nothing did."""

    def __init__(self, answer: raw.Response | None = None, problem: str = "", is_cut: bool = False) -> None:
        self.status = answer.status if answer else None
        self.body = answer.body if answer else b""
        self.location = (answer.one("location") or "") if answer else ""
        self.is_cut = is_cut
        self._problem = problem

    def __str__(self) -> str:
        """For a complaint."""
        return self._problem or f"{self.status} {self.body[:160]!r}"


class _Client:
    """One client, with a connection that it keeps as long as it can."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: raw.Connection | None = None

    def ask(
        self, method: str, target: str, host: str, account: Account | None, body: bytes | None = None
    ) -> _Seen:
        """One request, without a retry of what was answered."""
        headers = [("Accept", ACCEPT), *([("Authorization", account.basic)] if account else [])]
        # A server may close a connection that is not used; who asks on it at that moment asks again.
        again = self._connection is not None and not body

        def exchange(on: raw.Connection) -> raw.Response:
            return raw.exchange(on, method, target, headers, body, host)

        while True:
            try:
                return self._exchange(exchange)
            except BROKEN as problem:
                self.close()
                if isinstance(problem, raw.Cut):
                    return _Seen(problem=repr(problem), is_cut=True)
                if not (again and isinstance(problem, raw.Closed)):
                    return _Seen(problem=repr(problem))
            again = False

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, ask: Callable[[raw.Connection], raw.Response]) -> _Seen:
        if self._connection is None:
            self._connection = raw.Connection(self._port, seconds=SECONDS)
        answer = ask(self._connection)
        if answer.all("connection") == ["close"]:
            self.close()
        return _Seen(answer)


def main() -> None:
    """Runs until standard input ends."""
    port, name, rate, seed = sys.argv[1:]
    tenant = next(tenant for tenant in BOTH if tenant.name == name)
    clients = Clients(int(port), tenant, float(rate), int(seed))
    clients.start()
    sys.stdin.read()
    clients.stop()
    print(json.dumps({"counts": clients.tally.counts, "complaints": clients.tally.complaints}))


if __name__ == "__main__":
    main()
