"""Tags that are served as they were (`stale_tags`): while no replica can be asked, from the cache, and never else.

Real Envoy, real nodes (Apache Traffic Server), scripted registries.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from harness import raw
from harness.cache_node import have
from harness.cache_tier import Store, Tier, asked, digest_of, start_tier
from harness.envoy import Envoy, Policy
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not have(), reason="there is no Traffic Server; run scripts/setup cache"),
    pytest.mark.usefixtures("nobody_was_asked"),
]

KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# As Go's clients send them.
ACCEPT: list[raw.Header] = [("Accept", kind) for kind in KINDS]
WARNING = ['110 - "Response is Stale"']
READER, STRANGER = "192.0.2.7", "198.51.100.7"
numbers = itertools.count()


def with_stale_tags(policy: Policy) -> None:
    """Rules whose tags may be stale for an hour, for two seconds, behind one registry, with an owner, and for a network."""
    rules: list[dict[str, Any]] = policy["rules"]
    team = next(rule for rule in rules if rule["name"] == "team")
    team["stale_tags"] = "1h"

    def like_team(name: str, **more: Any) -> dict[str, Any]:
        return {**team, "name": name, "repositories": [f"{name}/**"], **more}

    policy["networks"] = {"readers": [f"{READER}/32"]}
    policy["clients"] = {"trusted_hops": 1}
    only = {"default": ["cache@eu", "east"]}
    policy["rules"] = [
        *rules,
        like_team("brief", stale_tags="2s"),
        like_team("only", chains=only, replicas=["east"]),
        like_team("owned", owner="east"),
        like_team("private", readers={"networks": ["readers"]}),
    ]


@pytest.fixture(scope="module")
def tier(
    east: Scripted, west: Scripted, store: Store, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tier]:
    """Two nodes."""
    tier = start_tier(tmp_path_factory.mktemp("stale"), (east, west), start, change=with_stale_tags)
    yield tier
    tier.stop()


@dataclass
class Site:
    """What a test has to do with."""

    tier: Tier
    store: Store
    registries: tuple[Scripted, Scripted]

    def get(self, path: str, method: str = "GET", address: str = READER, more: list[raw.Header] | None = None) -> raw.Response:
        """A read of a client that takes what the tag stands for."""
        return self.tier.envoy.request(method, path, [*ACCEPT, ("X-Forwarded-For", address), *(more or [])])

    def tagged(self, repository: str) -> tuple[str, bytes]:
        """An image that has a tag in both registries and that was pulled by it; the cache has its manifest."""
        path, body = self.retag(f"/v2/{repository}/manifests/v{next(numbers)}")
        answer = self.get(path)
        assert (answer.status, answer.body, answer.all("warning")) == (200, body, [])
        self.is_kept(path, body)
        return path, body

    def retag(self, path: str) -> tuple[str, bytes]:
        """A tag stands for another image."""
        repository, _, tag = path.removeprefix("/v2/").partition("/manifests/")
        body = f'{{"number": {next(numbers)}}}'.encode()
        self.store.add(repository, body, "manifests")
        return self.store.add(repository, body, "manifests", tag), body

    def is_kept(self, path: str, body: bytes) -> None:
        """Waits until a node has the manifest of a tag. A client that asks for the tag alone leaves none there."""
        by_digest = f"{path.rpartition('/')[0]}/{digest_of(body)}"
        eventually(lambda: any(node.holds(by_digest) for node in self.tier.nodes), what="the cache has it")

    def none_can_be_asked(self) -> None:
        """Both registries fail."""
        for registry in self.registries:
            registry.script = lambda _seen: Answer(503)

    def all_can_be_asked(self) -> None:
        """Both are well."""
        for registry in self.registries:
            registry.script = self.store.serve

    def last_line(self) -> dict[str, Any]:
        """The line of the last request in the log of clients."""
        (line,) = [line for line in self.tier.envoy.new_log_entries() if line.get("event") != "fill"][-1:]
        return line


@pytest.fixture
def site(tier: Tier, store: Store, east: Scripted, west: Scripted) -> Site:
    """Registries that are well."""
    return Site(tier, store, (east, west))


@pytest.mark.parametrize("repository", ["team/app", "only/app"])
def test_a_tag_is_what_it_was_while_no_registry_can_be_asked(site: Site, repository: str) -> None:
    """And at once what it is when one can be asked again."""
    path, body = site.tagged(repository)
    site.none_can_be_asked()
    for method, expected in [("GET", body), ("HEAD", b"")]:
        answer = site.get(path, method)
        assert (answer.status, answer.body, answer.all("warning")) == (200, expected, WARNING), method
        assert answer.all("docker-content-digest") == [digest_of(body)], method
        assert answer.all("cache-control") == [], "a tag may change"
    line = site.last_line()
    assert (line["cache"], line["cache_use"]) == ("eu", "stale")
    site.all_can_be_asked()
    _, new = site.retag(path)
    answer = site.get(path)
    assert (answer.status, answer.body, answer.all("warning")) == (200, new, [])
    # It is the new image that is remembered.
    site.is_kept(path, new)
    site.none_can_be_asked()
    answer = site.get(path)
    assert (answer.status, answer.body, answer.all("warning")) == (200, new, WARNING)


def test_one_registry_that_can_be_asked_is_enough(site: Site) -> None:
    """Whichever it is, its answer counts: a tag, and that there is none."""
    for well in (0, 1):
        path, _ = site.tagged("team/app")
        site.none_can_be_asked()
        site.registries[well].script = site.store.serve
        _, new = site.retag(path)
        answer = site.get(path)
        assert (answer.status, answer.body, answer.all("warning")) == (200, new, []), well


def test_a_tag_that_is_gone_is_gone(site: Site) -> None:
    """Registries that answer 404 are no outage, and what was remembered is forgotten."""
    path, _ = site.tagged("team/app")
    body = site.store.content.pop(path)
    assert site.get(path).status == 404
    site.none_can_be_asked()
    assert site.get(path).status == 503
    site.all_can_be_asked()
    site.store.content[path] = body
    assert site.get(path).status == 200


def test_a_registry_that_lacks_it_has_answered(site: Site) -> None:
    """The other one may have it; the client is told of an outage, as without a cache."""
    path, _ = site.tagged("team/app")
    site.none_can_be_asked()
    site.registries[0].script = lambda _seen: Answer(404)
    answer = site.get(path)
    assert (answer.status, answer.all("warning")) == (503, [])


def test_who_may_not_read_it_is_refused(site: Site) -> None:
    """Whatever the cache has."""
    path, body = site.tagged("private/app")
    site.none_can_be_asked()
    answer = site.get(path, address=STRANGER)
    assert (answer.status, body in answer.body) == (403, False)
    assert site.get(path).status == 200


def test_nobody_is_given_what_another_repository_has(site: Site) -> None:
    """The same tag of another repository is not known, and one without the field is never stale."""
    path, _ = site.tagged("team/app")
    past, _ = site.retag("/v2/past/app/manifests/v1")
    other, _ = site.retag("/v2/other/app/manifests/v1")
    assert [site.get(one).status for one in (past, other)] == [200, 200]
    site.none_can_be_asked()
    for one in (path.replace("team/app", "team/other"), past, other):
        answer = site.get(one)
        assert (answer.status, answer.all("warning")) == (503, []), one


def test_a_client_gets_nothing_that_it_does_not_accept(site: Site) -> None:
    """It would have been given something else by a registry."""
    path, body = site.tagged("team/app")
    site.none_can_be_asked()
    statuses = []
    for accepted in (KINDS[0], KINDS[1], "*/*"):
        statuses.append(site.tier.envoy.request("GET", path, [("Accept", accepted)]).status)
    assert statuses == [503, 200, 200]
    assert body


def test_what_is_older_than_the_rule_says_is_not_served(site: Site) -> None:
    """Two seconds."""
    path, _ = site.tagged("brief/app")
    site.none_can_be_asked()
    eventually(lambda: site.get(path).status == 503, what="it is too old")


def test_a_push_forgets_what_the_tag_was(site: Site) -> None:
    """Until it is read again."""
    path, _ = site.tagged("owned/app")
    owner, script = site.registries[0], site.store.serve

    def push(seen: Seen) -> Answer:
        return Answer(201) if seen.method == "PUT" else script(seen)

    owner.script = push
    _, new = site.retag(path)
    assert site.tier.envoy.request("PUT", path, [("Content-Type", KINDS[1])], body=new).status == 201
    site.none_can_be_asked()
    assert site.get(path).status == 503
    site.all_can_be_asked()
    assert site.get(path).body == new
    site.is_kept(path, new)
    site.none_can_be_asked()
    answer = site.get(path)
    assert (answer.body, answer.all("warning")) == (new, WARNING)


def test_what_the_cache_has_lost_is_an_outage(site: Site) -> None:
    """Of registries, and no other status of a node."""
    path, body = site.tagged("team/app")
    by_digest = f"{path.rpartition('/')[0]}/{digest_of(body)}"
    site.none_can_be_asked()
    for node in site.tier.nodes:
        node.purge(by_digest)
    answer = site.get(path)
    assert (answer.status, answer.all("warning")) == (503, [])
    assert json.loads(answer.body)["errors"][0]["code"] == "UNAVAILABLE"


def test_registries_that_health_checks_have_taken_out(site: Site, tier: Tier, east: Scripted, west: Scripted) -> None:
    """Then as well, and they are asked as soon as they are back."""
    path, body = site.tagged("team/app")
    only, only_body = site.tagged("only/app")
    site.none_can_be_asked()
    for registry in (east, west):
        registry.health = 503
        tier.envoy.wait_until_down(registry.url)
    east.forget()
    for one, expected in ((path, body), (only, only_body)):
        answer = site.get(one)
        assert (answer.status, answer.body, answer.all("warning")) == (200, expected, WARNING), one
    # A list of one is not asked at all; one of several once, for the checks may be wrong.
    assert asked(east, "GET", only) == 0
    for registry in (east, west):
        registry.health = 200
    site.all_can_be_asked()
    _, new = site.retag(path)
    tier.envoy.wait_until_healthy()
    answer = site.get(path)
    assert (answer.status, answer.body, answer.all("warning")) == (200, new, [])
