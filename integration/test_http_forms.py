"""HTTP as real programs speak it: what a front accepts, ignores, takes out or refuses, and in which words.

Raw bytes against real Envoy. Sees what reaches the registry. Cannot see the programs themselves: the forms
here are those of nginx as a proxy, of Azure's gateways, of browsers and of attackers.
"""

import time
from collections.abc import Callable

import pytest

from harness import ports, raw
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted

TARGET = "/v2/one/app/manifests/v1"
HOST = ("Host", "registry.test")


def policy(east: Scripted, **more: object) -> Policy:
    """One front, one registry."""
    return build_policy(
        {"east": east.url},
        rule_of("one", ["east"], repositories=["**"], owner="east"),
        regions={"office": {"networks": ["198.51.100.0/24", "2001:db8::/32"]}, "default": {}},
        **more,
    )


@pytest.fixture(scope="module")
def envoy(east: Scripted, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """Nobody's word about clients is believed."""
    started = start_envoy(policy(east))
    started.wait_until_healthy()
    return started


@pytest.fixture(autouse=True)
def _the_registry_answers(east: Scripted) -> None:
    east.answer(Answer(200, [], b"{}"))


def send(envoy: Envoy, *lines: str, body: bytes = b"") -> raw.Response:
    """The answer to these lines."""
    with raw.Connection(envoy.port) as connection:
        connection.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return connection.receive()


# fmt: off
ACCEPTED = [
    ([f"GET {TARGET} HTTP/1.0", "Host: registry.test"], "HTTP/1.0, as nginx proxies"),
    ([f"GET {TARGET} HTTP/1.0"], "HTTP/1.0 without a host"),
    ([f"GET http://registry.test{TARGET} HTTP/1.1", "Host: registry.test"], "absolute form"),
    ([f"GET http://registry.test{TARGET} HTTP/1.1", "Host: other.test"], "absolute form: its host counts"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test:"], "a host with no port behind its colon"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "Connection: Upgrade", "Upgrade: websocket"], "an upgrade"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "Connection: Upgrade", "Upgrade: TLS/1.2"], "an upgrade to TLS"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "x_other: 1"], "a header with an underscore"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "X-Fold: a", " b"], "a folded header"),
]
# fmt: on


@pytest.mark.parametrize(("lines", "_why"), ACCEPTED, ids=[row[1] for row in ACCEPTED])
def test_requests_that_http_lets_a_server_accept_are_served(
    envoy: Envoy, east: Scripted, lines: list[str], _why: str
) -> None:
    assert send(envoy, *lines).status == 200
    seen = east.last()
    assert (seen.target.decode(), seen.authority) == (TARGET, east.authority)
    assert not seen.names & {"upgrade", "connection", "x_other"}
    assert seen.all("x-fold") in ([], [b"a b"]), "RFC 9112 section 5.2: a fold becomes a space"


# fmt: off
REFUSED = [
    ([f"GET {TARGET} HTTP/1.1"], 400, "no `Host` header", "no host"),
    ([f"GET {TARGET} HTTP/1.1", "Host: a b"], 400, "not a host", "a host with a space"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "Host: registry.test"], 400, "several hosts", "a host twice"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "Host: other.test"], 400, "several hosts", "two hosts"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test,other.test"], 400, "several hosts", "two hosts in one line"),
    ([f"GET {TARGET} HTTP/1.1", "Host: user@registry.test"], 400, "a user", "a user at a host"),
    ([f"GET ftp://registry.test{TARGET} HTTP/1.1", "Host: registry.test"], 400, "neither `http` nor `https`", "ftp"),
    ([f"GET https://registry.test{TARGET} HTTP/1.1", "Host: registry.test"], 403, "this connection has no TLS", "https"),
    ([f"GET http://other.test{TARGET} HTTP/1.1", "Host: registry.test"], 404, "under this host name", "a foreign host"),
    (["OPTIONS * HTTP/1.1", "Host: registry.test"], 404, "is no path", "an asterisk"),
    ([f"GET {TARGET}#x HTTP/1.1", "Host: registry.test"], 400, "has a fragment", "a fragment"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "Content-Length: 1", "Transfer-Encoding: chunked"], 400, "in two ways how long", "two lengths"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "Transfer-Encoding: gzip, chunked"], 501, "other than `chunked`", "gzip"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "X-A: a\0b"], 400, "has a character", "a NUL"),
    ([f"FOO {TARGET} HTTP/1.1", "Host: registry.test"], 400, "cannot be read as HTTP/1.1", "an unknown method"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "X A: 1"], 400, "cannot be read as HTTP/1.1", "a space in a name"),
    ([f"GET {TARGET} HTTP/1.1", "Host: registry.test", "CDN-Loop: ,;\""], 400, "RFC 8586", "a broken CDN-Loop"),
]
# fmt: on


@pytest.mark.parametrize(("lines", "status", "says", "_why"), REFUSED, ids=[row[3] for row in REFUSED])
def test_a_refusal_says_what_is_wrong(
    envoy: Envoy, east: Scripted, lines: list[str], status: int, says: str, _why: str
) -> None:
    found = send(envoy, *lines)
    assert (found.status, found.one("content-type")) == (status, "application/json")
    assert says in found.body.decode()
    assert b"cannot be reached" not in found.body
    assert not east.seen


# Where frameworks take the method, the path or the host from, and what a browser keeps.
# fmt: off
TAKEN_OUT = [
    "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL",
    "X-Original-URI", "X-Forwarded-URI", "X-Forwarded-Prefix", "X-Original-Host", "X-Host", "X-Forwarded-Server",
    "Cookie2", "X-Original-Forwarded-For", "X-Cluster-Client-IP",
]
# fmt: on


@pytest.mark.parametrize("name", TAKEN_OUT)
def test_a_header_that_means_another_request_goes_nowhere(envoy: Envoy, east: Scripted, name: str) -> None:
    assert envoy.request("GET", TARGET, [(name, "/v2/two/app/manifests/v1")]).status == 200
    assert name.lower() not in east.last().names


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("chunked", [False, True], ids=["a length", "chunks"])
def test_a_body_goes_no_further_where_the_api_has_none(
    envoy: Envoy, east: Scripted, method: str, chunked: bool
) -> None:
    smuggled = b"GET /v2/two/app/manifests/v1 HTTP/1.1\r\nHost: x\r\n\r\n"
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(smuggled)}"
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(smuggled), smuggled) if chunked else smuggled
    with raw.Connection(envoy.port) as connection:
        lines = [f"{method} {TARGET} HTTP/1.1", "Host: registry.test", length, "", ""]
        connection.send("\r\n".join(lines).encode() + body)
        assert connection.receive(is_head=method == "HEAD").status == 200
    assert east.last().body == b""
    assert envoy.request("PUT", TARGET, body=b"{}").status == 200
    assert east.seen[-1].body == b"{}"


def test_the_namespace_is_no_backends(envoy: Envoy, east: Scripted) -> None:
    for query, sent in (("?ns=docker.io", ""), ("?n=1&ns=docker.io&last=a%2f", "?n=1&last=a%2f"), ("?n=1", "?n=1")):
        east.forget()
        assert envoy.request("GET", f"/v2/one/app/tags/list{query}").status == 200
        assert east.last().target.decode() == f"/v2/one/app/tags/list{sent}"


@pytest.mark.parametrize(
    "clients",
    [{"trusted_hops": 1}, {"trusted_proxies": ["127.0.0.0/8"]}, {"trusted_hops": 2}],
    ids=["hops", "proxies", "two hops"],
)
def test_an_address_with_a_port_is_an_address(
    east: Scripted, start_envoy: Callable[[Policy], Envoy], clients: dict[str, object]
) -> None:
    envoy = start_envoy(policy(east, clients=clients))
    behind = ", 203.0.113.9:4711" if clients == {"trusted_hops": 2} else ""
    rows = {
        "198.51.100.7": "office",
        "198.51.100.7:51234": "office",
        "[2001:db8::1]:443": "office",
        "[2001:db8::1]": "office",
        "2001:db8::1": "office",
        "192.0.2.1:1, 198.51.100.7:51234": "office",
        "198.51.100.8:1,192.0.2.1:51234": "default",
        "192.0.2.1:443": "default",
        "198.51.100.7:": "default",
        "unknown": "default",
        "nonsense:1:2": "default",
    }
    for value, region in rows.items():
        envoy.forget_log()
        assert envoy.request("GET", TARGET, [("X-Forwarded-For", value + behind)]).status == 200
        (entry,) = envoy.log_entries(1)
        assert entry["region"] == region, value


def test_an_x_forwarded_for_with_a_port_is_not_trusted(envoy: Envoy) -> None:
    envoy.forget_log()
    assert envoy.request("GET", TARGET, [("X-Forwarded-For", "198.51.100.7:51234")]).status == 200
    (entry,) = envoy.log_entries(1)
    assert entry["region"] == "default"


def test_a_request_that_comes_round_is_refused(envoy: Envoy, east: Scripted) -> None:
    assert envoy.request("GET", TARGET, [("CDN-Loop", "edge.example, cloudflare; v=1")]).status == 200
    (loop,) = east.last().all("cdn-loop")
    others, _, own = loop.decode().rpartition(",")
    assert others.replace(" ", "") == "edge.example,cloudflare;v=1"
    assert own.strip().startswith("portolan-")
    east.forget()
    for method in ("GET", "HEAD", "POST"):
        body = b"" if method == "POST" else None
        target = "/v2/one/app/blobs/uploads/" if method == "POST" else TARGET
        found = envoy.request(method, target, [("CDN-Loop", loop)], body)
        assert found.status == 508
        assert method == "HEAD" or b"has passed this proxy before" in found.body
    assert not east.seen


def test_an_edge_before_a_region_is_no_loop(
    envoy: Envoy, east: Scripted, start_envoy: Callable[[Policy], Envoy]
) -> None:
    document = policy(east)
    document["backends"]["east"]["url"] = f"http://127.0.0.1:{envoy.port}"
    document["fronts"]["main"]["default"] = True
    region = policy(east)
    region["fronts"]["main"]["default"] = True
    behind = start_envoy(region)
    document["backends"]["east"]["url"] = f"http://127.0.0.1:{behind.port}"
    edge = start_envoy(document)
    edge.wait_until_healthy()
    assert edge.request("GET", TARGET).status == 200
    assert len(b"".join(east.last().all("cdn-loop")).split(b",")) == 2


def test_a_front_that_is_its_own_backend_ends_at_once(
    east: Scripted, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> None:
    port = ports.free()
    document = policy(east)
    document["fronts"]["main"]["default"] = True
    document["backends"]["east"]["url"] = f"http://127.0.0.1:{port}"
    rendered = render(document, tmp_path_factory.mktemp("policy"), port=port)
    envoy = start(rendered)
    assert envoy.request("GET", TARGET).status == 508
    requests = envoy.stats(r"^http\.portolan\.downstream_rq_total$")
    assert requests["http.portolan.downstream_rq_total"] < 60, "health checks and one round"


def test_a_connection_that_says_nothing_is_closed(envoy: Envoy) -> None:
    with raw.Connection(envoy.port, seconds=30) as connection:
        started = time.monotonic()
        assert connection.at_end()
        assert time.monotonic() - started < 25


@pytest.mark.parametrize("status", [b"000", b"99", b"101"])
def test_a_status_that_is_none_does_not_pass(
    envoy: Envoy, east: Scripted, status: bytes
) -> None:
    class Odd(Answer):
        def encode(self, is_head: bool) -> bytes:
            return super().encode(is_head).replace(b"HTTP/1.1 200", b"HTTP/1.1 " + status, 1)

    east.answer(Odd(200, [], b"{}"))
    found = envoy.request("GET", TARGET)
    assert found.status in (502, 503), found
