"""TLS towards clients: which certificate is shown to whom, how it is replaced, and what clients are told.

Real Envoy with rendered configurations, certificates of an authority of the tests' own, and real clients that verify
them. Cannot see what a public authority would say.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import own_port
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_for_all
from harness.scripted import Answer, Scripted
from harness.tls import Authority, Credentials

BODY = b'{"schemaVersion":2}'
SECONDS = 10.0


@dataclass
class Site:
    """An Envoy with two fronts, and where it reads their certificates."""

    envoy: Envoy
    authority: Authority
    directory: Path

    def connect(
        self, name: str | None, **context: Any
    ) -> ssl.SSLSocket:
        """A connection of a client that asks for a name and trusts the authority alone."""
        settings = ssl.create_default_context(cafile=str(self.authority.certificate))
        settings.check_hostname = name is not None
        for field, value in context.items():
            if field == "alpn":
                settings.set_alpn_protocols(value)
            else:
                setattr(settings, field, value)
        plain = socket.create_connection(("127.0.0.1", self.envoy.port), timeout=SECONDS)
        return settings.wrap_socket(plain, server_hostname=name)

    def shown(self, name: str | None) -> tuple[str, int]:
        """For whom the certificate is that a client gets who asks for a name, and its number."""
        with self.connect(name) as connection:
            found = connection.getpeercert()
        assert found
        return str(dict(found["subjectAltName"])["DNS"]), int(str(found["serialNumber"]), 16)

    def ask(self, name: str, target: str, *headers: str, method: str = "GET") -> tuple[int, str, bytes]:
        """The status, the head and the body of an answer."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {name}", "Connection: close", *headers]
        with self.connect(name) as connection:
            return exchange(connection, lines)


def exchange(connection: ssl.SSLSocket, lines: list[str]) -> tuple[int, str, bytes]:
    """Sends the head of a request and reads until the other side closes."""
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    found = b""
    while more := connection.recv(1 << 16):
        found += more
    head, _, body = found.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), body


def put(credentials: Credentials, directory: Path, name: str) -> None:
    """Replaces a front's certificate and key."""
    for source, kind in ((credentials.key, "key"), (credentials.certificate, "pem")):
        replace(directory / f"{name}.{kind}", source.read_bytes())


def replace(path: Path, content: bytes) -> None:
    """Replaces a file as a rotation does: by renaming."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.rename(path)


def policy(directory: Path, upstream: Scripted) -> Policy:
    """Two fronts whose clients log in to the registry; `one` has a page, too."""

    def front(name: str, **more: object) -> Policy:
        files = {"certificate_file": str(directory / f"{name}.pem"), "key_file": str(directory / f"{name}.key")}
        return {"hosts": [f"{name}.test"], "tls": files, **more}

    return build_policy(
        {"registry": {"url": upstream.url, "auth": "token"}},
        rule_for_all(["registry"], owner="registry"),
        fronts={
            "one": front("one", landing={"/": "https://example.com/one"}, auth="upstream"),
            "two": front("two", default=True, auth="upstream"),
        },
    )


@pytest.fixture(scope="module")
def upstream() -> Iterator[Scripted]:
    """The registry."""
    server = Scripted()
    yield server
    server.close()


@pytest.fixture(scope="module")
def site(
    upstream: Scripted, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """Both fronts with certificates of their own."""
    directory = tmp_path_factory.mktemp("tls")
    authority = Authority(tmp_path_factory.mktemp("authority"))
    for name in ("one", "two"):
        put(authority.issue(f"{name}.test"), directory, name)
    port = own_port.reserve()
    document = render(policy(directory, upstream), tmp_path_factory.mktemp("policy"), port)
    return Site(start(document), authority, directory)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("one.test", "one.test"), ("two.test", "two.test"), ("ONE.test", "one.test"), (None, "one.test")],
    ids=["first", "second", "case", "no name: the first"],
)
def test_a_front_shows_its_own_certificate(site: Site, name: str | None, expected: str) -> None:
    assert site.shown(name)[0] == expected


def test_an_unknown_name_gets_the_first_certificate_which_the_client_refuses(site: Site) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="one.test|doesn't match|mismatch"):
        site.connect("three.test")


def test_a_client_without_tls_is_not_served(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.envoy.port), timeout=SECONDS) as connection:
        connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: one.test\r\n\r\n")
        try:
            answer = connection.recv(1000)
        except ConnectionResetError:
            answer = b""
    assert not answer.startswith(b"HTTP/")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_are_refused(site: Site) -> None:
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        site.connect(
            "one.test",
            minimum_version=ssl.TLSVersion.TLSv1,
            maximum_version=ssl.TLSVersion.TLSv1_1,
        )


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)]
)
def test_http_2_for_clients_that_negotiate_it(site: Site, offered: list[str], chosen: str | None) -> None:
    more = {"alpn": offered} if offered else {}
    with site.connect("one.test", **more) as connection:
        assert connection.selected_alpn_protocol() == chosen


def test_clients_are_led_back_by_https(site: Site, upstream: Scripted) -> None:
    """Whatever they say of how they came."""
    for spoof in ((), ("X-Forwarded-Proto: http",)):
        status, head, _ = site.ask("one.test", "/v2/", *spoof)
        assert status == 401 and 'realm="https://one.test/portolan/token' in head, head
    upstream.answer(Answer(202, [("Location", f"{upstream.url}/v2/a/blobs/uploads/1?state=x")]))
    status, head, _ = site.ask("one.test", "/v2/a/blobs/uploads/", "Content-Length: 0", method="POST")
    assert status == 202 and "location: /v2/a/blobs/uploads/1?state=x\r\n" in f"{head}\r\n"


def test_the_authority_decides_and_not_the_name_of_the_certificate(site: Site) -> None:
    """The fronts share a listener; the page at `/` is `one`'s alone."""
    for shown, host, expected in (("one.test", "one.test", 307), ("one.test", "two.test", 404), ("two.test", "one.test", 307)):
        with site.connect(shown) as connection:
            lines = ["GET / HTTP/1.1", f"Host: {host}", "Connection: close"]
            status, _, _ = exchange(connection, lines)
        assert status == expected, (shown, host)


def test_a_certificate_is_replaced_while_envoy_runs(site: Site, upstream: Scripted) -> None:
    upstream.answer(Answer(200, [], BODY))
    name, before = site.shown("two.test")
    other = site.shown("one.test")
    with site.connect("two.test") as old:
        put(site.authority.issue("two.test"), site.directory, "two")
        site.envoy.server.wait_until(
            lambda: site.shown("two.test") != (name, before) or None, "the new certificate is shown", SECONDS
        )
        lines = ["GET /v2/a/manifests/v1 HTTP/1.1", "Host: two.test", "Connection: close"]
        status, _, body = exchange(old, lines)
        assert (status, body) == (200, BODY), "a connection that is open stays"
    assert site.shown("one.test") == other


def test_a_broken_certificate_does_not_replace_a_good_one(site: Site) -> None:
    refused = r"^sds\.front-one\.key_rotation_failed$"
    before = site.shown("one.test")
    (count,) = site.envoy.stats(refused).values()
    good = (site.directory / "one.pem").read_bytes()
    replace(site.directory / "one.pem", b"no certificate")
    try:
        site.envoy.server.wait_until(
            lambda: sum(site.envoy.stats(refused).values()) > count or None, "Envoy has looked at it"
        )
        assert site.shown("one.test") == before
    finally:
        replace(site.directory / "one.pem", good)


def test_a_certificate_may_come_later(
    upstream: Scripted, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    """Until then clients get no connection, and Envoy runs."""
    directory = tmp_path / "tls"
    directory.mkdir()
    site = Site(start(render(policy(directory, upstream), tmp_path / "policy")), Authority(tmp_path / "ca"), directory)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        site.connect("one.test")
    for name in ("one", "two"):
        put(site.authority.issue(f"{name}.test"), directory, name)

    def shown() -> str | None:
        try:
            return site.shown("one.test")[0]
        except (ssl.SSLError, ConnectionError):
            return None

    assert site.envoy.server.wait_until(shown, "the certificate is shown") == "one.test"
