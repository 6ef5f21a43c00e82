"""A listening socket whose connections are each served by a thread."""

import socket
import threading
from collections.abc import Callable

JOIN_SECONDS = 5.0


class Listener:
    """Listens on a port of 127.0.0.1, which the kernel chooses unless it is told, until it is closed."""

    def __init__(self, serve: Callable[[socket.socket], None], port: int = 0) -> None:
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops listening.

        The thread is woken and waited for before its socket is closed. It might accept the next
        connection of whoever gets the same file descriptor otherwise.
        """
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(JOIN_SECONDS)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
