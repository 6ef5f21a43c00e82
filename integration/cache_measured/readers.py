"""Clients that throw away what they get: so many from one process that their own work is small beside what they measure.

`python -m cache_measured.readers PORT PATH COUNT SECONDS` prints what each of them saw, a line each.
"""

import re
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

from harness import paths

HOST = "registry.test"
# As much as the kernel has of one answer is thrown away at once.
MOST = 8 << 20
HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) .*?\r\ncontent-length: (\d+)\r\n", re.DOTALL | re.IGNORECASE)
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Client:
    """What one client saw: seconds from its beginning. One that got no head has the status 0."""

    status: int
    received: int
    first_byte: float
    end: float


class Reader:
    """A client: one request, until the announced bytes are there or the connection ends."""

    def __init__(self, port: int, path: str) -> None:
        self._begin = time.monotonic()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        self.socket.setblocking(False)
        self._head = b""
        self._status, self._announced, self._received = 0, 0, 0
        self._first_byte = 0.0

    def read(self, scratch: bytearray) -> bool:
        """Takes what is there; whether that was the end."""
        try:
            count = self._body(scratch) if self._status else self._read_head()
        except BlockingIOError:
            return False
        except OSError:
            return True
        return not count or bool(self._status and self._received >= self._announced)

    def _read_head(self) -> int:
        part = self.socket.recv(4096)
        self._first_byte = self._first_byte or time.monotonic() - self._begin
        self._head += part
        head, end, body = self._head.partition(END_OF_HEAD)
        found = HEAD.match(head + b"\r\n") if end else None
        if found:
            self._status, self._announced = int(found[1]), int(found[2])
            self._received = len(body)
        return len(part)

    def _body(self, scratch: bytearray) -> int:
        # Linux throws bytes of TCP away, and copies nothing (tcp(7)).
        count = self.socket.recv_into(scratch, MOST, socket.MSG_TRUNC)
        self._received += count
        return count

    def seen(self) -> Client:
        """What it saw, if this is its end."""
        return Client(self._status, self._received, self._first_byte, time.monotonic() - self._begin)


def run(port: int, path: str, count: int, seconds: float) -> list[Client]:
    """All of them at once, in this process."""
    scratch, found = bytearray(MOST), list[Client]()
    with selectors.DefaultSelector() as selector:
        deadline = time.monotonic() + seconds
        for _ in range(count):
            reader = Reader(port, path)
            selector.register(reader.socket, selectors.EVENT_READ, reader)
        while (left := selector.get_map()) and time.monotonic() < deadline:
            for key, _ in selector.select(1.0):
                if key.data.read(scratch):
                    found.append(key.data.seen())
                    selector.unregister(key.data.socket)
                    key.data.socket.close()
        found += [key.data.seen() for key in left.values()]
    return found


def together(port: int, path: str, count: int, seconds: float) -> list[Client]:
    """The same in a process of their own."""
    command = [sys.executable, "-m", "cache_measured.readers", str(port), path, str(count), str(seconds)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=seconds + 60, cwd=paths.ROOT / "integration"
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    return [Client(int(status), int(got), float(first), float(end)) for status, got, first, end in lines]


if __name__ == "__main__":
    for client in run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])):
        print(client.status, client.received, client.first_byte, client.end)
