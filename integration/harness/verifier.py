"""A verifier of passwords: nginx, which says yes or no to the Authorization header of a request.

The file is the one of `htpasswd -B`. nginx reads it for each request, so that replacing it needs no
restart, and has bcrypt from the C library (crypt(3) of Debian's libxcrypt).
"""

import json
from pathlib import Path

from harness import nginx, raw
from harness.own_port import reserve

# In the path of requests that only mark a place in what it writes down.
MARK = "harness-mark"

# `return` alone would answer before anybody looked at the password: nginx rewrites before it grants access.
SERVER = """
    log_format asked escape=json '["$request_method", "$request_uri", "$remote_user", $status]';
    access_log {directory}/asked.json asked;
    server {{
        listen 127.0.0.1:{port} reuseport;
        auth_basic "{realm}";
        auth_basic_user_file {file};
        location / {{ try_files /nothing-is-called-so @known; }}
        location @known {{ return {status}; }}
    }}
"""


class Verifier:
    """The verifier, for one file of accounts. Envoy's ext_authz takes no other yes than 200."""

    def __init__(self, file: Path, directory: Path, status: int = 204, realm: str = "registry") -> None:
        directory.mkdir(parents=True)
        self.port = reserve()
        self._asked = directory / "asked.json"
        self._marks = 0
        text = SERVER.format(directory=directory, port=self.port, realm=realm, file=file, status=status)
        self.server = nginx.start("verifier", directory, self.port, text)

    @property
    def url(self) -> str:
        """Its URL, for the policy."""
        return f"http://127.0.0.1:{self.port}/"

    def requests(self, count: int) -> list[tuple[str, str, str, int]]:
        """The first `count` of what it was asked: method, target, user, status.

        Waits for them, as nginx answers before it writes.
        """
        return self.server.wait_until(lambda: self._requests(count), f"it was asked {count} times")

    def requests_so_far(self) -> list[str]:
        """What it was asked up to now, as it wrote it down: as nginx answers before it writes, up to a request of our own."""
        self._marks += 1
        mark = f"/{MARK}/{self._marks}"
        raw.request(self.port, "GET", mark)
        self.server.wait_until(lambda: f'"{mark}"' in self._asked.read_text() or None, "it has written what it was asked")
        return [line for line in self._asked.read_text().splitlines() if MARK not in line]

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()

    def _requests(self, count: int) -> list[tuple[str, str, str, int]] | None:
        lines = self._asked.read_text().splitlines()[:count]
        return [tuple(json.loads(line)) for line in lines] if len(lines) == count else None
