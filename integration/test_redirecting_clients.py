"""Real clients that are sent to two real registries and to a bucket with a registry's own blobs.

Sees that every client follows from manifest to layer, by tag and by digest, and who served what: nothing of
it passes the front. Cannot see TLS, nor hosts of other names; clients treat those as they treat ports.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from harness import skopeo
from harness.cdn import Cdn
from harness.clients.needs import need
from harness.clients.workshop import NAMES, Workshop
from harness.envoy import Envoy, Policy, render
from harness.forwarder import Forwarder
from harness.image import Image
from harness.policies import build_policy, rule_of
from harness.registry import Registry

# The client's address and who serves its manifests and blobs.
PLACES = {"near": "192.0.2.5", "elsewhere": "203.0.113.5"}


@dataclass
class Place:
    """Two registries with the same image, a bucket with the blobs of `far`, and the front."""

    near: Registry
    far: Registry
    bucket: Cdn
    envoy: Envoy
    image: Image

    def forget(self) -> tuple[int, int]:
        """Forgets what happened; how many requests the registries have had."""
        self.bucket.forget()
        self.envoy.forget_log()
        return len(self.near.requests()), len(self.far.requests())

    def asked_since(self, before: tuple[int, int]) -> tuple[list[str], list[str]]:
        """What clients have asked the registries since."""
        return self.near.requests()[before[0] :], self.far.requests()[before[1] :]


def policy(near: Registry, far: Registry, bucket: Cdn) -> Policy:
    """Clients of one network are sent to `near`, all others to `far`, and for blobs to the bucket."""
    return build_policy(
        {
            "near": near.url,
            "far": {"url": far.url, "names": [{"front": "team/", "backend": "project/images/"}]},
        },
        rule_of(
            "team",
            {"near": ["near"], "default": ["far"]},
            client_redirects={
                "classes": ["manifests", "blobs", "tags", "referrers"],
                "stores": {"near": "none", "default": "bucket"},
            },
        ),
        front={"default": True},
        blob_stores={
            "bucket": {
                "url": f"{bucket.base}/docker/registry/v2/blobs/{{algorithm}}/{{shard}}/{{encoded}}/data"
            }
        },
        regions={"near": {"networks": ["192.0.2.0/24"]}, "default": {}},
        clients={"trusted_hops": 1},
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, app: Image) -> Iterator[Place]:
    """Everything, started once."""
    directory = tmp_path_factory.mktemp("place")
    near, far = Registry("near", directory), Registry("far", directory)
    app.write_layout(directory / "app", "v1")
    skopeo.push(directory / "app", "v1", f"{near.authority}/team/app:v1")
    skopeo.push(directory / "app", "v1", f"{far.authority}/project/images/app:v1")
    bucket = Cdn(directory / "far/storage")
    envoy = Envoy(render(policy(near, far, bucket), directory / "policy"), directory / "envoy")
    yield Place(near, far, bucket, envoy, app)
    assert envoy.crashes() == []
    for server in (envoy, near, far):
        server.stop()
    bucket.close()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Makes clients."""
    workshop = Workshop(tmp_path_factory.mktemp("workshop"))
    yield workshop
    workshop.close()


@pytest.fixture(params=PLACES)
def carrier(request: pytest.FixtureRequest, place: Place) -> Iterator[tuple[str, Forwarder]]:
    """A load balancer that says of its clients that they are in some place."""
    forwarder = Forwarder(PLACES[request.param], place.envoy.port)
    yield request.param, forwarder
    forwarder.close()


@pytest.mark.parametrize("by", ["tag", "digest"])
@pytest.mark.parametrize("name", NAMES)
def test_clients_follow(
    place: Place, workshop: Workshop, carrier: tuple[str, Forwarder], name: str, by: str
) -> None:
    need(name)
    where, forwarder = carrier
    client = workshop.client(name)
    client.forget()
    before = place.forget()
    reference = ":v1" if by == "tag" else f"@{place.image.digest}"

    found = client.fetch(f"{forwarder.authority}/team/app{reference}")

    assert found in place.image.contents, f"{found} is nothing of the image"
    near, far = place.asked_since(before)
    bucket = [seen for seen in place.bucket.seen if seen.method == "GET"]
    if where == "near":
        assert far == [] and bucket == []
        assert {part for line in near for part in ("manifests", "blobs") if part in line} == {"manifests", "blobs"}
    else:
        assert near == []
        assert far and all("/v2/project/images/app/manifests/" in line for line in far), "blobs are in the bucket"
        assert bucket
        assert all("authorization" not in seen.names for seen in bucket)
    answered = [entry for entry in place.envoy.new_log_entries() if entry["path"].startswith("/v2/team/")]
    assert answered and {int(entry["status"]) for entry in answered} == {307}, "nothing passes the front"
    client.forget()


def test_pages_of_tags_are_followed(place: Place, carrier: tuple[str, Forwarder]) -> None:
    _, forwarder = carrier
    manifest = place.image.manifests[place.image.digest]
    tags = [f"v{number}" for number in range(1, 160)]
    for registry, repository in ((place.near, "team/app"), (place.far, "project/images/app")):
        registry.tag(repository, tags, "application/vnd.oci.image.index.v1+json", manifest)
    assert sorted(skopeo.list_tags(f"{forwarder.authority}/team/app")) == sorted(tags)
