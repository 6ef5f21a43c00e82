"""A pull-through cache: registry:2 in proxy mode, in front of another registry."""

import json
import re
from pathlib import Path

from harness import paths
from harness.processes import Server
from harness.registry import settings


class PullThrough:
    """One docker-registry that fetches what it lacks and keeps it; nobody can push to it."""

    def __init__(self, name: str, directory: Path, remote: str) -> None:
        self.name = name
        root = directory / name
        root.mkdir(parents=True)
        document = {**settings(name, root / "storage", 0, "info"), "proxy": {"remoteurl": remote}}
        configuration = root / "config.yml"
        # JSON is YAML.
        configuration.write_text(json.dumps(document))
        command: list[str | Path] = [paths.need_command("docker-registry"), "serve", configuration]
        self.server = Server(name, command, directory)
        self.port = self.server.wait_until(self._listening, "it listens")

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()

    def _listening(self) -> int | None:
        found = re.search(r"listening on \S+:(\d+)", self.server.log.read_text(errors="replace"))
        return int(found.group(1)) if found else None
