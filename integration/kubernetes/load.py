"""Clients of a front that read all the time, as a program of its own: it runs in the node's network.

    load.py ADDRESS PORT HOST STOP_FILE PATH=DIGEST...        the last one is large

It ends when the file is there, and prints what it counted, as JSON. A failure is everything that is no whole answer of 200
with the right content. Clients with a kept-alive connection open another one where the answer tells them to, as clients do.
"""

import hashlib
import http.client
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

KEPT_ALIVE, ONE_BY_ONE = 3, 2
SECONDS = 60.0
# A client that pulls slowly: as many bytes, then a pause.
PIECE_BYTES, PAUSE_SECONDS = 64 * 1024, 0.05


@dataclass
class Count:
    """What became of requests."""

    done: int = 0
    slow: int = 0
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, failure: str | None, slow: bool = False) -> None:
        """One more."""
        with self.lock:
            self.done += 1
            self.slow += slow
            if failure:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {failure}")


@dataclass(frozen=True)
class Target:
    """What is read, and where."""

    address: str
    port: int
    host: str
    blobs: tuple[tuple[str, str], ...]


class Clients:
    """The clients."""

    def __init__(self, target: Target, stop: Path) -> None:
        self.count = Count()
        self._target, self._stop = target, stop

    def run(self) -> None:
        """Until the file is there."""
        works = [self._kept_alive] * KEPT_ALIVE + [self._one_by_one] * ONE_BY_ONE + [self._slowly]
        threads = [threading.Thread(target=work) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._target.address, self._target.port, timeout=SECONDS)

    def _kept_alive(self) -> None:
        while not self._stop.exists():
            connection = self._connect()
            try:
                while not self._stop.exists() and not self._one(connection):
                    time.sleep(0.02)
            except (OSError, http.client.HTTPException) as problem:
                self.count.add(f"kept alive: {problem!r}")
            connection.close()

    def _one_by_one(self) -> None:
        while not self._stop.exists():
            connection = self._connect()
            try:
                self._one(connection)
            except (OSError, http.client.HTTPException) as problem:
                self.count.add(f"one by one: {problem!r}")
            connection.close()
            time.sleep(0.05)

    def _one(self, connection: http.client.HTTPConnection) -> bool:
        """One request; whether the answer tells to connect anew."""
        small = self._target.blobs[:-1]
        path, digest = small[self.count.done % len(small)]
        answer = self._ask(connection, path)
        body = answer.read()
        self.count.add(self._fault(answer.status, "sha256:" + hashlib.sha256(body).hexdigest(), digest))
        return answer.will_close

    def _slowly(self) -> None:
        """Pulls the last blob, piece by piece."""
        path, digest = self._target.blobs[-1]
        while not self._stop.exists():
            connection = self._connect()
            try:
                answer = self._ask(connection, path)
                found = hashlib.sha256()
                while piece := answer.read(PIECE_BYTES):
                    found.update(piece)
                    time.sleep(PAUSE_SECONDS)
                self.count.add(self._fault(answer.status, "sha256:" + found.hexdigest(), digest), slow=True)
            except (OSError, http.client.HTTPException) as problem:
                self.count.add(f"slowly: {problem!r}", slow=True)
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
        connection.request("GET", path, headers={"Host": self._target.host})
        return connection.getresponse()

    @staticmethod
    def _fault(status: int, found: str, digest: str) -> str | None:
        if status != 200:
            return f"status {status}"
        return None if found == digest else f"{found} in place of {digest}"


def main() -> None:
    """Runs them."""
    address, port, host, stop, *pairs = sys.argv[1:]
    blobs = tuple((path, digest) for path, _, digest in (pair.partition("=") for pair in pairs))
    clients = Clients(Target(address, int(port), host, blobs), Path(stop))
    clients.run()
    count = clients.count
    print(json.dumps({"done": count.done, "slow": count.slow, "failures": count.failures}), flush=True)


if __name__ == "__main__":
    main()
