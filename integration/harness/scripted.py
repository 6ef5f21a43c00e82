"""An upstream that answers what a test tells it to and remembers everything it was asked.

It speaks HTTP/1.1 byte for byte: headers may repeat, be in any case and hold any bytes, and what
it saw is kept as it came, before any library could tidy it.
"""

import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BufferedReader

from harness.listening import Listener
from harness.raw import Header, as_bytes


@dataclass(frozen=True)
class Seen:
    """A request as it arrived: names in lower case, everything else untouched."""

    method: str
    target: bytes
    headers: list[tuple[str, bytes]]
    body: bytes

    def all(self, name: str) -> list[bytes]:
        """Every value of a header."""
        return [value for found, value in self.headers if found == name]

    @property
    def authority(self) -> str:
        """The Host header."""
        return b",".join(self.all("host")).decode("latin-1")

    @property
    def names(self) -> set[str]:
        """The names of all headers."""
        return {name for name, _ in self.headers}


@dataclass(frozen=True)
class Answer:
    """What to send. Content-Length is added unless a header says how long the body is.

    `rest` is what comes behind the body, part by part, each sent when it is there; an `OSError` there ends the connection.
    """

    status: int = 200
    headers: Sequence[Header] = ()
    body: bytes = b""
    interim: Sequence[int] = ()
    rest: Callable[[], Iterable[bytes]] | None = None

    def encode(self, is_head: bool) -> bytes:
        """The bytes of the response; a HEAD gets the headers of the body without the body."""
        before = b"".join(b"HTTP/1.1 %d Interim\r\n\r\n" % status for status in self.interim)
        lines = [b"HTTP/1.1 %d Scripted" % self.status]
        lines += [as_bytes(name) + b": " + as_bytes(value) for name, value in self.headers]
        names = {as_bytes(name).lower() for name, _ in self.headers}
        bodiless = self.status in (204, 304)
        if not bodiless and not names & {b"content-length", b"transfer-encoding"}:
            lines.append(b"Content-Length: %d" % len(self.body))
        return before + b"\r\n".join([*lines, b"", b""]) + (b"" if is_head or bodiless else self.body)


@dataclass(frozen=True)
class Bytes(Answer):
    """Bytes in the place of an answer."""

    content: bytes = b""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        object.__setattr__(self, "content", content)

    def encode(self, is_head: bool) -> bytes:
        """The bytes."""
        return self.content


Script = Callable[[Seen], Answer]


class Silence(Exception):
    """What a script raises to have nothing answered: the connection stays open until the upstream is closed."""


def always(answer: Answer) -> Script:
    """The same answer to everything."""
    return lambda _seen: answer


class Scripted:
    """The upstream; `script` may be set at any time."""

    def __init__(self, port: int = 0) -> None:
        """At a port that the kernel chooses, unless it is told."""
        self.script: Script = always(Answer())
        self.seen: list[Seen] = []
        self.health = 200
        self._closed = threading.Event()
        self._listener = Listener(self._serve, port)
        self.port = self._listener.port

    @property
    def authority(self) -> str:
        """Where it is reached, as a URL has it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://{self.authority}"

    def answer(self, answer: Answer) -> None:
        """Gives the same answer from now on, and forgets what was seen."""
        self.script = always(answer)
        self.forget()

    def forget(self) -> None:
        """Forgets what was seen."""
        self.seen.clear()

    def last(self) -> Seen:
        """The one request that came since the last `forget`."""
        assert len(self.seen) == 1, f"{len(self.seen)} requests: {self.seen}"
        return self.seen[0]

    def close(self) -> None:
        """Stops listening, and ends what hangs."""
        self._closed.set()
        self._listener.close()

    def _answer(self, seen: Seen) -> Answer:
        """Envoy's health checks are answered with `health`; no test asks about them."""
        if seen.all("user-agent") == [b"Envoy/HC"]:
            return Answer(self.health)
        self.seen.append(seen)
        return self.script(seen)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            try:
                while (seen := _read(stream)) is not None:
                    is_head = seen.method == "HEAD"
                    answer = self._answer(seen)
                    connection.sendall(answer.encode(is_head))
                    for part in answer.rest() if answer.rest and not is_head else ():
                        connection.sendall(part)
            except Silence:
                self._closed.wait()
            except (OSError, ValueError):
                return


def _read(stream: BufferedReader) -> Seen | None:
    start = stream.readline().rstrip(b"\r\n")
    if not start:
        return None
    method, rest = start.split(b" ", 1)
    headers = []
    while line := stream.readline().rstrip(b"\r\n"):
        name, _, value = line.partition(b":")
        headers.append((name.decode("latin-1").lower(), value.strip(b" \t")))
    target = rest.rsplit(b" ", 1)[0]
    return Seen(method.decode("latin-1"), target, headers, _read_body(stream, dict(headers)))


def _read_body(stream: BufferedReader, headers: dict[str, bytes]) -> bytes:
    if headers.get("transfer-encoding", b"").lower() == b"chunked":
        body = b""
        while size := int(stream.readline().split(b";")[0], 16):
            body += stream.read(size)
            stream.readline()
        while stream.readline().rstrip(b"\r\n"):
            pass
        return body
    return stream.read(int(headers.get("content-length", b"0")))
