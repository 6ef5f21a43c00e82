"""A strict stand-in for S3: it checks every signature and every hash, and keeps nothing that breaks off.

One bucket, `images`: by path at `127.0.0.1` (`/images/KEY`), by host at `localhost` (`/KEY`), which stands for
`images.s3.example`. Anybody may read, if it is public; only the key may write.
"""

import hashlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote

from harness.aws_signature import UNSIGNED, Key, Refused, check

BUCKET = "images"
LEAST_PART = 5 * 1024 * 1024
PIECE = 64 * 1024
KEY = Key("AKIDTEST", "a secret/with+signs", "eu-test-1")


@dataclass(frozen=True)
class Seen:
    """A request, the status of its answer, and how many bytes of a body came."""

    method: str
    target: str
    status: int
    received: int


@dataclass
class Upload:
    """An upload in parts."""

    key: str
    parts: dict[int, bytes] = field(default_factory=dict)


Fault = Callable[[str, str], tuple[int, str] | None]


class S3:
    """The server, on a port that the kernel chose."""

    def __init__(self, public: bool = True) -> None:
        self.public = public
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, Upload] = {}
        self.fault: Fault = lambda _method, _key: None
        # What somebody else does while a body is awaited.
        self.meanwhile: Callable[[str], None] = lambda _key: None
        self._seen: list[Seen] = []
        self._lock = threading.Lock()
        self._ids = 0
        store = self

        class Handler(_Handler):
            """Requests to this store."""

            s3 = store

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def by_path(self) -> str:
        """The URL of any blob, with the bucket in its path."""
        return f"http://127.0.0.1:{self.port}/{BUCKET}/blobs/{{digest}}"

    @property
    def by_host(self) -> str:
        """The URL of any blob, with the bucket in its host."""
        return f"http://localhost:{self.port}/blobs/{{digest}}"

    @property
    def seen(self) -> list[Seen]:
        """Every request since the last `forget`."""
        with self._lock:
            return list(self._seen)

    def of(self, method: str) -> list[Seen]:
        """The requests of a method."""
        return [seen for seen in self.seen if seen.method == method]

    def forget(self) -> None:
        """Forgets what it was asked."""
        with self._lock:
            self._seen.clear()

    def blob(self, digest: str) -> bytes | None:
        """What is there under a digest."""
        return self.objects.get(f"blobs/{digest}")

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

    def note(self, seen: Seen) -> None:
        """One more request."""
        with self._lock:
            self._seen.append(seen)

    def begin(self, key: str) -> str:
        """A new upload; its identifier has what must be escaped in a query."""
        with self._lock:
            self._ids += 1
            name = f"up/{self._ids}+="
            self.uploads[name] = Upload(key)
        return name


def knows_no_conditions(method: str, _key: str) -> tuple[int, str] | None:
    """What a store answers that does not know `If-None-Match` where something is written."""
    return (501, "NotImplemented") if method.endswith(" If-None-Match") else None


class _Cut(Exception):
    """A body that broke off."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: S3

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def handle_expect_100(self) -> bool:
        """Whether the body is wanted is found out first."""
        return True

    def do_GET(self) -> None:
        self._do()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def _do(self) -> None:
        self.received = 0
        self.is_read = False
        try:
            status, code, headers, body = self._answer()
        except Refused as refused:
            status, code, headers, body = 403, refused.code, {}, b""
            if refused.code == "AuthorizationHeaderMalformed":
                status, headers = 400, {"x-amz-bucket-region": KEY.region}
        except _Cut:
            self.close_connection = True
            self.s3.note(Seen(self.command, self.path, 0, self.received))
            return
        if code:
            body = f"<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.s3.note(Seen(self.command, self.path, status, self.received))
        if not self.is_read and self.headers.get("content-length", "0") != "0":
            self.close_connection = True
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _answer(self) -> tuple[int, str, dict[str, str], bytes]:
        """Status, S3's code of an error, headers, body."""
        path, _, query = self.path.partition("?")
        words = parse_qs(query, keep_blank_values=True)
        key = unquote(path).lstrip("/")
        host = self.headers["host"].partition(":")[0]
        if host == "127.0.0.1":
            bucket, _, key = key.partition("/")
            if bucket != BUCKET:
                return 404, "NoSuchBucket", {}, b""
        reads = self.command in ("GET", "HEAD")
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not (reads and self.s3.public and "authorization" not in headers):
            check(KEY, self.command, self.path, headers)
            if quote_of(path) != path:
                raise Refused("SignatureDoesNotMatch", f"{path} is not sent as it is signed")
        found = self.s3.fault(self.command, key)
        if found:
            return found[0], found[1], {}, b""
        if reads:
            content = self.s3.objects.get(key)
            if content is None:
                return 404, "NoSuchKey", {}, b""
            return 200, "", {"ETag": f'"{hashlib.md5(content).hexdigest()}"', **_length(self.command, content)}, content
        return self._write(key, words)

    def _write(self, key: str, words: dict[str, list[str]]) -> tuple[int, str, dict[str, str], bytes]:
        s3 = self.s3
        upload = words.get("uploadId", [""])[0]
        if upload and (upload not in s3.uploads or s3.uploads[upload].key != key):
            return 404, "NoSuchUpload", {}, b""
        is_conditional = self.headers.get("if-none-match") == "*"
        if is_conditional and (fault := s3.fault(f"{self.command} If-None-Match", key)):
            return fault[0], fault[1], {}, b""
        s3.meanwhile(key)
        if is_conditional and key in s3.objects:
            return 412, "PreconditionFailed", {}, b""
        if self.command == "DELETE":
            del s3.uploads[upload]
            return 204, "", {}, b""
        content = self._body()
        announced = self.headers["x-amz-content-sha256"]
        if announced != UNSIGNED and hashlib.sha256(content).hexdigest() != announced:
            return 400, "XAmzContentSHA256Mismatch", {}, b""
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        if self.command == "POST" and "uploads" in words:
            return 200, "", {}, f"<InitiateMultipartUploadResult><UploadId>{s3.begin(key)}</UploadId></InitiateMultipartUploadResult>".encode()
        if self.command == "POST":
            return self._complete(upload, key, content)
        if upload:
            s3.uploads[upload].parts[int(words["partNumber"][0])] = content
        else:
            s3.objects[key] = content
        return 200, "", {"ETag": etag}, b""

    def _complete(self, upload: str, key: str, document: bytes) -> tuple[int, str, dict[str, str], bytes]:
        parts = self.s3.uploads[upload].parts
        listed = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>\"([0-9a-f]+)\"</ETag>", document.decode())
        if [(int(number), etag) for number, etag in listed] != [
            (number, hashlib.md5(parts[number]).hexdigest()) for number in sorted(parts)
        ]:
            return 400, "InvalidPart", {}, b""
        if any(len(parts[number]) < LEAST_PART for number in sorted(parts)[:-1]):
            return 400, "EntityTooSmall", {}, b""
        self.s3.objects[key] = b"".join(parts[number] for number in sorted(parts))
        del self.s3.uploads[upload]
        return 200, "", {}, b"<CompleteMultipartUploadResult/>"

    def _body(self) -> bytes:
        """The body, once it is wanted."""
        if self.headers.get("expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        self.is_read = True
        length = int(self.headers["content-length"])
        pieces = []
        while self.received < length:
            try:
                piece = self.rfile.read(min(PIECE, length - self.received))
            except OSError as problem:
                raise _Cut from problem
            self.received += len(piece)
            if not piece:
                raise _Cut
            pieces.append(piece)
        return b"".join(pieces)


def quote_of(path: str) -> str:
    """A path as it must be sent."""
    return quote(unquote(path), safe="/-._~")


def _length(method: str, content: bytes) -> dict[str, str]:
    return {"Content-Length": str(len(content))} if method == "HEAD" else {}
