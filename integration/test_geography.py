"""Geography that can be trusted: what becomes of a database that is bad, who is told, how clients are mended.

Sees what Envoy takes for a database and what `portolan geoip install`, `update` and `audit` make of that, and a real
Prometheus that judges the alert rules. Cannot see whether a public database is right; `audit` is for that.
"""

import base64
import hashlib
import http.server
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import mmdb, portolan, ports, raw
from harness.bootstrap import Bootstrap
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_for_all, rule_of
from harness.prometheus import Prometheus, rules
from harness.scripted import Answer, Scripted
from harness.waiting import eventually, stays

TARGET = "/v2/app/tags/list"
# 8.0.0.0 to 8.15.255.255: every second /24 in China, the others in the United States.
COUNT = 4096
CLIENT = "8.8.0.9"
SMALL = ("--least-coverage", "0")


def policy(upstream: Scripted, database: Path, more: Policy | None = None) -> Policy:
    """Two regions, each with a backend of its own; both are one server."""
    return build_policy(
        {name: f"{upstream.url}/{name}" for name in ("near", "far")},
        rule_for_all({"cn": ["near", "far"], "default": ["far", "near"]}, replicas=["near", "far"]),
        regions={"cn": {"countries": ["CN"]}, "default": {}},
        clients={"trusted_hops": 1, "geo": {"database": str(database)}},
        **(more or {}),
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound database."""
    directory = tmp_path_factory.mktemp("good")
    lines = [f"8.{n >> 8}.{n & 255}.0/24,{'US' if n & 1 else 'CN'}\n" for n in range(COUNT)]
    (directory / "own.csv").write_text("".join(lines))
    database = directory / "good.mmdb"
    portolan.output("geoip", "build", "--date", "2026-06-01", "--output", database, directory / "own.csv")
    return database


def zeroed(good: Path) -> bytes:
    """The same with zeros in its middle, as a disk or a copy that broke off leaves it."""
    damaged = bytearray(good.read_bytes())
    # The nodes that lead to the client lie about there: it is in the middle of the addresses.
    third = len(damaged) // 3
    damaged[third : 2 * third] = bytes(third)
    return bytes(damaged)


BAD: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "zeros in its middle": (zeroed, "is damaged"),
    "of autonomous systems": (
        lambda _: mmdb.write({"8.0.0.0/8": {"autonomous_system_number": mmdb.Unsigned(3356)}}),
        "give a country or a city database",
    ),
    "of a flat shape": (
        lambda _: mmdb.write({"8.0.0.0/8": {"country_code": "CN"}}),
        "has flat records",
    ),
    "of hardly any address": (
        lambda _: mmdb.write({"192.0.2.0/24": {"country": {"iso_code": "CN"}}}),
        "change their place",
    ),
}


def ask(envoy: Envoy, client: str = CLIENT) -> str:
    """The region of a client, by the access log."""
    envoy.forget_log()
    envoy.request("GET", TARGET, [("X-Forwarded-For", client)])
    (entry,) = envoy.log_entries(1)
    return str(entry["region"])


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, good: Path) -> Path:
    """The database in use."""
    database = tmp_path_factory.mktemp("live") / "geoip.mmdb"
    shutil.copy(good, database)
    return database


@pytest.fixture(scope="module")
def envoy(
    west: Scripted, live: Path, start: Callable[[Bootstrap], Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Envoy:
    """An Envoy with the database in use, and with numbers for Prometheus."""
    directory = tmp_path_factory.mktemp("policy")
    admin, metrics = f"127.0.0.1:{ports.free()}", f"127.0.0.1:{ports.free()}"
    return start(render(policy(west, live), directory, admin=admin, metrics=metrics))


def install(file: Path, live: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`portolan geoip install`, whatever comes of it."""
    return portolan.run("geoip", "install", file, "--output", live, *SMALL, *options)


def put_in_place(file: Path, live: Path) -> None:
    """It must succeed."""
    done = install(file, live)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_database_is_taken_by_envoy_and_refused_by_install(
    envoy: Envoy, live: Path, good: Path, tmp_path: Path, kind: str
) -> None:
    make, told = BAD[kind]
    bad = tmp_path / "bad.mmdb"
    bad.write_bytes(make(good))
    put_in_place(good, live)
    eventually(lambda: ask(envoy) == "cn")

    done = install(bad, live)
    assert done.returncode == 1 and told in done.stderr, done.stderr
    assert live.read_bytes() == good.read_bytes(), "the one in use stays"
    assert ask(envoy) == "cn"

    # What happens without: Envoy counts a success, and the client is nowhere.
    before = reloads(envoy)
    beside = live.with_name("beside.mmdb")
    shutil.copy(bad, beside)
    beside.rename(live)
    eventually(lambda: reloads(envoy) > before)
    eventually(lambda: ask(envoy) == "default")
    check = portolan.run("check", "--files", envoy_policy(live, tmp_path))
    if kind != "of hardly any address":
        assert check.returncode == 1 and told in check.stderr, check.stderr
    put_in_place(good, live)
    eventually(lambda: ask(envoy) == "cn")


def reloads(envoy: Envoy) -> int:
    """How often Envoy took a new database."""
    return sum(envoy.stats(r"^maxmind\..*\.db_reload_success$").values())


def envoy_policy(live: Path, directory: Path) -> Path:
    """A policy that names the database, for `check --files`."""
    path = directory / "check.yaml"
    path.write_text(
        yaml.safe_dump(
            build_policy(
                {"a": "https://a.example"},
                rule_of("r", ["a"], repositories=["**"]),
                regions={"cn": {"countries": ["CN"]}, "default": {}},
                clients={"geo": {"database": str(live)}},
            )
        )
    )
    return path


def test_older_data_is_let_in_only_on_request(envoy: Envoy, live: Path, good: Path, tmp_path: Path) -> None:
    older = tmp_path / "older.mmdb"
    portolan.output(
        "geoip", "build", "--date", "2026-05-01", "--output", older, good.with_name("own.csv")
    )
    put_in_place(good, live)
    refused = install(older, live)
    assert refused.returncode == 1 and "--older" in refused.stderr
    assert install(older, live, "--older", "--dry-run").returncode == 0
    assert live.read_bytes() == good.read_bytes()
    assert install(older, live, "--older").returncode == 0
    eventually(lambda: build_epoch(envoy) == 1_777_593_600)
    put_in_place(good, live)
    eventually(lambda: build_epoch(envoy) == 1_780_272_000)
    assert ask(envoy) == "cn"


def build_epoch(envoy: Envoy) -> int:
    """Of which day Envoy says that its data is."""
    return max(envoy.stats(r"^maxmind\..*\.db_build_epoch$").values())


def metrics_address(envoy: Envoy) -> str:
    """Where Prometheus asks."""
    for line in envoy.admin("/listeners").decode().splitlines():
        if line.startswith("portolan-metrics::"):
            return line.removeprefix("portolan-metrics::")
    raise AssertionError("there is no listener for metrics")


def test_no_metric_has_a_path_in_its_name(envoy: Envoy, live: Path) -> None:
    ask(envoy)
    port = int(metrics_address(envoy).rpartition(":")[2])
    lines = raw.request(port, "GET", "/metrics").body.decode().splitlines()
    geography = [line for line in lines if "maxmind" in line and not line.startswith("#")]
    names = {line.partition("{")[0] for line in geography}
    assert names == {
        "envoy_http_maxmind_city_db_hit",
        "envoy_http_maxmind_city_db_lookup_error",
        "envoy_http_maxmind_city_db_total",
        "envoy_maxmind_city_db_db_build_epoch",
        "envoy_maxmind_city_db_db_reload_error",
        "envoy_maxmind_city_db_db_reload_success",
    }
    epoch = next(line for line in geography if "build_epoch" in line)
    assert f'envoy_geoip_database="{live}"' in epoch, epoch


class Traffic:
    """Requests of one client, one after the other, until it is stopped."""

    def __init__(self, envoy: Envoy) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(envoy,))
        self._thread.start()

    def _run(self, envoy: Envoy) -> None:
        while not self._stop.wait(0.1):
            envoy.request("GET", TARGET, [("X-Forwarded-For", CLIENT)])

    def stop(self) -> None:
        """Waits for the last of them."""
        self._stop.set()
        self._thread.join()


def test_the_drill(
    envoy: Envoy,
    west: Scripted,
    live: Path,
    good: Path,
    start_envoy: Callable[[Policy], Envoy],
    tmp_path: Path,
) -> None:
    """The drill of geoip-data/README.md: a wrong database, an alert, a good one, a client who is mended."""
    put_in_place(good, live)
    eventually(lambda: ask(envoy) == "cn")
    prometheus = Prometheus(metrics_address(envoy), rules(tmp_path, "geography.rules.yaml"), tmp_path / "p")
    traffic = Traffic(envoy)
    try:
        stays(lambda: "PortolanClientsUnlocated" not in prometheus.firing(), for_=10)
        wrong = live.with_name("wrong.mmdb")
        wrong.write_bytes(mmdb.write({"8.0.0.0/8": {"autonomous_system_number": mmdb.Unsigned(3356)}}))
        wrong.rename(live)
        fired = eventually(lambda: prometheus.firing().get("PortolanClientsUnlocated"))
        assert "finds no country" in fired["annotations"]["summary"], fired
        put_in_place(good, live)
        eventually(lambda: "PortolanClientsUnlocated" not in prometheus.firing(), within=120)
    finally:
        traffic.stop()
        prometheus.stop()

    # An office that the database has in China is in Ireland.
    (tmp_path / "offices.csv").write_text("# RFC 8805\n8.8.0.0/24,IE,IE-D,Dublin,\n8.8.2.0/24,CN,,,\n")
    policy_file = tmp_path / "policy.yaml"
    policy_file.write_text(yaml.safe_dump(policy(west, live)))
    log = tmp_path / "access.log"
    log.write_bytes(envoy.server.out.read_bytes())
    mended = portolan.output(
        "geoip", "audit", policy_file, "--list", tmp_path / "offices.csv", "--access-log", log, "--asked"
    )
    networks = yaml.safe_load(mended)
    assert networks == {"networks": {"audit:default": ["8.8.0.0/24"]}}, mended
    (line,) = re.findall(r"^# 8\.8\.0\.0/24: (\d+) requests; in cn, and belongs to default", mended, re.M)
    assert int(line) > 10

    new = policy(west, live, networks)
    new["regions"] = {"cn": {"countries": ["CN"]}, "default": {"labels": ["audit:default"]}}
    after = start_envoy(new)
    assert ask(after) == "default"
    assert ask(after, "8.8.2.9") == "cn", "others stay where they are"


def test_clients_that_wait_longer_for_the_nearest_backend_are_found(
    east: Scripted, west: Scripted, live: Path, good: Path, start_envoy: Callable[[Policy], Envoy], tmp_path: Path
) -> None:
    """The log of a real Envoy: half of the requests are answered by the near registry, the others while it is down."""

    def slow(_seen: object) -> Answer:
        time.sleep(0.08)
        return Answer(200, [], b"{}")

    put_in_place(good, live)
    west.script = slow
    east.answer(Answer(200, [], b"{}"))
    document = policy(west, live)
    document["backends"] = {"near": {"url": west.url}, "far": {"url": east.url}}
    envoy = start_envoy(document)

    def answered_by(backend: str) -> int:
        envoy.request("GET", TARGET, [("X-Forwarded-For", CLIENT)])
        lines = envoy.server.out.read_bytes().split(b"\n")[:-1]
        entries = [json.loads(line) for line in lines if line.startswith(b"{")]
        return sum(entry["backend"] == backend and entry["attempts"] == 1 for entry in entries)

    eventually(lambda: answered_by("near") >= 6)
    west.health = 503
    try:
        eventually(lambda: answered_by("far") >= 6)
    finally:
        west.health = 200
    policy_file, log = tmp_path / "policy.yaml", tmp_path / "access.log"
    policy_file.write_text(yaml.safe_dump(document))
    log.write_bytes(envoy.server.out.read_bytes())
    mended = portolan.output("geoip", "audit", policy_file, "--access-log", log)
    assert yaml.safe_load(mended) == {"networks": {"audit:default": ["8.8.0.0/24"]}}, mended
    assert re.search(r"`near`, which is near, answers in \d+ ms, and `far` in \d+ ms", mended), mended


@pytest.fixture
def website(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server, and the directory that it serves."""
    directory = tmp_path / "www"
    directory.mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(directory))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", directory
    server.shutdown()
    server.server_close()


def update(source: dict[str, Any], live: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    """`portolan geoip update`, whatever comes of it."""
    path = directory / "source.yaml"
    path.write_text(yaml.safe_dump(source))
    return portolan.run("geoip", "update", path, "--output", live, *SMALL)


def test_an_update_is_proven_before_it_is_taken(
    envoy: Envoy, live: Path, good: Path, website: tuple[str, Path], tmp_path: Path
) -> None:
    url, www = website
    put_in_place(good, live)
    newer = www / "newer.mmdb"
    portolan.output("geoip", "build", "--date", "2026-07-01", "--output", newer, good.with_name("own.csv"))
    archive = www / "newer.tar.gz"
    subprocess.run(["tar", "-czf", archive, "-C", www, newer.name], check=True)

    key, public = tmp_path / "key.pem", tmp_path / "public.pem"
    openssl = partial(subprocess.run, check=True, capture_output=True)
    openssl(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key])
    openssl(["openssl", "pkey", "-in", key, "-pubout", "-out", public])
    signature = www / "newer.sig"
    openssl(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", archive, "-out", signature])

    signed = {"url": f"{url}/newer.tar.gz", "signature_url": f"{url}/newer.sig", "public_key_file": str(public)}
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-1] + b"x")
    refused = update(signed, live, tmp_path)
    assert refused.returncode == 1 and "not of this key, or not of these bytes" in refused.stderr
    assert live.read_bytes() == good.read_bytes()
    archive.write_bytes(whole)
    done = update(signed, live, tmp_path)
    assert done.returncode == 0 and "data of 2026-07-01 is in place" in done.stderr, done.stderr
    eventually(lambda: build_epoch(envoy) == 1_782_864_000)
    assert ask(envoy) == "cn"

    pinned = {"url": f"{url}/newer.mmdb", "sha256": hashlib.sha256(newer.read_bytes()).hexdigest()}
    again = update(pinned, live, tmp_path)
    assert again.returncode == 0 and "is there already" in again.stderr, again.stderr
    # Base64, as some publish signatures.
    signature.write_bytes(base64.b64encode(signature.read_bytes()))
    assert update(signed, live, tmp_path).returncode == 0
    assert install(good, live, "--older").returncode == 0


def test_the_age_of_networks_is_told(
    west: Scripted, live: Path, start: Callable[[Bootstrap], Envoy], tmp_path: Path
) -> None:
    document = policy(west, live, {"networks_published": {"aws": "2026-07-29"}})
    document["fronts"]["main"]["health"] = True
    envoy = start(render(document, tmp_path, admin=f"127.0.0.1:{ports.free()}"))
    body = envoy.request("GET", "/healthcheck").body.decode()
    assert '"networks_published":{"aws":"2026-07-29"}' in body, body
    assert "portolan: networks of aws: published 2026-07-29" in envoy.error_log()
