"""What a node holds in memory for clients that stand still in the middle of an answer."""

import socket
import time
from dataclasses import dataclass
from pathlib import Path

from harness.cache_node import Node
from harness.processes import resident_bytes

from cache_measured import peers
from cache_measured.origin import Origin

READERS = 200
SIZE = 64 << 20
# As much of an answer as the kernel takes for a client that does not read; the rest is the node's.
RECEIVE_BUFFER = 16 * 1024
# A node is asked to hold all it will for so long.
SETTLE_SECONDS = 10.0


@dataclass(frozen=True)
class Memory:
    """Resident bytes of a node."""

    readers: int
    before: int
    after: int

    def each(self) -> float:
        """Bytes for each reader."""
        return (self.after - self.before) / self.readers


def measure(directory: Path) -> Memory:
    """One blob that a node has, and many who begin to read it."""
    origin = Origin()
    with peers.tier(origin, directory) as (envoy, nodes):
        path = origin.fresh(SIZE)
        filled = envoy.request("GET", path)
        assert (filled.status, len(filled.body)) == (200, SIZE)
        # The other one would ask the registry.
        node = next(node for node in nodes if node.holds(path))
        before = resident_bytes(node.server.pid)
        readers = [_begin(node.port, path) for _ in range(READERS)]
        after = max(_watched(node))
        for reader in readers:
            reader.close()
    origin.close()
    return Memory(READERS, before, after)


def _watched(node: Node) -> list[int]:
    found, deadline = [], time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        found.append(resident_bytes(node.server.pid))
        time.sleep(0.1)
    return found


def _begin(port: int, path: str) -> socket.socket:
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    reader.connect(("127.0.0.1", port))
    reader.sendall(f"GET {path} HTTP/1.1\r\nHost: cache.internal\r\n\r\n".encode())
    assert reader.recv(16).startswith(b"HTTP/1.1 200")
    return reader


def sentence(found: Memory) -> str:
    """For the page."""
    megabyte = 1e6
    return (
        f"{found.readers} clients that stand still in the middle of an answer of 64 MiB: the node has "
        f"{found.before / megabyte:.0f} MB before and {found.after / megabyte:.0f} MB with them, "
        f"{found.each() / 1000:.0f} kB for each."
    )
