"""A bucket that is asked what it has: it counts the questions, and fails as it is told."""

import threading

from harness.faults import Fault
from harness.scripted import Answer, Scripted, Seen


class BlobStore:
    """Knows digests; answers HEAD about `/images/DIGEST`."""

    def __init__(self, *digests: str) -> None:
        self.digests = set(digests)
        self.fault: Fault | None = None
        self._lock = threading.Lock()
        self._asked: list[str] = []
        self._server = Scripted()
        self._server.script = self._answer

    @property
    def url(self) -> str:
        """Its URL, as a policy has it."""
        return f"{self._server.url}/images/{{digest}}"

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that it listens on."""
        return self._server.port

    @property
    def seen(self) -> list[Seen]:
        """Every request as it came."""
        return self._server.seen

    def location(self, digest: str) -> str:
        """Where clients find a blob."""
        return self.url.replace("{digest}", digest)

    def questions(self, digest: str | None = None) -> int:
        """How often it was asked, about one digest or any."""
        with self._lock:
            return len([asked for asked in self._asked if digest in (None, asked)])

    def forget(self) -> None:
        """Forgets what it was asked."""
        with self._lock:
            self._asked.clear()
        self._server.forget()

    def close(self) -> None:
        """Stops listening."""
        self._server.close()

    def _answer(self, seen: Seen) -> Answer:
        digest = seen.target.decode().removeprefix("/images/")
        with self._lock:
            self._asked.append(digest)
        found = self.fault(seen) if self.fault else None
        return found or Answer(200 if digest in self.digests else 404)

