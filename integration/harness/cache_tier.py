"""A cache between clients and scripted registries: the policy, the nodes, the Envoy, and what the registries have."""

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness import ports, raw
from harness.cache_node import Node, start_nodes
from harness.envoy import Envoy, Policy, render, write_policy
from harness.policies import LATE, build_policy, rule_of
from harness.registry import Registry
from harness.scripted import Answer, Scripted, Seen

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
numbers = itertools.count()
Upstream = Scripted | Registry


def digest_of(body: bytes) -> str:
    """The digest by which content is asked for."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


@dataclass
class Store:
    """What the registries have, by repository, kind and reference."""

    content: dict[str, bytes] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, repository: str, body: bytes, kind: str = "blobs", reference: str | None = None) -> str:
        """Adds content; its path."""
        path = f"/v2/{repository}/{kind}/{reference or digest_of(body)}"
        with self.lock:
            self.content[path] = body
        return path

    def fresh(self, repository: str, size: int = 3000) -> tuple[str, bytes]:
        """Content that nobody has asked for yet."""
        body = f"{next(numbers)} ".encode() * size
        return self.add(repository, body), body

    def fill(self, seen: Seen) -> Answer:
        """As the front that fills a node answers: the query says for whom it is."""
        return self.serve(replace(seen, target=seen.target.partition(b"?")[0]))

    def serve(self, seen: Seen) -> Answer:
        """As a registry answers."""
        body = self.content.get(seen.target.decode())
        if body is None:
            return Answer(404, [("Content-Type", "application/json")], b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
        kind = MANIFEST if b"/manifests/" in seen.target else "application/octet-stream"
        return Answer(200, [("Content-Type", kind), ("Docker-Content-Digest", digest_of(body))], body)


def policy(east: Upstream, west: Upstream, nodes: list[str]) -> Policy:
    """Two rules through one cache, and one past it."""
    chain = {"default": ["cache@eu", "east", "west"]}
    rule: dict[str, Any] = {"chains": chain, "replicas": ["east", "west"], "readers": "anyone"}
    # Longer than the five seconds for which a node lets a request wait for what it is filling.
    times = {"attempt_timeouts": {"manifests": "10s", "blobs": "10s"}, "hedge_after": LATE}
    return build_policy(
        {"east": {"url": east.url, **times}, "west": {"url": west.url, **times}},
        {"name": "team", "repositories": ["team/**"], **rule},
        {"name": "other", "repositories": ["other/**"], **rule},
        rule_of("past", ["east", "west"]),
        caches={"eu": {"nodes": nodes}},
    )


@dataclass
class Tier:
    """An Envoy with its nodes."""

    envoy: Envoy
    nodes: list[Node]
    fill: int

    def stop(self) -> None:
        """Stops the nodes; the Envoy is its test's."""
        for node in self.nodes:
            node.stop()


def start_tier(
    directory: Path,
    registries: tuple[Upstream, Upstream],
    start: Callable[..., Envoy],
    more: Iterable[str] = (),
    change: Callable[[Policy], None] = lambda _policy: None,
    tls: dict[str, str] | None = None,
    **options: Any,
) -> Tier:
    """Two nodes, filled from the same Envoy. `change` changes the policy before; `more` and `options` are those of `render`.

    With `tls`, which is that of the cache, a node's own port is the one for its own machine, without TLS.
    """
    node_ports = [ports.free_with_the_next() for _ in range(2)]
    fill = ports.free()
    scheme = "https" if tls else "http"
    document = policy(*registries, [f"{scheme}://127.0.0.1:{port}" for port in node_ports])
    document["caches"]["eu"] |= {"tls": tls} if tls else {}
    change(document)
    path = write_policy(document, directory / "policy")
    own = [port + 1 if tls else port for port in node_ports]
    nodes = start_nodes(path, directory, f"127.0.0.1:{fill}", own)
    bootstrap = render(document, directory / "policy", more=["--cache-fill", f"127.0.0.1:{fill}", *more], **options)
    envoy = start(bootstrap, workers=2)
    envoy.wait_until_healthy()
    return Tier(envoy, nodes, fill)


def asked(registry: Scripted, method: str, path: str) -> int:
    """How often a registry was asked for it."""
    return sum(seen.method == method and seen.target.decode() == path for seen in registry.seen)


def get(envoy: Envoy, path: str, headers: list[raw.Header] | None = None) -> raw.Response:
    """A pull."""
    return envoy.request("GET", path, headers or [])
