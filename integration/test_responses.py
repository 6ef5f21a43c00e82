"""What upstreams answer, and what of it the client gets, through real Envoy.

The upstream is scripted: each row is a form of a header that some real registry sends. Sees the
bytes on both sides. Cannot see redirects being followed; test_auth_* see challenges.
"""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import image, raw
from harness.envoy import Envoy, Policy
from harness.policies import two_owners
from harness.scripted import Answer, Script, Scripted, Seen

DIGEST = "sha256:" + "0" * 64
OTHER = "sha256:" + "1" * 64
BLOB = f"/v2/drycc/app/blobs/{DIGEST}"
TAGS = "/v2/drycc/app/tags/list"
REFERRERS = f"/v2/drycc/app/referrers/{DIGEST}"


@pytest.fixture(scope="module")
def envoy(
    east: Scripted, west: Scripted, geo_database: Path, start_envoy: Callable[[Policy], Envoy]
) -> Envoy:
    """Clients of unknown place: `west` answers all of them, and calls drycc/ acme/."""
    return start_envoy(two_owners(east.url, west.url, geo_database))


# {west} is where the upstream is.
# fmt: off
LOCATIONS = [
    ("http://{west}/v2/acme/app/blobs/x?y=%2f+=#z", "/v2/drycc/app/blobs/x?y=%2f+=#z", "absolute"),
    ("HTTP://{west}/v2/acme/app/blobs/x", "/v2/drycc/app/blobs/x", "an upper-case scheme"),
    ("https://{west}/v2/acme/app/blobs/x", "/v2/drycc/app/blobs/x", "the other scheme"),
    ("//{west}/v2/acme/app/blobs/x", "/v2/drycc/app/blobs/x", "scheme-relative"),
    ("/v2/acme/app/blobs/x", "/v2/drycc/app/blobs/x", "path-absolute"),
    ("x?y", "/v2/drycc/app/blobs/x?y", "relative"),
    (f"/v2/acme/other/blobs/{OTHER}", f"/v2/drycc/other/blobs/{OTHER}", "another repository"),
    ("https://cdn.example/blob?X-Amz-Signature=a%2fb%2Bc&x=", "https://cdn.example/blob?X-Amz-Signature=a%2fb%2Bc&x=", "a CDN: no byte may change"),
    ("https://CDN.example:443/%7eb/../c?", "https://CDN.example:443/%7eb/../c?", "a CDN: not even an odd one"),
    ("//cdn.example/b", "//cdn.example/b", "a CDN, scheme-relative"),
    ("http://127.0.0.1:1/v2/acme/app/blobs/x", "http://127.0.0.1:1/v2/acme/app/blobs/x", "another port is another host"),
    ("http://{west}@evil.example/v2/acme/app/", "http://{west}@evil.example/v2/acme/app/", "a host that only looks like ours"),
    ("https://cdn.example/a b?c", "https://cdn.example/a b?c", "a CDN: a raw space"),
]
# fmt: on


@pytest.mark.parametrize(("sent", "expected", "_why"), LOCATIONS, ids=[row[2] for row in LOCATIONS])
@pytest.mark.parametrize(("method", "status"), [("GET", 307), ("HEAD", 302), ("GET", 303), ("GET", 308)])
def test_location(
    envoy: Envoy, west: Scripted, method: str, status: int, sent: str | bytes, expected: str | None, _why: str
) -> None:
    sent = sent.format(west=west.authority) if isinstance(sent, str) else sent
    west.answer(Answer(status, [("Location", sent)]))
    found = envoy.request(method, BLOB)
    assert found.status == status
    assert found.one("location") == (expected.format(west=west.authority) if expected else None)


# Envoy joins the lines with a comma, which a URL may have as well, before any filter sees them.
# What is left is one path of the front, whatever the second line says.
def test_several_locations_lead_nowhere_else(envoy: Envoy, west: Scripted) -> None:
    west.answer(Answer(307, [("Location", "/v2/acme/app/blobs/a"), ("location", "https://evil.example/b")]))
    location = envoy.request("GET", BLOB).one("location")
    assert location is None or location.startswith("/v2/drycc/app/blobs/a")


# fmt: off
LINKS = [
    (['</v2/acme/app/tags/list?n=2&last=b%2f+>; rel="next"'], ['</v2/drycc/app/tags/list?n=2&last=b%2f+>; rel="next"'], "path-absolute"),
    (["<http://{west}/v2/acme/app/tags/list?next_page=gA%3D%3D>; rel=next"], ["</v2/drycc/app/tags/list?next_page=gA%3D%3D>; rel=next"], "absolute, opaque, unquoted"),
    (["<list?last=b>; rel=next"], ["</v2/drycc/app/tags/list?last=b>; rel=next"], "relative"),
    (['<?last=a,b;c>; title="x, <y>; \\"z"; rel=next, <https://docs.example/x>; rel=help'], ['</v2/drycc/app/tags/list?last=a,b;c>; title="x, <y>; \\"z"; rel=next, <https://docs.example/x>; rel=help'], "separators in odd places"),
    (["<https://docs.example/x>; rel=help", "</v2/acme/app/tags/list?last=b>; rel=next"], ["<https://docs.example/x>; rel=help", "</v2/drycc/app/tags/list?last=b>; rel=next"], "two lines"),
    (["</v2/acme/app/tags/list?last=b&ns=ghcr.io>; rel=next"], ["</v2/drycc/app/tags/list?last=b>; rel=next"], "to another registry of the front"),
    (["/v2/acme/app/tags/list?last=b; rel=next"], ["</v2/drycc/app/tags/list?last=b>; rel=next"], "no brackets"),
]
# fmt: on


@pytest.mark.parametrize(("sent", "expected", "_why"), LINKS, ids=[row[2] for row in LINKS])
def test_link(envoy: Envoy, west: Scripted, sent: list[str | bytes], expected: list[str], _why: str) -> None:
    values = [value.format(west=west.authority) if isinstance(value, str) else value for value in sent]
    west.answer(Answer(200, [("Link", value) for value in values], b'{"tags":[]}'))
    assert envoy.request("GET", TAGS).all("link") == expected


# Nobody follows these; but no answer tells the host behind the front.
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize("target", [BLOB, "/v2/drycc/app/manifests/v1", "/v2/public/app/manifests/v1", f"/v2/drycc/app/manifests/{DIGEST}"])
@pytest.mark.parametrize("status", [200, 404])
def test_a_link_beside_content_names_no_backend(
    envoy: Envoy, east: Scripted, west: Scripted, method: str, target: str, status: int
) -> None:
    for upstream in (east, west):
        own = f"<http://{upstream.authority}/v2/acme/app/manifests/v2>; rel=canonical, <https://docs.example/x>; rel=help"
        upstream.answer(Answer(status, [("Link", own), ("Link", "<broken; rel=next")], b"{}"))
    found = envoy.request(method, target, body=b"{}" if method == "PUT" else None)
    assert found.status in (status, 405)
    assert b"127.0.0.1" not in repr(found.headers).encode()
    for upstream in (east, west):
        upstream.answer(Answer(status, [("Link", f"<http://{upstream.authority}/v2/acme/app/tags/list>; rel=help")], b"{}"))
    found = envoy.request(method, target, body=b"{}" if method == "PUT" else None)
    assert b"127.0.0.1" not in repr(found.headers).encode()


def test_referrers_have_pages_too(envoy: Envoy, west: Scripted) -> None:
    west.answer(
        Answer(
            200,
            [
                ("Link", f"</v2/acme/app/referrers/{DIGEST}?artifactType=a%2Fb&page=2>; rel=next"),
                ("OCI-Filters-Applied", "artifactType"),
            ],
            b"{}",
        )
    )
    found = envoy.request("GET", f"{REFERRERS}?artifactType=a%2Fb")
    assert found.one("link") == f"<{REFERRERS}?artifactType=a%2Fb&page=2>; rel=next"
    assert found.one("oci-filters-applied") == "artifactType"
    assert west.last().target.decode() == f"/v2/acme/app/referrers/{DIGEST}?artifactType=a%2Fb"


ALL_TAGS = [f"v{number}" for number in range(7)]


def _pages(link: str) -> Script:
    """A registry with pages of tags; `link` is how it writes the next one."""

    def answer(seen: Seen) -> Answer:
        found = re.fullmatch(r"/v2/acme/app/tags/list\?n=(\d+)(?:&last=(v\d+))?", seen.target.decode())
        if not found:
            return Answer(404)
        start = ALL_TAGS.index(found[2]) + 1 if found[2] else 0
        page = ALL_TAGS[start : start + int(found[1])]
        more = page and page[-1] != ALL_TAGS[-1]
        next_page = link.format(host=seen.authority, query=f"n={found[1]}&last={page[-1]}") if more else ""
        body = json.dumps({"name": "acme/app", "tags": page}).encode()
        return Answer(200, [("Link", f'<{next_page}>; rel="next"')] if more else [], body)

    return answer


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize(
    "link",
    [
        "/v2/acme/app/tags/list?{query}",
        "http://{host}/v2/acme/app/tags/list?{query}",
        "//{host}/v2/acme/app/tags/list?{query}",
        "?{query}",
    ],
)
def test_pages_of_tags_lead_through_the_front_to_the_end(
    envoy: Envoy, east: Scripted, west: Scripted, link: str, size: int
) -> None:
    east.forget()
    west.script = _pages(link)
    target, tags = f"{TAGS}?n={size}", []
    while target:
        found = envoy.request("GET", target)
        tags += json.loads(found.body)["tags"]
        target = _next_page(found)
    assert tags == ALL_TAGS
    assert not east.seen


def _next_page(answer: raw.Response) -> str:
    """The target of a Link, which must be a path of the front; empty on the last page."""
    link = answer.one("link")
    if link is None:
        return ""
    found = re.fullmatch(r'<(/v2/drycc/app/tags/list\?n=\d+&last=v\d+)>; rel="next"', link)
    assert found, link
    return found[1]


# Clients act on these: without OCI-Subject they push a fallback tag, and so on.
# fmt: off
KEPT: list[raw.Header] = [
    ("docker-content-digest", DIGEST),
    ("docker-distribution-api-version", "registry/2.0"),
    ("docker-upload-uuid", "0-1"),
    ("oci-chunk-min-length", "1000"),
    ("oci-subject", DIGEST),
    ("oci-filters-applied", "artifactType"),
    ("oci-tag", "a"),
    ("etag", f'"{DIGEST}"'),
    ("range", "0-99"),
    ("content-type", "application/vnd.oci.image.index.v1+json"),
    ("cache-control", "max-age=31536000"),
    ("ratelimit-limit", "100;w=21600"),
    ("ratelimit-remaining", "76;w=21600"),
    ("docker-ratelimit-source", "192.0.2.1"),
    ("retry-after", "7"),
    ("warning", '299 - "soon gone"'),
    ("x-unknown", b"\xff\xfe bytes \x80"),
    ("accept-ranges", "bytes"),
    ("last-modified", "Mon, 01 Jun 2026 00:00:00 GMT"),
]
# fmt: on


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", BLOB), ("HEAD", BLOB), ("GET", TAGS), ("PUT", "/v2/drycc/app/manifests/v1")],
)
def test_headers_that_clients_need_pass(envoy: Envoy, west: Scripted, method: str, target: str) -> None:
    west.answer(Answer(200, [*KEPT, ("OCI-Tag", "b")], b"{}"))
    found = envoy.request(method, target, body=b"{}" if method == "PUT" else None)
    expected = [(name, raw.as_bytes(value)) for name, value in [*KEPT, ("oci-tag", "b")]]
    assert [header for header in found.headers if header in expected] == expected


# A client would bind these to the front's name, though only one upstream said them.
# fmt: off
STRIPPED = [
    ("Set-Cookie", "session=1; Secure"),
    ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
    ("Alt-Svc", 'h3=":443"'),
    ("NEL", '{"report_to":"x","max_age":1}'),
    ("Report-To", "{}"),
]
# fmt: on


def test_headers_that_bind_a_client_to_an_upstream_do_not_pass(envoy: Envoy, west: Scripted) -> None:
    west.answer(Answer(200, [*STRIPPED, ("Set-Cookie", "b=2")], b"{}"))
    names = {name for name, _ in envoy.request("GET", BLOB).headers}
    assert not names & {name.lower() for name, _ in STRIPPED}
    assert not {name for name in names if name.startswith(("x-envoy-", "x-portolan-", "x-geo-"))}


# The front speaks for itself, not in the name of what is behind it.
def test_the_upstreams_server_is_not_the_fronts(envoy: Envoy, west: Scripted) -> None:
    west.answer(Answer(200, [("Server", "nginx/1.2.3")], b"{}"))
    assert envoy.request("GET", BLOB).one("server") != "nginx/1.2.3"


# fmt: off
STATUSES = [
    (204, b"", [("Range", "0-99")]),
    (304, b"", [("ETag", '"x"')]),
    (400, b'{"errors":[{"code":"MANIFEST_INVALID"}]}', []),
    (403, b"<html>denied</html>", [("Content-Type", "text/html")]),
    (404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', []),
    (413, b"", []),
    (416, b"", [("Content-Range", "bytes */10")]),
    (429, b'{"errors":[{"code":"TOOMANYREQUESTS"}]}', [("Retry-After", "9")]),
    (500, b"oops", []),
    (503, b"", [("Retry-After", "3")]),
]
# fmt: on


@pytest.mark.parametrize(("status", "body", "headers"), STATUSES, ids=[str(row[0]) for row in STATUSES])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_of_an_upstream_stays_its_own(
    envoy: Envoy, west: Scripted, method: str, status: int, body: bytes, headers: list[raw.Header]
) -> None:
    """Where nobody else may be asked, as for a tag of a rule without replicas; what is no answer is in test_answers."""
    west.answer(Answer(status, headers, body))
    found = envoy.request(method, "/v2/public/app/manifests/v1", [("If-None-Match", '"x"')])
    assert (found.status, found.body) == (status, b"" if method == "HEAD" else body)
    assert [found.one(str(name).lower()) for name, _ in headers] == [value for _, value in headers]


@pytest.mark.parametrize("interim", [[100], [103], [100, 103]])
def test_interim_responses_do_not_disturb_the_final_one(
    envoy: Envoy, west: Scripted, interim: list[int]
) -> None:
    west.answer(Answer(200, [("Location", "/v2/acme/app/x")], b"whole", interim=interim))
    found = envoy.request("GET", BLOB)
    assert (found.status, found.body, found.one("location")) == (200, b"whole", "/v2/drycc/app/x")


def test_head_keeps_digest_and_length(envoy: Envoy, west: Scripted) -> None:
    west.answer(Answer(200, [("Content-Length", "123456789"), ("Docker-Content-Digest", DIGEST)]))
    found = envoy.request("HEAD", BLOB)
    assert (found.one("content-length"), found.one("docker-content-digest"), found.body) == (
        "123456789",
        DIGEST,
        b"",
    )
    assert west.last().method == "HEAD"


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (8 << 20) + 1])
def test_bodies_are_not_touched(envoy: Envoy, west: Scripted, size: int) -> None:
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    west.answer(Answer(200, [], body))
    assert envoy.request("GET", BLOB).body == body


def test_an_encoded_body_stays_encoded(envoy: Envoy, west: Scripted) -> None:
    body = gzip.compress(b"{}" * 1000)
    west.answer(Answer(200, [("Content-Encoding", "gzip"), ("Content-Type", "application/json")], body))
    found = envoy.request("GET", BLOB, [("Accept-Encoding", "gzip")])
    assert (found.one("content-encoding"), found.body) == ("gzip", body)
    assert west.last().all("accept-encoding") == [b"gzip"]


# A digest is one of the bytes that the registry sent: nobody may pack them on the way.
@pytest.mark.parametrize("media_type", ["application/json", "text/plain", image.INDEX_TYPE])
def test_a_plain_body_stays_plain(envoy: Envoy, west: Scripted, media_type: str) -> None:
    body = b'{"manifests":[]}' * 1000
    west.answer(Answer(200, [("Content-Type", media_type)], body))
    found = envoy.request("GET", BLOB, [("Accept-Encoding", "gzip, br")])
    assert (found.one("content-encoding"), found.one("etag"), found.body) == (None, None, body)
    assert found.one("content-length") == str(len(body))


def test_a_body_of_unknown_length_arrives_whole(envoy: Envoy, west: Scripted) -> None:
    west.answer(Answer(200, [("Transfer-Encoding", "chunked")], b"5\r\nhello\r\n3\r\n w!\r\n0\r\n\r\n"))
    assert envoy.request("GET", BLOB).body == b"hello w!"


# fmt: off
PASSED: list[raw.Header] = [
    ("accept", "application/vnd.oci.image.index.v1+json"),
    ("accept", "application/vnd.docker.distribution.manifest.v2+json"),
    ("accept", "*/*;q=0.1"),
    ("range", "bytes=1-2,5-"),
    ("if-range", '"x"'),
    ("if-none-match", '"y"'),
    ("user-agent", b"client/1 \xff\xfe"),
    ("docker-distribution-api-version", "registry/2.0"),
]
# fmt: on


def test_headers_of_a_conditional_or_partial_request_reach_the_backend(envoy: Envoy, west: Scripted) -> None:
    west.answer(Answer(206, [("Content-Range", "bytes 1-2/10")], b"ab"))
    found = envoy.request("GET", BLOB, list(PASSED))
    assert (found.status, found.one("content-range"), found.body) == (206, "bytes 1-2/10", b"ab")
    seen = west.last()
    for name in {str(name) for name, _ in PASSED}:
        sent = [raw.as_bytes(value) for found, value in PASSED if found == name]
        # Envoy may join lines with a comma, which means the same (RFC 9110 section 5.3).
        assert b",".join(seen.all(name)).replace(b", ", b",") == b",".join(sent).replace(b", ", b","), name
    assert seen.authority == west.authority


@pytest.mark.parametrize(
    "link",
    ["</v2/acme/app/tags/list; rel=next", "<http://third.example/v2/x>; rel=next", "</outside>; rel=next"],
)
def test_a_list_whose_next_page_leads_nowhere_is_refused(envoy: Envoy, west: Scripted, link: str) -> None:
    west.answer(Answer(200, [("Link", link)], b'{"tags":[]}'))
    assert envoy.request("GET", TAGS).status == 502


@pytest.mark.parametrize("location", ["/artifacts-downloads/x?y", "http://{west}/other", b"/v2/acme/\xff"])
def test_a_redirect_to_a_path_outside_of_the_api_is_refused(
    envoy: Envoy, west: Scripted, location: str | bytes
) -> None:
    value = location.format(west=west.authority) if isinstance(location, str) else location
    west.answer(Answer(307, [("Location", value)]))
    found = envoy.request("GET", BLOB)
    assert (found.status, found.one("location")) == (502, None)
