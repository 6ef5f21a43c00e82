"""Files that the policy names are replaced under load by the commands of docs/changing-the-policy.md.

A credential, a private CA, the certificates of a front and of the proxy itself, the geographic database, a network file: each takes
effect, the policy stays or is applied, and no request fails. What becomes of a broken file is for the suites of each kind.
"""

import shutil
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import portolan, raw
from harness.accounts import Account
from harness.digest import check, sha256
from harness.envoy import Policy
from harness.files_envoy import FilesEnvoy
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted, Seen
from harness.tls import Authority, Credentials, Tls
from harness.waiting import eventually

HOST = "registry.test"
CONTENT = b"content"
BLOB = f"/v2/acme/app/blobs/{sha256(CONTENT)}"
CLIENT = "8.8.0.9"
ROBOT = "robot"


def basic(password: str) -> str:
    """What the registry is shown."""
    return Account(ROBOT, password).basic


@dataclass
class Files:
    """The files, by what they are."""

    place: Path

    def __post_init__(self) -> None:
        self.credential = self.place / "credentials/near"
        self.ca = self.place / "ca/near.pem"
        self.front = self.place / "front"
        self.client = self.place / "client"
        self.database = self.place / "geo/geoip.mmdb"
        self.networks = self.place / "networks.yaml"

    def put_ca(self, *authorities: Authority) -> None:
        """Replaces the file of the authorities that are trusted, by `mv`."""
        new = self.ca.with_suffix(".new")
        new.write_bytes(b"".join(authority.certificate.read_bytes() for authority in authorities))
        new.rename(self.ca)

    def put_pair(self, directory: Path, version: str, credentials: Credentials) -> None:
        """Replaces certificate and key in one step, by the link `..data`."""
        (directory / version).mkdir(parents=True)
        shutil.copy(credentials.certificate, directory / version / "tls.crt")
        shutil.copy(credentials.key, directory / version / "tls.key")
        (directory / "..new").symlink_to(version)
        (directory / "..new").rename(directory / "..data")

    def put_credential(self, password: str) -> None:
        """Replaces the credential."""
        file = ("--username", ROBOT, "--file", self.credential)
        portolan.output("credential", "write", "near", *file, stdin=password)

    def put_database(self, country: str, date: str) -> None:
        """Replaces the database by one in which the client is in a country."""
        table, new = self.place / "own.csv", self.place / "new.mmdb"
        table.write_text("".join(f"8.{n >> 8}.{n & 255}.0/24,{country}\n" for n in range(4096)))
        portolan.output("geoip", "build", "--date", date, "--output", new, table)
        lenient = ("--least-coverage", "0", "--most-changed", "100")
        portolan.output("geoip", "install", new, "--output", self.database, *lenient)

    def put_networks(self, network: str) -> None:
        """Replaces the network file: the network of the office."""
        new = self.place / "networks.new"
        new.write_text(f'networks: {{office: ["{network}"]}}\n')
        new.rename(self.networks)


class Registry:
    """A registry that wants a password of `passwords`, over connections for one request each."""

    def __init__(self, upstream: Scripted) -> None:
        self.passwords: set[str] = set()
        self.shown: set[bytes] = set()
        self.upstream = upstream
        upstream.script = self._answer

    @property
    def count(self) -> int:
        """How many requests came."""
        return len(self.upstream.seen)

    def _answer(self, seen: Seen) -> Answer:
        shown = seen.all("authorization")
        self.shown |= set(shown)
        allowed = [[basic(password).encode()] for password in self.passwords]
        if self.passwords and shown not in allowed:
            return Answer(401, [("Connection", "close")])
        return Answer(200, [("Connection", "close")], CONTENT)


class Clients:
    """Two clients that trust one authority: one keeps its connection, the other opens one for each request."""

    def __init__(self, port: int, authority: Authority) -> None:
        self.failures: list[str] = []
        self.done = 0
        self._port = port
        self._context = ssl.create_default_context(cafile=str(authority.certificate))
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(keeps,)) for keeps in (True, False)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Waits for the last requests."""
        self._end.set()
        for thread in self._threads:
            thread.join()

    def shown(self) -> str:
        """The serial number of the certificate that a new connection is shown."""
        with raw.Connection(self._port) as connection:
            certificate = connection.secure(self._context, HOST)
        return str(certificate["serialNumber"])

    def _run(self, keeps: bool) -> None:
        try:
            while not self._end.is_set():
                with raw.Connection(self._port) as connection:
                    connection.secure(self._context, HOST)
                    self._ask(connection)
                    while keeps and not self._end.is_set():
                        self._ask(connection)
        except (OSError, AssertionError) as problem:
            self.failures.append(repr(problem))

    def _ask(self, connection: raw.Connection) -> None:
        answer = raw.exchange(connection, "GET", BLOB, [("X-Forwarded-For", CLIENT)], host=HOST)
        assert answer.status == 200, f"{answer.status} {answer.body[:200]!r}"
        check(answer.body, sha256(CONTENT))
        self.done += 1


def policy(files: Files, near: Tls, far: Scripted) -> Policy:
    """Clients in China, and those of the office, are served by `near`, the others by `far`."""
    certificate = {"certificate_file": str(files.front / "tls.crt"), "key_file": str(files.front / "tls.key")}
    shown = {"certificate_file": str(files.client / "tls.crt"), "key_file": str(files.client / "tls.key")}
    own_ca = {"ca_file": str(files.ca), "server_name": "near.test", **shown}
    chains = {"cn": ["near"], "default": ["far"]}
    return build_policy(
        {
            "near": {
                "url": f"https://127.0.0.1:{near.port}",
                "tls": own_ca,
                "auth": "basic",
                "credential": "near",
            },
            "far": far.url,
        },
        rule_of("all", chains, repositories=["acme/**"], readers="anyone"),
        fronts={"main": {"hosts": [HOST], "tls": certificate}},
        credentials={"near": {"file": str(files.credential)}},
        network_files=["networks.yaml"],
        regions={"cn": {"countries": ["CN"], "labels": ["office"]}, "default": {}},
        clients={"trusted_hops": 1, "geo": {"database": str(files.database)}},
    )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """The files as they are at first, but for those of certificates."""
    files = Files(tmp_path)
    for path in (files.credential, files.ca, files.database):
        path.parent.mkdir()
    files.put_credential("old")
    files.put_database("CN", "2026-06-01")
    files.put_networks("192.0.2.0/24")
    for directory in (files.front, files.client):
        directory.mkdir()
        for name in ("tls.crt", "tls.key"):
            (directory / name).symlink_to(f"..data/{name}")
    return files


@pytest.fixture
def authorities(tmp_path: Path) -> dict[str, Authority]:
    """That of the front, the one before and after of the registry, and that of the registry's clients."""
    names = ("front", "before", "after", "clients")
    return {name: Authority(tmp_path / "authorities" / name) for name in names}


@pytest.fixture
def near_tls(authorities: dict[str, Authority], east: Scripted) -> Iterator[Tls]:
    """The end of TLS before the registry `near`."""
    tls = Tls(east.port, authorities["before"].issue("near.test"), clients=authorities["clients"])
    yield tls
    tls.close()


def test_files_are_replaced_under_load(
    files: Files, authorities: dict[str, Authority], near_tls: Tls, east: Scripted, west: Scripted
) -> None:
    near, far = Registry(east), Registry(west)
    near.passwords = {"old"}
    files.put_ca(authorities["before"])
    files.put_pair(files.front, "..1", authorities["front"].issue(HOST))
    files.put_pair(files.client, "..1", authorities["clients"].issue("portolan"))
    envoy = FilesEnvoy(policy(files, near_tls, west), files.place)
    envoy.wait_until_healthy()
    clients = Clients(envoy.port, authorities["front"])
    try:
        eventually(lambda: clients.done > 20)
        assert near.count > 20 and not far.count

        # The registry takes both passwords for a while, as registries with several do.
        near.passwords = {"old", "new"}
        files.put_credential("new")
        eventually(lambda: basic("new").encode() in near.shown)
        near.passwords = {"new"}
        eventually_further(near)

        # Both authorities are trusted until the registry has its new certificate.
        taken = contexts_made(envoy)
        files.put_ca(authorities["before"], authorities["after"])
        eventually(lambda: contexts_made(envoy) > taken)
        near_tls.use(authorities["after"].issue("near.test"))
        eventually_further(near)
        files.put_ca(authorities["after"])
        eventually_further(near)

        # What the proxy shows the registry.
        before = near_tls.shown[-1]
        files.put_pair(files.client, "..2", authorities["clients"].issue("portolan"))
        eventually(lambda: near_tls.shown[-1] != before)

        before = clients.shown()
        files.put_pair(files.front, "..2", authorities["front"].issue(HOST))
        eventually(lambda: clients.shown() != before)

        files.put_database("US", "2026-06-02")
        eventually_further(far)

        files.put_networks("8.8.0.0/24")
        envoy.apply(policy(files, near_tls, west), "--no-validate")
        eventually_further(near)
    finally:
        clients.stop()
        envoy.stop()
    assert clients.failures == []


def contexts_made(envoy: FilesEnvoy) -> int:
    """How often Envoy has taken other files for the connections to the registry."""
    return sum(envoy.stats(r"^cluster\.near\..*ssl_context_update_by_sds$").values())


def eventually_further(registry: Registry) -> None:
    """Waits until the registry has served further requests."""
    before = registry.count
    eventually(lambda: registry.count > before + 20)
