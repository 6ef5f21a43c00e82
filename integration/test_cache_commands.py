"""`portolan cache`: real nodes (Apache Traffic Server) say what they hold, forget it, and have it looked at.

A scripted server fills them, which may send what is wrong: that it would be found out at a fill is another suite's. Cannot see: stores of
many gigabytes.
"""

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import portolan, ports, raw
from harness.cache_node import Node, have, start_nodes
from harness.cache_tier import Store, digest_of, policy
from harness.envoy import write_policy
from harness.scripted import Answer, Scripted
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(not have(), reason="there is no Traffic Server; run scripts/setup cache")

LOOPBACK = "127.0.0.0-127.255.255.255"
SIZE = 100_000


@dataclass
class Site:
    """A node, what fills it, and the policy that names it."""

    node: Node
    fill: Scripted
    store: Store
    policy: Path

    def get(self, path: str) -> raw.Response:
        """As Envoy asks."""
        return raw.request(self.node.port, "GET", f"{path}?front=main&region=default", host="cache.internal")

    def kept(self, kind: str = "blobs", size: int = SIZE) -> tuple[str, bytes]:
        """The digest and the bytes of content that the node has."""
        path, body = self.store.fresh("team/app", size)
        if kind != "blobs":
            path = self.store.add("team/app", body, kind)
        assert self.get(path).body == body
        return digest_of(body), body

    def has(self, kind: str, digest: str) -> bool:
        """Whether the node has it still."""
        return self.node.holds(f"/v2/team/app/{kind}/{digest}?front=main&region=default")


def start(directory: Path, fill: Scripted, store: Store) -> Site:
    """A node that is new."""
    port = ports.free()
    path = write_policy(policy(fill, fill, [f"http://127.0.0.1:{port}"]), directory / "policy")
    (node,) = start_nodes(path, directory, fill.authority, [port])
    return Site(node, fill, store, path)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Its fill answers as registries do."""
    fill, store = Scripted(), Store()
    fill.script = store.fill
    site = start(tmp_path_factory.mktemp("commands"), fill, store)
    yield site
    site.node.stop()
    fill.close()


def said(site: Site, *arguments: str, status: int = 0, stdin: str = "") -> dict[str, Any]:
    """What a command says as JSON."""
    done = portolan.run("cache", *arguments[:1], site.policy, *arguments[1:], "-o", "json", stdin=stdin)
    assert done.returncode == status, done
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def numbers(site: Site) -> dict[str, Any]:
    """The numbers of the node."""
    (node,) = said(site, "status")["nodes"]
    assert (node["node"], node["up"], node["error"]) == ("eu-1", True, None)
    found: dict[str, Any] = node["statistics"]
    return found


def test_status_says_how_a_node_is_used(site: Site) -> None:
    # It counts every few seconds, the first time after it has begun to answer.
    before = eventually(lambda: found if (found := numbers(site))["store_bytes"] else None, what="it has counted")
    digest, body = site.kept()
    for _ in range(3):
        assert site.get(f"/v2/other/app/blobs/{digest}").body == body

    def counted() -> bool:
        found = numbers(site)
        assert found["misses"] == before["misses"] + 1
        assert found["hits"] == before["hits"] + 3
        assert found["sent_bytes"] - before["sent_bytes"] >= 4 * len(body)
        return bool(found["fetched_bytes"] - before["fetched_bytes"] >= len(body))

    eventually(counted)
    assert 60_000_000 < before["store_bytes"] < 70_000_000
    assert before["server"].startswith("9.")
    text = portolan.output("cache", "status", f"http://127.0.0.1:{site.node.port}")
    assert re.match(r"http://127\.0\.0\.1:\d+  up    .* of 67\.0 MB; \d+ requests, \d+ % without a registry; ", text), text


def test_status_of_a_node_that_is_down(tmp_path: Path, site: Site) -> None:
    nodes = [f"http://127.0.0.1:{site.node.port}", f"http://127.0.0.1:{ports.dead()}"]
    path = write_policy(policy(site.fill, site.fill, nodes), tmp_path / "policy")
    done = portolan.run("cache", "status", path, "--timeout", "2")
    assert done.returncode == 1, done
    first, second = done.stdout.splitlines()
    assert first.startswith("eu-1  up    ")
    assert second.startswith(f"eu-2  down  {nodes[1]}: ")


def test_purged_content_is_fetched_anew(site: Site) -> None:
    """As a blob and as a manifest, whatever repository it came from."""
    blob, body = site.kept()
    manifest, _ = site.kept("manifests")
    # A client may have all of it a moment before the node has written it.
    eventually(lambda: site.has("blobs", blob) and site.has("manifests", manifest))
    absent = digest_of(b"nobody has this")
    report = said(site, "purge", blob, manifest, "-", stdin=f"{absent}\n")
    assert [(one["digest"], one["purged"], one["error"]) for one in report["contents"]] == [
        (blob, ["blob"], None),
        (manifest, ["manifest"], None),
        (absent, [], None),
    ]
    assert not site.has("blobs", blob)
    assert not site.has("manifests", manifest)
    site.fill.forget()
    assert site.get(f"/v2/team/app/blobs/{blob}").body == body
    assert len(site.fill.seen) == 1
    assert "sha256:abc" in portolan.run("cache", "purge", site.policy, "sha256:abc").stderr


def test_content_that_rots_on_the_disk_is_found_and_purged(tmp_path: Path) -> None:
    """A bit flips while nobody looks; what is beside it stays."""
    fill, store = Scripted(), Store()
    fill.script = store.fill
    site = start(tmp_path, fill, store)
    try:
        # The store writes in pieces of some megabytes: enough of them, so that the first is on the disk.
        # The late one is more than sockets hold: its answer has begun before its end is read.
        (early, first), (late, second) = site.kept(), site.kept(size=40 * SIZE)
        others = [site.kept()[0] for _ in range(30)]
        eventually(lambda: site.node.rot(first, 0.1), what="the content is on the disk")
        eventually(lambda: site.node.rot(second, 0.9), what="the content is on the disk")
        (node,) = said(site, "verify", status=1)["nodes"]
        # The node's own checksum finds each, in the first piece before anything is sent, in a later one when it gets there.
        assert [(gone["kind"], gone["digest"]) for gone in node["gone"]] == [("blob", early)], node
        assert [(wrong["kind"], wrong["digest"]) for wrong in node["wrong"]] == [("blob", late)], node
        assert node["right"] >= len(others) // 2
        for digest, body in ((early, first), (late, second)):
            assert not site.has("blobs", digest)
            fill.forget()
            assert site.get(f"/v2/team/app/blobs/{digest}").body == body
            assert len(fill.seen) == 1
    finally:
        site.node.stop()
        fill.close()


def test_other_content_is_found_and_purged(site: Site) -> None:
    """Kept by a node that something else has filled."""
    good, _ = site.kept("manifests")
    wrong = digest_of(b"what was asked for")
    script = site.fill.script
    site.fill.script = lambda _seen: Answer(200, [], b"something else")
    assert site.get(f"/v2/team/app/blobs/{wrong}").body == b"something else"
    site.fill.script = script
    assert site.has("blobs", wrong)
    (node,) = said(site, "verify", good, wrong, status=1)["nodes"]
    assert (node["right"], node["error"]) == (1, None)
    (found,) = node["wrong"]
    assert (found["kind"], found["digest"]) == ("blob", wrong)
    assert not site.has("blobs", wrong)
    assert site.has("manifests", good)
    (node,) = said(site, "verify", good, wrong)["nodes"]
    assert (node["right"], node["wrong"], node["error"]) == (1, [], None)


def from_elsewhere(port: int, method: str, target: str) -> int:
    """The status for a machine that is none of the operators'."""
    with socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0)) as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: cache.internal\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split(b" ", 2)[1])


def test_only_operators_may_look_and_purge(tmp_path: Path) -> None:
    """Who else reaches a node reads content, and nothing but that."""
    fill, store = Scripted(), Store()
    fill.script = store.fill
    port = ports.free()
    path = write_policy(policy(fill, fill, [f"http://127.0.0.1:{port}"]), tmp_path / "policy")
    files = tmp_path / "files"
    options = ["--target", "cache-node", "--cache-fill", fill.authority, "--cache-operators", "192.0.2.0/24,2001:db8::/32"]
    portolan.output("render", path, files, *options)
    # The node's own machine is the only one that a test has: 127.0.0.2 stands for others.
    for file in (files / "eu-1").iterdir():
        text = file.read_text().replace(LOOPBACK, "127.0.0.1-127.0.0.1").replace("127.0.0.0/8", "127.0.0.1/32")
        file.write_text(text)
    node = Node(files / "eu-1", tmp_path / "node", port)
    site = Site(node, fill, store, path)
    try:
        digest, _ = site.kept()
        rows = [
            ("GET", f"/v2/team/app/blobs/{digest}", 200),
            ("PURGE", f"/v2/team/app/blobs/{digest}", 403),
            ("DELETE", f"/v2/team/app/blobs/{digest}", 403),
            ("PUT", f"/v2/team/app/blobs/{digest}", 403),
            ("GET", "/portolan/store/lookup_regex?url=.*", 403),
            ("GET", f"/portolan/store/delete_url?url=http%3A//{fill.authority}/v2/team/app/blobs/{digest}", 403),
        ]
        for method, target, expected in rows:
            assert from_elsewhere(port, method, target) == expected, f"{method} {target}"
        assert from_elsewhere(port, "GET", "/portolan/statistics") >= 400
        assert site.has("blobs", digest)
        done = portolan.run("render", path, "--cache-operators", "192.0.2.0/24")
        assert done.returncode != 0 and "--cache-operators" in done.stderr
        said(site, "purge", digest)
        assert not site.has("blobs", digest)
    finally:
        node.stop()
        fill.close()
