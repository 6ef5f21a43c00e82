"""Hostile clients that keep to HTTP, or get no further than TLS: very many at once, very long, never finished.

Real Envoy, raw clients and scripted services; two tenants. Sees the answers, whom others are served by meanwhile, and the
processor time of Envoy. Cannot see a network that is full.
"""

import base64
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from harness import raw
from harness.doors import Door, opened
from harness.envoy import Envoy, render
from harness.scripted import Answer, Bytes, Scripted
from harness.tenants import OURS, THEIRS, policy
from harness.waiting import eventually

# Some of what Envoy takes of the headers of a request, or of a form.
MUCH = 50_000


@pytest.fixture(scope="module")
def envoy(
    east: Scripted, west: Scripted, service: Scripted, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Envoy:
    """`ours` is open; clients of `theirs` log in to theirs; `kept.test` has passwords, and the proxy gets tokens for it."""
    document = policy(west.url, east.url)
    token = {"auth": {"token": {"realm": f"{service.url}/token", "service": "registry"}}}
    document["backends"]["theirs"] |= token
    document["backends"]["kept"] = {"url": east.url, **token}
    document["fronts"]["two"]["auth"] = {"upstream": {"login": "theirs"}}
    document["fronts"]["kept"] = {"hosts": ["kept.test"], "auth": {"basic": {"verifier": f"{service.url}/verify"}}}
    document["rules"].append(
        {"name": "kept", "repositories": ["kept/**"], "fronts": ["kept"], "chains": {"default": ["kept"]}, "readers": "authenticated"}
    )
    started = start(render(document, tmp_path_factory.mktemp("policy")))
    started.wait_until_healthy()
    return started


@pytest.fixture(autouse=True)
def _all_are_well(east: Scripted, west: Scripted, service: Scripted) -> None:
    for server in (east, west, service):
        server.answer(Answer(200, [], b"{}"))


def test_many_requests_in_one_packet_are_answered_in_order(envoy: Envoy, west: Scripted) -> None:
    """Each with its own content, however many wait; the other tenant's is refused, and ends the connection."""
    west.script = lambda seen: Answer(200, [], seen.target)
    asked = [f"/v2/ours/app{number}/manifests/v1" for number in range(600)]
    with raw.Connection(envoy.port) as connection:
        connection.send(b"".join(raw.head("GET", target, [("Host", "registry.test")]) for target in [*asked, THEIRS, OURS]))
        for target in asked:
            answer = connection.receive()
            assert (answer.status, answer.body) == (200, target.encode())
        assert connection.receive().status == 404
    assert THEIRS.encode() not in [seen.target for seen in west.seen]


def test_uploads_that_never_end_take_no_reads_away(envoy: Envoy, west: Scripted) -> None:
    """More than there may be connections to their registry: reads have connections of their own."""
    with ExitStack() as stack:
        for _ in range(1_100):
            connection = stack.enter_context(raw.Connection(envoy.port))
            head = raw.head("PATCH", "/v2/ours/app/blobs/uploads/1", [("Host", "registry.test"), ("Content-Length", "1000000")])
            connection.send(head + b"x")
        assert eventually(lambda: envoy.stats(r"^cluster\.ours@owner\.upstream_cx_overflow$").get("cluster.ours@owner.upstream_cx_overflow"))
        for _ in range(5):
            assert envoy.request("GET", OURS).status == 200
    assert eventually(lambda: envoy.request("PUT", OURS, body=b"{}").status == 200), "they are gone, and so is what they held"


@pytest.mark.parametrize("extension", [b";" + b"a" * 4_000, b";a=b" * 1_000])
def test_chunks_that_are_mostly_extension_are_one_body(envoy: Envoy, west: Scripted, extension: bytes) -> None:
    """RFC 9112 section 7.1.1: of each byte thousands are read and none is kept."""
    with raw.Connection(envoy.port) as connection:
        connection.send(raw.head("PUT", OURS, [("Host", "registry.test"), ("Transfer-Encoding", "chunked")]))
        try:
            for _ in range(200):
                connection.send(b"1" + extension + b"\r\nx\r\n")
            connection.send(b"0\r\n\r\n")
            assert connection.receive().status in (200, 400, 413)
        except (raw.Closed, BrokenPipeError, ConnectionResetError):
            pass
    assert all(set(seen.body) <= set(b"x") and b"a" not in seen.body for seen in west.seen)
    assert envoy.request("GET", OURS).status == 200


FORM = ("Content-Type", "application/x-www-form-urlencoded")
TOKEN = "/portolan/token"


def many(separator: str, word: str) -> str:
    """A word with a number, again and again, as long as may be."""
    return separator.join(f"{word}{number}" for number in range(MUCH // (len(separator) + len(word) + 5)))


# fmt: off
COSTLY: list[tuple[str, str, str, str, list[raw.Header], bytes | None]] = [
    ("parameters", "registry.test", "GET", f"/v2/ours/app/tags/list?{'n=1&' * 2_000}", [], None),
    ("namespaces", "registry.test", "GET", f"{OURS}?{'ns=a&' * 1_600}", [], None),
    ("mounts", "registry.test", "POST", f"/v2/ours/app/blobs/uploads/?{'mount=sha256:a&from=ours/b&' * 300}", [], b""),
    ("components", "registry.test", "GET", f"/v2/ours/{'a/' * 4_000}manifests/v1", [], None),
    ("escapes", "registry.test", "GET", f"/v2/ours/{'%61' * 2_600}/manifests/v1", [], None),
    ("separators of a name", "registry.test", "GET", f"/v2/ours/a{'-' * 8_000}b/manifests/v1", [], None),
    ("dots of a name", "registry.test", "GET", f"/v2/ours/{'a.' * 4_000}b/manifests/v1", [], None),
    ("addresses", "registry.test", "GET", OURS, [("X-Forwarded-For", many(", ", "192.0.2."))], None),
    ("commas for a token", "other.test", "GET", THEIRS, [("Authorization", "Bearer " + "," * MUCH)], None),
    ("a password", "kept.test", "GET", "/v2/kept/app/manifests/v1", [("Authorization", "Basic " + "QTpB" * (MUCH // 4))], None),
    ("words of a scope", "other.test", "GET", f"{TOKEN}?scope={many('%20', 'a')[:8_000]}", [], None),
    ("scopes", "other.test", "GET", f"{TOKEN}?{many('&', 'scope=repository:theirs/a:pull')[:8_000]}", [], None),
    ("actions of a scope", "other.test", "GET", f"{TOKEN}?scope=repository:theirs/a:{'pull,' * 1_500}", [], None),
    ("scopes of a form", "other.test", "POST", TOKEN, [FORM], f"grant_type=password&scope={many('+', 'a')}".encode()),
    ("parameters of a form", "other.test", "POST", TOKEN, [FORM], many("&", "a=").encode()),
    ("escapes of a form", "other.test", "POST", TOKEN, [FORM], b"grant_type=" + b"%61" * (MUCH // 3)),
]
# fmt: on


@pytest.mark.parametrize(("host", "method", "target", "headers", "body"), [row[1:] for row in COSTLY], ids=[row[0] for row in COSTLY])
def test_a_long_request_costs_no_more_than_its_length(
    envoy: Envoy, service: Scripted, host: str, method: str, target: str, headers: list[raw.Header], body: bytes | None
) -> None:
    """Whatever looks at each pair of its parts stops everybody's requests."""
    service.answer(Answer(401, [], b"{}"))
    before = envoy.processor_seconds()
    try:
        assert envoy.request(method, target, headers, body, host).status < 500
    except raw.Closed:
        pass
    assert envoy.processor_seconds() - before < 0.5
    assert envoy.request("GET", OURS).status == 200


def test_services_that_stop_in_the_middle_of_an_answer_hold_nobody(envoy: Envoy, service: Scripted) -> None:
    """A head, a part of the body, and then nothing: whoever waits for it is told so, and nobody else waits."""
    service.script = lambda _seen: Bytes(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"token":"')
    asked: list[tuple[str, str, list[raw.Header]]] = [
        ("kept.test", "/v2/kept/app/manifests/v1", [("Authorization", "Basic YTpi")]),
        ("other.test", f"{TOKEN}?service=other.test&scope=repository:theirs/app:pull", []),
    ]
    with ExitStack() as stack:
        waiting = []
        for host, target, headers in asked:
            connection = stack.enter_context(raw.Connection(envoy.port, seconds=60.0))
            connection.send(raw.head("GET", target, [("Host", host), *headers]))
            waiting.append(connection)
        assert eventually(lambda: len(service.seen) >= len(asked))
        assert envoy.request("GET", OURS).status == 200
        assert [connection.receive().status for connection in waiting] == [503, 503]


NAMES = [b'a","user":"b', b"a\nb", b"\0", b"a" * 3_000, b"%START_TIME%", b"\xff\xfe", b"puller\0", b"puller "]


@pytest.mark.parametrize("name", NAMES, ids=[repr(name[:12]) for name in NAMES])
def test_an_unverified_user_name_is_nowhere_in_the_log(
    envoy: Envoy, service: Scripted, east: Scripted, name: bytes
) -> None:
    """The log has the users of a front; whoever says a name and a wrong password must not write there."""
    service.answer(Answer(401, [], b""))
    envoy.forget_log()
    word = base64.b64encode(name + b":wrong").decode()
    answer = envoy.request("GET", "/v2/kept/app/manifests/v1", [("Authorization", f"Basic {word}")], host="kept.test")
    assert answer.status == 401 and not east.seen
    (entry,) = envoy.log_entries(1)
    assert entry.get("user") is None and entry["status"] == 401


@pytest.fixture(scope="module")
def tls(
    east: Scripted, west: Scripted, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Door:
    """The same tenants behind TLS."""
    return opened("tls", policy(west.url, east.url), start, tmp_path_factory.mktemp("tls"))


# The begin of a ClientHello (RFC 8446 section 4.1.2) that says it is longer than what comes.
HELLO = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(32)


@pytest.mark.parametrize("sent", [b"", HELLO[:1], HELLO], ids=["nothing", "a byte", "a part"])
def test_handshakes_that_never_end_hold_nobody(tls: Door, sent: bytes) -> None:
    """Hundreds at a time; each is given up after `--handshake-timeout`."""
    with ExitStack() as stack:
        begun = [stack.enter_context(raw.Connection(tls.envoy.port, seconds=60.0)) for _ in range(300)]
        for connection in begun:
            connection.send(sent)
        for _ in range(5):
            assert tls.get(OURS).status == 200
        assert all(connection.at_end() for connection in begun)
    assert tls.get(OURS).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        raw.head("GET", OURS, [("Host", "registry.test")]),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\xff\xff" + b"a" * 70_000,
        b"\x80\x2e\x01\0\x02",
        b"SSH-2.0-x\r\n",
    ],
    ids=["HTTP/1.1", "HTTP/2", "a record that is too long", "SSL 2", "SSH"],
)
def test_a_broken_handshake_ends_its_own_connection(tls: Door, west: Scripted, sent: bytes) -> None:
    with raw.Connection(tls.envoy.port, seconds=60.0) as connection:
        try:
            connection.send(sent)
            while connection._read():
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert not west.seen
    assert tls.get(OURS).status == 200
