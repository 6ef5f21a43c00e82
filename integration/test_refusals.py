"""Refusals: what Portolan answers itself, and that nothing of it reaches a registry.

Sees: status, OCI code, headers and the absence of a body on HEAD, through real Envoy, for one
row of each kind. Cannot see: every shape of every bad path; the parser's own tests hold those.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import raw
from harness.envoy import Envoy, Policy
from harness.policies import two_owners
from harness.scripted import Scripted

DIGEST = "sha256:" + "0" * 64
LONG_NAME = "drycc/" + "a" * 249  # 255, the longest there may be
READS = "GET, HEAD"


@pytest.fixture(scope="module")
def envoy(
    east: Scripted, west: Scripted, geo_database: Path, start_envoy: Callable[[Policy], Envoy]
) -> Envoy:
    """A front that answers to its own host only; `west` makes names of drycc/ longer by six bytes."""
    policy = two_owners(east.url, west.url, geo_database)
    policy["fronts"] = {"main": {"hosts": ["registry.test", "127.0.0.1:5000"]}}
    policy["backends"]["west"]["names"] = [{"front": "drycc/", "backend": "mirrors/acme/"}]
    return start_envoy(policy)


def check_refusal(found: raw.Response, status: int, code: str, is_head: bool = False) -> None:
    """The one form that every refusal has."""
    assert found.status == status, found
    assert found.one("content-type") == "application/json"
    assert int(found.one("content-length") or 0) > 0
    assert found.one("docker-distribution-api-version") == "registry/2.0"
    assert found.one("cache-control") == "no-store"
    if is_head:
        assert found.body == b""
        return
    (error,) = json.loads(found.body)["errors"]
    assert error["code"] == code
    assert error["message"]


# Method, target, status, code, Allow, why.
# fmt: off
ROWS = [
    ("GET", "/", 404, "UNSUPPORTED", None, "no endpoint"),
    ("GET", "/v1/", 404, "UNSUPPORTED", None, "no endpoint"),
    ("GET", "/v2foo", 404, "UNSUPPORTED", None, "only starts like one"),
    ("GET", "/V2/", 404, "UNSUPPORTED", None, "paths are case-sensitive"),
    ("GET", "/v2/drycc/app", 404, "UNSUPPORTED", None, "a name and nothing else"),
    ("GET", "/v2/tags/list", 404, "UNSUPPORTED", None, "no name"),
    ("GET", "/v2/manifests/v1", 404, "UNSUPPORTED", None, "no name"),
    ("GET", "/v2/drycc/app/manifests/", 404, "UNSUPPORTED", None, "no reference"),
    ("GET", "/v2/drycc/app/tags/list/", 404, "UNSUPPORTED", None, "a trailing slash"),
    ("GET", "/v2/_catalog", 404, "UNSUPPORTED", None, "the catalogue"),
    ("GET", "/v2/_oci/ext/discover", 404, "UNSUPPORTED", None, "an extension"),
    ("GET", "/v2/drycc/app/_trust/tuf/root.json", 404, "UNSUPPORTED", None, "an extension of a repository"),
    ("GET", "/v2//", 400, "NAME_INVALID", None, "two slashes"),
    ("GET", "/v2/drycc%2Fapp/manifests/v1", 400, "NAME_INVALID", None, "an escaped slash"),
    ("GET", "/v2/public/../drycc/app/manifests/v1", 400, "NAME_INVALID", None, "dots"),
    ("GET", "/v2/other/app/manifests/v1", 404, "NAME_UNKNOWN", None, "no rule"),
    ("GET", "/v2/drycc/manifests/v1", 404, "NAME_UNKNOWN", None, "drycc/** has something after the slash"),
    ("GET", "/v2/drycc/App/manifests/v1", 400, "NAME_INVALID", None, "upper case"),
    ("GET", "/v2/drycc/-app/manifests/v1", 400, "NAME_INVALID", None, "starts with a separator"),
    ("GET", "/v2/drycc/a___b/manifests/v1", 400, "NAME_INVALID", None, "three underscores"),
    ("GET", "/v2/drycc/a..b/manifests/v1", 400, "NAME_INVALID", None, "two dots"),
    ("GET", f"/v2/{LONG_NAME}a/manifests/v1", 400, "NAME_INVALID", None, "256 bytes"),
    ("GET", f"/v2/{LONG_NAME}/manifests/v1", 400, "NAME_INVALID", None, "too long with the prefix of the backend"),
    ("GET", "/v2/drycc/app/manifests/sha256:abc", 400, "DIGEST_INVALID", None, "a short digest"),
    ("GET", f"/v2/drycc/app/manifests/{DIGEST.replace('0', 'A')}", 400, "DIGEST_INVALID", None, "upper case"),
    ("GET", "/v2/drycc/app/blobs/v1", 400, "DIGEST_INVALID", None, "a tag where a digest belongs"),
    ("GET", "/v2/drycc/app/referrers/v1", 400, "DIGEST_INVALID", None, "a tag where a digest belongs"),
    ("PUT", f"/v2/drycc/app/blobs/{DIGEST}", 405, "UNSUPPORTED", "GET, HEAD, DELETE", "blobs are uploaded elsewhere"),
    ("POST", "/v2/drycc/app/tags/list", 405, "UNSUPPORTED", READS, "a list cannot be written"),
    ("DELETE", "/v2/", 405, "UNSUPPORTED", READS, "a ping cannot be deleted"),
    ("OPTIONS", "/v2/drycc/app/manifests/v1", 405, "UNSUPPORTED", "GET, HEAD, PUT, DELETE", "no such method here"),
    ("PUT", "/v2/public/app/manifests/v1", 405, "UNSUPPORTED", READS, "pull-only"),
    ("POST", "/v2/public/app/blobs/uploads/", 405, "UNSUPPORTED", READS, "pull-only"),
    ("POST", "/v2/drycc/app/blobs/uploads/?mount=abc&from=drycc/b", 400, "DIGEST_INVALID", None, "a mount of no digest"),
    ("POST", f"/v2/drycc/app/blobs/uploads/?mount={DIGEST}&from=Drycc", 400, "NAME_INVALID", None, "a mount from no name"),
    ("POST", f"/v2/drycc/app/blobs/uploads/?mount={DIGEST}&from=a&from=b", 400, "NAME_INVALID", None, "two sources"),
]
# fmt: on


@pytest.mark.parametrize(
    ("method", "target", "status", "code", "allow", "_why"),
    ROWS,
    ids=[f"{row[0]} {row[1][:60]}: {row[5]}" for row in ROWS],
)
def test_refusals_have_the_error_codes_of_the_specification(
    envoy: Envoy,
    east: Scripted,
    west: Scripted,
    method: str,
    target: str,
    status: int,
    code: str,
    allow: str | None,
    _why: str,
) -> None:
    for upstream in (east, west):
        upstream.forget()
    found = envoy.request(method, target, body=b"" if method in ("POST", "PUT") else None)
    check_refusal(found, status, code)
    assert found.one("allow") == allow
    if method == "GET":
        head = envoy.request("HEAD", target)
        check_refusal(head, status, code, is_head=True)
    assert not east.seen and not west.seen


@pytest.mark.parametrize(
    "host",
    ["evil.example", "registry.test:5000", "registry.test.evil.example", "127.0.0.1:5001", "xregistry.test"],
)
def test_a_host_of_no_front_is_refused(envoy: Envoy, east: Scripted, west: Scripted, host: str) -> None:
    for upstream in (east, west):
        upstream.forget()
    for target in ("/v2/", "/v2/drycc/app/manifests/v1"):
        check_refusal(envoy.request("GET", target, host=host), 404, "NAME_UNKNOWN")
    assert not east.seen and not west.seen


@pytest.mark.parametrize(
    "host", ["registry.test", "REGISTRY.test", "registry.test:80", "registry.test:443", "127.0.0.1:5000"]
)
def test_a_host_of_the_front_is_served(envoy: Envoy, host: str) -> None:
    assert envoy.request("GET", "/v2/", host=host).status == 200


# The other side of the rows above: what looks odd and is right.
# fmt: off
ACCEPTED = [
    ("/v2/drycc/a/manifests/b/manifests/v1", "/v2/mirrors/acme/a/manifests/b/manifests/v1", "read from the right"),
    ("/v2/drycc/blobs/uploads/tags/list", "/v2/mirrors/acme/blobs/uploads/tags/list", "components named as endpoints"),
    (f"/v2/drycc/app/manifests/{'t' * 128}", f"/v2/mirrors/acme/app/manifests/{'t' * 128}", "the longest tag"),
    ("/v2/drycc/app/manifests/_A.b-C", "/v2/mirrors/acme/app/manifests/_A.b-C", "tags keep their case"),
    ("/v2/drycc/app/manifests/v1?x=%2F..%2f//;", "/v2/mirrors/acme/app/manifests/v1?x=%2F..%2f//;", "queries are opaque"),
    ("/v2/drycc/app/manifests/v1?", "/v2/mirrors/acme/app/manifests/v1?", "an empty query"),
    (f"/v2/{LONG_NAME[:-8]}/manifests/v1", f"/v2/mirrors/acme/{LONG_NAME[6:-8]}/manifests/v1", "255 bytes with the prefix"),
    ("/v2/drycc/app/blobs/unknown+b64u:A-_=", "/v2/mirrors/acme/app/blobs/unknown+b64u:A-_=", "an unknown algorithm"),
]
# fmt: on


@pytest.mark.parametrize(("target", "sent", "_why"), ACCEPTED, ids=[row[2] for row in ACCEPTED])
def test_odd_looking_valid_requests_are_served(
    envoy: Envoy, west: Scripted, target: str, sent: str, _why: str
) -> None:
    west.forget()
    assert envoy.request("GET", target).status == 200
    assert west.last().target.decode() == sent


def test_an_escaped_digest_is_served(envoy: Envoy, west: Scripted) -> None:
    west.forget()
    assert envoy.request("GET", f"/v2/drycc/app/blobs/{DIGEST.replace(':', '%3a')}").status == 200
    assert (
        west.last().target.decode().replace("%3a", ":").replace("%3A", ":")
        == f"/v2/mirrors/acme/app/blobs/{DIGEST}"
    )


# A tag that cannot be is one that is not there: the conformance suite of OCI asks for such a
# manifest and wants 404. Only a write of it is the client's mistake.
@pytest.mark.parametrize("tag", [".hidden", "-dash", "t" * 129, "a~b", "a,b"])
def test_a_tag_that_cannot_be(envoy: Envoy, east: Scripted, west: Scripted, tag: str) -> None:
    for upstream in (east, west):
        upstream.forget()
    target = f"/v2/drycc/app/manifests/{tag}"
    check_refusal(envoy.request("GET", target), 404, "MANIFEST_UNKNOWN")
    check_refusal(envoy.request("HEAD", target), 404, "MANIFEST_UNKNOWN", is_head=True)
    check_refusal(envoy.request("PUT", target, body=b"{}"), 400, "TAG_INVALID")
    assert not east.seen and not west.seen
