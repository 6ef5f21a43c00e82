"""A stand-in for the CDN or object store to which a registry sends clients for blobs.

It serves a directory with ranges, signs URLs as object stores do, redirects as often as it is told,
and keeps every request as it came. `Tls` in front of it (`harness.tls`) makes it an https one.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from harness.raw import Header
from harness.scripted import Answer, Scripted, Seen

Behaviour = Callable[[Seen], Answer | None]
RANGE = re.compile(rb"bytes=(\d*)-(\d*)")
# Everything that a proxy might be tempted to tidy: escapes in both cases, a plus, empty and repeated
# parameters out of order. A signature covers the bytes.
UNTIDY = "X-Amz-Date=20260101T000000Z&b=%2Fa%2fb+c~&&a=%7E&b=1&empty=&"


class Cdn:
    """The server, on a port that the kernel chose. `base` is where clients reach it, if not directly."""

    def __init__(self, root: Path, base: str = "") -> None:
        self._root = root
        self._behaviours: list[Behaviour] = []
        self._server = Scripted()
        self._server.script = self._answer
        self.base = base or self._server.url

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that it listens on."""
        return self._server.port

    @property
    def seen(self) -> list[Seen]:
        """Every request since the last `forget`, in order."""
        return list(self._server.seen)

    def forget(self) -> None:
        """Forgets what it was asked."""
        self._server.forget()

    def behave(self, *behaviours: Behaviour) -> None:
        """From now on the first of these with an answer gives it; then comes the file."""
        self._behaviours = list(behaviours)

    def close(self) -> None:
        """Stops listening."""
        self._server.close()

    def signed(self, path: str) -> str:
        """The URL at which `signing` gives a file."""
        return self.base + path + _signed_query(path)

    def signing(self, seen: Seen) -> Answer | None:
        """Sends to the signed URL, and refuses every other query, and a second way to authenticate (as S3)."""
        path, query = _split(seen.target)
        if not query:
            return redirect(self.signed(path))
        if "authorization" in seen.names:
            return Answer(400, body=b"<Error><Code>InvalidArgument</Code></Error>")
        return None if query == _signed_query(path) else Answer(403, body=b"SignatureDoesNotMatch")

    def chain(self, hops: int, status: int = 307) -> Behaviour:
        """Redirects so often before it serves the file."""

        def hop(seen: Seen) -> Answer | None:
            path, query = _split(seen.target)
            number = int(query.removeprefix("?hop=") or 0)
            return redirect(f"{self.base}{path}?hop={number + 1}", status) if number < hops else None

        return hop

    def loop(self, seen: Seen) -> Answer | None:
        """Redirects to itself, for ever."""
        return redirect(self.base + seen.target.decode("latin-1"))

    def _answer(self, seen: Seen) -> Answer:
        for behaviour in self._behaviours:
            answer = behaviour(seen)
            if answer is not None:
                return answer
        return self._file(seen)

    def _file(self, seen: Seen) -> Answer:
        file = (self._root / _split(seen.target)[0].lstrip("/")).resolve()
        if seen.method not in ("GET", "HEAD"):
            return Answer(405, [("Allow", "GET, HEAD")])
        if not file.is_relative_to(self._root.resolve()) or not file.is_file():
            return Answer(404, body=b"<Error><Code>NoSuchKey</Code></Error>")
        return _ranged(file.read_bytes(), b"".join(seen.all("range")))


def redirect(location: str, status: int = 307) -> Answer:
    """A redirect."""
    return Answer(status, [("Location", location)])


def refuse(status: int) -> Behaviour:
    """The same error for everything."""
    return lambda _seen: Answer(status, [("Content-Type", "application/xml")], b"<Error/>")


def _split(target: bytes) -> tuple[str, str]:
    """The path, and the query with its question mark."""
    path, mark, query = target.decode("latin-1").partition("?")
    return path, mark + query


def _signed_query(path: str) -> str:
    return f"?{UNTIDY}X-Amz-Signature={hashlib.sha256(path.encode()).hexdigest()}"


def _ranged(content: bytes, wanted: bytes) -> Answer:
    """RFC 9110 section 14.2, for one range."""
    own: list[Header] = [("Accept-Ranges", "bytes"), ("Content-Type", "application/octet-stream")]
    found = RANGE.fullmatch(wanted)
    if found is None or found.groups() == (b"", b""):
        return Answer(200, own, content)
    first, last = _bounds(found.group(1), found.group(2), len(content))
    if first > last:
        return Answer(416, [("Content-Range", f"bytes */{len(content)}")])
    part = f"bytes {first}-{last}/{len(content)}"
    return Answer(206, [*own, ("Content-Range", part)], content[first : last + 1])


def _bounds(first: bytes, last: bytes, size: int) -> tuple[int, int]:
    """The first and the last byte; without a first byte it is about the last bytes."""
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
