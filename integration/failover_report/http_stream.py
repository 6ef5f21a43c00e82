"""HTTP/1.1 messages on asyncio streams: as much of it as registries and their clients use."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

PIECE = 256 * 1024
# More than a head; also how much a stream reads ahead.
STREAM_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class Head:
    """The start line and the headers; names in lower case."""

    start: str
    headers: dict[str, str]
    raw: bytes

    @property
    def method(self) -> str:
        """The method of a request."""
        return self.start.split(" ")[0]

    @property
    def path(self) -> str:
        """The target of a request without its query."""
        return self.start.split(" ")[1].split("?")[0]

    @property
    def status(self) -> int:
        """The status of a response."""
        return int(self.start.split(" ")[1])


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next head; nothing if the other side has closed in between."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    start, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Head(start, {name.strip().lower(): value.strip() for name, _, value in pairs}, raw)


async def body_pieces(reader: asyncio.StreamReader, head: Head, is_bodiless: bool) -> AsyncIterator[bytes]:
    """The bytes of a body as they come, the framing of chunks included."""
    if is_bodiless:
        return
    if head.headers.get("transfer-encoding", "").lower() == "chunked":
        async for piece in _chunks(reader):
            yield piece
        return
    left = int(head.headers.get("content-length", "0"))
    while left:
        piece = await reader.read(min(left, PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        # With the line end that follows; after the last chunk there may be no trailers here.
        yield line + await reader.readexactly(size + 2)
        if size == 0:
            return


def is_bodiless(method: str, status: int) -> bool:
    """Whether a response has no body whatever its headers say (RFC 9112 section 6.3)."""
    return method == "HEAD" or status in (204, 304) or status < 200


@dataclass(frozen=True)
class Response:
    """A whole response."""

    status: int
    headers: dict[str, str]
    body: bytes


async def fetch(
    port: int, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes | None = None
) -> Response:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=STREAM_LIMIT)
    try:
        lines = [f"{method} {target} HTTP/1.1", "Host: registry.test", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += [] if body is None else [f"Content-Length: {len(body)}"]
        writer.write("\r\n".join([*lines, "", ""]).encode() + (body or b""))
        return await _receive(reader, method)
    finally:
        writer.close()


async def _receive(reader: asyncio.StreamReader, method: str) -> Response:
    head = await read_head(reader)
    if head is None:
        raise ConnectionError("closed without an answer")
    pieces = body_pieces(reader, head, is_bodiless(method, head.status))
    body = b"".join([piece async for piece in pieces])
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        body = _without_framing(body)
    return Response(head.status, head.headers, body)


def _without_framing(chunks: bytes) -> bytes:
    body = b""
    while chunks:
        line, _, rest = chunks.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        body, chunks = body + rest[:size], rest[size + 2 :]
    return body
