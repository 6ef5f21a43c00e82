"""A DNS server (RFC 1035) that knows one name, and can forget it."""

import asyncio
import struct
from typing import Any

from failover_report import low_ports

TYPE_A, CLASS_IN = 1, 1
NO_ERROR, NAME_ERROR = 0, 3
# Authoritative answer to a query; recursion is neither wanted nor offered.
ANSWER_FLAGS = 0x8400
TTL_SECONDS = 1


class NameServer(asyncio.DatagramProtocol):
    """Answers every query for an address with 127.0.0.1, or with "no such name"."""

    def __init__(self) -> None:
        self.port = low_ports.take()
        self.knows = True
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Listens."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self.port))

    def stop(self) -> None:
        """Ends it."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: Any) -> None:
        """Called by asyncio."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Called by asyncio."""
        if self._transport is not None and len(data) > 12:
            self._transport.sendto(answer(data, self.knows), addr)


def answer(query: bytes, is_known: bool) -> bytes:
    """The answer to a query with one question."""
    (identity,) = struct.unpack("!H", query[:2])
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    (kind,) = struct.unpack("!H", question[-4:-2])
    has_address = is_known and kind == TYPE_A
    flags = ANSWER_FLAGS | (NO_ERROR if is_known else NAME_ERROR)
    head = struct.pack("!6H", identity, flags, 1, int(has_address), 0, 0)
    # c00c points back to the name in the question.
    record = b"\xc0\x0c" + struct.pack("!HHIH", TYPE_A, CLASS_IN, TTL_SECONDS, 4) + bytes((127, 0, 0, 1))
    return head + question + (record if has_address else b"")
