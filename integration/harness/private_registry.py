"""A docker-registry that asks who one is, and may send clients elsewhere for blobs."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from harness import paths
from harness.processes import Server
from harness.registry import Registry, settings


class PrivateRegistry:
    """A registry with a door, and beside it one without that serves the same storage.

    `inside` is how a test puts things in and looks at them, without a token service or a CDN noticing.
    """

    def __init__(
        self, name: str, directory: Path, auth: Mapping[str, object], blobs_at: str | None = None
    ) -> None:
        self.name = name
        self.inside = Registry(f"{name}-inside", directory)
        storage = directory / self.inside.name / "storage"
        configuration = directory / f"{name}.yml"
        document = {**settings(name, storage, 0, "info"), "auth": auth}
        if blobs_at is not None:
            document["middleware"] = {"storage": [_redirect(blobs_at)]}
        # JSON is YAML.
        configuration.write_text(json.dumps(document))
        command: list[str | Path] = [paths.need_command("docker-registry"), "serve", configuration]
        self.storage = storage
        self.server = Server(name, command, directory)
        self.port = self.server.wait_until(self._listening, "it listens")

    @property
    def authority(self) -> str:
        """Where it is reached, as a URL has it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://{self.authority}"

    def answers(self) -> list[tuple[str, int]]:
        """Method and target of what it was asked at the door, in order, and the status of each answer.

        From its access log, which may lack the last few: it answers before it writes.
        """
        lines = re.findall(r'"([A-Z]+ \S+) HTTP/\S+" (\d+)', self.server.out.read_text(errors="replace"))
        return [(asked, int(status)) for asked, status in lines]

    def stop(self) -> None:
        """Stops both."""
        self.server.stop()
        self.inside.stop()

    def _listening(self) -> int | None:
        found = re.search(r"listening on \S+:(\d+)", self.server.log.read_text(errors="replace"))
        return int(found.group(1)) if found else None


def htpasswd_settings(path: Path, realm: str = "Registry Realm") -> dict[str, object]:
    """The `auth` section for a file of `harness.accounts.write_htpasswd`."""
    return {"htpasswd": {"realm": realm, "path": str(path)}}


def _redirect(base: str) -> dict[str, object]:
    """Blobs are at BASE/docker/registry/v2/blobs/...; a path in BASE would be dropped (2.8.2)."""
    return {"name": "redirect", "options": {"baseurl": base}}
