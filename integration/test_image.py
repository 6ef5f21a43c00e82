"""The image: what is in it, that it needs nothing else, and that it does what `docker run` promises.

Its files become the root directory of a process (chroot), which needs root. What Docker itself makes of the image is
in the suite of `make test-compose`.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import portolan, ports, raw, skopeo
from harness.image import Image
from harness.processes import Server
from harness.registry import Registry
from harness.released_image import Archive, Root, build
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")

POLICY = """\
version: 1
fronts: {main: {hosts: [registry.test], default: true, health: true}}
backends: {east: {url: "URL", health_check: {interval: 1s, timeout: 1s}}}
regions: {default: {}}
rules: [{name: all, repositories: ["**"], chains: {default: [east]}, owner: east}]
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return Archive(build(tmp_path_factory.mktemp("image")))


@pytest.fixture(scope="module")
def root(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Root:
    return Root(archive.unpack(tmp_path_factory.mktemp("root") / "files"), archive.config())


@pytest.fixture(scope="module")
def east(work: Path) -> Iterator[Registry]:
    registry = Registry("east", work / "image")
    yield registry
    registry.stop()


def test_it_says_what_it_is_and_how_it_runs(archive: Archive) -> None:
    run = archive.config()["config"]
    assert (run["User"], run["Entrypoint"], run["Cmd"]) == ("101:101", ["/usr/local/bin/portolan"], ["serve"])
    labels = run["Labels"]
    assert labels["org.opencontainers.image.title"] == "portolan"
    assert labels["org.opencontainers.image.source"].startswith("https://")
    assert labels["org.opencontainers.image.created"] == archive.config()["created"]
    assert labels == archive.manifest()["annotations"]


def test_it_has_no_shell_nothing_set_uid_and_one_place_to_write(archive: Archive) -> None:
    entries = archive.entries()
    programs = {entry.name for entry in entries if entry.isfile() and entry.mode & 0o111 and ".so" not in entry.name}
    assert programs == {"usr/local/bin/envoy", "usr/local/bin/portolan"}
    assert not [entry.name for entry in entries if entry.mode & (stat.S_ISUID | stat.S_ISGID)]
    writable = {entry.name for entry in entries if not entry.issym() and (entry.mode & 0o002 or entry.uid == 101)}
    assert writable == {"run/portolan", "tmp"}


def test_a_registry_takes_it_and_gives_it_back(archive: Archive, east: Registry, tmp_path: Path) -> None:
    digest = archive.json("index.json")["manifests"][0]["digest"]
    skopeo.push_archive(archive.path, f"{east.authority}/portolan:v1")
    assert skopeo.pull_platform(f"{east.authority}/portolan:v1", "amd64", tmp_path / "pulled") == digest


def test_a_bad_policy_ends_it_with_the_words_of_check(root: Root) -> None:
    root.write("etc/portolan/portolan.yaml", POLICY.replace("owner: east", "owner: west"))
    served, checked = root.run("serve"), root.run("check", "--files", "/etc/portolan/portolan.yaml")
    assert (served.returncode, served.stderr, served.stdout) == (1, checked.stderr, "")
    assert "rules[0].owner" in served.stderr


def test_an_unfinished_container_says_which_file_it_wants(root: Root) -> None:
    served = root.run("serve", "/etc/portolan/none.yaml")
    assert served.returncode == 2
    assert "/etc/portolan/none.yaml" in served.stderr


@pytest.fixture(scope="module")
def running(root: Root, east: Registry, work: Path) -> Iterator[tuple[int, int, Server]]:
    """The front's port, that of the admin interface, and the server."""
    root.write("etc/portolan/portolan.yaml", POLICY.replace("URL", east.url))
    front, admin = ports.free(), ports.free()
    options = ["--listen", f"127.0.0.1:{front}", "--admin", f"127.0.0.1:{admin}"]
    server = root.serve(work / "image", *options, "--", "--concurrency", "1")
    server.wait_until(lambda: root.run("ready", "--admin", f"127.0.0.1:{admin}").returncode == 0 or None, "it is ready")
    yield front, admin, server
    server.stop()


def test_it_serves_what_was_pushed_through_it(
    running: tuple[int, int, Server], tmp_path: Path, app: Image
) -> None:
    front, _, server = running
    assert b"east" in raw.request(front, "GET", "/healthcheck", host="registry.test").body
    layout = tmp_path / "layout"
    app.write_layout(layout, "v1")
    skopeo.push(layout, "v1", f"127.0.0.1:{front}/demo/app:v1")
    assert skopeo.pull(f"127.0.0.1:{front}/demo/app:v1", tmp_path / "pulled") == app.digest
    # The access log is on the standard output, within half a second and not ten.
    eventually(lambda: b'"rule":"all"' in server.out.read_bytes(), what="the access log tells of the pull")


def test_it_says_whether_it_is_ready(running: tuple[int, int, Server], root: Root) -> None:
    _, admin, _ = running
    found = root.run("ready", "--admin", f"127.0.0.1:{admin}")
    assert (found.returncode, found.stdout) == (0, "LIVE\n")
    nobody = root.run("ready", "--admin", f"127.0.0.1:{ports.free()}")
    assert nobody.returncode == 1


def test_the_command_line_is_there(root: Root) -> None:
    version = portolan.run("--version").stdout
    assert root.run("--version").stdout == version
    assert root.run("explain", "/etc/portolan/portolan.yaml", "GET", "/v2/x/manifests/v1").returncode == 0
