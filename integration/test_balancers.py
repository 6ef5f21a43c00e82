"""Clients behind nginx and HAProxy, by X-Forwarded-For and by the PROXY protocol, as docs/behind-a-balancer.md has it.

Every client is at an address of its own of the loopback network; the balancers reach Envoy from 127.0.0.1.
"""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import ports
from harness.balancer import Balancer, of_the_page, with_haproxy, with_nginx
from harness.bootstrap import Bootstrap
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_for_all
from harness.scripted import Answer, Scripted
from harness.tls import Authority, Credentials
from harness.waiting import eventually

HOST = "registry.test"
TARGET = "/v2/app/tags/list"
NEAR, FAR, BALANCER = "127.0.7.7", "127.0.8.8", "127.0.0.1/32"


def policy(upstream: Scripted, clients: Policy, front: Policy) -> Policy:
    """Two regions, each with a backend of its own."""
    return build_policy(
        {name: f"{upstream.url}/{name}" for name in ("near", "far")},
        rule_for_all({"near": ["near"], "default": ["far"]}),
        fronts={"main": {"hosts": [HOST], "default": True, "health": True, **front}},
        regions={"near": {"networks": ["127.0.7.0/24"]}, "default": {}},
        clients=clients,
    )


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return Authority(tmp_path_factory.mktemp("authority")).issue(HOST)


@pytest.fixture(scope="module")
def start_one(
    start: Callable[[Bootstrap], Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Policy], Envoy]:
    """Starts an Envoy whose filter asks how it is."""

    def rendered(policy: Policy) -> Bootstrap:
        return render(policy, tmp_path_factory.mktemp("policy"), admin=f"127.0.0.1:{ports.free()}")

    return lambda policy: start(rendered(policy))


@pytest.fixture(scope="module")
def by_header(east: Scripted, start_one: Callable[[Policy], Envoy]) -> Envoy:
    """An Envoy that believes X-Forwarded-For of the balancers."""
    return start_one(policy(east, {"trusted_proxies": [BALANCER]}, {}))


@pytest.fixture(scope="module")
def by_protocol(east: Scripted, credentials: Credentials, start_one: Callable[[Policy], Envoy]) -> Envoy:
    """An Envoy with TLS to whom balancers speak the PROXY protocol."""
    tls = {"certificate_file": str(credentials.certificate), "key_file": str(credentials.key)}
    return start_one(policy(east, {"proxy_protocol": [BALANCER]}, {"tls": tls}))


def get(port: int, client: str, scheme: str = "https") -> tuple[int, str]:
    """The status that a client at an address gets, and the version of HTTP; (0, "0") if the connection is closed."""
    command = ["curl", "--silent", "--insecure", "--interface", client, "--resolve", f"{HOST}:{port}:127.0.0.1"]
    command += ["--output", "/dev/null", "--write-out", '["%{http_code}", "%{http_version}"]', f"{scheme}://{HOST}:{port}{TARGET}"]
    status, version = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout)
    return int(status), version


KINDS = {
    "nginx, HTTP": (with_nginx, "nginx, HTTP", 0, "header"),
    "nginx, connections": (with_nginx, "nginx, TLS passed on", 0, "protocol"),
    "HAProxy, HTTP": (with_haproxy, "HAProxy", 0, "header"),
    "HAProxy, connections": (with_haproxy, "HAProxy", 1, "protocol"),
}


@pytest.fixture(params=KINDS)
def behind(
    request: pytest.FixtureRequest, by_header: Envoy, by_protocol: Envoy, credentials: Credentials, tmp_path: Path
) -> Iterator[tuple[Envoy, Balancer]]:
    """An Envoy, and a balancer in front of it."""
    start, heading, number, way = KINDS[request.param]
    envoy = by_header if way == "header" else by_protocol
    balancer = start(of_the_page(heading, number), envoy.port, credentials, tmp_path)
    yield envoy, balancer
    balancer.stop()


def test_clients_are_where_they_are(behind: tuple[Envoy, Balancer], east: Scripted) -> None:
    _, balancer = behind
    east.answer(Answer(200, [], b'{"name": "app", "tags": []}'))
    # A balancer sends nobody on before its health check has passed.
    eventually(lambda: get(balancer.port, FAR)[0] == 200)
    for client, near in ((NEAR, "near"), (FAR, "far")):
        east.forget()
        assert get(balancer.port, client) == (200, "2")
        assert east.last().target.decode() == f"/{near}{TARGET}"


def test_only_the_balancer_states_the_address_of_a_client(by_header: Envoy, by_protocol: Envoy, east: Scripted) -> None:
    east.answer(Answer(200, [], b"{}"))
    # Past the balancer, from an address that is none of its: its own word counts nothing.
    with socket.create_connection(("127.0.0.1", by_header.port), source_address=(FAR, 0)) as connection:
        connection.sendall(f"GET {TARGET} HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: {NEAR}\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert east.last().target.decode() == f"/far{TARGET}"
    east.forget()
    # With the PROXY protocol and without it: such a connection is closed.
    line = f"PROXY TCP4 {NEAR} 127.0.0.1 1000 443\r\n".encode()
    for first, source in ((line, FAR), (b"", FAR), (b"", "127.0.0.1")):
        with socket.create_connection(("127.0.0.1", by_protocol.port), source_address=(source, 0)) as connection:
            connection.sendall(first + b"\x16\x03\x01\x02\x00" + b"x" * 600)
            assert answer_of(connection) == b"", (first, source)
    assert get(by_protocol.port, NEAR) == (0, "0")
    assert not east.seen


def answer_of(connection: socket.socket) -> bytes:
    """What comes before the end."""
    connection.settimeout(60)
    try:
        return connection.recv(100)
    except ConnectionResetError:
        return b""


@pytest.fixture(scope="module")
def from_the_network(east: Scripted, start_one: Callable[[Policy], Envoy]) -> Envoy:
    """A delivery network that says where its clients are, behind a balancer that says who the network is."""
    clients = {
        "proxy_protocol": [BALANCER],
        "trusted_proxies": ["198.51.100.0/24"],
        "geo": {"headers": {"country": "cf-ipcountry"}},
    }
    document = policy(east, clients, {})
    document["regions"]["near"] = {"countries": ["CN"]}
    return start_one(document)


# fmt: off
ROWS = [
    ("198.51.100.9", "near", "the network's word"),
    ("203.0.113.9", "far", "somebody's"),
]
# fmt: on


@pytest.mark.parametrize(("proxy", "expected", "why"), ROWS)
def test_a_delivery_network_behind_a_balancer(
    from_the_network: Envoy, east: Scripted, proxy: str, expected: str, why: str
) -> None:
    east.answer(Answer(200, [], b"{}"))
    with socket.create_connection(("127.0.0.1", from_the_network.port)) as connection:
        connection.sendall(f"PROXY TCP4 {proxy} 127.0.0.1 1000 443\r\n".encode())
        headers = f"Host: {HOST}\r\nX-Forwarded-For: 192.0.2.1\r\nCF-IPCountry: CN\r\n"
        connection.sendall(f"GET {TARGET} HTTP/1.1\r\n{headers}\r\n".encode())
        connection.settimeout(60)
        assert connection.recv(12) == b"HTTP/1.1 200", why
    assert east.last().target.decode() == f"/{expected}{TARGET}", why
