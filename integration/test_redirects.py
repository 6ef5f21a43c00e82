"""Redirects in real Envoy: whom the client is sent to, and where the proxy goes for it.

Scripted registries, and a CDN over TLS that keeps every request as it came. Sees what each of them is
asked, and the access log. Cannot see real registries and clients; test_redirects_clients does. What
the proxy never follows is in test_redirects_bounds.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness import cdn as cdns
from harness import raw
from harness.delivery import CONTENT, DIGEST, FOLLOWED, PASSED, Delivery, policy
from harness.digest import sha256
from harness.envoy import Envoy, render
from harness.scripted import Answer, Scripted, Seen

BLOB = f"/v2/team/app/blobs/{DIGEST}"
MANIFEST = "/v2/team/app/manifests/v1"


@pytest.fixture(scope="module")
def envoy(
    the_delivery: Delivery,
    east: Scripted,
    west: Scripted,
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Envoy:
    """`east` is followed for clients that are far, and owns `own/**`; `west` comes behind it in `two/**`."""
    follow = the_delivery.follow(hosts=[*the_delivery.hosts, east.authority])
    document = policy({"east": {"url": east.url, **follow}, "west": {"url": west.url, **follow}})
    document["fronts"]["main"]["say_backend"] = True
    all_of_it = document["rules"][0]
    document["rules"] = [
        {"name": "own", "repositories": ["own/**"], "chains": {"default": ["east"]}, "owner": "east"},
        {
            "name": "two",
            "repositories": ["two/**"],
            "chains": {"default": ["east", "west"]},
            "replicas": ["east", "west"],
        },
        {**all_of_it, "chains": {"default": ["east"]}},
    ]
    return start(the_delivery.prepare(render(document, tmp_path_factory.mktemp("policy"))))


@pytest.fixture
def redirecting(east: Scripted, west: Scripted, delivery: Delivery) -> Scripted:
    """`east`, which keeps its blobs at the CDN. `west` lacks everything."""
    east.answer(cdns.redirect(delivery.blob))
    west.answer(Answer(404, body=b'{"errors":[{"code":"BLOB_UNKNOWN"}]}'))
    return east


def pull(envoy: Envoy, *headers: raw.Header, target: str = BLOB, method: str = "GET") -> raw.Response:
    """A pull of a client that is far away."""
    return envoy.request(method, target, [FOLLOWED, *headers])


def test_redirects_are_followed_or_passed_by_region(envoy: Envoy, redirecting: Scripted, delivery: Delivery) -> None:
    redirecting.answer(cdns.redirect(delivery.cdn.signed("/blob")))
    answer = envoy.request("GET", BLOB, [PASSED])
    assert (answer.status, answer.one("location")) == (307, delivery.cdn.signed("/blob"))
    assert delivery.cdn.seen == []
    answer = pull(envoy)
    assert (answer.status, answer.body, answer.one("location")) == (200, CONTENT, None)
    assert answer.one("x-portolan-backend") == "east", "whose redirect it was"
    assert delivery.tls.names[-1] == "cdn.test"
    for seen in redirecting.seen:
        assert "x-forwarded-proto" not in seen.names, "registries build URLs of it"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_status_of_a_redirect_is_followed(envoy: Envoy, redirecting: Scripted, delivery: Delivery, status: int) -> None:
    redirecting.answer(cdns.redirect(delivery.cdn.signed("/blob"), status))
    for target in (BLOB, MANIFEST):
        assert pull(envoy, target=target).body == CONTENT
        head = pull(envoy, target=target, method="HEAD")
        assert (head.status, head.one("content-length")) == (200, str(len(CONTENT)))
    assert [seen.method for seen in delivery.cdn.seen] == ["GET", "HEAD", "GET", "HEAD"]


@pytest.mark.parametrize(
    ("headers", "status", "part", "body"),
    [
        ([("Range", "bytes=2-4")], 206, f"bytes 2-4/{len(CONTENT)}", CONTENT[2:5]),
        (
            [("Range", "bytes=-3")],
            206,
            f"bytes {len(CONTENT) - 3}-{len(CONTENT) - 1}/{len(CONTENT)}",
            CONTENT[-3:],
        ),
        ([("Range", "bytes=99999-")], 416, f"bytes */{len(CONTENT)}", b""),
        ([("If-None-Match", '"etag"')], 304, None, b""),
    ],
)
@pytest.mark.usefixtures("redirecting")
def test_ranges_and_conditions_are_answered_by_the_cdn(
    envoy: Envoy, delivery: Delivery, headers: list[raw.Header], status: int, part: str | None, body: bytes
) -> None:
    delivery.cdn.behave(lambda seen: Answer(304) if "if-none-match" in seen.names else None)
    answer = pull(envoy, *headers)
    assert (answer.status, answer.one("content-range"), answer.body) == (status, part, body)
    head = pull(envoy, *headers, method="HEAD")
    assert (head.status, head.one("content-range"), head.body) == (status, part, b"")


@pytest.mark.usefixtures("redirecting")
def test_no_byte_of_a_signed_url_changes(envoy: Envoy, delivery: Delivery) -> None:
    """The CDN redirects once more, to a URL that it refuses if anything was tidied."""
    delivery.cdn.behave(delivery.cdn.signing)
    assert pull(envoy).body == CONTENT
    assert delivery.cdn.seen[-1].target.decode() == delivery.cdn.signed("/blob").removeprefix(
        delivery.cdn.base
    )


SECRETS: list[raw.Header] = [
    ("Authorization", "Basic c2VjcmV0"),
    ("Cookie", "session=secret"),
    ("Proxy-Authorization", "Basic c2VjcmV0"),
    ("X-Api-Key", "secret"),
    ("Referer", "https://intranet.test/secret"),
    ("X-Real-Ip", "192.0.2.1"),
    ("X-Geo-Country", "DE"),
]
ALLOWED: list[raw.Header] = [
    ("Accept", "application/octet-stream"),
    ("User-Agent", "containerd/2.1"),
    ("If-Range", '"etag"'),
    ("Range", "bytes=0-0"),
]


@pytest.mark.usefixtures("redirecting")
def test_only_headers_about_the_content_reach_the_cdn(envoy: Envoy, delivery: Delivery) -> None:
    delivery.cdn.behave(delivery.cdn.chain(2))
    pull(envoy, *SECRETS, *ALLOWED)
    assert len(delivery.cdn.seen) == 3
    for seen in delivery.cdn.seen:
        assert seen.names == {"host", "accept", "user-agent", "if-range", "range", "x-request-id"}
        assert seen.authority == delivery.host


@pytest.mark.usefixtures("redirecting")
def test_headers_that_would_bind_the_front_are_taken_from_a_cdns_answer(envoy: Envoy, delivery: Delivery) -> None:
    """It would be about the front's name then."""
    binding = [
        "Set-Cookie",
        "Strict-Transport-Security",
        "Alt-Svc",
        "NEL",
        "Report-To",
        "Refresh",
        "Public-Key-Pins",
    ]
    # Of a host that the client has not asked: where it is, who may log in there, which pages may read it.
    of_the_host = [
        *("WWW-Authenticate", "Proxy-Authenticate", "Location", "Link", "Via", "X-Cache", "Warning", "OCI-Namespace"),
        *("Access-Control-Allow-Origin", "Timing-Allow-Origin", "Authentication-Info", "X-Amz-Request-Id"),
    ]
    binding += of_the_host
    harmless = [("ETag", '"1"'), ("Last-Modified", "x"), ("Cache-Control", "max-age=60"), ("Content-Type", "x/y"), ("Age", "7")]
    forged = ("X-Portolan-Backend", "evil")
    delivery.cdn.behave(lambda _: Answer(200, [*((name, "x") for name in binding), *harmless, forged], CONTENT))
    answer = pull(envoy)
    names = {name for name, _ in answer.headers}
    assert answer.body == CONTENT
    assert names.isdisjoint(name.lower() for name in binding)
    assert names >= {name.lower() for name, _ in harmless}
    internal = [name for name in names if name.startswith(("x-portolan", "x-envoy", "x-forwarded"))]
    assert (internal, answer.one("x-portolan-backend")) == (["x-portolan-backend"], "east"), "the front's own"


def test_the_digest_header_of_a_redirect_reaches_the_client(envoy: Envoy, redirecting: Scripted, delivery: Delivery) -> None:
    digest = ("Docker-Content-Digest", DIGEST)
    redirecting.answer(Answer(307, [("Location", delivery.cdn.signed("/blob")), digest]))
    for method in ("GET", "HEAD"):
        assert pull(envoy, method=method).one("docker-content-digest") == DIGEST
    delivery.cdn.behave(lambda _seen: Answer(200, [("Docker-Content-Digest", "sha256:of-the-cdn")], CONTENT))
    assert pull(envoy).one("docker-content-digest") == DIGEST, "the registry says what a tag means"
    delivery.cdn.behave()
    redirecting.answer(cdns.redirect(delivery.cdn.signed("/blob")))
    assert pull(envoy).one("docker-content-digest") is None, "nobody gave one"


@pytest.mark.parametrize(
    "location",
    [
        "HTTPS://CDN.TEST:{port}/blob",
        "https://{host}/blob#a fragment is for the reader".replace(" ", "-"),
        "https://x.store.test:{store}/blob",
        "/files/blob",
        "../../../../files/blob?x",
        "//{east}/files/blob",
    ],
)
def test_every_form_of_location_is_followed(
    envoy: Envoy, redirecting: Scripted, delivery: Delivery, location: str
) -> None:
    """The last three lead to the registry itself, which the policy allows; it has no TLS."""
    ports = {"port": delivery.tls.port, "store": delivery.store.port}
    delivery.names.names["x.store.test"] = ["127.0.0.1"]
    target = location.format(host=delivery.host, east=redirecting.authority, **ports)

    def script(seen: Seen) -> Answer:
        is_file = seen.target.partition(b"?")[0] == b"/files/blob"
        return Answer(200, [], CONTENT) if is_file else cdns.redirect(target)

    redirecting.script = script
    answer = pull(envoy, ("Authorization", "Basic c2VjcmV0"))
    assert (answer.status, answer.body) == (200, CONTENT)
    asked = [*redirecting.seen[1:], *delivery.cdn.seen]
    assert len(asked) == 1
    assert "authorization" not in asked[0].names


@pytest.mark.usefixtures("redirecting")
def test_chains_are_followed_five_times(envoy: Envoy, delivery: Delivery) -> None:
    """One redirect is the registry's, the others are the CDN's; one of them is relative."""
    for hops, status in ((4, 200), (5, 502)):
        delivery.cdn.forget()
        delivery.cdn.behave(delivery.cdn.chain(hops))
        assert pull(envoy).status == status
        assert len(delivery.cdn.seen) == 5
    relative = cdns.redirect("blob?relative", 302)
    delivery.cdn.behave(lambda seen: None if b"relative" in seen.target else relative)
    assert pull(envoy).body == CONTENT
    delivery.cdn.behave(delivery.cdn.loop)
    assert pull(envoy).status == 502


@pytest.mark.parametrize("first", ["lacks it", "fails", "leads astray", "closes"])
def test_a_redirect_of_the_second_backend_is_followed(
    envoy: Envoy, redirecting: Scripted, west: Scripted, delivery: Delivery, first: str
) -> None:
    answers = {
        "lacks it": Answer(404),
        "fails": Answer(503),
        "leads astray": cdns.redirect("https://other.test/blob"),
        "closes": Answer(200, [("Content-Length", "junk")]),
    }
    redirecting.answer(answers[first])
    west.answer(cdns.redirect(delivery.cdn.signed("/blob")))
    envoy.forget_log()
    answer = pull(envoy, target=f"/v2/two/app/blobs/{DIGEST}")
    assert (answer.status, answer.body) == (200, CONTENT)
    (entry,) = envoy.new_log_entries()
    assert (entry["backend"], entry["upstream_authority"]) == ("west", delivery.host)


def test_a_followed_redirect_is_one_line_of_the_access_log(envoy: Envoy, redirecting: Scripted, delivery: Delivery) -> None:
    envoy.forget_log()
    delivery.cdn.behave(delivery.cdn.signing)
    assert pull(envoy, ("User-Agent", "test/1")).status == 200
    (entry,) = envoy.new_log_entries()
    expected = {
        "authority": "registry.test",
        "path": BLOB,
        "client": "203.0.113.9",
        "region": "far",
        "rule": "all",
        "reason": "network 203.0.113.0/24; nearest",
        "backend": "east",
        "upstream_authority": delivery.host,
        "upstream_path": "/blob",
        "user_agent": "test/1",
        "status": 200,
        "bytes_sent": len(CONTENT),
    }
    assert {name: entry[name] for name in expected} == expected
    assert "Signature" not in str(entry)
    redirecting.answer(Answer(200, [], b"from the registry itself"))
    assert pull(envoy).status == 200
    (entry,) = envoy.new_log_entries()
    assert (entry["authority"], entry["path"], entry["client"]) == ("registry.test", BLOB, "203.0.113.9")
    assert (entry["backend"], entry["upstream_authority"]) == ("east", redirecting.authority)


def test_the_access_log_has_the_clients_country_after_a_followed_redirect(
    redirecting: Scripted, delivery: Delivery, start: Callable[..., Envoy], geo_database: Path, tmp_path: Path
) -> None:
    """The further pass has the address of the last proxy; nobody is looked up by that."""
    document = policy({"east": {"url": redirecting.url, **delivery.follow()}})
    document["regions"] = {"far": {"countries": ["CN"]}, "default": {}}
    document["clients"]["geo"] = {"database": str(geo_database)}
    envoy = start(delivery.prepare(render(document, tmp_path)))
    for address, country, status in (("192.0.2.1", "CN", 200), ("198.51.100.1", "DE", 307)):
        answer = envoy.request("GET", BLOB, [("X-Forwarded-For", address)])
        (entry,) = envoy.log_entries(1)
        assert (answer.status, entry["client"], entry["country"]) == (status, address, country)
    assert not [name for seen in delivery.cdn.seen for name in seen.names if name.startswith("x-geo")]


@pytest.mark.parametrize("status", [200, 403])
def test_a_followed_answer_says_the_namespace_that_the_client_named(
    redirecting: Scripted, delivery: Delivery, start: Callable[..., Envoy], tmp_path: Path, status: int
) -> None:
    """containerd names it in the query; the answer says it, whoever gives it."""
    document = policy({"east": {"url": redirecting.url, **delivery.follow()}})
    document["fronts"]["main"] |= {"upstreams": {"docker.io": {"ns": ["docker.io"]}}}
    envoy = start(delivery.prepare(render(document, tmp_path)))
    delivery.cdn.behave(lambda _: None if status == 200 else Answer(403))
    answer = pull(envoy, target=f"{BLOB}?ns=docker.io")
    assert (answer.status, answer.one("oci-namespace")) == (200 if status == 200 else 502, "docker.io")
    assert b"ns=" not in redirecting.last().target


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/v2/own/app/blobs/uploads/"),
        ("PATCH", "/v2/own/app/blobs/uploads/1"),
        ("PUT", f"/v2/own/app/blobs/uploads/1?digest={DIGEST}"),
        ("GET", "/v2/own/app/blobs/uploads/1"),
        ("PUT", "/v2/own/app/manifests/v1"),
        ("DELETE", f"/v2/own/app/manifests/{DIGEST}"),
        ("GET", "/v2/team/app/tags/list"),
        ("GET", f"/v2/team/app/referrers/{DIGEST}"),
    ],
)
def test_only_redirects_of_manifests_and_blobs_are_followed(
    envoy: Envoy, redirecting: Scripted, delivery: Delivery, method: str, target: str
) -> None:
    """Not writes, and not what is read for them or about content. Where such a read leads the client may go; an
    answer to a write that leads to another host is refused, as a client would show its password there."""
    cluster = envoy.cluster_named("east@redirects")
    forged = [("X-Portolan-Cluster", cluster), ("X-Forwarded-Proto", "https")]
    for headers in ([], forged):
        redirecting.answer(Answer(307, [("Location", delivery.blob), *headers]))
        body = b"x" if method in ("POST", "PUT", "PATCH") else None
        answer = envoy.request(method, target, [FOLLOWED], body)
        is_read = target.startswith("/v2/team/")
        expected = (307, delivery.blob) if is_read else (502, None)
        assert (answer.status, answer.one("location")) == expected
        assert redirecting.last().method == method
    assert delivery.cdn.seen == []


@pytest.mark.usefixtures("redirecting")
def test_a_long_blob_passes_whole(envoy: Envoy, delivery: Delivery) -> None:
    long = CONTENT * 2000
    (delivery.root / "blob").write_bytes(long)
    answer = pull(envoy)
    (delivery.root / "blob").write_bytes(CONTENT)
    assert sha256(answer.body) == sha256(long)
