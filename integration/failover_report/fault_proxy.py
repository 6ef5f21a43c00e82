"""A program: a proxy in front of one registry that fails in the way it is told to.

    python -m failover_report.fault_proxy LISTEN UPSTREAM [CERTIFICATES]

The numbers are ports of 127.0.0.1. With a directory of certificates it speaks TLS. It prints the
port at which it takes faults, one JSON document a line, each answered with `ok`. The line `met` is answered with
the number of requests that a fault has met so far.
"""

import asyncio
import random
import socket
import ssl
import sys
from pathlib import Path

from failover_report import certificates
from failover_report.fault import NONE, Fault, Kind
from failover_report.http_stream import STREAM_LIMIT, Head, body_pieces, is_bodiless, read_head

# What needs no connection to end. Others must not see the moment in which it begins, or in which it is over: it may be
# about a few paths only.
GENTLE = (Kind.ANSWER, Kind.REDIRECT, Kind.DELAY)
# What a full queue of connections takes besides those that wait in it.
SURPLUS = 4

# The question how many requests a fault has met.
MET = b"met\n"

ENDINGS = (OSError, asyncio.IncompleteReadError, ssl.SSLError)


class Reset(Exception):
    """The connection is to be reset."""


class Door:
    """The listening port. While it is shut the port stays ours, and connections are refused."""

    def __init__(self, port: int, serve: "Proxy", directory: Path | None) -> None:
        self._port = port
        self._proxy = serve
        self._directory = directory
        self._server: asyncio.Server | None = None
        self._held: socket.socket | None = None
        self._queue: list[socket.socket] = []

    async def open(self, is_trusted: bool = True) -> None:
        """Accepts connections, if it did not; with a new TLS context, which resumes nothing of the old one."""
        if self._server is not None:
            return
        for waiting in self._queue:
            waiting.close()
        self._queue.clear()
        context = certificates.context(self._directory, is_trusted) if self._directory else None
        held, self._held = self._held or _bound(self._port), None
        self._server = await asyncio.start_server(
            self._proxy.serve, sock=held, ssl=context, limit=STREAM_LIMIT, backlog=512
        )

    def shut(self) -> None:
        """Refuses connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._held = _bound(self._port)

    def ignore(self) -> None:
        """Neither accepts nor refuses connections: the queue of those that nobody accepts is full, and the kernel
        drops the packets of more."""
        held, self._held = self._held or _bound(self._port), None
        held.listen(0)
        self._queue.append(held)
        for _ in range(SURPLUS):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self._port))
            self._queue.append(one)


class Proxy:
    """All connections of one registry."""

    def __init__(self, upstream: int) -> None:
        self.met = 0
        """How many requests did not pass as if nothing were wrong."""
        self._upstream = upstream
        self._fault = NONE
        self._over = asyncio.Event()
        self._idle: set[asyncio.StreamWriter] = set()

    def become(self, fault: Fault) -> None:
        """Fails in another way from now on."""
        self._over.set()
        self._over = asyncio.Event()
        self._fault = fault

    def close_idle(self) -> None:
        """Ends the connections that carry no request."""
        for writer in list(self._idle):
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        connection = Connection(self, reader, writer)
        try:
            await self._wait_for_round_trip("")
            while await connection.exchange():
                pass
        except Reset:
            writer.transport.abort()
        except ENDINGS:
            # Whatever ended one side ends the other: a cut must be seen as one.
            writer.transport.abort()
        finally:
            connection.close()

    def note(self, writer: asyncio.StreamWriter, is_idle: bool) -> None:
        """Notes whether a connection carries a request."""
        (self._idle.add if is_idle else self._idle.discard)(writer)

    @property
    def is_shut(self) -> bool:
        """Whether connections end after what they carry."""
        return self._fault.kind == Kind.REFUSE

    @property
    def is_gentle(self) -> bool:
        """Whether it fails, and its connections go on."""
        return self._fault.kind in GENTLE

    async def apply(self, head: Head) -> Fault | None:
        """What to do to a request; waits as long as the fault says."""
        fault = self._fault
        if fault.spares(head.path) or random.random() >= fault.share:
            return None
        self.met += 1
        match fault.kind:
            case Kind.DROP:
                raise Reset
            case Kind.HANG | Kind.DROP_PACKETS:
                await self._over.wait()
                return None
            case Kind.DELAY:
                await self._wait_for_round_trip(head.path)
                return None
            case Kind.ANSWER | Kind.CUT:
                return fault
            case Kind.REDIRECT if head.method == "GET":
                return fault.sending_to(head.path)
            case _:
                return None

    async def _wait_for_round_trip(self, path: str) -> None:
        if self._fault.kind == Kind.DELAY and not self._fault.spares(path):
            await asyncio.sleep(self._fault.seconds)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the registry."""
        return await asyncio.open_connection("127.0.0.1", self._upstream, limit=STREAM_LIMIT)


class Connection:
    """A client's connection with one to the registry of its own."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._registry: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self) -> bool:
        """One request and its answer; whether there may be another."""
        self._proxy.note(self._writer, is_idle=True)
        head = await read_head(self._reader)
        self._proxy.note(self._writer, is_idle=False)
        if head is None:
            return False
        fault = await self._proxy.apply(head)
        if fault is not None and fault.kind == Kind.ANSWER:
            await self._answer(head, fault)
        else:
            await self._forward(head, fault.after_bytes if fault else None)
        # Health checks of some proxies wait for the end that they have asked for (RFC 9112 section 9.6).
        return not self._proxy.is_shut and head.headers.get("connection", "").lower() != "close"

    def close(self) -> None:
        """Ends both sides."""
        self._proxy.note(self._writer, is_idle=False)
        self._writer.close()
        if self._registry is not None:
            self._registry[1].close()

    async def _answer(self, head: Head, fault: Fault) -> None:
        async for _ in body_pieces(self._reader, head, is_bodiless=False):
            pass
        lines = [f"HTTP/1.1 {fault.status} Scripted", "Content-Length: 0"]
        lines += [f"{name}: {value}" for name, value in fault.headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        await self._writer.drain()

    async def _forward(self, head: Head, cut_after: int | None) -> None:
        self._registry = self._registry or await self._proxy.connect()
        reader, writer = self._registry
        writer.write(head.raw)
        async for piece in body_pieces(self._reader, head, is_bodiless=False):
            writer.write(piece)
            await writer.drain()
        answer = await self._final_head(reader)
        self._writer.write(answer.raw)
        passed = 0
        async for piece in body_pieces(reader, answer, is_bodiless(head.method, answer.status)):
            if cut_after is not None and passed + len(piece) > cut_after:
                self._writer.write(piece[: cut_after - passed])
                await self._writer.drain()
                # Long enough for the other side to have read what came before the reset.
                await asyncio.sleep(0.02)
                raise Reset
            passed += len(piece)
            self._writer.write(piece)
            await self._writer.drain()

    async def _final_head(self, reader: asyncio.StreamReader) -> Head:
        """The head of the answer; interim ones (100) are passed on."""
        while (answer := await read_head(reader)) is not None:
            if answer.status >= 200:
                return answer
            self._writer.write(answer.raw)
        raise ConnectionError("the registry has closed")


async def take_fault(line: bytes, proxy: Proxy, door: Door) -> None:
    """Fails in another way."""
    fault = Fault.from_json(line.decode())
    ends_gently = fault.kind == Kind.NONE and proxy.is_gentle
    is_gentle = fault.kind in GENTLE or ends_gently
    if not is_gentle:
        door.shut()
    proxy.become(fault)
    if fault.kind == Kind.DROP_PACKETS:
        door.ignore()
        return
    if not is_gentle:
        proxy.close_idle()
    if fault.kind != Kind.REFUSE:
        await door.open(is_trusted=fault.kind != Kind.CERTIFICATE)


def _bound(port: int) -> socket.socket:
    """A socket that has the port and does not listen yet."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    held.setblocking(False)
    return held


async def main(listen: int, upstream: int, directory: Path | None) -> None:
    """Runs until it is ended."""
    proxy = Proxy(upstream)
    door = Door(listen, proxy, directory)
    await door.open()

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line == MET:
                writer.write(b"%d\n" % proxy.met)
            else:
                await take_fault(line, proxy, door)
                writer.write(b"ok\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(control, "127.0.0.1", 0)
    print(f"control {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None))
