"""Hostile requests: raw bytes that no registry client would send.

Sees: that they are refused or harmless, that nothing outside of the grammar and no forged header
reaches a registry, and that Envoy and the filter's VM survive all of it. Cannot see: memory
errors that do not show, attacks over TLS, and load; the parser's fuzz targets look deeper.
"""

import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import paths, raw
from harness.envoy import Envoy, Policy
from harness.policies import two_owners
from harness.scripted import Answer, Scripted

DIGEST = "sha256:" + "0" * 64
GOOD = "/v2/drycc/app/manifests/v1"


@pytest.fixture(scope="module")
def envoy(
    east: Scripted, west: Scripted, geo_database: Path, start_envoy: Callable[[Policy], Envoy]
) -> Envoy:
    """At the end of the module nothing may have crashed, whatever the tests sent."""
    policy = two_owners(east.url, west.url, geo_database)
    for name, backend in policy["backends"].items():
        # A forged header names a cluster that is there.
        backend["cluster"] = name
    return start_envoy(policy)


@pytest.fixture(autouse=True)
def _answers_are_good(east: Scripted, west: Scripted) -> None:
    for upstream in (east, west):
        upstream.answer(Answer(200, [("Docker-Content-Digest", DIGEST)], b"{}"))


def test_the_filter_is_watched(envoy: Envoy) -> None:
    """Or the check for crashes at the end would look for counters that are not there."""
    if paths.is_native():
        assert envoy.stats(r"portolan_module_panics$")
    else:
        assert envoy.stats(r"^wasm\..*\.active$")
        assert envoy.stats(r"^wasm\..*\.vm_reload_success$")
    assert envoy.crashes() == []


def ask(
    envoy: Envoy,
    method: str | bytes,
    target: str | bytes,
    *headers: raw.Header,
    body: bytes | None = None,
    host: str | bytes = "registry.test",
) -> raw.Response | None:
    """The answer, or `None` if Envoy closed the connection without one."""
    try:
        return envoy.request(method, target, headers, body, host)
    except raw.Closed:
        return None


# Refused with any of 400, 404, 405, or by a closed connection.
# fmt: off
TARGETS: list[tuple[str | bytes, str]] = [
    ("/v2/drycc%2Fapp/manifests/v1", "an escaped slash"),
    ("/v2/drycc%2fapp/manifests/v1", "an escaped slash in lower case"),
    ("/v2/drycc%252Fapp/manifests/v1", "escaped twice"),
    ("/v2/drycc/app%5C/manifests/v1", "an escaped backslash"),
    ("/v2/drycc/app\\/manifests/v1", "a backslash"),
    ("/v2\\drycc\\app\\manifests\\v1", "backslashes for slashes"),
    ("/v2/public/../drycc/app/manifests/v1", "dots"),
    ("/v2/public/%2e%2e/drycc/app/manifests/v1", "escaped dots"),
    ("/v2/public/.%2E/drycc/app/manifests/v1", "half escaped dots"),
    ("/v2/public/..;/drycc/app/manifests/v1", "dots with a parameter"),
    ("/v2/drycc/./app/manifests/v1", "one dot"),
    ("/../v2/drycc/app/manifests/v1", "dots before"),
    ("/v2/drycc/app/manifests/..", "dots behind"),
    ("/v2/drycc//app/manifests/v1", "two slashes"),
    ("//v2/drycc/app/manifests/v1", "two slashes before"),
    ("/v2//", "two slashes behind"),
    ("/v2/drycc/app;x=y/manifests/v1", "a parameter"),
    ("/v2/drycc/app/manifests/v1#x", "a fragment"),
    ("/v2/drycc/app%00/manifests/v1", "an escaped NUL"),
    (b"/v2/drycc/app\x00/manifests/v1", "a NUL"),
    (b"/v2/drycc/app\x01/manifests/v1", "a control byte"),
    (b"/v2/drycc/app\x7f/manifests/v1", "DEL"),
    ("/v2/drycc/app%0d%0aX-Evil:%201/manifests/v1", "an escaped line end"),
    (b"/v2/drycc/\xc0\xafapp/manifests/v1", "an overlong slash"),
    ("/v2/drycc/%c0%afapp/manifests/v1", "an escaped overlong slash"),
    (b"/v2/drycc/\xff\xfe/manifests/v1", "bytes of no encoding"),
    ("/v2/drycc/\u00e9/manifests/v1".encode(), "UTF-8"),
    ("/v2/drycc/app/manifests/%zz", "no escape"),
    ("/v2/drycc/app/manifests/%", "half an escape"),
    ("/v2/drycc/app/manifests/v1 HTTP/1.1 x", "spaces"),
    ("/v2/drycc/app/\tmanifests/v1", "a tab"),
    ("/v2/" + "a/" * 4000 + "manifests/v1", "very many components"),
    ("/v2/drycc/" + "a" * 60000 + "/manifests/v1", "a very long name"),
    (GOOD + "?" + "x" * 60000, "a very long query"),
    ("/v2/_catalog/../drycc/app/tags/list", "dots behind the catalogue"),
    ("ftp://registry.test/v2/drycc/app/manifests/v1", "absolute form of another scheme"),
    ("registry.test:443", "authority form"),
    ("*", "asterisk form"),
    ("?", "a query alone"),
    ("v2/", "no slash before"),
    ("", "nothing"),
]
# fmt: on


@pytest.mark.parametrize(("target", "_why"), TARGETS, ids=[row[1] for row in TARGETS])
@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]
)
def test_a_strange_target_reaches_no_registry(
    envoy: Envoy, east: Scripted, west: Scripted, method: str, target: str | bytes, _why: str
) -> None:
    found = ask(envoy, method, target, body=b"{}" if method == "PUT" else None)
    assert found is None or found.status in (400, 403, 404, 405, 414, 431), found
    assert not east.seen and not west.seen
    assert found is None or b"127.0.0.1" not in found.body, "the answer names an upstream"


@pytest.mark.parametrize(
    "method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "GETX", "G\u00c9T", "PRI", "UNLOCK"]
)
@pytest.mark.parametrize("target", [GOOD, "/v2/", "/v2/drycc/app/blobs/uploads/"])
def test_a_strange_method_reaches_no_registry(
    envoy: Envoy, east: Scripted, west: Scripted, method: str, target: str
) -> None:
    found = ask(envoy, method, target)
    assert found is None or found.status in (400, 404, 405, 501), found
    assert not east.seen and not west.seen


BYTES = [
    b"\xff\xfe",
    b"\x80",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    "\u00fc".encode(),
    b"a\xffb",
    b"\xff" * 5000,
    b"\t",
    b"%00",
    b"",
]
HEADERS = [
    "Accept",
    "Accept-Encoding",
    "User-Agent",
    "Authorization",
    "Range",
    "Content-Type",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Geo-Country",
    "X-Geo-Region",
    "X-Request-Id",
    "X-Portolan-Cluster",
    "Cookie",
    "Referer",
    "X-Unknown",
]


@pytest.mark.parametrize("value", BYTES, ids=[repr(value[:8]) for value in BYTES])
@pytest.mark.parametrize("name", HEADERS)
def test_header_bytes_are_bytes(envoy: Envoy, west: Scripted, name: str, value: bytes) -> None:
    found = ask(envoy, "GET", GOOD, (name, value))
    assert found is not None
    if name == "X-Forwarded-Proto" and not value.strip():
        # Envoy finds no route for a request without a scheme, so that nobody is asked.
        assert found.status in (200, 404, 503)
        return
    assert found.status == 200, found
    if name in ("Accept", "Range", "User-Agent", "X-Unknown"):
        assert west.last().all(name.lower()) == [value.strip()]
    # The front holds what its registries want to see; what a client sends is nobody's.
    assert west.last().all("authorization") == []


@pytest.mark.parametrize(
    "value",
    [
        *BYTES,
        b"registry.test\x00",
        b"a b",
        b"registry.test/v2",
        b"registry.test:99999",
        b"user@registry.test",
        b"[::1",
        b"registry.test, evil.example",
    ],
    ids=repr,
)
def test_a_strange_host_is_refused_or_served_as_the_default(
    envoy: Envoy, west: Scripted, value: bytes
) -> None:
    found = ask(envoy, "GET", GOOD, host=value)
    assert found is None or found.status in (200, 400, 404, 431)
    assert all(seen.authority == west.authority for seen in west.seen)


@pytest.mark.parametrize(
    ("headers", "statuses"),
    [
        pytest.param([(f"X-Many-{number}", "1") for number in range(200)], {431}, id="200 headers"),
        pytest.param([("X-Large", "a" * 70_000)], {431}, id="70 KB in one header"),
        pytest.param([("Authorization", "Bearer " + "a" * 40_000)], {200}, id="a token of 40 KB"),
        pytest.param([("x_geo_country", "CN")], {200}, id="underscores in a name"),
        pytest.param([("X-A\x00", "1")], {400}, id="a NUL in a name"),
        pytest.param([("X-A", b"1\x002")], {400}, id="a NUL in a value"),
        pytest.param([("X A", "1")], {400}, id="a space in a name"),
        pytest.param([("", "1")], {400}, id="no name"),
        pytest.param([("Host", "evil.example")], {200, 400}, id="two hosts"),
        pytest.param([("Content-Length", "1"), ("Content-Length", "2")], {400}, id="two lengths"),
        pytest.param([("Content-Length", "-1")], {400}, id="a negative length"),
        pytest.param(
            [("Content-Length", "1"), ("Transfer-Encoding", "chunked")], {400}, id="a length and chunks"
        ),
        pytest.param([("Transfer-Encoding", "gzip, chunked")], {400, 501}, id="an unknown encoding"),
        pytest.param(
            [("Connection", "x-portolan-cluster, host"), ("Keep-Alive", "1")],
            {200, 400},
            id="hop-by-hop names of others",
        ),
        pytest.param(
            [("Upgrade", "websocket"), ("Connection", "Upgrade")], {200, 400, 403, 404}, id="an upgrade"
        ),
        pytest.param([("Expect", "a miracle")], {200, 417}, id="an unknown expectation"),
    ],
)
def test_a_strange_header_is_refused_or_harmless(
    envoy: Envoy, east: Scripted, west: Scripted, headers: list[raw.Header], statuses: set[int]
) -> None:
    found = ask(envoy, "GET", GOOD, *headers)
    assert (found.status if found else 400) in statuses, found
    assert not east.seen
    assert len(west.seen) == (found is not None and found.status == 200)


# Everything by which a client could speak in the name of Envoy, the filter or a trusted hop.
# fmt: off
FORGED = [
    ("x-portolan-cluster", "east"),
    ("X-Portolan-Cluster", "east"),
    ("x-portolan-peer", "192.0.2.5"),
    ("x-portolan-region", "cn"),
    ("x-portolan-anything", "1"),
    ("x-geo-country", "CN"),
    ("X-Geo-Region", "CA"),
    ("x-geo-city", "x"),
    ("x-envoy-original-path", "/v2/public/app/manifests/v1"),
    ("x-envoy-original-url", "http://evil.example/"),
    ("x-envoy-original-host", "evil.example"),
    ("x-envoy-upstream-alt-stat-name", "x"),
    ("x-envoy-retry-on", "5xx"),
    ("x-envoy-max-retries", "99"),
    ("x-envoy-upstream-rq-timeout-ms", "1"),
    ("x-envoy-external-address", "192.0.2.5"),
    ("x-envoy-decorator-operation", "x"),
    ("x-envoy-internal", "true"),
    ("x-forwarded-for", "192.0.2.5, 203.0.113.5"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "https"),
    ("forwarded", "for=192.0.2.5;host=evil.example"),
    ("x-real-ip", "192.0.2.5"),
    ("true-client-ip", "192.0.2.5"),
    ("cf-connecting-ip", "192.0.2.5"),
    ("cookie", "session=1"),
    ("proxy-authorization", "Basic eDp5"),
]
# fmt: on


@pytest.mark.parametrize(("name", "value"), FORGED, ids=[f"{name}: {value}" for name, value in FORGED])
def test_a_forged_header_has_no_influence_and_goes_nowhere(
    envoy: Envoy, east: Scripted, west: Scripted, name: str, value: str
) -> None:
    envoy.forget_log()
    found = envoy.request("GET", GOOD, [(name, value)])
    assert found.status == 200
    assert not east.seen, "it chose the backend"
    seen = west.last()
    assert name.lower() not in seen.names, seen
    assert (seen.target.decode(), seen.authority) == (GOOD.replace("drycc", "acme"), west.authority)
    (entry,) = envoy.log_entries(1)
    assert (entry["region"], entry["path"], entry["backend"]) == ("default", GOOD, "west")


def test_all_forgeries_at_once(envoy: Envoy, east: Scripted, west: Scripted) -> None:
    assert envoy.request("GET", GOOD, list(FORGED)).status == 200
    assert not east.seen
    assert not west.last().names & {name.lower() for name, _ in FORGED}


def test_a_refused_request_and_a_good_one_in_one_packet(envoy: Envoy, west: Scripted) -> None:
    refused = raw.head("GET", "/v2/a%2Fb/tags/list", [("Host", "registry.test")])
    good = raw.head("GET", GOOD, [("Host", "registry.test")])
    with raw.Connection(envoy.port) as connection:
        connection.send(good + refused + good)
        assert connection.receive().status == 200
        assert connection.receive().status == 400
    assert {seen.target for seen in west.seen} == {GOOD.replace("drycc", "acme").encode()}


def test_clients_that_go_away_in_the_middle(envoy: Envoy) -> None:
    whole = raw.head("PUT", GOOD, [("Host", "registry.test"), ("Content-Length", "100000")]) + b"x" * 5000
    for length in (1, 10, 50, len(whole) - 5000, len(whole)):
        with raw.Connection(envoy.port) as connection:
            connection.send(whole[:length])
    assert envoy.request("GET", GOOD).status == 200


# The grammar once more, written down independently: what a registry may ever be asked.
COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = rf"(?:acme|drycc|team|public)(?:/{COMPONENT})+"
TAG = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"
ANY_DIGEST = r"[a-z0-9]+(?:[+._-][a-z0-9]+)*(?::|%3A|%3a)[a-zA-Z0-9=_-]+"
SESSION = r"[A-Za-z0-9._~!$&'()*+,=:@%/-]+"
FORWARDED = re.compile(
    rf"/v2/{NAME}/(?:manifests/(?:{TAG}|{ANY_DIGEST})|blobs/{ANY_DIGEST}|referrers/{ANY_DIGEST}|tags/list"
    rf"|blobs/uploads/?|blobs/uploads/{SESSION})(?:\?[!-~]*)?"
)
# fmt: off
SEEDS = [
    raw.head("GET", GOOD, [("Host", "registry.test"), ("Accept", "*/*"), ("X-Forwarded-For", "192.0.2.5")]),
    raw.head("HEAD", f"/v2/drycc/app/blobs/{DIGEST}", [("Host", "registry.test"), ("User-Agent", "x")]),
    raw.head("GET", f"/v2/public/a.b/c__d/referrers/{DIGEST}?artifactType=a%2Fb", [("Host", "registry.test")]),
    raw.head("GET", "/v2/team/app/tags/list?n=1&last=x", [("Host", "registry.test"), ("X-Geo-Country", "CN")]),
    raw.head("POST", f"/v2/drycc/app/blobs/uploads/?mount={DIGEST}&from=drycc%2Fb", [("Host", "registry.test")]),
    raw.head("DELETE", "/v2/team/app/blobs/uploads/a-b?_state=x%2F==", [("Host", "registry.test")]),
    raw.head("GET", "/v2/", [("Host", "registry.test")]),
]
# fmt: on
PIECES = [
    b"..",
    b"//",
    b"%2F",
    b"%2e",
    b"\\",
    b"\x00",
    b"\xff\xfe",
    b";",
    b"/v2/",
    b"manifests/",
    b"blobs/uploads/",
    b"_catalog",
    b"%",
    b"?",
    b"#",
    b" ",
    b"@",
    b":",
    b"\r",
    b"A",
    b"_",
    b"sha256:",
    b"a" * 300,
]


def mutated(source: random.Random) -> bytes:
    """A good request with a few bytes changed, taken out, put in or repeated; still with an end."""
    content = bytearray(source.choice(SEEDS).removesuffix(b"\r\n\r\n"))
    for _ in range(source.randint(1, 4)):
        # The first line is where decisions are made.
        place = source.randrange(min(len(content), 200) if source.random() < 0.8 else len(content))
        match source.randrange(4):
            case 0:
                content[place] = source.randrange(256)
            case 1:
                del content[place : place + source.randint(1, 8)]
            case 2:
                content[place:place] = source.choice(PIECES)
            case 3:
                content[place:place] = content[place : place + source.randint(1, 30)]
    return bytes(content) + b"\r\n\r\n"


@pytest.mark.parametrize("seed", range(8))
def test_mutated_requests(envoy: Envoy, east: Scripted, west: Scripted, seed: int) -> None:
    source = random.Random(seed)
    statuses: dict[int, int] = {}
    for _ in range(500):
        status = send_raw(envoy.port, mutated(source))
        statuses[status] = statuses.get(status, 0) + 1
    assert set(statuses) <= {0, 200, 400, 404, 405, 426, 431, 501, 505}, statuses
    assert len(statuses) > 2, "the mutations are all of one kind"
    for seen in [*east.seen, *west.seen]:
        assert FORWARDED.fullmatch(seen.target.decode("latin-1")), seen
        assert not seen.names & {name for name, _ in FORGED}, seen
    assert envoy.request("GET", GOOD).status == 200


def send_raw(port: int, content: bytes) -> int:
    """Sends bytes; the status of the answer, or 0 if the connection closed or nothing came."""
    with raw.Connection(port, seconds=1.0) as connection:
        try:
            connection.send(content)
            return connection.receive(is_head=True).status
        except (raw.Closed, TimeoutError, BrokenPipeError, ConnectionResetError):
            return 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl speaks HTTP/2 here")
@pytest.mark.parametrize(
    ("target", "status"),
    [
        (GOOD, 200),
        ("/v2/", 200),
        ("/v2/public/../drycc/app/manifests/v1", 400),
        ("/v2//", 400),
        ("/v2/drycc%2Fapp/manifests/v1", 400),
        ("/v2/other/app/manifests/v1", 404),
    ],
)
def test_http2_is_held_to_the_same(
    envoy: Envoy, east: Scripted, west: Scripted, target: str, status: int
) -> None:
    command = [
        "curl",
        "--silent",
        "--http2-prior-knowledge",
        "--path-as-is",
        "--max-time",
        "10",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_version} %{http_code}",
        "--header",
        "x-portolan-cluster: east",
        f"http://127.0.0.1:{envoy.port}{target}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == f"2 {status}"
    assert not east.seen
    assert [seen.target.decode() for seen in west.seen] == (
        [GOOD.replace("drycc", "acme")] if target == GOOD else []
    )
