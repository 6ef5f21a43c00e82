"""`portolan copy` and what it copies from: a real registry, and a front that sends clients to a store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import image, portolan, raw, skopeo
from harness.aws_signature import Key
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render, write_policy
from harness.image import Image
from harness.own_port import reserve
from harness.policies import build_policy, rule_of
from harness.registry import Registry

PUBLIC, PRIVATE = "team/app", "private/app"


def variables(key: Key) -> dict[str, str]:
    """The environment of somebody who has this key, and nothing of the machine's own."""
    return {
        "AWS_ACCESS_KEY_ID": key.access,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_REGION": key.region,
        "AWS_SESSION_TOKEN": "",
        "AWS_PROFILE": "",
    }


@dataclass
class Copied:
    """What a run came to."""

    status: int
    report: dict[str, Any]
    complaints: str

    def blobs(self, state: str) -> set[str]:
        """The digests of the blobs in a state."""
        return {blob["digest"] for blob in self.report["blobs"] if blob["state"] == state}

    def errors(self) -> list[str]:
        """Why blobs were not copied."""
        return [blob["error"] for blob in self.report["blobs"] if blob["error"]]


def copy(*arguments: str | Path, environment: Mapping[str, str], stdin: str = "") -> Copied:
    """Runs it with its JSON read."""
    done = portolan.run("copy", *arguments, "-o", "json", stdin=stdin, environment=environment)
    report = json.loads(done.stdout) if done.stdout.strip() else {}
    return Copied(done.returncode, report, done.stderr)


def blobs_of(content: Image, *platforms: str) -> set[str]:
    """The digests of configurations and layers of some platforms."""
    found: set[str] = set()
    for child in content.children():
        if child["platform"]["architecture"] in platforms:
            manifest = json.loads(content.manifests[child["digest"]])
            found |= {part["digest"] for part in (manifest["config"], *manifest["layers"])}
    return found


class Place:
    """A registry with an image twice, public and private, and a front that sends clients to the store for the public one."""

    def __init__(self, directory: Path, store: str) -> None:
        """`store` is the URL of any blob in it."""
        self.directory = directory
        self.registry = Registry("east", directory)
        self.image = image.build("copied")
        self.private = image.build("private")
        for name, content in ((PUBLIC, self.image), (PRIVATE, self.private)):
            layout = directory / f"layout-{content.digest[-8:]}"
            content.write_layout(layout, "v1")
            skopeo.push(layout, "v1", f"{self.registry.authority}/{name}:v1")
        port = reserve()
        policy = self._policy(store, port)
        self.policy = write_policy(policy, directory / "policy")
        self.envoy = Envoy(render(self.policy, directory / "rendered", port), directory / "envoy")

    def _policy(self, store: str, port: int) -> Policy:
        stores = {"stores": {"default": "bucket"}}
        return build_policy(
            {"east": self.registry.url},
            rule_of("team", ["east"], replicas=["east"], client_redirects=stores),
            rule_of("private", ["east"], replicas=["east"]),
            front={"hosts": [f"127.0.0.1:{port}"]},
            # What a store lacks is asked again soon.
            blob_stores={"bucket": {"url": store, "probe": {"absent": "1s"}}},
        )

    @property
    def authority(self) -> str:
        """Where the front is."""
        return f"127.0.0.1:{self.envoy.port}"

    def blobs_asked(self) -> list[str]:
        """What the registry was asked for of blobs, so far."""
        return [line for line in self.registry.requests() if line.startswith("GET ") and "/blobs/" in line]

    def location(self, digest: str) -> str | None:
        """Where the front sends a client for a blob; `None` if it serves it."""
        answer = self.envoy.request("GET", f"/v2/{PUBLIC}/blobs/{digest}", host=self.authority)
        assert answer.status in (200, 307), answer
        if answer.status == 200:
            assert sha256(answer.body) == digest
        return answer.one("location")

    def stop(self) -> None:
        """Stops it; nothing may have crashed."""
        crashes = self.envoy.crashes()
        self.envoy.stop()
        self.registry.stop()
        assert crashes == []


def fetch(location: str) -> bytes:
    """What anybody gets at a URL of this machine."""
    authority, _, path = location.removeprefix("http://").partition("/")
    _, _, port = authority.partition(":")
    answer = raw.request(int(port), "GET", f"/{path}", host=authority)
    assert answer.status == 200, answer
    return answer.body
