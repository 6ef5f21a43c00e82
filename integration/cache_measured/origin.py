"""A registry with blobs of random bytes, which sends no more than so many bytes a second in all."""

import hashlib
import os
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 64 * 1024
REPOSITORY = "team/app"


@dataclass
class Counts:
    """What it was asked, and what it sent of blobs."""

    heads: int = 0
    gets: int = 0
    sent: int = 0


class Origin:
    """The registry, on a port that the kernel chose. Its rate is none unless it is given, in bytes a second."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self.counts = Counts()
        self._blobs: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._next = 0.0
        origin = self

        class Handler(_Handler):
            """Requests to this registry."""

            registry = origin

        class Server(ThreadingHTTPServer):
            """Takes a herd at once."""

            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """Clients that leave are none of its business."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def fresh(self, size: int) -> str:
        """A blob that nobody has asked for; the path at which it is. All that was counted before is forgotten."""
        body = os.urandom(size)
        path = f"/v2/{REPOSITORY}/blobs/sha256:{hashlib.sha256(body).hexdigest()}"
        self._blobs = {path: body}
        self.counts = Counts()
        return path

    def body(self, path: str) -> bytes | None:
        """What is there."""
        return self._blobs.get(path)

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

    def count(self, *, heads: int = 0, gets: int = 0, sent: int = 0) -> None:
        """Something more."""
        with self._lock:
            self.counts.heads += heads
            self.counts.gets += gets
            self.counts.sent += sent

    def wait_for(self, count: int) -> None:
        """Until so many bytes may be sent, behind all that others were promised before."""
        if self.rate is None:
            return
        with self._lock:
            begin = max(self._next, time.monotonic())
            self._next = begin + count / self.rate
        time.sleep(max(0.0, self._next - time.monotonic()))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    registry: Origin

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        body = b"{}" if path == "/v2/" else self.registry.body(path)
        is_blob = "/blobs/" in path
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.send_header("Content-Type", "application/octet-stream")
        if is_blob:
            self.send_header("Docker-Content-Digest", path.rpartition("/")[2])
        self.end_headers()
        if self.command == "HEAD":
            self.registry.count(heads=is_blob)
            return
        self.registry.count(gets=is_blob)
        view = memoryview(body or b"")
        try:
            for at in range(0, len(view), PIECE):
                piece = view[at : at + PIECE]
                self.registry.wait_for(len(piece))
                self.wfile.write(piece)
                if is_blob:
                    self.registry.count(sent=len(piece))
        except OSError:
            self.close_connection = True
