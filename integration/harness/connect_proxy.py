"""A proxy as companies have it: whoever wants to reach a server outside asks it to connect (RFC 9110 section 9.3.6)."""

import socket
import threading

from harness.listening import Listener


class ConnectProxy:
    """Connects where it is asked to, by names of its own, and keeps what it was asked."""

    def __init__(self) -> None:
        # The ports on this machine of what is reachable, by `host:port`.
        self.servers: dict[str, int] = {}
        self.asked: list[str] = []
        self.heads: list[str] = []
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Takes no further connections."""
        self._listener.close()

    def _serve(self, client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                more = client.recv(4096)
                if not more:
                    return
                head += more
            method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
            self.asked.append(f"{method} {target}")
            self.heads.append(head.decode("latin-1").lower())
            port = self.servers.get(target)
            if method != "CONNECT" or port is None:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", port)) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                threading.Thread(target=_copy, args=(client, server), daemon=True).start()
                _copy(server, client)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Until the source says nothing more, or the sink has gone."""
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
