"""Real clients that name registries as they do: the example `envoy/registry-cache` with real pull-through caches.

`hub` and `ghcr` are registries of their own, and behind the front stands a docker-registry in proxy mode for each. What
the front does not stand for is on a third registry, which only the client can find. Then the same clients with a front
whose clients bring tokens, in front of two registries that want them, each of its own service. No name server and no
TLS: hosts are addresses of the loopback.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from harness import docker, image, mirrors, own_port, paths, ports, skopeo
from harness.accounts import Account
from harness.bootstrap import Bootstrap
from harness.clients.client import Client, ClientFailed
from harness.clients.cri import Cri
from harness.clients.ctr import Ctr
from harness.clients.docker import Docker
from harness.clients.needs import need
from harness.clients.podman import Podman
from harness.clients.skopeo import Skopeo
from harness.containerd import Containerd
from harness.envoy import Envoy, Policy, render
from harness.image import Image
from harness.policies import build_policy
from harness.private_registry import PrivateRegistry
from harness.registry import Registry
from harness.signing import Signer
from harness.token_service import TokenService

APP, TEAM, OWN = (image.build(f"naming {name}") for name in ("hub", "ghcr", "own"))
CONTENTS = {
    "hub": (APP, ["library/app", "acme/tool"]),
    "ghcr": (TEAM, ["team/app"]),
    "own": (OWN, ["team/app"]),
}
ALICE = Account("alice", "a secret: of alice's")


@dataclass
class Mirror:
    """A front, as clients know it: hosts of the loopback for what a name server would tell apart."""

    envoy: Envoy
    port: int

    @property
    def front(self) -> str:
        """The front's own host."""
        return f"127.0.0.1:{self.port}"

    @property
    def docker(self) -> str:
        """The host that names Docker Hub."""
        return f"127.0.0.2:{self.port}"

    @property
    def ghcr(self) -> str:
        """The host that names GHCR."""
        return f"127.0.0.3:{self.port}"


MakeMirror = Callable[[Callable[[int], Policy]], Mirror]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("naming")


@pytest.fixture(scope="module")
def mirror_of(start: Callable[[Bootstrap], Envoy], tmp_path_factory: pytest.TempPathFactory) -> MakeMirror:
    """Starts an Envoy that listens on the whole loopback, with a policy that knows its port."""

    def make(policy: Callable[[int], Policy]) -> Mirror:
        port = own_port.reserve()
        document = render(policy(port), tmp_path_factory.mktemp("policy"), port)
        address = document["static_resources"]["listeners"][0]["address"]["socket_address"]
        address["address"] = "0.0.0.0"
        return Mirror(start(document), port)

    return make


def named(policy: Policy, port: int) -> Policy:
    """A policy with the hosts of `Mirror`."""
    front = policy["fronts"]["mirror"]
    front["hosts"] = [f"127.0.0.1:{port}"]
    front["upstreams"]["docker.io"]["hosts"] = [f"127.0.0.2:{port}"]
    front["upstreams"]["ghcr.io"]["hosts"] = [f"127.0.0.3:{port}"]
    return policy


def fill(authority: str, content: tuple[Image, list[str]], directory: Path) -> None:
    """Puts an image into a registry, under each of the names."""
    app, repositories = content
    layout = directory / app.digest.removeprefix("sha256:")
    if not layout.exists():
        app.write_layout(layout, "app")
    for repository in repositories:
        skopeo.push(layout, "app", f"{authority}/{repository}:v1")


# --- pull-through caches


@pytest.fixture(scope="module")
def origins(place: Path) -> Iterator[dict[str, Registry]]:
    """The registries themselves."""
    origins = {name: Registry(name, place / "origins") for name in CONTENTS}
    for name, registry in origins.items():
        fill(registry.authority, CONTENTS[name], place / "layouts")
    yield origins
    for registry in origins.values():
        registry.stop()


@pytest.fixture(scope="module")
def caches(origins: dict[str, Registry], place: Path) -> Iterator[dict[str, Registry]]:
    """A docker-registry in proxy mode for each of the two that are mirrored."""
    names = ("hub", "ghcr")
    caches = {name: Registry(name, place / "caches", mirrored=origins[name].url) for name in names}
    yield caches
    for registry in caches.values():
        registry.stop()


@pytest.fixture(scope="module")
def mirror(mirror_of: MakeMirror, caches: dict[str, Registry]) -> Mirror:
    """The example as it is, but for where things are."""

    def policy(port: int) -> Policy:
        document: Policy = yaml.safe_load((paths.EXAMPLES / "registry-cache/portolan.yaml").read_text())
        for upstream in document["fronts"]["mirror"]["upstreams"].values():
            upstream["backend"] = f"http://127.0.0.1:{ports.dead()}"
            upstream["hosts"] = []
        upstreams = document["fronts"]["mirror"]["upstreams"]
        upstreams["docker.io"]["backend"] = caches["hub"].url
        upstreams["ghcr.io"]["backend"] = caches["ghcr"].url
        return named(document, port)

    return mirror_of(policy)


@pytest.fixture(scope="module")
def containerd(place: Path) -> Iterator[Containerd]:
    """One for all `ctr`."""
    need("ctr")
    daemon = Containerd(place / "containerd")
    yield daemon
    daemon.stop()


def hosts_of(mirror: Mirror, directory: Path) -> Path:
    """Docker Hub by `ns` and path; GHCR, and whatever else there is, by `ns` alone, which no default would find."""
    override = f"http://{mirror.front}/v2/docker.io"
    urls = {"docker.io": override, "ghcr.io": f"http://{mirror.front}", "_default": f"http://{mirror.front}"}
    return mirrors.containerd_hosts(directory, urls)


@pytest.fixture(params=["ctr", "cri"])
def of_containerd(
    request: pytest.FixtureRequest, mirror: Mirror, containerd: Containerd, tmp_path: Path
) -> Iterator[Client]:
    """containerd as `ctr` drives it, and as a kubelet does."""
    need(request.param)
    hosts = hosts_of(mirror, tmp_path / "hosts")
    client: Client = Ctr(tmp_path, containerd, hosts) if request.param == "ctr" else Cri(tmp_path, hosts)
    client.forget()
    yield client
    client.stop()


def asked_manifests(registry: Registry) -> set[str]:
    """The targets of all requests for manifests by tag."""
    targets = (line.split(" ")[1] for line in registry.requests())
    return {target for target in targets if "/manifests/" in target and "sha256:" not in target}


@pytest.mark.parametrize(
    ("reference", "app"),
    [("docker.io/library/app:v1", APP), ("docker.io/acme/tool:v1", APP), ("ghcr.io/team/app:v1", TEAM)],
)
def test_containerd_names_registries_by_ns(
    of_containerd: Client, mirror: Mirror, caches: dict[str, Registry], reference: str, app: Image
) -> None:
    mirror.envoy.forget_log()
    assert of_containerd.fetch(reference) in app.contents
    entries = mirror.envoy.new_log_entries()
    assert entries and {entry["status"] for entry in entries} == {200}
    asked = {target for cache in caches.values() for target in asked_manifests(cache)}
    assert not [target for target in asked if "ns=" in target or "ghcr.io" in target or "docker.io" in target]


def test_containerd_goes_on_to_a_registry_that_is_not_mirrored(
    of_containerd: Client, mirror: Mirror, origins: dict[str, Registry]
) -> None:
    own = origins["own"]
    before = len(own.requests())
    mirror.envoy.forget_log()
    assert of_containerd.fetch(f"{own.authority}/team/app:v1") in OWN.contents
    assert len(own.requests()) > before, "the client went there itself"
    entries = mirror.envoy.new_log_entries()
    assert entries and {entry["status"] for entry in entries} == {404}, "having asked here first"


@pytest.mark.parametrize("host", ["docker", "front"])
def test_docker_names_docker_hub_by_its_mirror(
    host: str, mirror: Mirror, containerd: Containerd, caches: dict[str, Registry], tmp_path: Path
) -> None:
    """By the host that is Docker Hub's, and by none, which is the default."""
    need("docker")
    engine = docker.Docker(tmp_path / "engine", containerd, [f"http://{getattr(mirror, host)}"])
    client = Docker(tmp_path, engine)
    for reference in ("app:v1", "acme/tool:v1"):
        assert client.fetch(reference) == APP.digest
    engine.stop()
    asked = {"/v2/library/app/manifests/v1", "/v2/acme/tool/manifests/v1"}
    assert asked <= asked_manifests(caches["hub"])


@pytest.mark.parametrize(
    ("reference", "app"), [("docker.io/library/app:v1", APP), ("ghcr.io/team/app:v1", TEAM)]
)
def test_podman_names_registries_by_path(mirror: Mirror, tmp_path: Path, reference: str, app: Image) -> None:
    need("podman")
    locations = {name: f"{mirror.front}/{name}" for name in ("docker.io", "ghcr.io")}
    client = Podman(tmp_path, mirrors.podman_registries(locations))
    assert client.fetch(reference) in app.contents
    client.stop()


@pytest.mark.parametrize(
    ("host", "repository", "app"),
    [
        ("front", "docker.io/library/app", APP),
        ("front", "docker.io/app", APP),
        ("front", "app", APP),
        ("front", "library/app", APP),
        ("front", "acme/tool", APP),
        ("front", "ghcr.io/team/app", TEAM),
        ("docker", "app", APP),
        ("docker", "acme/tool", APP),
        ("ghcr", "team/app", TEAM),
    ],
)
def test_skopeo_pulls_by_every_name(
    mirror: Mirror, tmp_path: Path, host: str, repository: str, app: Image
) -> None:
    need("skopeo")
    found = skopeo.pull(f"{getattr(mirror, host)}/{repository}:v1", tmp_path / "image")
    assert found == app.digest
    assert skopeo.list_tags(f"{getattr(mirror, host)}/{repository}") == ["v1"]


def test_a_cache_that_is_down_is_an_outage_and_no_miss(mirror: Mirror) -> None:
    answer = mirror.envoy.request("GET", "/v2/team/app/manifests/v1?ns=quay.io", host=mirror.front)
    assert answer.status == 503 and answer.one("retry-after")
    assert json.loads(answer.body)["errors"][0]["code"] == "UNAVAILABLE"


def test_a_push_to_a_cache_is_refused(mirror: Mirror) -> None:
    for method, path in (("POST", "blobs/uploads/"), ("PUT", "manifests/v2"), ("DELETE", "manifests/v1")):
        answer = mirror.envoy.request(method, f"/v2/team/app/{path}?ns=ghcr.io", host=mirror.front)
        assert (answer.status, answer.one("allow")) == (405, "GET, HEAD")


# --- registries that want tokens


@pytest.fixture(scope="module")
def services(place: Path) -> Iterator[dict[str, TokenService]]:
    """A token service for each registry. What begins with `private/` is alice's."""
    signer = Signer(place / "signer")
    services = {
        name: TokenService(signer, [ALICE], service=f"{name}.svc", hostname="localhost")
        for name in ("hub", "ghcr")
    }
    for service in services.values():
        service.habits.public = ("library/", "acme/", "team/")
    yield services
    for service in services.values():
        service.close()


@pytest.fixture(scope="module")
def guarded(services: dict[str, TokenService], place: Path) -> Iterator[dict[str, PrivateRegistry]]:
    """Registries that want tokens, with the same content and one private image."""
    guarded = {}
    for name, service in services.items():
        guarded[name] = PrivateRegistry(name, place / "guarded", service.registry_settings())
        app, repositories = CONTENTS[name]
        content = (app, [*repositories, "private/app"])
        fill(guarded[name].inside.authority, content, place / "layouts")
    yield guarded
    for registry in guarded.values():
        registry.stop()


@pytest.fixture(scope="module")
def with_tokens(
    mirror_of: MakeMirror, guarded: dict[str, PrivateRegistry], services: dict[str, TokenService]
) -> Mirror:
    """A front whose clients have tokens of the registries, and log in to the first."""

    def policy(port: int) -> Policy:
        def backend(name: str, upstream: str) -> Policy:
            token = {"realm": services[name].realm, "service": services[name].service}
            names = [{"front": f"{upstream}/", "backend": ""}]
            return {"url": guarded[name].url, "auth": {"token": token}, "names": names}

        def rule(name: str, upstream: str) -> Policy:
            return {"name": name, "repositories": [f"{upstream}/**"], "chains": {"default": [name]}}

        upstreams = {"docker.io": {"library": True}, "ghcr.io": {}}
        front = {
            "auth": {"upstream": {"login": "hub"}},
            "upstreams": upstreams,
            "default_upstream": "docker.io",
        }
        document: Policy = build_policy(
            {"hub": backend("hub", "docker.io"), "ghcr": backend("ghcr", "ghcr.io")},
            fronts={"mirror": front},
            rules=[rule("hub", "docker.io"), rule("ghcr", "ghcr.io")],
        )
        return named(document, port)

    return mirror_of(policy)


@pytest.fixture
def fresh(services: dict[str, TokenService]) -> dict[str, TokenService]:
    """Token services that have been asked nothing yet."""
    for service in services.values():
        service.forget()
    return services


def scopes_of(services: dict[str, TokenService]) -> dict[str, set[str]]:
    """What was asked of each."""
    return {name: {scope for asked in it.requests for scope in asked.scopes} for name, it in services.items()}


HUB_SCOPES = {"hub": {"repository:library/app:pull"}, "ghcr": set()}
GHCR_SCOPES = {"hub": set(), "ghcr": {"repository:team/app:pull"}}


@pytest.mark.parametrize(
    ("reference", "app", "scopes"),
    [("docker.io/library/app:v1", APP, HUB_SCOPES), ("ghcr.io/team/app:v1", TEAM, GHCR_SCOPES)],
)
@pytest.mark.parametrize("override_path", [False, True])
def test_containerd_asks_the_right_service(
    with_tokens: Mirror,
    fresh: dict[str, TokenService],
    containerd: Containerd,
    tmp_path: Path,
    reference: str,
    app: Image,
    scopes: dict[str, set[str]],
    override_path: bool,
) -> None:
    """A scope does not say which registry it is of; the realm does."""
    registry = reference.partition("/")[0]
    path = f"/v2/{registry}" if override_path else ""
    hosts = mirrors.containerd_hosts(tmp_path / "hosts", {registry: f"http://{with_tokens.front}{path}"})
    assert Ctr(tmp_path, containerd, hosts).pull(reference) == app.digest
    assert scopes_of(fresh) == scopes


def test_containerd_logs_in_by_a_mirror(
    with_tokens: Mirror, fresh: dict[str, TokenService], containerd: Containerd, tmp_path: Path
) -> None:
    """With a form at the realm that says which registry; a name and a password are for the login alone."""
    hosts = hosts_of(with_tokens, tmp_path / "hosts")
    client = Ctr(tmp_path, containerd, hosts)
    with pytest.raises(ClientFailed):
        client.pull("docker.io/private/app:v1")
    for registry in ("docker.io", "ghcr.io"):
        client.login(registry, ALICE)
    assert client.pull("docker.io/private/app:v1") == APP.digest
    assert fresh["hub"].saw(ALICE.password)
    with pytest.raises(ClientFailed):
        client.pull("ghcr.io/private/app:v1")
    assert not fresh["ghcr"].saw(ALICE.password)


def test_docker_asks_the_right_service(
    with_tokens: Mirror, fresh: dict[str, TokenService], containerd: Containerd, tmp_path: Path
) -> None:
    need("docker")
    engine = docker.Docker(tmp_path / "engine", containerd, [f"http://{with_tokens.docker}"])
    assert Docker(tmp_path, engine).pull("app:v1") == APP.digest
    engine.stop()
    assert scopes_of(fresh) == HUB_SCOPES


@pytest.mark.parametrize(
    ("reference", "app", "scopes"),
    [("docker.io/library/app:v1", APP, HUB_SCOPES), ("ghcr.io/team/app:v1", TEAM, GHCR_SCOPES)],
)
def test_podman_asks_the_right_service(
    with_tokens: Mirror,
    fresh: dict[str, TokenService],
    tmp_path: Path,
    reference: str,
    app: Image,
    scopes: dict[str, set[str]],
) -> None:
    need("podman")
    locations = {name: f"{with_tokens.front}/{name}" for name in ("docker.io", "ghcr.io")}
    client = Podman(tmp_path, mirrors.podman_registries(locations))
    assert client.pull(reference) in app.contents
    client.stop()
    assert scopes_of(fresh) == scopes


@pytest.mark.parametrize(
    ("host", "repository", "app", "scopes"),
    [
        ("front", "app", APP, HUB_SCOPES),
        ("front", "docker.io/app", APP, HUB_SCOPES),
        ("front", "ghcr.io/team/app", TEAM, GHCR_SCOPES),
        ("docker", "app", APP, HUB_SCOPES),
        ("ghcr", "team/app", TEAM, GHCR_SCOPES),
    ],
)
def test_skopeo_asks_the_right_service(
    with_tokens: Mirror,
    fresh: dict[str, TokenService],
    tmp_path: Path,
    host: str,
    repository: str,
    app: Image,
    scopes: dict[str, set[str]],
) -> None:
    need("skopeo")
    assert Skopeo(tmp_path).pull(f"{getattr(with_tokens, host)}/{repository}:v1") == app.digest
    assert scopes_of(fresh) == scopes
