"""What clients need to pull through a front, made of its policy: by real clients that are given nothing else.

Images have names of Docker Hub and GHCR that exist at neither, so that a pull can only succeed through the front.
"""

import json
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import own_port, paths, portolan, skopeo
from harness.clients import needs
from harness.clients.ctr import Ctr
from harness.clients.docker import Docker
from harness.clients.podman import Podman
from harness.containerd import Containerd
from harness.docker import Docker as Engine
from harness.envoy import Envoy, Policy, render, write_policy
from harness.image import Image
from harness.policies import build_policy
from harness.registry import Registry

HUB, GHCR = "docker.io/library/portolan-test:v1", "ghcr.io/portolan-test/app:v1"
TREE = {"docker.io/hosts.toml", "ghcr.io/hosts.toml"}


@dataclass
class Place:
    """A front, the registries behind it, and one that its policy does not know."""

    policy: Path
    envoy: Envoy
    authority: str
    hub: Registry
    ghcr: Registry
    stranger: Registry

    def printed(self, client: str, *options: str) -> str:
        """What the command prints for a client of the front, which has no TLS here."""
        how = ("--front", "mirror", "--scheme", "http", "--for", client, *options)
        return portolan.output("clients", self.policy, *how)

    def write(self, client: str, path: Path, *options: str) -> Path:
        """The same as files."""
        self.printed(client, "--output", str(path), *options)
        return path

    def served(self, path: str, host: str | None = None) -> tuple[int, str | None, str]:
        """Status, type and body of what the front answers."""
        answer = self.envoy.request("GET", path, host=host or self.authority)
        if answer.status == 200:
            assert answer.one("cache-control") == "no-store"
        return answer.status, answer.one("content-type"), answer.body.decode()


def _policy(port: int, hub: Registry, ghcr: Registry) -> Policy:
    aliases = ["docker.io", "index.docker.io", "registry-1.docker.io"]
    return build_policy(
        {
            "hub": {"url": hub.url, "names": [{"front": "docker.io/", "backend": ""}]},
            "ghcr": {"url": ghcr.url, "names": [{"front": "ghcr.io/", "backend": ""}]},
        },
        fronts={
            "mirror": {
                "hosts": [f"127.0.0.1:{port}", "mirror.test"],
                "client_configuration": True,
                "upstreams": {
                    "docker.io": {"library": True, "ns": aliases, "hosts": [f"localhost:{port}"]},
                    "ghcr.io": {},
                },
                "default_upstream": "docker.io",
            },
            "quiet": {"hosts": ["quiet.test"]},
        },
        rules=[
            {"name": name, "repositories": [f"{prefix}/**"], "chains": {"default": [name]}}
            for name, prefix in (("hub", "docker.io"), ("ghcr", "ghcr.io"))
        ],
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, app: Image) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("client-configuration")
    layout = directory / "layout"
    app.write_layout(layout, "image")
    registries = [Registry(name, directory) for name in ("hub", "ghcr", "stranger")]
    names = ("library/portolan-test", "portolan-test/app", "portolan-test/app")
    for registry, name in zip(registries, names, strict=True):
        skopeo.push(layout, "image", f"{registry.authority}/{name}:v1")
    hub, ghcr, stranger = registries
    port = own_port.reserve()
    policy = write_policy(_policy(port, hub, ghcr), directory)
    envoy = Envoy(render(policy, directory, port), directory / "envoy")
    yield Place(policy, envoy, f"127.0.0.1:{port}", hub, ghcr, stranger)
    crashes = envoy.crashes()
    for server in (envoy, *registries):
        server.stop()
    assert not crashes


def asked(registry: Registry, reference: str) -> bool:
    """Whether a registry was asked for the tag of a reference."""
    name = reference.partition("/")[2].replace(":", "/manifests/")
    return any(request.split(" ")[1] == f"/v2/{name}" for request in registry.requests())


# --- the files


def files_of_tree(text: str) -> dict[str, str]:
    """The files of a printed tree: a line with the path stands before each."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines(keepends=True):
        if line.startswith("# ") and line.endswith("/hosts.toml\n"):
            found[line.removeprefix("# ").strip()] = []
        else:
            list(found.values())[-1].append(line)
    return {path: "".join(lines).strip() + "\n" for path, lines in found.items()}


READERS: dict[str, Callable[[str], Any]] = {
    "k3s": yaml.safe_load,
    "docker": json.loads,
    "podman": tomllib.loads,
    "cri-o": tomllib.loads,
    "buildkit": tomllib.loads,
}
FILES = {
    "k3s": ("/registries.yaml", "application/yaml"),
    "docker": ("/daemon.json", "application/json"),
    "podman": ("/registries.conf", "application/toml"),
    "cri-o": ("/registries.conf", "application/toml"),
    "buildkit": ("/buildkitd.toml", "application/toml"),
}


@pytest.mark.parametrize("client", FILES)
@pytest.mark.parametrize("options", [(), ("--by-path",)], ids=["as usual", "by path"])
def test_every_file_can_be_read(place: Place, client: str, options: tuple[str, ...], tmp_path: Path) -> None:
    text = place.printed(client, *options)
    assert READERS[client](text)
    written = place.write(client, tmp_path / "new" / "file", *options)
    assert written.read_text() == text
    assert [each.name for each in written.parent.iterdir()] == ["file"]


def test_the_tree_of_containerd(place: Place, tmp_path: Path) -> None:
    printed = files_of_tree(place.printed("containerd"))
    assert set(printed) == TREE | {f"{host}/hosts.toml" for host in own_hosts(place)}
    tree = place.write("containerd", tmp_path / "certs.d")
    written = {str(path.relative_to(tree)): path.read_text() for path in tree.rglob("*") if path.is_file()}
    assert written == printed
    hub = tomllib.loads(printed["docker.io/hosts.toml"])
    assert hub["server"] == "https://registry-1.docker.io"
    assert hub["host"] == {f"http://{place.authority}": {"capabilities": ["pull", "resolve"]}}
    by_path = files_of_tree(place.printed("containerd", "--by-path"))
    host = tomllib.loads(by_path["ghcr.io/hosts.toml"])["host"]
    assert host[f"http://{place.authority}/v2/ghcr.io"]["override_path"] is True


def own_hosts(place: Place) -> list[str]:
    """The front's hosts, as its policy has them."""
    port = place.authority.partition(":")[2]
    return [place.authority, "mirror.test", f"localhost:{port}"]


@pytest.mark.parametrize("client", FILES)
def test_the_front_serves_what_is_printed(place: Place, client: str) -> None:
    path, kind = FILES[client]
    assert place.served(path) == (200, kind, place.printed(client))


def test_the_front_serves_the_tree(place: Place) -> None:
    for path, text in files_of_tree(place.printed("containerd")).items():
        assert place.served(f"/containerd/{path}") == (200, "application/toml", text)
    head = place.envoy.request("HEAD", "/registries.yaml", host=place.authority)
    assert (head.status, head.body) == (200, b"")


def test_the_host_is_the_one_that_was_asked(place: Place) -> None:
    """But for one that names a registry: all that is asked there is that registry's."""
    port = place.authority.partition(":")[2]
    rows = {
        "mirror.test": "mirror.test",
        "MIRROR.test:80": "mirror.test",
        f"localhost:{port}": place.authority,
    }
    for host, expected in rows.items():
        mirrors = yaml.safe_load(place.served("/registries.yaml", host)[2])["mirrors"]
        assert mirrors["ghcr.io"]["endpoint"] == [f"http://{expected}"]


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("quiet.test", "/registries.yaml"),
        ("evil.example", "/registries.yaml"),
        ("mirror.test", "/containerd/quay.io/hosts.toml"),
        ("mirror.test", "/containerd/docker.io/"),
        ("mirror.test", "/containerd/docker.io/hosts.toml/"),
        ("mirror.test", "/registries.yaml/"),
        ("mirror.test", "/x/registries.yaml"),
    ],
)
def test_nothing_else_is_served(place: Place, host: str, path: str) -> None:
    assert place.served(path, host)[0] == 404
    assert place.envoy.request("POST", "/registries.yaml", host="mirror.test").status == 404


# --- what the command says


def test_arguments_that_the_command_refuses(place: Place, tmp_path: Path) -> None:
    rows: list[tuple[tuple[str, ...], int, str]] = [
        (("--for", "k3s"), 2, "write --front and one of mirror, quiet"),
        (("--for", "k3s", "--front", "none"), 2, "there is no front `none`"),
        (("--for", "k3s", "--front", "quiet"), 1, "the front `quiet` has no `upstreams`"),
        (("--for", "nerdctl", "--front", "mirror"), 2, "possible values"),
        (("--for", "k3s", "--front", "mirror", "--output", str(tmp_path)), 2, "cannot write"),
    ]
    for options, status, words in rows:
        done = portolan.run("clients", place.policy, *options)
        assert (done.returncode, done.stdout) == (status, ""), options
        assert words in done.stderr
    assert not list(tmp_path.iterdir())
    quiet = portolan.output("clients", place.policy, "--for", "containerd", "--front", "quiet")
    assert list(files_of_tree(quiet)) == ["quiet.test/hosts.toml"]
    said = portolan.run("clients", place.policy, "--for", "docker", "--front", "mirror").stderr
    assert said == "note: `ghcr.io` is left out: Docker has mirrors of `docker.io` only\n"


# --- real clients


@pytest.fixture(scope="module")
def containerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containerd]:
    needs.need("ctr")
    daemon = Containerd(tmp_path_factory.mktemp("containerd"))
    yield daemon
    daemon.stop()


@pytest.mark.parametrize("options", [(), ("--by-path",)], ids=["by ns", "by path"])
def test_containerd(
    place: Place, containerd: Containerd, app: Image, tmp_path: Path, options: tuple[str, ...]
) -> None:
    tree = place.write("containerd", tmp_path / "certs.d", *options)
    ctr = Ctr(tmp_path, containerd, hosts=tree)
    place.envoy.forget_log()
    for reference in (HUB, GHCR):
        assert ctr.pull(reference) == app.digest
    assert asked(place.hub, HUB)
    assert asked(place.ghcr, GHCR)
    seen = [entry["path"] for entry in place.envoy.new_log_entries()]
    in_paths = [path for path in seen if path.startswith(("/v2/docker.io/", "/v2/ghcr.io/"))]
    assert len(in_paths) == (len(seen) if options else 0), seen


def test_containerd_at_the_fronts_own_name(
    place: Place, containerd: Containerd, app: Image, tmp_path: Path
) -> None:
    tree = place.write("containerd", tmp_path / "certs.d")
    assert Ctr(tmp_path, containerd, hosts=tree).pull(f"{place.authority}/{GHCR}") == app.digest


@pytest.mark.parametrize("asks_front", [False, True], ids=["no directory", "_default"])
def test_containerd_finds_an_unknown_registry_at_its_own_host(
    place: Place, containerd: Containerd, app: Image, tmp_path: Path, asks_front: bool
) -> None:
    tree = place.write("containerd", tmp_path / "certs.d")
    if asks_front:
        host = json.dumps(f"http://{place.authority}")
        (tree / "_default").mkdir()
        (tree / "_default/hosts.toml").write_text(f'[host.{host}]\n  capabilities = ["pull", "resolve"]\n')
    place.envoy.forget_log()
    reference = f"{place.stranger.authority}/portolan-test/app:v1"
    assert Ctr(tmp_path, containerd, hosts=tree).pull(reference) == app.digest
    refused = [entry["status"] for entry in place.envoy.new_log_entries()]
    assert set(refused) == ({404} if asks_front else set())


def test_docker(place: Place, containerd: Containerd, app: Image, tmp_path: Path) -> None:
    needs.need("docker")
    settings = json.loads(place.write("docker", tmp_path / "daemon.json").read_text())
    engine = Engine(tmp_path / "engine", containerd, settings=settings)
    docker = Docker(tmp_path, engine)
    place.envoy.forget_log()
    assert docker.pull(HUB.removeprefix("docker.io/library/")) == app.digest
    assert {entry["status"] for entry in place.envoy.new_log_entries()} == {200}
    # By the front's own name, which the engine would else ask with TLS.
    assert docker.pull(f"{place.authority}/{GHCR}") == app.digest
    engine.stop()


def test_podman(place: Place, app: Image, tmp_path: Path) -> None:
    needs.need("podman")
    text = place.write("podman", tmp_path / "registries.conf").read_text()
    podman = Podman(tmp_path, text + 'unqualified-search-registries = []\nshort-name-mode = "disabled"\n')
    configurations = {
        json.loads(app.manifests[child["digest"]])["config"]["digest"] for child in app.children()
    }
    place.envoy.forget_log()
    for reference in (HUB, GHCR, f"{place.authority}/{GHCR}"):
        podman.forget()
        assert podman.fetch_as_configured(reference) in configurations
    # It tries TLS before it does without, which is a 400 of no path.
    requests = [entry for entry in place.envoy.new_log_entries() if entry["path"]]
    assert {entry["status"] for entry in requests} == {200}
    podman.stop()


def test_the_page_names_what_is_served() -> None:
    page = (paths.ROOT / "docs/client-configuration.md").read_text()
    for path, _ in FILES.values():
        assert path in page
