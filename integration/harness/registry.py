"""Real registries: Debian's docker-registry, each with a directory of its own."""

import json
import re
from pathlib import Path

from harness import paths, raw
from harness.image import ACCEPT
from harness.processes import Server

# Said by the registry itself on every answer, so that a client can see who served it.
SERVED_BY = "x-served-by"


# A line of the access log, which has the Combined Log Format: method and target, and who asked.
REQUEST = re.compile(r'"([A-Z]+ \S+) HTTP/[^"]*" \S+ \S+ "[^"]*" "([^"]*)"')
# In the query of requests that only mark a place in the access log.
MARK = "harness-mark"


class Registry:
    """One docker-registry on a port that the kernel chose, or on the given one."""

    def __init__(self, name: str, directory: Path, port: int = 0, mirrored: str | None = None) -> None:
        """With `mirrored`, the URL of another, it is a pull-through cache of that one and takes no pushes."""
        self.name = name
        self._marks = 0
        root = directory / name
        root.mkdir(parents=True)
        configuration = root / "config.yml"
        # JSON is YAML.
        document = settings(name, root / "storage", port, "info")
        if mirrored is not None:
            document["proxy"] = {"remoteurl": mirrored}
        configuration.write_text(json.dumps(document))
        command: list[str | Path] = [paths.need_command("docker-registry"), "serve", configuration]
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

    def has_manifest(self, repository: str, reference: str) -> bool:
        """Whether it holds a manifest, asked directly."""
        return self._has(f"/v2/{repository}/manifests/{reference}")

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether it holds a blob, asked directly."""
        return self._has(f"/v2/{repository}/blobs/{digest}")

    def tag(self, repository: str, tags: list[str], media_type: str, manifest: bytes) -> None:
        """Gives tags to a manifest whose parts are there."""
        for tag in tags:
            target = f"/v2/{repository}/manifests/{tag}"
            answer = raw.request(self.port, "PUT", target, [("Content-Type", media_type)], manifest)
            assert answer.status == 201, answer

    def requests(self) -> list[str]:
        """Method and target of everything that clients asked, in order, from its access log; not Envoy's health checks.

        It writes a line when a request has ended for itself, which may be after it has for the client: so what
        is read here ends with a request of our own, as long as the registry runs.
        """
        self._marks += 1
        mark = f"/v2/?{MARK}={self._marks}"
        try:
            raw.request(self.port, "GET", mark)
            self.server.wait_until(lambda: mark in self._log() or None, "it has logged what it was asked")
        except ConnectionError:
            pass
        found = REQUEST.findall(self._log())
        return [request for request, agent in found if MARK not in request and agent != "Envoy/HC"]

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()

    def _log(self) -> str:
        return self.server.out.read_text(errors="replace")

    def _has(self, target: str) -> bool:
        return raw.request(self.port, "HEAD", target, [("Accept", ACCEPT)]).status == 200

    def _listening(self) -> int | None:
        found = re.search(r"listening on \S+:(\d+)", self.server.log.read_text(errors="replace"))
        return int(found.group(1)) if found else None


def settings(name: str, storage: Path, port: int, log_level: str) -> dict[str, object]:
    """The configuration of a registry that says in each answer who it is."""
    return {
        "version": 0.1,
        "log": {"level": log_level},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {
            "addr": f"127.0.0.1:{port}",
            "secret": "only to sign the state of uploads",
            "headers": {SERVED_BY: [name]},
        },
    }
