"""Pushes where backends differ or fail: whatever the near registry has, the owner gets everything.

Real clients (docker, skopeo, containerd) push through real Envoy to real registries. A client
skips what it is told is there already; told so by another registry than the owner, it leaves the
owner with half an image, or with none. Cannot see: credentials, and an owner that fails half-way
through a blob.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import image, raw, skopeo
from harness.containerd import Containerd, CtrFailed
from harness.digest import check, sha256
from harness.docker import Docker
from harness.envoy import Envoy, Policy
from harness.forwarder import Forwarder
from harness.policies import ADDRESSES, client, two_owners
from harness.registry import Registry
from harness.scripted import Answer, Scripted, Seen
from harness.skopeo import SkopeoFailed

# A client in China: near to `east`, while `west` owns drycc/ and calls it acme/.
NEAR_EAST = client("CN")
EMPTY_INDEX = b'{"schemaVersion":2,"mediaType":"%s","manifests":[]}' % image.INDEX_TYPE.encode()
ClientFailed = (CtrFailed, SkopeoFailed)

# Pushes an image to `host:port/repository:tag`.
Push = Callable[[image.Image, str], None]
StartEnvoy = Callable[[Policy], Envoy]


class Front(Forwarder):
    """Where clients in China find Envoy; it notes what they asked, query and all."""

    def __init__(self, envoy: Envoy) -> None:
        self.asked: list[str] = []
        super().__init__(ADDRESSES["CN"], envoy.port)

    def _located(self, head: bytes) -> bytes:
        self.asked.append(head.split(b"\r\n")[0].decode("latin-1"))
        return super()._located(head)


@dataclass
class Stack:
    """Two real registries and the front before them."""

    east: Registry
    west: Registry
    envoy: Envoy
    front: Front

    def ask(self, method: str, target: str, *headers: raw.Header, body: bytes | None = None) -> raw.Response:
        """A request from China. A write without a body says so, as real clients do."""
        if body is None and method in ("POST", "PUT", "PATCH"):
            body = b""
        return self.envoy.request(method, target, [*NEAR_EAST, *headers], body=body)

    def close(self) -> None:
        """Stops the registries. A front belongs to its Envoy."""
        self.front.close()
        for registry in (self.east, self.west):
            registry.stop()


StartStack = Callable[..., Stack]


@pytest.fixture(scope="module")
def start_stack(
    tmp_path_factory: pytest.TempPathFactory, geo_database: Path, start_envoy: StartEnvoy
) -> Iterator[StartStack]:
    """Starts empty registries; a test that stops one has a stack of its own.

    What it is given is added to the rule of drycc/.
    """
    started: list[Stack] = []

    def start(**rule: Any) -> Stack:
        directory = tmp_path_factory.mktemp("registries")
        east, west = Registry("east", directory), Registry("west", directory)
        policy = two_owners(east.url, west.url, geo_database)
        policy["rules"][0] |= rule
        envoy = start_envoy(policy)
        started.append(Stack(east, west, envoy, Front(envoy)))
        return started[-1]

    yield start
    for stack in started:
        stack.close()


@pytest.fixture(scope="module")
def stack(start_stack: StartStack) -> Stack:
    """The stack of the tests in which nothing fails."""
    return start_stack()


def need(*commands: str) -> None:
    """Skips a test whose client this machine lacks; the gate's machine has to have them all."""
    missing = [command for command in commands if shutil.which(command) is None]
    if not missing and (commands == ("skopeo",) or os.geteuid() == 0):
        return
    reason = f"not on this machine: {', '.join(missing)}" if missing else f"only root can run {commands[0]}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def containerd(work: Path) -> Iterator[Containerd]:
    """A containerd of our own."""
    need("containerd", "ctr")
    containerd = Containerd(work / "containerd")
    yield containerd
    containerd.stop()


@pytest.fixture(scope="module")
def docker(work: Path, containerd: Containerd) -> Iterator[Docker]:
    """A docker engine of our own."""
    need("dockerd", "docker")
    docker = Docker(work / "docker", containerd)
    yield docker
    docker.stop()


@pytest.fixture
def push(request: pytest.FixtureRequest, tmp_path: Path) -> Push:
    """How a client pushes; the parameter is its name. docker pushes the image of one platform."""
    return PUSHES[request.param](request, tmp_path)


def _by_skopeo(_request: pytest.FixtureRequest, directory: Path) -> Push:
    need("skopeo")

    def push(pushed: image.Image, name: str) -> None:
        skopeo.push(_layout(pushed, directory, "any"), "any", name)

    return push


def _by_ctr(request: pytest.FixtureRequest, directory: Path) -> Push:
    containerd: Containerd = request.getfixturevalue("containerd")

    def push(pushed: image.Image, name: str) -> None:
        repository, _, tag = name.rpartition(":")
        containerd.load(_layout(pushed, directory, tag), repository)
        containerd.push(name)

    return push


def _by_docker(request: pytest.FixtureRequest, _directory: Path) -> Push:
    docker: Docker = request.getfixturevalue("docker")

    def push(pushed: image.Image, name: str) -> None:
        docker.load(pushed, name)
        docker.push(name)

    return push


PUSHES: dict[str, Callable[[pytest.FixtureRequest, Path], Push]] = {
    "skopeo": _by_skopeo,
    "ctr": _by_ctr,
    "docker": _by_docker,
}


def _layout(pushed: image.Image, directory: Path, name: str) -> Path:
    """An OCI layout of an image under a name."""
    layout = directory / f"{pushed.digest.removeprefix('sha256:')}-{name}"
    if not layout.exists():
        pushed.write_layout(layout, name)
    return layout


def fetch(registry: Registry, repository: str, reference: str) -> set[str]:
    """The digests of all that belongs to an image, got from a registry itself and checked."""
    manifest = _get(registry, f"/v2/{repository}/manifests/{reference}")
    if ":" in reference:
        check(manifest, reference)
    document: dict[str, Any] = json.loads(manifest)
    found = {sha256(manifest)}
    for child in document.get("manifests", []):
        found |= fetch(registry, repository, child["digest"])
    parts = [document["config"], *document["layers"]] if "config" in document else []
    for part in parts:
        check(_get(registry, f"/v2/{repository}/blobs/{part['digest']}"), part["digest"])
        found.add(part["digest"])
    return found


def _get(registry: Registry, target: str) -> bytes:
    answer = raw.request(registry.port, "GET", target, [("Accept", image.ACCEPT)])
    assert answer.status == 200, f"{registry.name} lacks {target}: {answer}"
    return answer.body


def writes(registry: Registry) -> list[str]:
    """What a registry was asked but reads."""
    return [line for line in registry.requests() if not line.startswith(("GET ", "HEAD "))]


# The near registry has it all, the owner nothing. The tag is a new one.
@pytest.mark.parametrize("push", ["skopeo", "ctr", "docker"], indirect=True)
def test_the_owner_gets_what_only_the_near_registry_has(
    stack: Stack, push: Push, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    pushed = image.build(f"near only, {name}")
    push(pushed, f"{stack.east.authority}/drycc/{name}:seed")
    seeded, before = fetch(stack.east, f"drycc/{name}", "seed"), writes(stack.east)

    push(pushed, f"{stack.front.authority}/drycc/{name}:v1")

    assert fetch(stack.west, f"acme/{name}", "v1") == seeded
    assert name == "docker" or seeded == pushed.contents.keys(), "of an index, every platform"
    assert writes(stack.east) == before


@pytest.fixture(scope="module")
def owners_tags(start_stack: StartStack) -> Stack:
    """A stack in which the tags of drycc/ come from their owner."""
    return start_stack(tags_from="owner")


# The near registry has the very tag, too: a client that believes it pushes nothing and says that
# all is well. The owner had that tag before and has another image there now, as after a rollback.
# containerd believes the near registry, so it needs the owner's tags.
@pytest.mark.parametrize("push", ["skopeo", "ctr", "docker"], indirect=True)
def test_a_tag_that_the_near_registry_has_already_is_pushed(
    owners_tags: Stack, push: Push, request: pytest.FixtureRequest
) -> None:
    stack = owners_tags
    name = f"rollback-{request.node.callspec.id}"
    old, new = image.build(f"old, {name}"), image.build(f"new, {name}")
    push(old, f"{stack.east.authority}/drycc/{name}:v1")
    push(new, f"{stack.west.authority}/acme/{name}:v1")
    seeded, before = fetch(stack.east, f"drycc/{name}", "v1"), writes(stack.east)

    push(old, f"{stack.front.authority}/drycc/{name}:v1")

    assert fetch(stack.west, f"acme/{name}", "v1") == seeded
    assert writes(stack.east) == before


# `east` owns team/. The client asks for a mount from there, since for it all is one registry.
@pytest.mark.parametrize("push", ["ctr", "docker"], indirect=True)
def test_a_mount_from_a_repository_of_another_owner_becomes_an_upload(
    stack: Stack, push: Push, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    based = image.build(f"mounted, {name}")
    push(based, f"{stack.front.authority}/team/{name}:v1")
    if name == "ctr":
        # containerd mounts only from where it has pulled.
        containerd: Containerd = request.getfixturevalue("containerd")
        containerd.pull(f"{stack.front.authority}/team/{name}:v1")
    expected, before = fetch(stack.east, f"team/{name}", "v1"), writes(stack.east)
    stack.front.asked.clear()

    push(based, f"{stack.front.authority}/drycc/mounted-{name}:v1")

    asked = [line for line in stack.front.asked if "mount=" in line and "from=team" in line]
    assert asked, "the client never asked for a mount; this shows nothing"
    assert fetch(stack.west, f"acme/mounted-{name}", "v1") == expected
    assert not [line for line in writes(stack.west) if "mount=" in line or "from=" in line]
    assert writes(stack.east) == before


@pytest.fixture(scope="module")
def without_near(start_stack: StartStack) -> Stack:
    """A stack whose near registry is down."""
    stack = start_stack()
    stack.east.stop()
    return stack


@pytest.mark.parametrize("push", ["skopeo", "ctr", "docker"], indirect=True)
def test_a_push_does_not_need_the_near_registry(
    without_near: Stack, push: Push, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    pushed = image.build(f"near is down, {name}")

    push(pushed, f"{without_near.front.authority}/drycc/{name}:v1")

    found = fetch(without_near.west, f"acme/{name}", "v1")
    assert name == "docker" or found == pushed.contents.keys()


@pytest.fixture(scope="module")
def without_owner(start_stack: StartStack) -> Stack:
    """A stack whose owner of drycc/ is down, after the image `held` came to both."""
    stack = start_stack()
    for registry, repository in ((stack.east, "drycc/held"), (stack.west, "acme/held")):
        for digest, content in image.build("held").blobs.items():
            started = raw.request(registry.port, "POST", f"/v2/{repository}/blobs/uploads/", body=b"")
            location = (started.one("location") or "").removeprefix(registry.url)
            closed = raw.request(registry.port, "PUT", f"{location}&digest={digest}", body=content)
            assert closed.status == 201, closed
        for digest, manifest in image.build("held").manifests.items():
            registry.tag(repository, [digest], json.loads(manifest)["mediaType"], manifest)
        registry.tag(repository, ["v1"], image.INDEX_TYPE, manifest)
    stack.west.stop()
    return stack


@pytest.mark.parametrize("push", ["skopeo", "ctr"], indirect=True)
def test_a_push_without_the_owner_fails_at_once_and_leaves_nothing(without_owner: Stack, push: Push) -> None:
    before = writes(without_owner.east)
    without_owner.envoy.forget_log()

    with pytest.raises(ClientFailed, match=r"503|Service Unavailable"):
        push(image.build("owner is down"), f"{without_owner.front.authority}/drycc/lost:v1")

    entries = without_owner.envoy.new_log_entries()
    assert max(entry["duration_ms"] for entry in entries) < 1000, "what it asked was answered at once"
    assert writes(without_owner.east) == before
    assert not without_owner.east.has_manifest("drycc/lost", "v1")


# fmt: off
WRITES = [
    ("POST", "/v2/drycc/held/blobs/uploads/", b""),
    ("POST", f"/v2/drycc/held/blobs/uploads/?digest={sha256(b'whole')}", b"whole"),
    ("PUT", "/v2/drycc/held/manifests/v1", EMPTY_INDEX),
    ("PUT", f"/v2/drycc/held/manifests/{sha256(EMPTY_INDEX)}", EMPTY_INDEX),
    ("DELETE", "/v2/drycc/held/manifests/v1", None),
    ("DELETE", f"/v2/drycc/held/manifests/{image.build('held').digest}", None),
]
# fmt: on


@pytest.mark.parametrize(("method", "target", "body"), WRITES)
def test_a_write_without_the_owner_is_503(
    without_owner: Stack, method: str, target: str, body: bytes | None
) -> None:
    before = writes(without_owner.east)
    kind = ("Content-Type", image.INDEX_TYPE)
    answer, took = without_owner.envoy.seconds_of(lambda: without_owner.ask(method, target, kind, body=body))
    assert took < 1
    assert (answer.status, json.loads(answer.body)["errors"][0]["code"]) == (503, "UNAVAILABLE")
    assert answer.one("retry-after") is not None
    assert writes(without_owner.east) == before


# containerd looks a digest up by HEAD, which is also how other clients ask before a push.
@pytest.mark.parametrize("reference", [":v1", f"@{image.build('held').digest}"], ids=["tag", "digest"])
def test_a_pull_does_not_need_the_owner(without_owner: Stack, containerd: Containerd, reference: str) -> None:
    containerd.pull(f"{without_owner.front.authority}/drycc/held{reference}")


# A session lives where it was started; the reads of the same image may all be elsewhere by then.
def test_an_upload_goes_on_at_the_owner_while_reads_fail_over(
    start_envoy: StartEnvoy, east: Scripted, west: Scripted, geo_database: Path
) -> None:
    policy = two_owners(east.url, west.url, geo_database)
    uploads = "/v2/acme/app/blobs/uploads/"

    def owner(seen: Seen) -> Answer:
        """Serves uploads, and resets reads: that takes it out for them."""
        if not seen.target.startswith(uploads.encode()):
            raise ConnectionResetError
        status = {"POST": 202, "PATCH": 202, "GET": 204, "PUT": 201, "DELETE": 204}[seen.method]
        return Answer(status, [("Location", f"{uploads}session?_state=x%2F=")])

    envoy = start_envoy(policy)
    # To a client in Germany the owner is also the nearest.
    place = client("DE")
    blob = f"/v2/drycc/app/blobs/{sha256(b'content')}"
    east.answer(Answer(200, [], b"content"))
    west.script = owner
    west.forget()
    location = envoy.request("POST", "/v2/drycc/app/blobs/uploads/", place, body=b"").one("location")
    assert location == "/v2/drycc/app/blobs/uploads/session?_state=x%2F="
    for method, status in [("PATCH", 202), ("GET", 204), ("PATCH", 202), ("PUT", 201), ("DELETE", 204)]:
        # More than make Envoy take the owner out for reads.
        for _ in range(4):
            assert envoy.request("GET", blob, place).body == b"content"
        body = b"part" if method in ("PATCH", "PUT") else None
        answer = envoy.request(method, location, place, body=body)
        assert answer.status == status, f"{method}: {answer}"
    assert {seen.method for seen in east.seen} == {"GET"}
    assert not [seen for seen in east.seen if b"uploads" in seen.target]
    assert [seen.method for seen in west.seen if b"session" in seen.target] == [
        *("PATCH", "GET", "PATCH", "PUT", "DELETE")
    ]
    reads_of_owner = [seen for seen in west.seen if b"/blobs/sha256" in seen.target]
    assert len(reads_of_owner) < 10, "the owner was never taken out for reads; this shows little"
