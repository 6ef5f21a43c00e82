"""A real store that speaks S3's API: Versity S3 Gateway, with a directory for its objects."""

import json
from collections.abc import Iterable
from pathlib import Path

from harness import paths, ports, raw
from harness.aws_signature import Key, sign
from harness.processes import Server

KEY = Key("AKIDVERSITY", "a/secret+with=signs", "eu-test-1")
BUCKET = "images"
PROGRAM = paths.ROOT / ".tools/bin/versitygw"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
    ],
}


def have() -> bool:
    """Whether the program is on this machine."""
    return PROGRAM.is_file()


class Versity:
    """The server, with a bucket that anybody may read."""

    def __init__(self, directory: Path) -> None:
        self.port = ports.free()
        self.objects = directory / "objects"
        attributes, temporary = directory / "attributes", directory / "temporary"
        for place in (self.objects, attributes, temporary):
            place.mkdir(parents=True)
        command: list[str | Path] = [
            PROGRAM,
            *("--access", KEY.access, "--secret", KEY.secret, "--region", KEY.region),
            *("--port", f"127.0.0.1:{self.port}"),
            *("posix", "--sidecar", attributes, self.objects),
        ]
        self._server = Server("versitygw", command, directory)
        self._server.wait_until(self._answers, "it answers")
        assert self.request("PUT", f"/{BUCKET}").status == 200
        answer = self.request("PUT", f"/{BUCKET}?policy=", json.dumps(POLICY).encode())
        assert answer.status in (200, 204), answer

    @property
    def url(self) -> str:
        """The URL of any blob."""
        return f"http://127.0.0.1:{self.port}/{BUCKET}/blobs/{{digest}}"

    def blob(self, digest: str) -> bytes | None:
        """What anybody gets under a digest."""
        answer = raw.request(self.port, "GET", f"/{BUCKET}/blobs/{digest.replace(':', '%3A')}", host=self._host)
        assert answer.status in (200, 404), answer
        return answer.body if answer.status == 200 else None

    def uploads(self) -> bytes:
        """The list of uploads in parts that are not complete."""
        answer = self.request("GET", f"/{BUCKET}?uploads=")
        assert answer.status == 200, answer
        return answer.body

    def request(
        self, method: str, target: str, body: bytes = b"", more: Iterable[raw.Header] = (), signed: bytes | None = None
    ) -> raw.Response:
        """A request of who may do everything; `signed` is a body that is signed in the place of the one that is sent."""
        headers = sign(KEY, method, self._host, target, body if signed is None else signed)
        host = headers.pop("host")
        return raw.request(self.port, method, target, [*headers.items(), *more], body, host)

    def stop(self) -> None:
        """Stops it."""
        self._server.stop()

    @property
    def _host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _answers(self) -> bool | None:
        try:
            return raw.request(self.port, "GET", "/", host=self._host).status > 0
        except OSError:
            return None
