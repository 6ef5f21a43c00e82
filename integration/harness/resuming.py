"""A client that pulls a blob as container runtimes do: what breaks off is gone on with, what is wrong begun anew."""

import hashlib
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

ATTEMPTS = 12
SECONDS = 30.0
PIECE = 65536


@dataclass
class Resuming:
    """The client of a front; what it was answered besides content."""

    port: int
    host: str = "registry.test"
    refused: list[int] = field(default_factory=list)

    def pull(self, path: str) -> bytes:
        """The content of a path that ends in its digest. A whole answer of other content is a failure at once."""
        digest = path.rsplit(":", 1)[1]
        got = b""
        for _ in range(ATTEMPTS):
            status, part, is_whole = self._get(path, len(got))
            if status not in (200, 206):
                self.refused.append(status)
                continue
            got = part if status == 200 else got + part
            if hashlib.sha256(got).hexdigest() == digest:
                return got
            assert not (is_whole and status == 200), f"{path}: a whole body of other content"
            if is_whole:
                got = b""
        raise AssertionError(f"{path}: not pulled in {ATTEMPTS} attempts; statuses {self.refused}")

    def _get(self, path: str, start: int) -> tuple[int, bytes, bool]:
        """The status, 0 without one; the bytes that came, and whether these are all that were announced."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        headers = {"Host": self.host} | ({"Range": f"bytes={start}-"} if start else {})
        status, parts, is_whole = 0, [], False
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            status = answer.status
            while part := answer.read1(PIECE):
                parts.append(part)
            is_whole = not answer.length
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        return status, b"".join(parts), is_whole
