"""Clients that pull and push all the time, and count what they did not get."""

import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from harness import paths, raw
from harness.digest import check
from harness.recording import Blobs

HOST = "registry.test"
REPOSITORY = "/v2/acme/app"
CHUNK = b"x" * 4096


def said_by_h2load(output: str) -> str:
    """What became of the requests, of all that h2load says."""
    return "; ".join(line for line in output.splitlines() if line.startswith(("requests:", "status codes:")))


class Load:
    """The clients, until `stop`. `failures` is everything that was no whole answer of 200."""

    def __init__(self, port: int, blobs: Blobs, work: Path, repository: str = REPOSITORY) -> None:
        self.failures: list[str] = []
        self.done = 0
        self.blobs_done = 0
        self._port, self._blobs, self._work, self._repository = port, blobs, work, repository
        self._end = threading.Event()
        self._threads: list[threading.Thread] = []

    def pull(self, clients: int = 2) -> None:
        """Clients with a kept-alive connection of HTTP/1.1 each."""
        for _ in range(clients):
            self._start(self._pull)

    def pull_over_http2(self) -> None:
        """Two clients with HTTP/2 and four streams each, for some hundred requests a connection."""
        self._start(self._pull_over_http2)

    def pull_slowly(self, digest: str, clients: int) -> None:
        """Clients that each pull a blob that takes its time, once."""
        for _ in range(clients):
            self._start(lambda: self._pull_one(digest))

    def push_slowly(self, seconds: float) -> None:
        """A client whose one push of unknown length takes so long."""
        self._start(lambda: self._push(seconds))

    def join(self, within: float) -> None:
        """Waits for what ends by itself, after the others have been told to."""
        self._end.set()
        for thread in self._threads:
            thread.join(within)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"

    def _start(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except (OSError, AssertionError, ValueError) as problem:
                self._fail(f"{work.__name__}: {problem!r}")

        self._threads.append(threading.Thread(target=guarded, daemon=True))
        self._threads[-1].start()

    def _fail(self, what: str) -> None:
        """Notes what went wrong, and when: Envoy's logs say what it did at that moment."""
        self.failures.append(f"{datetime.now(UTC):%H:%M:%S.%f} {what}")

    def _pull(self) -> None:
        digests = [self._blobs.small, self._blobs.rare]
        with raw.Connection(self._port) as connection:
            while not self._end.is_set():
                digest = digests[self.done % 2]
                answer = raw.exchange(connection, "GET", f"{self._repository}/blobs/{digest}", host=HOST)
                if answer.status != 200:
                    self._fail(f"{answer.status} {answer.body[:200]!r}")
                else:
                    check(answer.body, digest)
                self.done += 1

    def _pull_over_http2(self) -> None:
        url = f"http://127.0.0.1:{self._port}{self._repository}/blobs/{self._blobs.small}"
        streams = ("-n", "400", "-c", "2", "-m", "4", "--header", f":authority: {HOST}")
        command = [paths.need_command("h2load"), *streams, url]
        while not self._end.is_set():
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if "400 succeeded, 0 failed, 0 errored" not in run.stdout or "400 2xx" not in run.stdout:
                self._fail(f"h2load: {run.returncode} {said_by_h2load(run.stdout)} {run.stderr}")
            self.done += 400

    def _pull_one(self, digest: str) -> None:
        with raw.Connection(self._port) as connection:
            answer = raw.exchange(connection, "GET", f"{self._repository}/blobs/{digest}", host=HOST)
        assert answer.status == 200, f"{answer.status} {answer.body[:200]!r}"
        check(answer.body, digest)
        self.blobs_done += 1

    def _push(self, seconds: float) -> None:
        uploads = "/v2/push/app/blobs/uploads/"
        begun = raw.request(self._port, "POST", uploads, body=b"", host=HOST)
        assert begun.status == 202, f"{begun.status} {begun.body[:200]!r}"
        place = begun.one("location") or ""
        with raw.Connection(self._port) as connection:
            headers = [("Host", HOST), ("Transfer-Encoding", "chunked")]
            connection.send(raw.head("PATCH", place, headers))
            pause = 0.2
            for _ in range(round(seconds / pause)):
                connection.send(b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK))
                threading.Event().wait(pause)
            connection.send(b"0\r\n\r\n")
            answer = connection.receive()
        assert answer.status == 202, f"{answer.status} {answer.body[:200]!r}"
        ended = raw.request(self._port, "PUT", f"{place}?digest={self._blobs.small}", body=b"", host=HOST)
        assert ended.status == 201, f"{ended.status} {ended.body[:200]!r}"


class Reconnecting(Load):
    """Clients that open another connection where they are told to (`Connection: close`, GOAWAY), as clients do."""

    def _pull(self) -> None:
        digest = self._blobs.small
        while not self._end.is_set():
            with raw.Connection(self._port) as connection:
                while not self._end.is_set():
                    answer = raw.exchange(connection, "GET", f"{self._repository}/blobs/{digest}", host=HOST)
                    if answer.status != 200:
                        self._fail(f"{answer.status} {answer.body[:200]!r}")
                    self.done += 1
                    if answer.all("connection") == ["close"]:
                        break

    def _pull_over_http2(self) -> None:
        # A connection for each request: h2load goes on after GOAWAY, and curl 7.88 uses no connection twice without TLS.
        count = "40"
        url = f"http://127.0.0.1:{self._port}{self._repository}/blobs/{self._blobs.small}"
        streams = ("-n", count, "-c", count, "-m", "1", "--header", f":authority: {HOST}")
        command = [paths.need_command("h2load"), *streams, url]
        while not self._end.is_set():
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if f"{count} succeeded, 0 failed, 0 errored" not in run.stdout or f"{count} 2xx" not in run.stdout:
                self._fail(f"h2load: {run.returncode} {said_by_h2load(run.stdout)} {run.stderr}")
            self.done += int(count)
