"""Pushes: every write of a repository ends at its owner, wherever the client is.

Two stacks. With real registries: whole pushes by skopeo, and the upload protocol by hand. With
scripted upstreams: forms of Location that real registries send but docker-registry does not,
and that what must not be sent is not sent.
Cannot see: what happens when the owner is away, and credentials.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import image, raw, skopeo
from harness.digest import sha256
from harness.envoy import Envoy, Policy
from harness.forwarder import Forwarder
from harness.policies import ADDRESSES, client, two_owners
from harness.registry import Registry
from harness.scripted import Answer, Scripted

# A client in China: near to `east`, while `west` owns drycc/.
NEAR_EAST = client("CN")
UPLOADS = "/v2/drycc/app/blobs/uploads/"
DIGEST = "sha256:" + "0" * 64


@dataclass
class Stack:
    """Two real registries; `west` owns drycc/ and calls it acme/, `east` owns team/."""

    east: Registry
    west: Registry
    envoy: Envoy

    def ask(self, method: str, target: str, *headers: raw.Header, body: bytes | None = None) -> raw.Response:
        """A request from China. A write without a body says so, as real clients do."""
        if body is None and method in ("POST", "PUT", "PATCH"):
            body = b""
        return self.envoy.request(method, target, [*NEAR_EAST, *headers], body=body)

    def start_upload(self, repository: str = "drycc/app", query: str = "") -> str:
        """Starts an upload; its Location."""
        answer = self.ask("POST", f"/v2/{repository}/blobs/uploads/{query}")
        assert answer.status == 202, answer
        return front_path(answer, repository)

    def push_blob(self, repository: str, content: bytes) -> str:
        """Uploads a blob; its digest."""
        digest = sha256(content)
        location = self.start_upload(repository)
        answer = self.ask("PUT", with_digest(location, digest), body=content)
        assert answer.status == 201, answer
        return digest


def front_path(answer: raw.Response, repository: str) -> str:
    """The Location of an upload, which must be a path on the front and name no backend."""
    location = answer.one("location") or ""
    assert location.startswith(f"/v2/{repository}/blobs/uploads/"), answer
    assert "127.0.0.1" not in location.split("?")[0], location
    return location


def with_digest(location: str, digest: str) -> str:
    """The target that closes an upload."""
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


@pytest.fixture(scope="module")
def stack(work: Path, geo_database: Path, start_envoy: Callable[[Policy], Envoy]) -> Iterator[Stack]:
    """Empty registries."""
    directory = work / "push"
    east, west = Registry("east", directory), Registry("west", directory)
    yield Stack(east, west, start_envoy(two_owners(east.url, west.url, geo_database)))
    for registry in (east, west):
        registry.stop()


def test_skopeo_pushes_everything_to_the_owner(stack: Stack, tmp_path: Path) -> None:
    pushed = image.build("pushed")
    pushed.write_layout(tmp_path / "layout", "v1")
    before = stack.east.requests()
    near_east = Forwarder(ADDRESSES["CN"], stack.envoy.port)

    skopeo.push(tmp_path / "layout", "v1", f"{near_east.authority}/drycc/pushed:v1")

    near_east.close()
    assert all(stack.west.has_manifest("acme/pushed", reference) for reference in ["v1", *pushed.manifests])
    assert all(stack.west.has_blob("acme/pushed", digest) for digest in pushed.blobs)
    assert stack.east.requests() == before, "something of the push went to the near registry"


# A push skips what the registry says it has. The near one has it all; the owner must get it.
def test_a_push_does_not_rely_on_what_only_the_near_registry_has(stack: Stack, tmp_path: Path) -> None:
    copied = image.build("copied")
    copied.write_layout(tmp_path / "layout", "v1")
    skopeo.push(tmp_path / "layout", "v1", f"{stack.east.authority}/drycc/copied:v1")
    near_east = Forwarder(ADDRESSES["CN"], stack.envoy.port)

    skopeo.push(tmp_path / "layout", "v1", f"{near_east.authority}/drycc/copied:v1")

    near_east.close()
    assert all(stack.west.has_manifest("acme/copied", reference) for reference in ["v1", *copied.manifests])
    assert all(stack.west.has_blob("acme/copied", digest) for digest in copied.blobs)


def test_an_upload_in_chunks(stack: Stack) -> None:
    first, second = b"first chunk, " * 1000, b"second chunk"
    location = stack.start_upload()

    patched = _patch_chunked(stack, location, first)
    assert patched.status == 202, patched
    assert patched.one("range") == f"0-{len(first) - 1}", "not a range of RFC 9110, to be passed as it is"
    assert patched.one("docker-upload-uuid")

    asked = stack.ask("GET", front_path(patched, "drycc/app"))
    assert (asked.status, asked.one("range")) == (204, f"0-{len(first) - 1}")

    content_range = f"{len(first)}-{len(first) + len(second) - 1}"
    patched = stack.ask(
        "PATCH", front_path(asked, "drycc/app"), ("Content-Range", content_range), body=second
    )
    assert patched.status == 202, patched

    digest = sha256(first + second)
    closed = stack.ask("PUT", with_digest(front_path(patched, "drycc/app"), digest))
    assert (closed.status, closed.one("location")) == (201, f"/v2/drycc/app/blobs/{digest}")
    found = stack.ask("HEAD", f"/v2/drycc/app/blobs/{digest}")
    assert (found.status, found.one("content-length")) == (200, str(len(first + second)))
    assert stack.west.has_blob("acme/app", digest)
    assert not stack.east.has_blob("drycc/app", digest)


def _patch_chunked(stack: Stack, location: str, content: bytes) -> raw.Response:
    """A chunk of unknown size, in transfer chunks, as docker sends it."""
    headers = [
        ("Host", "registry.test"),
        *NEAR_EAST,
        ("Transfer-Encoding", "chunked"),
        ("Content-Type", "application/octet-stream"),
    ]
    with raw.Connection(stack.envoy.port) as connection:
        connection.send(raw.head("PATCH", location, headers))
        for start in range(0, len(content), 5000):
            part = content[start : start + 5000]
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        connection.send(b"0\r\n\r\n")
        return connection.receive()


def test_an_upload_can_be_given_up(stack: Stack) -> None:
    location = stack.start_upload()
    assert stack.ask("DELETE", location).status == 204
    assert stack.ask("GET", location).status == 404


def test_a_large_blob_in_one_piece(stack: Stack) -> None:
    content = bytes(range(256)) * 32768
    digest = stack.push_blob("drycc/app", content)
    assert stack.west.has_blob("acme/app", digest)


def test_a_body_waits_for_100_continue(stack: Stack) -> None:
    content = b"patient"
    target = with_digest(stack.start_upload(), sha256(content))
    headers = [("Host", "registry.test"), *NEAR_EAST, ("Expect", "100-continue"), ("Content-Length", "7")]
    with raw.Connection(stack.envoy.port) as connection:
        connection.send(raw.head("PUT", target, headers))
        connection.send(content)
        answer = connection.receive()
    assert (answer.status, answer.interim) == (201, [100])


@pytest.mark.parametrize("separator", ["/", "%2F"])
def test_a_blob_of_the_same_owner_is_mounted(stack: Stack, separator: str) -> None:
    digest = stack.push_blob("drycc/source", f"mounted {separator}".encode())
    answer = stack.ask("POST", f"/v2/drycc/target/blobs/uploads/?mount={digest}&from=drycc{separator}source")
    assert (answer.status, answer.one("location")) == (201, f"/v2/drycc/target/blobs/{digest}")
    assert stack.west.has_blob("acme/target", digest)


def test_a_blob_of_another_owner_is_uploaded(stack: Stack) -> None:
    digest = stack.push_blob("team/source", b"of another owner")
    assert stack.east.has_blob("team/source", digest)
    location = stack.start_upload("drycc/target", f"?mount={digest}&from=team/source")
    answer = stack.ask("PUT", with_digest(location, digest), body=b"of another owner")
    assert answer.status == 201
    assert stack.west.has_blob("acme/target", digest)


def test_deletes_reach_the_owner(stack: Stack) -> None:
    config = b"{}"
    blob = stack.push_blob("drycc/deleted", config)
    part = {"mediaType": image.CONFIG_TYPE, "digest": blob, "size": len(config)}
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": image.MANIFEST_TYPE, "config": part, "layers": []}
    ).encode()
    target = f"/v2/drycc/deleted/manifests/{sha256(manifest)}"
    put = stack.ask("PUT", target, ("Content-Type", image.MANIFEST_TYPE), body=manifest)
    assert (put.status, put.one("location")) == (201, target)

    assert stack.ask("DELETE", target).status == 202
    assert not stack.west.has_manifest("acme/deleted", sha256(manifest))
    assert stack.ask("DELETE", f"/v2/drycc/deleted/blobs/{blob}").status == 202
    assert not stack.west.has_blob("acme/deleted", blob)


@pytest.fixture(scope="module")
def scripted(
    east: Scripted, west: Scripted, geo_database: Path, start_envoy: Callable[[Policy], Envoy]
) -> Envoy:
    """The same policy in front of scripted upstreams."""
    return start_envoy(two_owners(east.url, west.url, geo_database))


# {west} is where the upstream is; its Location, and what the client gets.
# fmt: off
LOCATIONS = [
    ("http://{west}/v2/acme/app/blobs/uploads/1?_state=a%2Fb+c==&x=%7e", UPLOADS + "1?_state=a%2Fb+c==&x=%7e", "absolute"),
    ("https://{west}/v2/acme/app/blobs/uploads/1", UPLOADS + "1", "the other scheme, as behind a terminator of TLS"),
    ("/v2/acme/app/blobs/uploads/1?_state=a%2Fb+c==", UPLOADS + "1?_state=a%2Fb+c==", "path-absolute"),
    ("//{west}/v2/acme/app/blobs/uploads/1", UPLOADS + "1", "scheme-relative"),
    ("a-1_2=:.x?y", UPLOADS + "a-1_2=:.x?y", "relative to the request"),
    ("/v2/acme/app/blobs/uploads/a/b/c?d", UPLOADS + "a/b/c?d", "a session of several segments"),
    ("/v2/acme/app/blobs/uploads/a%3D%2Bb", UPLOADS + "a%3D%2Bb", "escapes in the session"),
    ("http://{west}/v2/acme/app/blobs/uploads/1?a\r\nLocation: http://{west}/v2/acme/app/blobs/uploads/1?a", UPLOADS + "1?a", "twice"),
    ("/v2/acme/app/blobs/uploads/1\r\nLocation: http://{west}/v2/acme/app/blobs/uploads/2", UPLOADS + "1", "two: the first one, as in clients"),
    ("/v2/acme/app/blobs/uploads/1?ns=ghcr.io&x=1", UPLOADS + "1?x=1", "a registry chooses no other registry of the front"),
]
# fmt: on


@pytest.mark.parametrize(("sent", "expected", "_why"), LOCATIONS, ids=[row[2] for row in LOCATIONS])
@pytest.mark.parametrize(("method", "status"), [("POST", 202), ("PATCH", 202), ("GET", 204), ("PATCH", 416)])
def test_upload_locations_are_on_the_front(
    scripted: Envoy,
    east: Scripted,
    west: Scripted,
    method: str,
    status: int,
    sent: str,
    expected: str,
    _why: str,
) -> None:
    west.answer(Answer(status, [("Location", sent.format(west=west.authority))]))
    target = UPLOADS if method == "POST" else UPLOADS + "1?_state=%2F+="
    found = scripted.request(method, target, NEAR_EAST, body=b"" if method != "GET" else None)
    assert (found.status, found.one("location")) == (status, expected)
    assert west.last().target.decode() == target.replace("drycc", "acme")


@pytest.mark.parametrize(
    "sent",
    ["http://third.example/v2/steal/1", "//third.example/x", "http://u@third.example/", "javascript:x", "/other/x"],
)
@pytest.mark.parametrize(("method", "status"), [("POST", 202), ("PATCH", 202), ("PUT", 201), ("GET", 204)])
def test_an_upload_that_leads_away_from_the_front_is_refused(
    scripted: Envoy, west: Scripted, method: str, status: int, sent: str
) -> None:
    west.answer(Answer(status, [("Location", sent)]))
    target = UPLOADS if method == "POST" else UPLOADS + "1"
    found = scripted.request(method, target, NEAR_EAST, body=b"" if method != "GET" else None)
    assert (found.status, found.one("location")) == (502, None)
    assert json.loads(found.body)["errors"][0]["code"] == "UNKNOWN"


def test_the_state_of_an_upload_comes_back_byte_for_byte(
    scripted: Envoy, east: Scripted, west: Scripted
) -> None:
    east.forget()
    state = "1/x:y=_~?_state=aZ%2F%2f+==&empty=&&%20!*'()"
    west.answer(Answer(202, [("Location", f"http://{west.authority}/v2/acme/app/blobs/uploads/{state}")]))
    location = scripted.request("POST", UPLOADS, NEAR_EAST, body=b"").one("location")
    assert location == UPLOADS + state
    west.forget()
    scripted.request("PATCH", location, NEAR_EAST, body=b"x")
    assert west.last().target.decode() == "/v2/acme/app/blobs/uploads/" + state
    assert not east.seen


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (f"?digest={DIGEST}&x=%2f", f"?digest={DIGEST}&x=%2f"),
        ("?digest-algorithm=sha512", "?digest-algorithm=sha512"),
        (f"?mount={DIGEST}", f"?mount={DIGEST}"),
        (f"?mount={DIGEST}&from=drycc/a&origin=x%2Fy", f"?mount={DIGEST}&from=acme/a&origin=x%2Fy"),
        (f"?from=team/a&mount={DIGEST}", ""),
        (f"?from=public/a&mount={DIGEST}&k=v", "?k=v"),
        (f"?from=unknown/a&mount={DIGEST}&k=v", "?k=v"),
    ],
)
def test_the_query_of_a_started_upload(
    scripted: Envoy, east: Scripted, west: Scripted, asked: str, sent: str
) -> None:
    east.forget()
    west.answer(Answer(202))
    scripted.request("POST", UPLOADS + asked, NEAR_EAST, body=b"whole blob")
    seen = west.last()
    assert seen.target.decode() in (
        f"/v2/acme/app/blobs/uploads/{sent}",
        f"/v2/acme/app/blobs/uploads/{sent.replace('acme/a', 'acme%2Fa')}",
    )
    assert seen.body == b"whole blob"
    assert not east.seen


# fmt: off
WRITES = [
    ("POST", "blobs/uploads/", "GET, HEAD"),
    ("POST", f"blobs/uploads/?digest={DIGEST}", "GET, HEAD"),
    ("GET", "blobs/uploads/1", "GET, HEAD"),
    ("PATCH", "blobs/uploads/1", "GET, HEAD"),
    ("PUT", f"blobs/uploads/1?digest={DIGEST}", "GET, HEAD"),
    ("DELETE", "blobs/uploads/1", "GET, HEAD"),
    ("DELETE", f"blobs/{DIGEST}", "GET, HEAD"),
    ("PUT", "manifests/v1", "GET, HEAD"),
    ("PUT", f"manifests/{DIGEST}", "GET, HEAD"),
    ("DELETE", "manifests/v1", "GET, HEAD"),
    ("DELETE", f"manifests/{DIGEST}", "GET, HEAD"),
]
# fmt: on


@pytest.mark.parametrize(("method", "rest", "allow"), WRITES)
def test_a_rule_without_an_owner_takes_no_writes(
    scripted: Envoy, east: Scripted, west: Scripted, method: str, rest: str, allow: str
) -> None:
    for upstream in (east, west):
        upstream.forget()
    found = scripted.request(
        method, f"/v2/public/app/{rest}", NEAR_EAST, body=None if method in ("GET", "DELETE") else b"content"
    )
    assert (found.status, found.one("allow")) == (405, allow)
    assert found.one("content-type") == "application/json"
    assert json.loads(found.body)["errors"][0]["code"] == "UNSUPPORTED"
    assert not east.seen and not west.seen


def test_an_upload_outside_of_the_api_goes_on_at_the_front(
    west: Scripted, east: Scripted, geo_database: Path, start_envoy: Callable[[Policy], Envoy]
) -> None:
    policy = two_owners(east.url, west.url, geo_database)
    policy["backends"]["west"]["upload_paths"] = ["/artifacts-uploads/"]
    envoy = start_envoy(policy)
    path = "/artifacts-uploads/namespaces/p/repositories/r/uploads/A"
    east.forget()
    for place in [f"{path}?x=1", f"http://{west.authority}{path}?x=1"]:
        west.answer(Answer(202, [("Location", place)]))
        location = envoy.request("POST", UPLOADS, NEAR_EAST, body=b"").one("location")
        assert location is not None and location.startswith(UPLOADS) and location.endswith("?x=1")
        for method in ["PATCH", "PUT", "GET", "DELETE", "POST"]:
            west.forget()
            envoy.request(method, location + f"&digest={DIGEST}", NEAR_EAST, body=b"x")
            assert west.last().target.decode() == f"{path}?x=1&digest={DIGEST}"
        west.forget()
        for other in ["..~1v2~1x", "%2e%2e~1x", "a%2fb"]:
            target = UPLOADS + "portolan~1artifacts-uploads~1" + other
            assert envoy.request("PATCH", target, NEAR_EAST, body=b"x").status in (400, 404)
        assert envoy.request("PATCH", UPLOADS + "portolan~1v2~1x", NEAR_EAST, body=b"x").status == 404
        assert not west.seen
    assert not east.seen
