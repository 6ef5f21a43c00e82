"""A server that takes plain `PUT`s from who has the password, and shows what it has to everybody: nginx."""

import base64
from pathlib import Path

from harness import nginx
from harness.own_port import reserve

USER, PASSWORD = "writer", "a-secret"

SERVER = """
    access_log off;
    client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port} reuseport;
        root {directory}/files;
        dav_methods PUT;
        create_full_put_path on;
        location / {{
            limit_except GET {{ auth_basic writers; auth_basic_user_file {directory}/users; }}
        }}
    }}
"""


class Dav:
    """The server, and its files."""

    def __init__(self, directory: Path) -> None:
        (directory / "files").mkdir(parents=True)
        self.files = directory / "files"
        self.port = reserve()
        (directory / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        self._server = nginx.start("dav", directory, self.port, SERVER.format(directory=directory, port=self.port))

    @property
    def url(self) -> str:
        """The URL of any blob."""
        return f"http://127.0.0.1:{self.port}/blobs/{{algorithm}}/{{shard}}/{{encoded}}"

    @property
    def authorization(self) -> str:
        """What who may write shows."""
        return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def blob(self, digest: str) -> bytes | None:
        """What is there under a digest."""
        _, _, encoded = digest.partition(":")
        file = self.files / "blobs/sha256" / encoded[:2] / encoded
        return file.read_bytes() if file.exists() else None

    def stop(self) -> None:
        """Stops it."""
        self._server.stop()
