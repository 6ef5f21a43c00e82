"""A registry that writes down everything that is not meant for it, and takes its time with blobs.

What is meant for it has its name in the path, its authority in `Host` and its own credential. Whatever else arrives
was decided about by one policy and carried by another.
"""

import base64
import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness.digest import sha256

CHUNK_SECONDS = 0.1


class Blobs:
    """What the registries of a test have, by digest, and how many seconds each takes."""

    def __init__(self) -> None:
        self.small = self._add("small", 64)
        # Only some registries have it: requests for it go on to the next backend.
        self.rare = self._add("rare", 64)
        self.seconds: dict[str, float] = {}

    def slow(self, seconds: float) -> str:
        """A blob that takes so long."""
        digest = self._add("slow", 20_000)
        self.seconds[digest] = seconds
        return digest

    def content(self, digest: str) -> bytes | None:
        """The bytes of a blob."""
        return self._all.get(digest)

    def _add(self, name: str, parts: int) -> str:
        if not hasattr(self, "_all"):
            self._all: dict[str, bytes] = {}
        content = b"".join(hashlib.sha256(f"{name} {part}".encode()).digest() for part in range(parts))
        self._all[sha256(content)] = content
        return sha256(content)


class Recording:
    """The registry. `wrong` is what came that is not for it."""

    def __init__(self, name: str, blobs: Blobs, has_rare: bool = True, password: str | None = None) -> None:
        self.name = name
        self.blobs = blobs
        self.has_rare = has_rare
        self.credential = base64.b64encode(f"robot:{password}".encode()).decode() if password else None
        self.wrong: list[str] = []
        self.count = 0
        self.received = 0
        registry = self

        class Handler(_Handler):
            """Requests to this registry."""

            of = registry

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def authority(self) -> str:
        """Where it is reached, as a URL has it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://{self.authority}"

    def prefix(self, variant: str = "") -> str:
        """With what its names of repositories begin; in two variants, for policies that map names otherwise."""
        return f"{self.name}{variant}/"

    def close(self) -> None:
        """Stops it."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Requests to one registry."""

    protocol_version = "HTTP/1.1"
    of: Recording

    def do_GET(self) -> None:
        """Health checks, and blobs."""
        if self.path == "/v2/":
            self._answer(200, b"{}")
            return
        self._check()
        digest = self.path.partition("?")[0].rpartition("/")[2]
        content = self.of.blobs.content(digest)
        if content is None or (digest == self.of.blobs.rare and not self.of.has_rare):
            self._answer(404, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"unknown"}]}')
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for part in self._in_time(content, self.of.blobs.seconds.get(digest, 0)):
            self.wfile.write(part)

    def do_POST(self) -> None:
        """The start of an upload."""
        self._check()
        self._body()
        place = f"{self.path.partition('?')[0]}1"
        self._answer(202, headers={"Location": place})

    def do_PATCH(self) -> None:
        """Content."""
        self._check()
        self.of.received += self._body()
        self._answer(202, headers={"Location": self.path})

    def do_PUT(self) -> None:
        """The end of an upload."""
        self._check()
        self._body()
        self._answer(201)

    def log_message(self, *_: object) -> None:
        """Nothing: what counts is written down."""

    def _check(self) -> None:
        self.of.count += 1
        allowed = {None} if self.of.credential is None else {f"Basic {self.of.credential}"}
        is_ours = self.path.startswith((f"/v2/{self.of.name}/", f"/v2/{self.of.name}-alt/"))
        credential, host = self.headers["Authorization"], self.headers["Host"]
        if not is_ours or host != self.of.authority or credential not in allowed:
            self.of.wrong.append(f"{self.of.name}: {self.command} {host} {self.path} {credential}")

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> int:
        """Reads a body as it comes; how long it was."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return len(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        total = 0
        while size := int(self.rfile.readline().split(b";")[0], 16):
            total += len(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return total

    def _in_time(self, content: bytes, seconds: float) -> Iterator[bytes]:
        """The content in parts that take so long together."""
        parts = max(1, round(seconds / CHUNK_SECONDS))
        size = -(-len(content) // parts)
        for start in range(0, len(content), size):
            yield content[start : start + size]
            if parts > 1:
                time.sleep(CHUNK_SECONDS)
