"""A load balancer in miniature: what it carries comes from an address of our choice.

Container clients cannot set X-Forwarded-For, but the proxy in front of a real deployment does,
and a policy trusts it with `trusted_hops: 1`. This is that proxy. Each request gets a
connection of its own, so that after the head there is nothing left to understand.
"""

import socket
import threading

from harness.listening import Listener

# A client that sends nothing for so long has gone.
SECONDS = 180.0


class Forwarder:
    """Listens on a port that the kernel chose and forwards to another one on this machine."""

    def __init__(self, client_address: str, to_port: int) -> None:
        self._client_address = client_address.encode()
        self._to_port = to_port
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    @property
    def authority(self) -> str:
        """Where it is reached, as an image name has it."""
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stops listening."""
        self._listener.close()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(SECONDS)
        with client:
            try:
                head, rest = _read_head(client)
                with socket.create_connection(("127.0.0.1", self._to_port), SECONDS) as server:
                    server.sendall(self._located(head) + rest)
                    threading.Thread(target=_pipe, args=(client, server), daemon=True).start()
                    _pipe(server, client)
            except OSError:
                return

    def _located(self, head: bytes) -> bytes:
        """The head with the client's address, and with no wish to keep the connection."""
        lines = head.split(b"\r\n")
        kept = [line for line in lines[1:] if line.partition(b":")[0].lower() != b"connection"]
        own = [b"Connection: close", b"X-Forwarded-For: " + self._client_address]
        return b"\r\n".join([lines[0], *own, *kept, b"", b""])


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        more = client.recv(65536)
        # Clients try TLS first; they go on without as soon as they see that there is none.
        if not more or not (received or more)[:1].isalpha():
            raise ConnectionError("no HTTP, or gone before the end of the head")
        received += more
    head, rest = received.split(b"\r\n\r\n", 1)
    return head, rest


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    """Carries bytes one way until the source ends."""
    try:
        while more := source.recv(1 << 18):
            sink.sendall(more)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
