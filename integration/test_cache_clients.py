"""Real clients through a cache with real nodes (Apache Traffic Server), from a real registry: cold, from the cache, and with a layer
that breaks off, while a node is filled and when it has been.

Sees what each client ends with, by its digest, and how the cache answered each of its requests. Cannot see layers of
gigabytes; `make bench-cache` has one.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import skopeo
from harness.cache_node import have
from harness.cache_tier import Tier, start_tier
from harness.clients.client import Client, ClientFailed
from harness.clients.workshop import NAMES, Workshop
from harness.envoy import Envoy, Policy
from harness.image import Image, build
from harness.registry import Registry
from harness.relay import Wire
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(not have(), reason="there is no Traffic Server; run scripts/setup cache")

LAYER_BYTES = 4 << 20
# Within a layer, and more than Envoy and the kernel hold back: also what fills the node notices that its client has gone.
WITHIN_A_LAYER = 2 << 20
# What a node may do for a request that it serves.
SERVED = {"miss", "coalesced", "hit"}
# The others of Debian 12 begin a layer anew, or give up and have to be started again: at a registry too (docs/clients.md).
RESUMING = ("docker", "ctr", "cri", "regctl")
# Who pulls the image of the machine's platform; the others pull those of all platforms.
OF_ONE_PLATFORM = ("docker", "podman", "buildah", "cri")


@dataclass
class Site:
    """A registry, an Envoy with its nodes before it, and the clients."""

    directory: Path
    registry: Registry
    tier: Tier
    workshop: Workshop

    def push(self, name: str) -> Image:
        """An image that nobody has pulled."""
        image = build(name, layers=2, layer_bytes=LAYER_BYTES)
        layout = self.directory / name
        image.write_layout(layout, "app")
        skopeo.push(layout, "app", f"{self.registry.authority}/{repository(name)}:v1")
        return image

    def used(self, name: str) -> list[dict[str, Any]]:
        """The log's lines of content by digest of an image, as clients asked for it."""
        return [line for line in self._gets(name) if line.get("event") is None and line.get("cache")]

    def fills(self, name: str) -> list[str]:
        """The content of an image that nodes fetched, once for each time."""
        return [line["path"] for line in self._gets(name) if line.get("event") == "fill"]

    def _gets(self, name: str) -> list[dict[str, Any]]:
        of_it = f"/v2/{repository(name)}/"
        lines = [line for line in self.tier.envoy.all_lines() if str(line.get("path")).startswith(of_it)]
        return [line for line in lines if line["method"] == "GET"]


def repository(name: str) -> str:
    """Where an image is."""
    return f"team/{name}"


def for_every_host(document: Policy) -> None:
    """Clients call the front by its address."""
    document["fronts"]["main"]["default"] = True


@pytest.fixture(scope="module")
def site(start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("clients-of-a-cache")
    registry = Registry("east", directory)
    # The second of the chain has nothing, and is not asked while the first is well.
    other = Registry("west", directory)
    tier = start_tier(directory / "tier", (registry, other), start, change=for_every_host)
    workshop = Workshop(directory / "workshop")
    yield Site(directory, registry, tier, workshop)
    workshop.close()
    tier.stop()
    registry.stop()
    other.stop()


@contextmanager
def client_of(site: Site, name: str) -> Iterator[Client]:
    """A client with an empty store."""
    client = site.workshop.client(name)
    try:
        yield client
    finally:
        client.stop()


def blobs_by_platform(image: Image) -> list[set[str]]:
    """The digests of the blobs of each platform."""
    manifests = [json.loads(image.manifests[child["digest"]]) for child in image.children()]
    return [{blob["digest"] for blob in (manifest["config"], *manifest["layers"])} for manifest in manifests]


def ended(site: Site, what: str, image: Image, client: str, count: int = 0) -> list[dict[str, Any]]:
    """The lines of a whole pull behind the first `count`; Envoy logs requests when they have ended."""
    enough = any if client in OF_ONE_PLATFORM else all

    def all_of_it() -> list[dict[str, Any]] | None:
        lines = site.used(what)[count:]
        there = {line["path"].rpartition("/")[2] for line in lines}
        return lines if enough(blobs <= there for blobs in blobs_by_platform(image)) else None

    return eventually(all_of_it, what="the log has the whole pull")


@pytest.mark.parametrize("name", NAMES)
def test_a_cold_pull_and_one_from_the_cache(site: Site, name: str) -> None:
    """The second one fetches nothing from a registry but what has a name: tags."""
    what = f"plain-{name}"
    image = site.push(what)
    path = f"127.0.0.1:{site.tier.envoy.port}/{repository(what)}:v1"
    with client_of(site, name) as client:
        assert client.pull(path) in image.contents
        cold = ended(site, what, image, name)
        assert {line["cache_use"] for line in cold} <= SERVED
        missed = {line["path"] for line in cold if line["cache_use"] == "miss"}
        assert missed
        eventually(lambda: missed <= set(site.fills(what)), what="the log has the fetches of the nodes")
        fills = site.fills(what)
        assert client.pull(path) in image.contents
        again = ended(site, what, image, name, len(cold))
    assert {line["cache_use"] for line in again} <= {"hit", "coalesced"}
    assert {line["status"] for line in [*cold, *again]} <= {200, 206}
    assert sorted(site.fills(what)) == sorted(set(fills)), "each content is fetched once"


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_that_breaks_off(site: Site, name: str) -> None:
    """Between the front and the client, once in a cold pull and once in one from the cache."""
    what = f"cut-{name}"
    image = site.push(what)
    wire = Wire(site.tier.envoy.port)
    path = f"127.0.0.1:{wire.port}/{repository(what)}:v1"
    pull = Client.pull if name in RESUMING else pull_in_two
    with client_of(site, name) as client:
        for number in (1, 2):
            wire.left, wire.dies = WITHIN_A_LAYER, False
            assert pull(client, path) in image.contents
            assert wire.left is None, "nothing broke off"
            if name in RESUMING:
                eventually(lambda: len(parts(site, what)) >= number, what="the log has the rest of the layer")
    wire.close()
    answered = [line for line in site.used(what) if line["status"]]
    assert {line["cache_use"] for line in answered} <= SERVED
    assert {line["status"] for line in answered} <= {200, 206}


def parts(site: Site, image: str) -> list[dict[str, Any]]:
    """Requests for the rest of something."""
    return [line for line in site.used(image) if line["status"] == 206]


def pull_in_two(client: Client, path: str) -> str:
    """What a pull ends with; the one after it if the client gives up when a layer breaks off."""
    try:
        return client.pull(path)
    except ClientFailed:
        return client.pull(path)
