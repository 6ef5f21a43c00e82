"""Hostile registries: bytes of an answer that are no answer, and answers that are to cost others something.

Real Envoy and scripted registries that send what they are told, byte for byte. Sees what reaches clients, whom the next
request is asked of, and the processor time of Envoy. Cannot see registries that speak HTTP/2.
"""

from collections.abc import Callable

import pytest

from harness import raw
from harness.envoy import Envoy, render
from harness.scripted import Answer, Bytes, Scripted, Seen
from harness.tenants import OURS, THEIRS, policy

BOTH = "/v2/both/app/manifests/sha256:" + "0" * 64
GOOD = Answer(200, [], b"{}")
# What an answer of this size may cost at most, in seconds of processor time: it costs some milliseconds, and something that
# looks at each pair of its bytes would cost ten times this.
MOST_SECONDS = 0.5
# Near to what Envoy takes of the headers of an answer.
MUCH = 50_000


@pytest.fixture(scope="module")
def envoy(
    east: Scripted, west: Scripted, service: Scripted, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Envoy:
    """`ours` is one registry's, without credentials; clients of `theirs` log in to theirs; `both` is a list of the two."""
    document = policy(west.url, east.url)
    document["backends"]["theirs"] |= {"auth": {"token": {"realm": f"{service.url}/token", "service": "registry"}}}
    document["backends"]["second"] = {"url": east.url}
    document["fronts"]["two"]["auth"] = {"upstream": {"login": "theirs"}}
    both = ["ours", "second"]
    document["rules"].append(
        {"name": "both", "repositories": ["both/**"], "fronts": ["one"], "chains": {"default": both}, "replicas": both}
    )
    started = start(render(document, tmp_path_factory.mktemp("policy")))
    started.wait_until_healthy()
    return started


@pytest.fixture(autouse=True)
def _all_are_well(east: Scripted, west: Scripted) -> None:
    for upstream in (east, west):
        upstream.answer(GOOD)


def received(envoy: Envoy, target: str = OURS) -> bytes:
    """All that comes back, interim answers and trailers too."""
    content = bytearray()
    with raw.Connection(envoy.port) as connection:
        connection.send(raw.head("GET", target, [("Host", "registry.test"), ("Connection", "close")]))
        answer = connection.receive()
        content += repr(answer).encode()
    assert answer.status == 200, answer
    return bytes(content)


@pytest.mark.parametrize("status", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
@pytest.mark.parametrize("times", [1, 10_000])
def test_interim_answers_go_nowhere(envoy: Envoy, west: Scripted, status: bytes, times: int) -> None:
    """What comes before an answer passes no filter: it would be the registry's own word to the client."""
    told = b"Link: <https://evil.example/x>; rel=preload\r\nSet-Cookie: a=1\r\nx-portolan-cluster: theirs\r\n"
    interim = b"HTTP/1.1 " + status + b"\r\n" + told + b"\r\n"
    west.script = lambda _seen: Bytes(interim * times + GOOD.encode(False))
    found = received(envoy)
    assert b"interim=[]" in found and b"evil" not in found and b"set-cookie" not in found
    assert envoy.request("GET", OURS).status == 200


def test_trailers_of_an_answer_go_nowhere(envoy: Envoy, west: Scripted) -> None:
    trailers = b"Set-Cookie: a=1\r\nx-portolan-cluster: theirs\r\nWWW-Authenticate: Basic\r\nLocation: https://evil.example/\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    west.script = lambda _seen: Bytes(head + b"2\r\n{}\r\n0\r\n" + trailers + b"\r\n")
    with raw.Connection(envoy.port) as connection:
        connection.send(raw.head("GET", OURS, [("Host", "registry.test"), ("TE", "trailers")]))
        content = connection._until(b"\r\n0\r\n")
        assert connection._until(b"\r\n") == b"", "a trailer"
    assert b"cookie" not in content.lower()


SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nGET /v2/ HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize("more", [[], [("Upgrade", "x"), ("Connection", "Upgrade")]], ids=["no upgrade", "an upgrade"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_another_protocol_is_an_outage(envoy: Envoy, west: Scripted, method: str, more: list[raw.Header]) -> None:
    """A proxy between the client and the front would take the connection for a tunnel from here on, and no more for HTTP."""
    west.script = lambda _seen: Bytes(SWITCHED)
    with raw.Connection(envoy.port) as connection:
        found = raw.exchange(connection, method, OURS, more, b"{}" if method == "PUT" else None)
        assert found.status in (403, 502, 503), found
        assert b'"errors"' in found.body
    west.answer(GOOD)
    assert envoy.request(method, OURS, body=b"{}" if method == "PUT" else None).status == 200


def test_another_protocol_sends_a_request_on(envoy: Envoy, east: Scripted, west: Scripted) -> None:
    west.script = lambda _seen: Bytes(SWITCHED)
    for _ in range(3):
        assert envoy.request("GET", BOTH).status == 200
    assert len(east.seen) == 3


@pytest.mark.parametrize("status", [200, 202, 304, 401, 403, 404, 407, 410, 429, 451, 500, 503])
@pytest.mark.parametrize("challenge", [None, 'Bearer realm="https://evil.example/token"', "Basic", ","])
def test_no_mark_of_the_filter_reaches_a_client(
    envoy: Envoy, east: Scripted, west: Scripted, status: int, challenge: str | None
) -> None:
    """The phases of the filter mark answers for each other; a registry that has clients log in once left such a mark."""
    headers = [("WWW-Authenticate", challenge)] if challenge is not None else []
    for upstream in (east, west):
        upstream.answer(Answer(status, headers, b"{}"))
    for host, target in (("registry.test", OURS), ("other.test", THEIRS), ("registry.test", BOTH)):
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            found = envoy.request(method, target, body=b"{}" if method == "PUT" else None, host=host)
            ours = [name for name, _ in found.headers if name.startswith(("x-portolan-", "x-envoy-"))]
            assert not ours, (host, target, method)


def two_lengths(_seen: Seen) -> Answer:
    return Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nabc")


def huge_headers(_seen: Seen) -> Answer:
    return Answer(200, [(f"x-{number}", "y" * 1_000) for number in range(500)], b"{}")


def endless_line(_seen: Seen) -> Answer:
    return Bytes(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 1_000_000)


def garbage(_seen: Seen) -> Answer:
    return Bytes(b"\x15\x03\x01\0\2\2\x46" * 100)


def nothing(_seen: Seen) -> Answer:
    raise OSError("closed")


@pytest.mark.parametrize("broken", [two_lengths, huge_headers, endless_line, garbage, nothing])
def test_one_repository_of_broken_answers_takes_no_registry_out(
    envoy: Envoy, west: Scripted, broken: Callable[[Seen], Answer]
) -> None:
    """Anybody can ask for it again and again, and Envoy counts what is broken as a failure of the registry."""
    west.script = lambda seen: broken(seen) if b"/broken/" in seen.target else GOOD
    for _ in range(10):
        statuses = {envoy.request("GET", "/v2/ours/broken/manifests/v1").status for _ in range(5)}
        assert statuses <= {502, 503}
        assert envoy.request("GET", OURS).status == 200


# fmt: off
COSTLY: list[tuple[str, str, str, str, int, str]] = [
    ("commas", "GET", THEIRS, "WWW-Authenticate", 401, "," * MUCH),
    ("parameters", "GET", THEIRS, "WWW-Authenticate", 401, "Bearer " + ",".join(f"a{number}=b" for number in range(MUCH // 8))),
    ("the same parameter", "GET", THEIRS, "WWW-Authenticate", 401, "Bearer " + "realm=b," * (MUCH // 8)),
    ("a quoted string", "GET", THEIRS, "WWW-Authenticate", 401, 'Bearer realm="' + '\\"' * (MUCH // 2) + '"'),
    ("an open quoted string", "GET", THEIRS, "WWW-Authenticate", 401, 'Bearer realm="' + '\\"' * (MUCH // 2)),
    ("schemes", "GET", THEIRS, "WWW-Authenticate", 401, "Bearer " * (MUCH // 7)),
    ("spaces", "GET", THEIRS, "WWW-Authenticate", 401, "Bearer" + " " * MUCH + "a=b"),
    ("open links", "GET", "/v2/ours/app/tags/list", "Link", 200, "<" * MUCH),
    ("links", "GET", "/v2/ours/app/tags/list", "Link", 200, "<a>," * (MUCH // 8)),
    ("a link of quotes", "GET", "/v2/ours/app/tags/list", "Link", 200, '<a>; rel="' + '\\"' * (MUCH // 2)),
    ("a link that climbs", "GET", "/v2/ours/app/tags/list", "Link", 200, "</v2/" + "../" * (MUCH // 3) + ">; rel=next"),
    ("a place that climbs", "POST", "/v2/ours/app/blobs/uploads/", "Location", 202, "/" + "../" * (MUCH // 3)),
    ("a place of slashes", "POST", "/v2/ours/app/blobs/uploads/", "Location", 202, "/" * MUCH),
    ("a place of escapes", "POST", "/v2/ours/app/blobs/uploads/", "Location", 202, "/v2/ours/app/blobs/uploads/" + "%41" * (MUCH // 3)),
    ("users", "POST", "/v2/ours/app/blobs/uploads/", "Location", 202, "https://" + "@" * MUCH),
]
# fmt: on


@pytest.mark.parametrize(("method", "target", "name", "status", "value"), [row[1:] for row in COSTLY], ids=[row[0] for row in COSTLY])
def test_a_long_header_costs_no_more_than_its_length(
    envoy: Envoy, east: Scripted, west: Scripted, method: str, target: str, name: str, status: int, value: str
) -> None:
    """Whatever looks at each pair of 50,000 bytes stops everybody's requests."""
    asked = east if target == THEIRS else west
    asked.answer(Answer(status, [(name, value)], b"{}"))
    before = envoy.processor_seconds()
    found = envoy.request(method, target, host="other.test" if target == THEIRS else "registry.test")
    assert envoy.processor_seconds() - before < MOST_SECONDS
    assert asked.seen and found.status in (status, 502)
