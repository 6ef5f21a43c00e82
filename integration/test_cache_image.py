"""The image `portolan-cache`: what is in it, and that it is a node of a cache when it is told which one.

Its files become the root directory of a process (chroot), which needs root. What Docker itself makes of the image is in the suite
of `make test-compose`.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import ports, raw
from harness.cache_tier import Store, digest_of, policy
from harness.envoy import write_policy
from harness.processes import Server
from harness.released_image import Archive, Root, build_of_nodes
from harness.scripted import Scripted
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")

PROGRAMS = {"usr/bin/traffic_server", "usr/local/bin/portolan"}
WRITABLE = {"run/portolan", "tmp", "var/cache/trafficserver"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return Archive(build_of_nodes(tmp_path_factory.mktemp("image")))


@pytest.fixture(scope="module")
def root(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Root:
    return Root(archive.unpack(tmp_path_factory.mktemp("root") / "files"), archive.config())


def test_it_has_no_shell_nothing_set_uid_and_few_places_to_write(archive: Archive) -> None:
    entries = archive.entries()
    programs = {entry.name for entry in entries if entry.isfile() and entry.mode & 0o111 and ".so" not in entry.name}
    assert programs == PROGRAMS
    assert not [entry.name for entry in entries if entry.mode & (stat.S_ISUID | stat.S_ISGID)]
    writable = {entry.name for entry in entries if not entry.issym() and (entry.mode & 0o002 or entry.uid == 101)}
    assert writable == WRITABLE


def test_it_says_what_it_is_and_how_it_runs(archive: Archive) -> None:
    run = archive.config()["config"]
    assert (run["User"], run["Entrypoint"]) == ("101:101", ["/usr/local/bin/portolan", "cache"])
    assert run["Labels"]["org.opencontainers.image.title"] == "portolan-cache"
    assert run["Labels"] == archive.manifest()["annotations"]


def filling(port: int = 0) -> tuple[Scripted, Store]:
    """What fills a node, and what it has."""
    fill, store = Scripted(port), Store()
    fill.script = store.fill
    return fill, store


@pytest.fixture(scope="module")
def fill() -> Iterator[tuple[Scripted, Store]]:
    fill, store = filling()
    yield fill, store
    fill.close()


def start(root: Root, directory: Path, fill_url: str, *more: str) -> tuple[int, Server]:
    """The second node of a policy, which runs in the image; its port."""
    port = ports.free()
    directory.mkdir()
    registry = Scripted()
    document = policy(registry, registry, [f"http://127.0.0.1:{ports.free()}", f"http://127.0.0.1:{port}"])
    registry.close()
    root.write("etc/portolan/portolan.yaml", write_policy(document, directory).read_text())
    server = root.serve(directory, "--node", "eu-2", "--fill-url", fill_url, "--size", "64M", *more)
    server.wait_until(lambda: root.run("status", f"http://127.0.0.1:{port}").returncode == 0 or None, "it is up")
    return port, server


@pytest.fixture(scope="module")
def node(root: Root, fill: tuple[Scripted, Store], work: Path) -> Iterator[tuple[int, Server]]:
    port, server = start(root, work / "cache-image", fill[0].url)
    yield port, server
    server.stop()


def get(port: int, path: str) -> raw.Response:
    """As Envoy asks."""
    return raw.request(port, "GET", path, [], None, "cache.internal")


def test_it_keeps_what_it_was_filled_with(node: tuple[int, Server], fill: tuple[Scripted, Store], root: Root) -> None:
    port, _ = node
    path, body = fill[1].fresh("team/app")
    uses = []
    for _ in range(2):
        answer = get(port, path)
        assert answer.body == body
        uses.append(answer.one("x-portolan-cache"))
    assert uses == ["miss", "hit"]
    (filled,) = (seen for seen in fill[0].seen if digest_of(body).encode() in seen.target)
    assert filled.all("portolan-cache-node") == [b"eu-2"]
    said = root.run("status", "/etc/portolan/portolan.yaml", "-o", "json").stdout
    assert '"node": "eu-2"' in said


def test_it_asks_again_as_soon_as_what_fills_it_is_back(root: Root, tmp_path: Path) -> None:
    """A connection that was refused does not make what fills it a server that is gone: a Service has one address for all."""
    fill_port = ports.free()
    (root.directory / "tmp/again").mkdir(mode=0o777)
    (root.directory / "tmp/again").chmod(0o777)
    places = ["--directory", "/tmp/again/run", "--store", "/tmp/again/store"]
    port, server = start(root, tmp_path / "again", f"http://127.0.0.1:{fill_port}", *places)
    assert get(port, Store().add("team/app", b"anything")).status in (502, 503)
    fill, store = filling(fill_port)
    path, body = store.fresh("team/app")
    eventually(lambda: get(port, path).body == body, within=20)
    server.stop()
    fill.close()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--node", "eu-3", "--fill-url", "http://a:1"], 2, "the policy has no node `eu-3`; its nodes are `eu-1`, `eu-2`"),
        (["--node", "eu-1", "--fill-url", "a:1"], 2, "write scheme, host and port"),
        (["--node", "eu-1", "--fill-url", "http://a:1", "--size", "10"], 2, "write a number and M, G or T"),
        (["--node", "eu-1", "--fill-url", "http://a:1", "--store", "/etc"], 2, "/etc: "),
        (["--node", "eu-1", "--fill-url", "http://a:1", "--server-program", "none"], 2, "install Traffic Server 9.2"),
    ],
)
def test_settings_that_the_image_refuses(
    node: tuple[int, Server], root: Root, arguments: list[str], status: int, said: str
) -> None:
    done = root.run("serve", *arguments, "--directory", "/tmp/other")
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
