"""Pulls: real Envoy with the filter between real clients and two real registries.

Sees: who serves whom, that every byte that arrives has its digest, that ranges work.
Cannot see: registries that fail (they are healthy here), TLS, authentication, and what an
upstream may answer that docker-registry does not, such as pages of tags (test_responses).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import image, raw, skopeo
from harness.digest import check, sha256
from harness.envoy import Envoy, Policy
from harness.forwarder import Forwarder
from harness.image import ACCEPT, Image
from harness.policies import ADDRESSES, client, two_owners
from harness.registry import SERVED_BY, Registry

# Who is near to whom: the place of a client, its region, why, and the registry that serves it.
# fmt: off
PLACES = [
    pytest.param("CN", "cn", "country CN", "east", id="china"),
    pytest.param("DE", "default", "default", "west", id="germany"),
]
# fmt: on
TAGS = ["v1", "v2", "v3", "with.dots_and-dashes", "zz"]


@dataclass
class Stack:
    """Two registries behind one front."""

    east: Registry
    west: Registry
    envoy: Envoy
    drycc: Image
    only_here: dict[str, Image]

    def registry(self, name: str) -> Registry:
        """One of the two."""
        return self.east if name == "east" else self.west

    def get(self, place: str, target: str, *headers: raw.Header, method: str = "GET") -> raw.Response:
        """A request of a client from that place."""
        return self.envoy.request(method, target, [*client(place), ("Accept", ACCEPT), *headers])


@pytest.fixture(scope="module")
def stack(
    work: Path, geo_database: Path, app: Image, start_envoy: Callable[[Policy], Envoy]
) -> Iterator[Stack]:
    """`drycc/app` has the same content on both; `public/app` has the same tag, but other content."""
    directory = work / "pull"
    east, west = Registry("east", directory), Registry("west", directory)
    _fill(app, directory / "app", f"{east.authority}/drycc/app:v1", f"{west.authority}/acme/app:v1")
    only_here = {name: image.build(name) for name in ("east", "west")}
    for registry in (east, west):
        places = [f"{registry.authority}/{repository}/app:v1" for repository in ("public", "mirror")]
        _fill(only_here[registry.name], directory / f"{registry.name}-only", *places)
    west.tag("acme/app", TAGS, image.INDEX_TYPE, app.manifests[app.digest])
    yield Stack(east, west, start_envoy(two_owners(east.url, west.url, geo_database)), app, only_here)
    for registry in (east, west):
        registry.stop()


def _fill(content: Image, layout: Path, *destinations: str) -> None:
    content.write_layout(layout, "v1")
    for destination in destinations:
        skopeo.push(layout, "v1", destination)


@pytest.fixture
def carrier(stack: Stack) -> Iterator[Callable[[str], Forwarder]]:
    """A load balancer that says of its clients that they are in some place."""
    forwarders: list[Forwarder] = []

    def start(place: str) -> Forwarder:
        forwarders.append(Forwarder(ADDRESSES[place], stack.envoy.port))
        return forwarders[-1]

    yield start
    for forwarder in forwarders:
        forwarder.close()


@pytest.mark.parametrize(("place", "region", "why", "near"), PLACES)
@pytest.mark.parametrize("by", ["tag", "digest"])
def test_skopeo_pulls_all_platforms_from_the_near_registry(
    stack: Stack,
    carrier: Callable[[str], Forwarder],
    tmp_path: Path,
    by: str,
    place: str,
    region: str,
    why: str,
    near: str,
) -> None:
    far = stack.registry("west" if near == "east" else "east")
    reference = ":v1" if by == "tag" else f"@{stack.drycc.digest}"
    far_before = far.requests()
    stack.envoy.forget_log()

    found = skopeo.pull(f"{carrier(place).authority}/drycc/app{reference}", tmp_path / "pulled")

    assert found == stack.drycc.digest
    assert far.requests() == far_before, "the far registry was asked"
    entries = _entries_until_manifests_and_blobs(stack)
    assert {entry["region"] for entry in entries} == {region}
    asked = [entry for entry in entries if entry["backend"]]
    assert {(entry["backend"], entry["rule"]) for entry in asked} == {(near, "drycc")}
    assert all(entry["reason"].startswith(f"{why}; ") for entry in entries), entries


def _entries_until_manifests_and_blobs(stack: Stack) -> list[dict[str, str]]:
    """A ping, the index, and for each platform a manifest, a configuration and two layers."""
    return stack.envoy.log_entries(1 + 1 + len(image.PLATFORMS) * (1 + 1 + 2))


@pytest.mark.parametrize(("place", "near"), [("CN", "east"), ("DE", "west")])
@pytest.mark.parametrize("architecture", image.PLATFORMS)
def test_skopeo_pulls_one_platform(
    stack: Stack,
    carrier: Callable[[str], Forwarder],
    tmp_path: Path,
    architecture: str,
    place: str,
    near: str,
) -> None:
    children = {child["platform"]["architecture"]: child["digest"] for child in stack.drycc.children()}
    found = skopeo.pull_platform(
        f"{carrier(place).authority}/drycc/app:v1", architecture, tmp_path / "pulled"
    )
    assert found == children[architecture]


@pytest.mark.parametrize(
    ("place", "near"), [("CN", "east"), ("DE", "west"), ("US-CA", "west"), ("nowhere", "west")]
)
def test_a_tag_that_differs_shows_which_registry_answered(stack: Stack, place: str, near: str) -> None:
    found = stack.get(place, "/v2/public/app/manifests/v1")
    assert found.one(SERVED_BY) == near
    assert (
        check(found.body, stack.only_here[near].digest)
        == stack.only_here[near].manifests[stack.only_here[near].digest]
    )


# A name that may move is asked only where the tags are the same; what a digest names is the same everywhere.
def test_a_tag_comes_from_a_replica_and_a_digest_from_nearby(stack: Stack) -> None:
    by_tag = stack.get("CN", "/v2/mirror/app/manifests/v1")
    assert (by_tag.one(SERVED_BY), sha256(by_tag.body)) == ("west", stack.only_here["west"].digest)
    assert stack.get("CN", "/v2/mirror/app/tags/list").one(SERVED_BY) == "west"
    digest = stack.only_here["east"].digest
    by_digest = stack.get("CN", f"/v2/mirror/app/manifests/{digest}")
    assert by_digest.one(SERVED_BY) == "east"
    check(by_digest.body, digest)


@pytest.mark.parametrize(("place", "near"), [("CN", "east"), ("DE", "west")])
def test_every_manifest_and_blob_arrives_with_its_digest(stack: Stack, place: str, near: str) -> None:
    for kind, contents in (("manifests", stack.drycc.manifests), ("blobs", stack.drycc.blobs)):
        for digest in contents:
            found = stack.get(place, f"/v2/drycc/app/{kind}/{digest}")
            assert (found.status, found.one(SERVED_BY)) == (200, near)
            assert found.one("docker-content-digest") == digest
            check(found.body, digest)


def test_an_escaped_colon_in_a_digest_is_a_colon(stack: Stack) -> None:
    digest = stack.drycc.layers()[0]
    found = stack.get("CN", f"/v2/drycc/app/blobs/{digest.replace(':', '%3A')}")
    check(found.body, digest)


# A check whether content exists is the owner's to answer where a rule takes pushes: a push
# skips what seems to be there.
@pytest.mark.parametrize(
    ("repository", "kind", "reference", "place", "served_by"),
    [
        pytest.param("drycc/app", "manifests", "tag", "CN", "east", id="a tag: the near replica"),
        pytest.param("drycc/app", "manifests", "digest", "CN", "west", id="a manifest by digest: the owner"),
        pytest.param("drycc/app", "blobs", "digest", "CN", "west", id="a blob: the owner"),
        pytest.param("public/app", "manifests", "tag", "CN", "east", id="pull-only, a tag"),
        pytest.param("public/app", "manifests", "digest", "CN", "east", id="pull-only, a manifest by digest"),
        pytest.param("public/app", "blobs", "digest", "CN", "east", id="pull-only, a blob"),
        pytest.param("public/app", "blobs", "digest", "DE", "west", id="pull-only, a blob, elsewhere"),
    ],
)
def test_head_has_digest_and_length_and_no_body(
    stack: Stack, repository: str, kind: str, reference: str, place: str, served_by: str
) -> None:
    content = stack.drycc if repository == "drycc/app" else stack.only_here[served_by]
    digest = content.digest if kind == "manifests" else content.layers()[0]
    found = stack.get(
        place, f"/v2/{repository}/{kind}/{'v1' if reference == 'tag' else digest}", method="HEAD"
    )
    assert (found.status, found.one(SERVED_BY)) == (200, served_by)
    assert found.one("docker-content-digest") == digest
    assert found.one("content-length") == str(len(content.contents[digest]))


@pytest.mark.parametrize(
    ("wanted", "first", "end"),
    [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-10", -10, None), ("bytes=5-5", 5, 6)],
)
def test_a_range_is_that_part_of_the_blob(stack: Stack, wanted: str, first: int, end: int | None) -> None:
    digest = stack.drycc.layers()[0]
    whole = stack.drycc.blobs[digest]
    found = stack.get("DE", f"/v2/drycc/app/blobs/{digest}", ("Range", wanted))
    assert found.status == 206
    assert found.body == whole[first:end]
    assert found.one("content-range") == f"bytes {first % len(whole)}-{(end or len(whole)) - 1}/{len(whole)}"


def test_skopeo_lists_the_tags_of_the_near_registry(
    stack: Stack, carrier: Callable[[str], Forwarder]
) -> None:
    for place, tags in (("CN", ["v1"]), ("DE", TAGS)):
        assert sorted(skopeo.list_tags(f"{carrier(place).authority}/drycc/app")) == sorted(tags)


def test_the_same_name_is_another_name_at_another_registry(stack: Stack) -> None:
    before = {name: len(stack.registry(name).requests()) for name in ("east", "west")}
    for place in ("CN", "DE"):
        assert stack.get(place, "/v2/drycc/app/manifests/v1?x=%2f+1").status == 200
    asked = {name: stack.registry(name).requests()[count:] for name, count in before.items()}
    assert asked == {
        "east": ["GET /v2/drycc/app/manifests/v1?x=%2f+1"],
        "west": ["GET /v2/acme/app/manifests/v1?x=%2f+1"],
    }


def test_an_unknown_repository_of_a_rule_is_the_registrys_answer(stack: Stack) -> None:
    # Both were asked; the last one's answer is passed on.
    found = stack.get("CN", "/v2/drycc/nothing/tags/list")
    assert (found.status, found.one(SERVED_BY)) == (404, "west")
    assert json.loads(found.body)["errors"][0]["code"] == "NAME_UNKNOWN"


def test_a_repository_of_no_rule_is_refused_here(stack: Stack) -> None:
    found = stack.get("CN", "/v2/other/app/tags/list")
    assert (found.status, found.one(SERVED_BY)) == (404, None)
    assert json.loads(found.body)["errors"][0]["code"] == "NAME_UNKNOWN"


def test_a_ping_is_answered_here(stack: Stack) -> None:
    for target in ("/v2/", "/v2"):
        found = stack.get("CN", target)
        assert (found.status, found.body, found.one(SERVED_BY)) == (200, b"{}", None)
        assert found.one("docker-distribution-api-version") == "registry/2.0"
