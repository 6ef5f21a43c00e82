"""The three stacks with a real Docker, by Compose 1.29 and by Compose 2: `make test-compose`.

Registries, nginx, Prometheus and Alertmanager are real; Grafana is not (stand_ins.py). Pulls and pushes are the engine's own, over
TLS that it verifies where the name is not localhost.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compose import stand_ins
from compose.daemon import BRIDGE, Daemon, Failed
from compose.stack import ONCE, Stack
from harness import image, paths
from harness.processes import Server
from harness.registry import settings
from harness.released_image import build, build_of_nodes
from harness.waiting import eventually

PLUGINS = Path(os.environ.get("PORTOLAN_COMPOSE_PLUGINS", paths.ROOT / ".tools/compose"))
COMPOSE = {"1.29": ["docker-compose"], "2": ["docker", "compose"]}
HUB_PORT = 5055
# What is pushed and pulled: a file of this many bytes.
FILE_BYTES = 1 << 20


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path_factory.mktemp("docker") / "d", PLUGINS if PLUGINS.exists() else None)
    stand_ins.load_all(daemon)
    directory = tmp_path_factory.mktemp("image")
    for archive, name in ((build(directory), "portolan:"), (build_of_nodes(directory), "portolan-cache:")):
        assert name in daemon.docker("load", "--input", str(archive))
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module", params=list(COMPOSE))
def compose(request: pytest.FixtureRequest, daemon: Daemon) -> list[str]:
    command = COMPOSE[request.param]
    assert re.search(rf"\bv?{re.escape(request.param)}\.", daemon.run(*command, "version")), command
    return command


@pytest.fixture(scope="module")
def hub(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Stands in for every registry outside: its URL, as containers see it."""
    directory = tmp_path_factory.mktemp("hub")
    document = settings("hub", directory / "storage", HUB_PORT, "info")
    document["http"] = {"addr": f"0.0.0.0:{HUB_PORT}"}
    (directory / "config.yml").write_text(json.dumps(document))
    server = Server("hub", daemon.inside(["docker-registry", "serve", str(directory / "config.yml")]), directory)
    layout = directory / "layout"
    public = image.build("public")
    public.write_layout(layout, "v1")
    source, target = f"oci:{layout}:v1", f"docker://127.0.0.1:{HUB_PORT}/library/public:v1"

    def pushed() -> bool:
        try:
            daemon.run("skopeo", "copy", "--preserve-digests", "--all", "--dest-tls-verify=false", source, target)
        except Failed as failed:
            raise AssertionError(str(failed)) from failed
        return True

    eventually(pushed)
    yield f"http://{BRIDGE}:{HUB_PORT}"
    server.stop()


@pytest.fixture
def start(compose: list[str], daemon: Daemon, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    started: list[Stack] = []

    def start_one(name: str, **settings: str) -> Stack:
        started.append(Stack(name, compose, daemon, tmp_path, settings))
        started[-1].up()
        return started[-1]

    yield start_one
    for stack in started:
        stack.down()


def make_image(daemon: Daemon, directory: Path, name: str) -> None:
    """An image in the engine, with a file that is nobody else's."""
    (directory / "root").mkdir(exist_ok=True)
    (directory / "root/file").write_bytes(os.urandom(FILE_BYTES))
    daemon.run("tar", "-C", str(directory / "root"), "-cf", str(directory / "root.tar"), ".")
    daemon.docker("import", str(directory / "root.tar"), name)


def digest_of(said: str) -> str:
    """The digest that docker prints after a push or a pull."""
    found = re.search(r"[dD]igest: (sha256:[0-9a-f]{64})", said)
    assert found, said
    return found.group(1)


def push_and_pull(daemon: Daemon, name: str) -> str:
    """Pushes, forgets, and pulls; the digest."""
    pushed = digest_of(daemon.docker("push", name))
    daemon.docker("rmi", "--force", name)
    assert digest_of(daemon.docker("pull", name)) == pushed
    return pushed


def curl(daemon: Daemon, url: str, *more: str) -> str:
    """What is answered; a status of 400 and above is an error."""
    return daemon.run("curl", "--fail", "--silent", "--show-error", *more, url)


def check_hardening(stack: Stack) -> None:
    for service, container in stack.containers().items():
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        if service not in ONCE:
            assert not host["CapAdd"], service
            assert container["Config"]["User"].split(":")[0] not in ("", "0", "root"), service
            assert host["RestartPolicy"]["Name"] == "unless-stopped", service


def check_speaks_http2(daemon: Daemon, port: int) -> None:
    said = curl(daemon, f"https://localhost:{port}/v2/", "--insecure", "--output", "/dev/null", "--write-out", "%{http_version}")
    assert said == "2"


def check_observed(daemon: Daemon, stack: Stack, portolans: int) -> None:
    def query(target: str) -> object:
        return json.loads(curl(daemon, f"http://127.0.0.1:9090/api/v1/{target}"))["data"]

    def scraped() -> bool:
        targets = query("targets")["activeTargets"]  # type: ignore[index]
        assert [each["health"] for each in targets] == ["up"] * portolans, targets
        return True

    eventually(scraped)
    assert eventually(lambda: query("query?query=envoy_server_live")["result"])  # type: ignore[index]
    groups = {group["name"] for group in query("rules")["groups"]}  # type: ignore[index]
    assert {"portolan-credentials"} <= groups
    assert query("alertmanagers")["activeAlertmanagers"]  # type: ignore[index]
    assert curl(daemon, "http://127.0.0.1:9093/-/healthy")


def test_regions(start: Callable[..., Stack], daemon: Daemon, tmp_path: Path) -> None:
    stack = start("regions")
    check_hardening(stack)
    check_speaks_http2(daemon, 8443)
    make_image(daemon, tmp_path, "localhost:8443/demo/app:v1")
    digest = push_and_pull(daemon, "localhost:8443/demo/app:v1")
    for client in ("198.51.100.7", "192.0.2.7"):
        url = f"https://localhost:8444/v2/demo/app/manifests/{digest}"
        curl(daemon, url, "--insecure", "--header", f"x-forwarded-for: {client}", "--output", "/dev/null")
    entries = eventually(lambda: two(stack.access_log("forwarded")))
    assert [(entry["region"], entry["backend"]) for entry in entries] == [("default", "eu"), ("cn", "cn")], entries
    check_observed(daemon, stack, portolans=2)


def test_regions_with_a_cache(start: Callable[..., Stack], daemon: Daemon, tmp_path: Path) -> None:
    """What one front has fetched by digest the other one serves from the cache; a registry is asked once."""
    stack = start("regions", COMPOSE_PROFILES="cache", CACHE_SIZE="256M")
    check_hardening(stack)
    make_image(daemon, tmp_path, "localhost:8443/demo/app:v1")
    digest = push_and_pull(daemon, "localhost:8443/demo/app:v1")
    manifest = curl(daemon, f"https://localhost:8443/v2/demo/app/manifests/{digest}", "--insecure", "--header", f"accept: {image.ACCEPT}")
    layer = f"https://localhost:8444/v2/demo/app/blobs/{json.loads(manifest)['layers'][0]['digest']}"

    def uses() -> list[object]:
        said = [entry for entry in stack.access_log("forwarded") if "/blobs/" in str(entry.get("path")) and "event" not in entry]
        return [entry.get("cache_use") for entry in said]

    for _ in range(2):
        curl(daemon, layer, "--insecure", "--output", "/dev/null")
    assert eventually(lambda: uses() if len(uses()) == 2 else []) == ["hit", "hit"], uses()

    def nodes() -> list[dict[str, Any]]:
        return [json.loads(status_of_node(daemon, stack, number))["nodes"][0] for number in (1, 2)]

    def total(name: str) -> int:
        return sum(node["statistics"][name] for node in nodes())

    assert all(node["up"] for node in nodes())
    # A node brings its numbers up to date every few seconds.
    assert eventually(lambda: total("hits") >= 2), nodes()
    assert eventually(lambda: total("used_bytes") >= FILE_BYTES), nodes()


def status_of_node(daemon: Daemon, stack: Stack, number: int) -> str:
    """What `portolan cache status` says in the container of a node."""
    command = ["/usr/local/bin/portolan", "cache", "status", "http://127.0.0.1:8300", "-o", "json"]
    return daemon.docker("exec", stack.container(f"cache-{number}"), *command)


def two(entries: list[dict[str, object]]) -> list[dict[str, object]]:
    """They are two, those of pulls."""
    found = [entry for entry in entries if "/manifests/" in str(entry.get("path"))]
    assert len(found) == 2, entries
    return found


def test_caches(start: Callable[..., Stack], daemon: Daemon, hub: str) -> None:
    domain = "registry.test"
    stack = start("caches", REGISTRY_DOMAIN=domain, DOCKERHUB_URL=hub, GHCR_URL=hub, QUAY_URL=hub)
    check_hardening(stack)
    check_speaks_http2(daemon, 5000)
    hosts = [f"{registry}.{domain}" for registry in ("docker.io", "ghcr.io", "quay.io")]
    daemon.name({domain: "127.0.0.1", **dict.fromkeys(hosts, "127.0.0.1")})
    for host in hosts:
        daemon.trust(f"{host}:5000", stack.authority())
        assert f"docker pull {host}:5000/" in stack.logs("prepare")
        daemon.docker("pull", f"{host}:5000/library/public:v1")
        daemon.docker("rmi", f"{host}:5000/library/public:v1")
    daemon.docker("pull", "localhost:5000/public:v1")
    found = curl(daemon, f"https://{domain}:5000/registries.yaml", "--insecure", "--resolve", f"{domain}:5000:127.0.0.1")
    assert f"https://{domain}:5000" in found
    check_observed(daemon, stack, portolans=1)


def test_caches_as_registry_cache_has_them(start: Callable[..., Stack], daemon: Daemon, hub: str) -> None:
    """Plain HTTP, and a name of nip.io."""
    stack = start("caches", USE_TLS="false", DOCKERHUB_URL=hub, GHCR_URL=hub, QUAY_URL=hub)
    found = re.search(r"docker pull (docker\.io\.registry\.[0-9a-f]{8}\.nip\.io):5000/", stack.logs("prepare"))
    assert found, stack.logs("prepare")
    headers = ["--header", f"host: {found.group(1)}:5000"]
    assert "public" in curl(daemon, "http://127.0.0.1:5000/v2/library/public/tags/list", *headers)


def test_combined(start: Callable[..., Stack], daemon: Daemon, hub: str, tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text(daemon.run("htpasswd", "-nbB", "alice", "secret"))
    stack = start("combined", ENABLE_AUTH="true", HTPASSWD_FILE=str(tmp_path / "htpasswd"), DOCKERHUB_URL=hub)
    check_hardening(stack)
    name = "localhost:8443/own/app:v1"
    make_image(daemon, tmp_path, name)
    with pytest.raises(Failed, match="unauthorized|no basic auth"):
        daemon.docker("push", name)
    with pytest.raises(Failed, match="401|unauthorized"):
        daemon.docker("login", "--username", "alice", "--password", "wrong", "localhost:8443")
    daemon.docker("login", "--username", "alice", "--password", "secret", "localhost:8443")
    push_and_pull(daemon, name)
    daemon.docker("pull", "localhost:8443/library/public:v1")
    daemon.docker("rmi", "localhost:8443/library/public:v1")
    # What is one's own is in the hosted registry, and what is public only in the cache.
    account = ["--insecure", "--user", "alice:secret", "--output", "/dev/null"]
    rows = [("hosted", "own/app", True), ("proxy", "own/app", False), ("proxy", "library/public", True), ("hosted", "library/public", False)]
    for front, repository, is_there in rows:
        url = f"https://localhost:8443/v2/{repository}/manifests/v1"
        asked = ["--header", f"host: {front}.localhost:8443", "--header", f"accept: {image.ACCEPT}"]
        if is_there:
            curl(daemon, url, *account, *asked)
        else:
            with pytest.raises(Failed, match="404"):
                curl(daemon, url, *account, *asked)
    check_observed(daemon, stack, portolans=1)
    # The engine's client is that of the next run, too.
    daemon.docker("logout", "localhost:8443")


def test_combined_without_passwords(start: Callable[..., Stack], daemon: Daemon, hub: str, tmp_path: Path) -> None:
    start("combined", DOCKERHUB_URL=hub)
    check_speaks_http2(daemon, 8443)
    make_image(daemon, tmp_path, "localhost:8443/team-a/app:v1")
    push_and_pull(daemon, "localhost:8443/team-a/app:v1")


def test_the_image_alone(daemon: Daemon, hub: str, tmp_path: Path) -> None:
    """What the README has a stranger do. How long it takes until the first image is there is printed, and is no condition."""
    (tmp_path / "portolan.yaml").write_text((paths.EXAMPLES / "two-regions/portolan.yaml").read_text().replace("geo:", "gee:"))
    policy = f"{tmp_path / 'portolan.yaml'}:/etc/portolan/portolan.yaml:ro"
    loaded = daemon.docker("images", "--format", "{{.Repository}}:{{.Tag}}", "portolan").split()[0]
    with pytest.raises(Failed, match=r"portolan.yaml:\d+:\d+: .*gee"):
        daemon.docker("run", "--rm", "--read-only", "--tmpfs", "/run/portolan", "--volume", policy, loaded)
    (tmp_path / "portolan.yaml").write_text(
        "version: 1\nfronts: {main: {hosts: [localhost], default: true}}\nregions: {default: {}}\n"
        f"backends: {{a: {{url: \"{hub}\"}}}}\n"
        "rules: [{name: r, repositories: ['**'], chains: {default: [a]}}]\n"
    )
    begun = time.monotonic()
    container = daemon.docker("run", "--detach", "--publish", "8080:8080", "--volume", policy, loaded).strip()
    eventually(lambda: daemon.inspect(container)["State"]["Health"]["Status"] == "healthy", within=120)
    assert digest_of(daemon.docker("pull", "localhost:8080/library/public:v1"))
    print(f"first pull {time.monotonic() - begun:.1f} s after docker run")
    daemon.docker("rmi", "localhost:8080/library/public:v1")
    assert status(daemon, "/v2/") == "200"
    check_follows_the_mounted_file(daemon, container, tmp_path / "portolan.yaml")
    daemon.docker("stop", container)
    assert daemon.inspect(container)["State"]["ExitCode"] == 0
    daemon.docker("rm", "--force", container)


def status(daemon: Daemon, target: str) -> str:
    """The status of a request to the image's own port."""
    command = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", f"http://127.0.0.1:8080{target}"]
    return daemon.run(*command)


def check_follows_the_mounted_file(daemon: Daemon, container: str, file: Path) -> None:
    """What is written into a file that is mounted alone is seen; another file under its name is not, and is said not to be."""

    def log() -> str:
        return daemon.run("sh", "-c", f"docker logs {container} 2>&1")

    def is_served() -> bool:
        said = daemon.run("curl", "--silent", "http://127.0.0.1:8080/v2/team/app/tags/list")
        return "no rule of this registry" not in said

    good = file.read_text()
    assert is_served()
    file.write_text(good.replace("'**'", "'demo/**'"))
    eventually(lambda: not is_served(), what="the changed policy is in force")
    file.write_text(good.replace("backends: {a:", "backends: {b:"))
    eventually(lambda: "rules[0].chains" in log(), what="the words of `portolan check` about a wrong policy")
    assert status(daemon, "/v2/") == "200"
    file.with_name("other").write_text(good)
    file.with_name("other").rename(file)
    eventually(lambda: "was replaced where it is mounted from" in log(), what="it says that the file is another one")
