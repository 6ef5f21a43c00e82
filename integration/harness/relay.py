"""A real registry, and somebody in front who sees every request and may hold or break it."""

import socket
import threading
from collections.abc import Callable

from harness import raw
from harness.listening import Listener
from harness.scripted import Answer, Scripted, Seen

Hook = Callable[[Seen], None]
# How a message is framed is between two neighbours.
FRAMING = ("connection", "transfer-encoding")
PIECE = 1 << 16
SECONDS = 180.0
TLS_HANDSHAKE = b"\x16"


class Relay:
    """In front of a registry on this machine.

    `before` and `after` are called around each exchange with the registry; what they raise (an OSError) ends
    the connection without an answer. `kill` is the end of the registry, as far as anybody can see, and
    `cut_after` ends it in the middle of an answer. `revive` undoes both.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._server = Scripted()
        self._server.script = self._exchange
        self._wire = Wire(self._server.port)
        self.before: Hook | None = None
        self.after: Hook | None = None

    @property
    def authority(self) -> str:
        """Where it is reached, as a URL has it."""
        return f"127.0.0.1:{self._wire.port}"

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://{self.authority}"

    @property
    def seen(self) -> list[Seen]:
        """Every request since the last `forget`, in order, but for Envoy's health checks."""
        return list(self._server.seen)

    @property
    def is_dead(self) -> bool:
        """Whether nobody answers."""
        return self._wire.is_dead

    def forget(self) -> None:
        """Forgets what was seen."""
        self._server.forget()

    def kill(self) -> None:
        """Ends every connection, and each new one at once."""
        self._wire.kill()

    def cut_after(self, size: int, dies: bool = True) -> None:
        """As soon as it has sent so many bytes over one connection it dies, or only that connection does."""
        self._wire.left, self._wire.dies = size, dies

    def revive(self) -> None:
        """In good order again."""
        self.before = self.after = None
        self._wire.revive()

    def close(self) -> None:
        """Stops listening."""
        self._wire.close()
        self._server.close()

    def _exchange(self, seen: Seen) -> Answer:
        if self.before:
            self.before(seen)
        sent = [(name, value) for name, value in seen.headers if name not in (*FRAMING, "content-length")]
        body = None if seen.method in ("GET", "HEAD") else seen.body
        got = raw.request(self._to_port, seen.method, seen.target, sent, body, host=None)
        if self.after:
            self.after(seen)
        return Answer(got.status, [field for field in got.headers if field[0] not in FRAMING], got.body)


class Wire:
    """Carries bytes between clients and a port of this machine, until it is cut."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.is_dead = False
        # How many bytes one connection may bring to a client, and whether all others then end too.
        self.left: int | None = None
        self.dies = True
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def kill(self) -> None:
        """Ends all connections, and each new one at once."""
        self.is_dead = True
        with self._lock:
            for each in self._open:
                _end(each)

    def revive(self) -> None:
        """Carries everything again."""
        self.is_dead, self.left = False, None

    def close(self) -> None:
        """Stops listening."""
        self.kill()
        self._listener.close()

    def _serve(self, client: socket.socket) -> None:
        with client:
            if self.is_dead:
                return
            try:
                with socket.create_connection(("127.0.0.1", self._to_port), SECONDS) as server:
                    self._connect(client, server)
            except OSError:
                return

    def _connect(self, client: socket.socket, server: socket.socket) -> None:
        for each in (client, server):
            each.settimeout(SECONDS)
        with self._lock:
            self._open |= {client, server}
        threading.Thread(target=self._up, args=(client, server), daemon=True).start()
        try:
            self._down(server, client)
        finally:
            with self._lock:
                self._open -= {client, server}
            _end(client)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        try:
            more = client.recv(PIECE)
            # Clients try TLS first; they go on without as soon as they see that there is none.
            while more and more[:1] != TLS_HANDSHAKE:
                server.sendall(more)
                more = client.recv(PIECE)
        except OSError:
            pass
        _end(server)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        carried = 0
        while more := server.recv(PIECE):
            # Another connection may use it up meanwhile.
            left = self.left
            if left is not None and carried + len(more) > left:
                client.sendall(more[: max(left - carried, 0)])
                self.left = None
                if self.dies:
                    self.kill()
                return
            carried += len(more) if left is not None else 0
            client.sendall(more)


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
