"""Measuring: `portolan bench` and `portolan compare-paths` against real registries.

Sees: what is asked of whom and in which order, that content is checked, that failures are counted,
who gets a password, what stands in the reports. Cannot see: whether the times are right, as
nothing on one machine is far away; the reports' arithmetic is for the unit tests.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from harness import image, paths, ports, skopeo
from harness.accounts import Account, write_htpasswd
from harness.cdn import Cdn
from harness.digest import sha256
from harness.envoy import Envoy, Policy
from harness.image import Image
from harness.policies import two_owners
from harness.private_registry import PrivateRegistry, htpasswd_settings
from harness.processes import Server
from harness.registry import Registry
from harness.signing import Signer
from harness.tls import Authority, Tls
from harness.token_service import TokenService

SECONDS = 60
ALICE = Account("alice", "s3cret: with a colon & more")
# Above the least that says anything of a speed, 1 MiB.
LAYER_BYTES = 1_200_000
LAYERS = 2
ROUNDS = 3
PARTS = ["tag", "manifest", "blobs"]
SUMMARY = {"average", "median", "p95", "minimum", "maximum"}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What it printed for programs."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def portolan(*arguments: str | Path, stdin: str = "", **variables: str) -> Done:
    """Runs the command line, with these variables and no others of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTOLAN_")}
    command = [paths.portolan(), *arguments]
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**environment, **variables},
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def large() -> Image:
    """An image whose layers are large enough to have a speed."""
    return image.build("measured", layers=LAYERS, layer_bytes=LAYER_BYTES)


@pytest.fixture(scope="module")
def place(work: Path, large: Image) -> Path:
    place = work / "measuring"
    large.write_layout(place / "layout", "v1")
    return place


@dataclass
class Stack:
    """A front with the filter, and the registry that it asks: `drycc/` is `acme/` there."""

    front: Envoy
    upstream: Registry

    @property
    def sides(self) -> list[str]:
        """Both, as they are typed."""
        return [f"http://127.0.0.1:{self.front.port}", self.upstream.url]

    names = ("--front-image", "drycc/app:v1", "--upstream-image", "acme/app:v1")


@pytest.fixture(scope="module")
def stack(
    place: Path, geo_database: Path, start_envoy: Callable[[Policy], Envoy]
) -> Iterator[Stack]:
    east, west = Registry("east", place), Registry("west", place)
    skopeo.push(place / "layout", "v1", f"{west.authority}/acme/app:v1")
    yield Stack(start_envoy(two_owners(east.url, west.url, geo_database)), west)
    for registry in (east, west):
        registry.stop()


def member(large: Image) -> tuple[str, list[str]]:
    """The digest of the amd64 manifest, and of its layers."""
    digest = large.children()[0]["digest"]
    manifest = json.loads(large.manifests[digest])
    return digest, [layer["digest"] for layer in manifest["layers"]]


# --- bench


def test_bench_measures_every_part_of_a_pull(stack: Stack, large: Image, tmp_path: Path) -> None:
    before = len(stack.upstream.requests())
    picture = tmp_path / "bench.svg"
    done = portolan(
        *("bench", *stack.sides, *stack.names, "--runs", str(ROUNDS), "--json", "--plot", picture)
    )
    assert done.status == 0, done.err
    report = done.document
    digest, layers = member(large)
    assert report["front"]["digest"] == report["upstream"]["digest"] == large.digest
    assert report["manifest"] == digest
    assert report["layers"] == LAYERS
    assert report["bytes"] == sum(len(large.blobs[layer]) for layer in layers)
    assert [part["part"] for part in report["parts"]] == PARTS
    for part in report["parts"]:
        for side in ("front", "upstream"):
            measured = part[side]
            assert (measured["succeeded"], measured["failed"]) == (ROUNDS, 0)
            assert set(measured["seconds"]) == SUMMARY
            assert [run["round"] for run in measured["runs"]] == [1, 2, 3]
            assert (measured["bytes_per_second"] is not None) == (part["part"] == "blobs")
        medians = [part[side]["seconds"]["median"] for side in ("front", "upstream")]
        assert part["ratio_of_medians"] == pytest.approx(medians[0] / medians[1])
    # Every layer came as often as was said: for the front and for the upstream itself.
    asked = stack.upstream.requests()[before:]
    for layer in layers:
        assert asked.count(f"GET /v2/acme/app/blobs/{layer}") == 2 * ROUNDS
    assert asked.count(f"GET /v2/acme/app/manifests/{digest}") == 2 * ROUNDS + 1, "and one to plan"
    circles = ElementTree.parse(picture).getroot().findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 2 * ROUNDS * len(PARTS) + 2, "a dot a run, and two in the legend"


def test_bench_takes_turns_and_says_so(stack: Stack) -> None:
    done = portolan(*("bench", *stack.sides, *stack.names, "--runs", "2", "--blob", "largest"))
    assert done.status == 0, done.err
    turns = re.findall(r"^(\d)/2 (.+), (front|upstream): [\d.]+ \S+$", done.err, re.MULTILINE)
    titles = ["resolve by tag", "manifest by digest", "layers"]
    orders = {"1": ["front", "upstream"], "2": ["upstream", "front"]}
    assert turns == [(number, title, side) for number in "12" for title in titles for side in orders[number]]
    for title in titles:
        assert re.search(rf"^{title}\n +runs +failed +average +median +p95 +min +max", done.out, re.MULTILINE)
    assert re.search(r"^2 runs of each, in turns; linux/amd64; 1 layer of 1\.20 MB", done.out, re.MULTILINE)
    assert len(re.findall(r"^front / upstream: [\d.]+ \(.+\)$", done.out, re.MULTILINE)) == len(titles)


def test_bench_counts_content_that_is_damaged(place: Path, stack: Stack, large: Image) -> None:
    damaged = Registry("damaged", place)
    skopeo.push(place / "layout", "v1", f"{damaged.authority}/acme/app:v1")
    _, layers = member(large)
    encoded = layers[0].removeprefix("sha256:")
    blob = place / f"damaged/storage/docker/registry/v2/blobs/sha256/{encoded[:2]}/{encoded}/data"
    content = bytearray(blob.read_bytes())
    content[LAYER_BYTES // 2] ^= 1
    blob.write_bytes(content)
    sides = [damaged.url, stack.upstream.url, "--image", "acme/app:v1", "--runs", "2"]

    report = portolan("bench", *sides, "--json")
    human = portolan("bench", *sides)
    damaged.stop()

    assert (report.status, human.status) == (1, 1)
    tag, manifest, blobs = report.document["parts"]
    assert (tag["front"]["failed"], manifest["front"]["failed"]) == (0, 0)
    assert (blobs["front"]["succeeded"], blobs["front"]["failed"]) == (0, 2)
    assert blobs["upstream"]["failed"] == 0
    assert blobs["front"]["seconds"] is None
    assert blobs["ratio_of_medians"] is None
    assert all(f"came for {layers[0]}" in run["error"] for run in blobs["front"]["runs"])
    assert "no ratio" in human.out
    assert re.search(r"^front, 2 failed: .*damaged", human.out, re.MULTILINE)


def test_bench_refuses_what_cannot_be_compared(stack: Stack) -> None:
    nowhere = f"http://127.0.0.1:{ports.dead()}"
    front, upstream = stack.sides
    # fmt: off
    rows: list[tuple[list[str], int, str]] = [
        ([nowhere, upstream, "--image", "acme/app:v1"], 1, rf"the front: {nowhere}/v2/.*refused"),
        ([upstream, nowhere, "--image", "acme/app:v1"], 1, rf"the upstream: {nowhere}/v2/.*refused"),
        ([upstream, upstream, "--image", "acme/app:v9"], 1, r"manifests/v9 answered 404"),
        ([front, upstream, "--image", "nobody/has:v1"], 1, r"the front: .*/v2/nobody/has/manifests/v1 answered 404"),
        ([upstream, upstream, "--image", "acme/app:v1", "--platform", "linux/s390x"], 1, "only for linux/amd64, linux/arm64"),
        ([front, upstream], 2, "name an image"),
        ([front, upstream, "--front-image", "a:v1"], 2, "name the image at the upstream too"),
        ([front, "registry.example.com", "--image", "a:v1"], 2, "write a registry's URL"),
        (["https://alice:pw@r.example", upstream, "--image", "a:v1"], 2, "no credentials"),
        ([front, upstream, "--image", "a:v1", "--username", "alice"], 2, "set PORTOLAN_FRONT_PASSWORD"),
        ([front, upstream, "--image", "a:v1", "--username", "alice:pw"], 2, "the password is no argument"),
    ]
    # fmt: on
    for arguments, status, message in rows:
        done = portolan("bench", *arguments)
        assert (done.status, done.out) == (status, ""), arguments
        assert re.search(message, done.err), f"{arguments}: {done.err}"


# --- who is asked for a password, and who gets it


@dataclass
class Private:
    """A front that wants tokens and sends blobs from elsewhere, an upstream that wants a password."""

    front: PrivateRegistry
    upstream: PrivateRegistry
    service: TokenService
    cdn: Cdn


@pytest.fixture(scope="module")
def private(place: Path) -> Iterator[Private]:
    service = TokenService(Signer(place / "signer"), [ALICE])
    cdn = Cdn(place / "private-front-inside" / "storage")
    front = PrivateRegistry("private-front", place, service.registry_settings(), blobs_at=cdn.base)
    passwords = htpasswd_settings(write_htpasswd(place / "htpasswd", [ALICE]))
    upstream = PrivateRegistry("private-upstream", place, passwords)
    for registry in (front, upstream):
        for repository in ("public/app", "private/app"):
            skopeo.push(place / "layout", "v1", f"{registry.inside.authority}/{repository}:v1")
    yield Private(front, upstream, service, cdn)
    front.stop()
    upstream.stop()
    service.close()
    cdn.close()


@pytest.mark.parametrize("by", ["environment", "stdin"])
def test_bench_sends_passwords_to_the_token_service_alone(private: Private, by: str) -> None:
    private.service.forget()
    private.cdn.forget()
    arguments = [private.front.url, private.upstream.url, "--image", "private/app:v1", "--runs", "2", "--json"]
    if by == "stdin":
        done = portolan("bench", *arguments, "--username", ALICE.user, "--password-stdin", stdin=ALICE.password)
    else:
        done = portolan("bench", *arguments, "--username", ALICE.user, PORTOLAN_PASSWORD=ALICE.password)
    assert done.status == 0, done.err
    assert ALICE.password not in done.out + done.err
    assert private.service.saw(ALICE.password)
    assert len(private.service.requests) == 1, "a token lasts for more than one run"
    assert {scope for asked in private.service.requests for scope in asked.scopes} == {
        "repository:private/app:pull"
    }
    assert len(private.cdn.seen) == 2 * LAYERS
    # The same host: only the port is another.
    assert not any("authorization" in seen.names for seen in private.cdn.seen)


def test_bench_gets_a_token_for_a_public_image_without_a_password(private: Private, stack: Stack) -> None:
    private.service.forget()
    names = ("--front-image", "public/app:v1", "--upstream-image", "acme/app:v1")
    done = portolan("bench", private.front.url, stack.upstream.url, *names, "--runs", "1")
    assert done.status == 0, done.err
    assert [asked.authorization for asked in private.service.requests] == [None]


def test_bench_says_why_a_registry_refuses(private: Private, stack: Stack) -> None:
    private.service.habits.refuses_empty_grants = True
    wrong = {"PORTOLAN_PASSWORD": "not that one"}
    own = ("--front-image", "private/app:v1", "--upstream-image", "acme/app:v1")
    # fmt: off
    rows: list[tuple[PrivateRegistry, list[str], dict[str, str], str]] = [
        (private.front, [], {}, "gives a client without a user no token"),
        (private.front, ["--front-username", ALICE.user], wrong, "gives this user, or with this password, no token"),
        (private.upstream, [], {}, "wants a user and a password; see `--username`"),
        (private.upstream, ["--front-username", ALICE.user], wrong, "answered 401"),
    ]
    # fmt: on
    for registry, more, variables, message in rows:
        done = portolan("bench", registry.url, stack.upstream.url, *own, *more, **variables)
        assert (done.status, done.out) == (1, ""), done
        assert message in done.err
    private.service.habits.refuses_empty_grants = False


# --- compare-paths


def test_compare_paths_measures_ways_side_by_side(stack: Stack, large: Image, place: Path) -> None:
    _, layers = member(large)
    cdn = Cdn(place / "layout")
    url = f"{cdn.base}/blobs/sha256/{layers[0].removeprefix('sha256:')}?signature=abc"
    most = 1_100_000
    arguments = [*stack.sides, *stack.names, "--url", url, "--bytes", str(most), "--rounds", str(ROUNDS)]

    report = portolan("compare-paths", *arguments, "--json")
    human = portolan("compare-paths", *arguments)
    cdn.close()

    assert (report.status, human.status) == (0, 0), report.err + human.err
    ways = report.document["ways"]
    assert [way["way"] for way in ways] == ["front", "upstream", "127.0.0.1"]
    for way in ways:
        assert (way["succeeded"], way["failed"]) == (ROUNDS, 0)
        assert all(set(way[lap]) == SUMMARY for lap in ("dns", "connect", "first_byte", "bytes_per_second"))
        assert way["tls"] is None, "plain HTTP"
        assert [walk["bytes"] for walk in way["walks"]] == [most] * ROUNDS
        assert all(walk["connect"] > 0 for walk in way["walks"]), "a connection of its own each time"
    assert "signature" not in report.out + human.out + human.err
    turns = re.findall(r"^(\d)/3 (\S+): first byte", human.err, re.MULTILINE)
    there = ["front", "upstream", "127.0.0.1"]
    back = there[::-1]
    assert [way for _, way in turns] == there + back + there
    assert re.search(r"^ +ok +failed +DNS +connect +TLS +first byte +speed$", human.out, re.MULTILINE)
    assert "neither is nearer" in human.out
    assert len(re.findall(r"^\* 127\.0\.0\.1 sends .*, the front ", human.out, re.MULTILINE)) == 1


def test_compare_paths_pings_registries_where_no_image_is_given(stack: Stack, private: Private) -> None:
    done = portolan("compare-paths", private.front.url, stack.upstream.url, "--rounds", "1", "--json")
    assert done.status == 0, done.err
    front, upstream = done.document["ways"]
    assert front["url"] == f"{private.front.url}/v2/", "and its 401 is an answer like any other"
    assert front["bytes_per_second"] is upstream["bytes_per_second"] is None


def test_compare_paths_follows_redirects(private: Private, stack: Stack, large: Image) -> None:
    names = ("--front-image", "public/app:v1", "--upstream-image", "acme/app:v1")
    done = portolan("compare-paths", private.front.url, stack.upstream.url, *names, "--rounds", "2")
    assert done.status == 0, done.err
    assert "The front redirects to 127.0.0.1 for the content" in done.out


def test_compare_paths_trusts_the_given_certificate_authority(stack: Stack, place: Path) -> None:
    authority = Authority(place / "authority")
    terminator = Tls(stack.upstream.port, authority.issue("localhost"))
    secure = f"https://localhost:{terminator.port}"
    arguments = [secure, stack.upstream.url, "--image", "acme/app:v1"]
    trusting = {"SSL_CERT_FILE": str(authority.certificate)}

    ways = portolan("compare-paths", *arguments, "--rounds", "2", "--json", **trusting)
    bench = portolan("bench", *arguments, "--runs", "1", **trusting)
    distrusting = portolan("bench", *arguments, "--runs", "1")
    terminator.close()

    assert (ways.status, bench.status, distrusting.status) == (0, 0, 1), ways.err + bench.err
    front, upstream = ways.document["ways"]
    assert all(walk["tls"] > 0 for walk in front["walks"]), "a handshake each time, in full"
    assert upstream["tls"] is None
    assert "certificate" in distrusting.err
    assert "SSL_CERT_FILE" in distrusting.err


def test_compare_paths_counts_ways_that_fail(stack: Stack) -> None:
    nowhere = f"http://127.0.0.1:{ports.dead()}/layer"
    missing = f"{stack.upstream.url}/v2/acme/app/blobs/{sha256(b'nothing')}"
    urls = ("--url", nowhere, "--url", missing)
    done = portolan("compare-paths", *stack.sides, *urls, "--rounds", "2")
    assert done.status == 1
    assert re.search(r"^127\.0\.0\.1, failed: .*/layer: .*refused", done.out, re.MULTILINE)
    assert re.search(r"^127\.0\.0\.1, failed: .* answered 404 \(BLOB_UNKNOWN", done.out, re.MULTILINE)
    assert len(re.findall(r"^127\.0\.0\.1 +0 +2( +-){5}$", done.out, re.MULTILINE)) == 2


@pytest.fixture
def iperf(tmp_path: Path) -> Iterator[str]:
    """A real iperf3 server."""
    port = ports.free()
    command: list[str | Path] = [paths.need_command("iperf3"), "--server", "--port", str(port)]
    # Its output is a file, which it would not flush before its end.
    server = Server("iperf3", [*command, "--forceflush"], tmp_path)
    server.wait_until(lambda: _listens(server, port), "it listens")
    yield f"127.0.0.1:{port}"
    server.stop()


def _listens(server: Server, port: int) -> bool | None:
    return True if f"listening on {port}" in server.out.read_text(errors="replace") else None


@pytest.mark.skipif(shutil.which("iperf3") is None, reason="iperf3 is not on this machine")
def test_iperf_measures_the_network(stack: Stack, iperf: str) -> None:
    quick = ("--rounds", "1", "--iperf", iperf, "--iperf-seconds", "1")
    report = portolan("compare-paths", *stack.sides, *stack.names, *quick, "--json")
    assert report.status == 0, report.err
    (trial,) = report.document["iperf"]
    assert trial["server"] == iperf
    for mode in ("single", "parallel", "reverse"):
        assert trial[mode]["bits_per_second"] > 1e6
        assert trial[mode]["bytes"] > 0
    streams, directions, front, upstream = trial["meaning"]
    assert streams.startswith("One stream gets ")
    assert directions.startswith("To the server ")
    assert front.startswith("The network carries ")
    assert upstream.startswith("The network carries ")


@pytest.mark.skipif(shutil.which("iperf3") is None, reason="iperf3 is not on this machine")
def test_iperf_without_a_server_is_said(stack: Stack) -> None:
    done = portolan("compare-paths", *stack.sides, "--rounds", "1", "--iperf", f"127.0.0.1:{ports.dead()}")
    assert done.status == 1
    assert len(re.findall(r"failed: iperf3: unable to connect to server", done.out)) == 3


def test_without_iperf_it_says_how_to_get_it(stack: Stack, tmp_path: Path) -> None:
    arguments = ["compare-paths", *stack.sides, "--rounds", "1", "--iperf", "iperf.example"]
    done = portolan(*arguments, PATH=str(tmp_path))
    assert done.status == 1
    assert "apt-get install iperf3" in done.err
    assert re.search(r"^front +1 +0 ", done.out, re.MULTILINE), "the rest is measured"
