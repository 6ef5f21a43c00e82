"""An HTTP/1.1 client that sends exactly the bytes it is given.

Ordinary clients refuse to send, or quietly mend, most of what an attacker sends; here nothing is
checked, escaped or normalised on the way out.
"""

import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

Header = tuple[str | bytes, str | bytes]

# How long an answer may take to begin or go on. A machine that is busy with other things is slow, not broken.
SECONDS = 30.0


class Closed(ConnectionError):
    """The other side closed the connection before a whole response had come."""


class Cut(Closed):
    """The head had come, and the body ended before its end."""


@dataclass(frozen=True)
class Response:
    """A response: header names in lower case, in the order and number they came, values as bytes."""

    status: int
    headers: list[tuple[str, bytes]]
    body: bytes
    interim: list[int] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Every value of a header, one a line."""
        return [value.decode("latin-1") for found, value in self.headers if found == name]

    def one(self, name: str) -> str | None:
        """The value of a header that must not stand twice."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times: {values}"
        return values[0] if values else None


class Connection:
    """One connection, for any number of requests one after the other."""

    def __init__(
        self,
        port: int,
        address: str = "127.0.0.1",
        seconds: float = SECONDS,
        wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain,
    ) -> None:
        plain = socket.create_connection((address, port), timeout=seconds)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = wrap(plain)
        self._unread = b""
        self._end = "closed"

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()

    def secure(self, context: ssl.SSLContext, name: str) -> dict[str, Any]:
        """Speaks TLS from here on, with a server of this name; its certificate."""
        secured = context.wrap_socket(self._socket, server_hostname=name)
        self._socket = secured
        return dict(secured.getpeercert() or {})

    def send(self, content: bytes) -> None:
        """Sends bytes as they are."""
        self._socket.sendall(content)

    def receive(self, is_head: bool = False) -> Response:
        """Reads one response, skipping the 1xx before it (RFC 9112 section 6.3)."""
        interim = []
        while True:
            status, headers = self._head()
            if status >= 200 or status == 101:
                break
            interim.append(status)
        bodiless = is_head or status in (204, 304)
        try:
            return Response(status, headers, b"" if bodiless else self._body(headers), interim)
        except Closed as problem:
            raise Cut(str(problem)) from problem

    def at_end(self) -> bool:
        """Whether the other side has closed, with nothing left to read."""
        return not self._unread and not self._read()

    def _head(self) -> tuple[int, list[tuple[str, bytes]]]:
        lines = self._until(b"\r\n\r\n").split(b"\r\n")
        fields = (line.partition(b":") for line in lines[1:])
        return int(lines[0].split(b" ")[1]), [
            (name.decode("latin-1").lower(), value.strip(b" \t")) for name, _, value in fields
        ]

    def _body(self, headers: list[tuple[str, bytes]]) -> bytes:
        fields = dict(headers)
        if fields.get("transfer-encoding", b"").lower() == b"chunked":
            return self._chunks()
        if "content-length" in fields:
            return self._exactly(int(fields["content-length"]))
        return self._rest()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n").split(b";")[0], 16):
            body += self._exactly(size)
            self._until(b"\r\n")
        while self._until(b"\r\n"):
            pass
        return body

    def _until(self, end: bytes) -> bytes:
        while end not in self._unread:
            self._more()
        found, self._unread = self._unread.split(end, 1)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._unread) < size:
            self._more()
        found, self._unread = self._unread[:size], self._unread[size:]
        return found

    def _rest(self) -> bytes:
        while self._read():
            pass
        found, self._unread = self._unread, b""
        return found

    def _more(self) -> None:
        if not self._read():
            raise Closed(f"{self._end} after {self._unread[:200]!r}")

    def _read(self) -> bytes:
        try:
            found = self._socket.recv(1 << 18)
        except ConnectionResetError:
            found, self._end = b"", "reset"
        self._unread += found
        return found


def head(method: str | bytes, target: str | bytes, headers: Iterable[Header]) -> bytes:
    """The head of a request, every part as it is given."""
    lines = [as_bytes(method) + b" " + as_bytes(target) + b" HTTP/1.1"]
    lines += [as_bytes(name) + b": " + as_bytes(value) for name, value in headers]
    return b"\r\n".join([*lines, b"", b""])


def request(
    port: int,
    method: str | bytes,
    target: str | bytes,
    headers: Iterable[Header] = (),
    body: bytes | None = None,
    host: str | bytes | None = "registry.test",
    seconds: float = SECONDS,
) -> Response:
    """Sends one request on a connection of its own. A body gets its Content-Length; Host is added."""
    with Connection(port, seconds=seconds) as connection:
        return exchange(connection, method, target, headers, body, host)


def exchange(
    connection: Connection,
    method: str | bytes,
    target: str | bytes,
    headers: Iterable[Header] = (),
    body: bytes | None = None,
    host: str | bytes | None = "registry.test",
) -> Response:
    """The same on a connection that is there already."""
    own: list[Header] = [] if host is None else [("Host", host)]
    if body is not None:
        own.append(("Content-Length", str(len(body))))
    connection.send(head(method, target, [*own, *headers]) + (body or b""))
    return connection.receive(is_head=as_bytes(method) == b"HEAD")


def as_bytes(text: str | bytes) -> bytes:
    """Text as the bytes of its characters, up to ff."""
    return text if isinstance(text, bytes) else text.encode("latin-1")
