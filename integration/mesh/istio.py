"""A policy served by a gateway of Istio.

Istio's own discovery server tells a released Envoy, which has no configuration but where that server is. Cannot see
Kubernetes: objects reach the server as Istio's tests bring them there, and nothing admits them but its own validation.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import image as images
from harness import paths, raw, skopeo
from harness.accounts import Account
from harness.digest import sha256
from harness.envoy import Envoy, Policy
from harness.forwarder import Forwarder
from harness.image import ACCEPT, Image
from harness.own_port import reserve
from harness.registry import SERVED_BY, Registry
from harness.scripted import Answer, Scripted
from harness.waiting import eventually

from .agent import Agent
from .control_plane import Gateway, objects
from .hostile import FORGERIES, TARGETS

TAG = "v1"
TARGET = f"/v2/demo/app/manifests/{TAG}"
# A client of each region, as the one proxy in front says it.
ADDRESSES = {"eu": "198.51.100.5", "cn": "192.0.2.5"}
ROBOT = Account("robot", "the robot's password")


@pytest.fixture(scope="module")
def content() -> Image:
    """The image that is pulled."""
    return images.build("mesh")


@pytest.fixture(scope="module")
def registries(content: Image, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Registry]:
    """One a region, with the image under the registry's own name for it."""
    directory = tmp_path_factory.mktemp("registries")
    content.write_layout(directory / "layout", TAG)
    found = {name: Registry(name, directory) for name in ADDRESSES}
    for name, registry in found.items():
        skopeo.push(directory / "layout", TAG, f"{registry.authority}/{name}-mirror/demo/app:{TAG}")
    return found


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A control plane and an Envoy, not started."""
    made = Gateway(tmp_path / "gateway", reserve(), reserve())
    yield made
    made.stop()


def policy(urls: dict[str, str], chains: dict[str, list[str]]) -> Policy:
    """A region for each backend, told by the client's address."""
    backends = {
        name: {"url": url, "names": [{"front": "demo/", "backend": f"{name}-mirror/demo/"}]} for name, url in urls.items()
    }
    return {
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.test"], "default": True}},
        "backends": backends,
        "regions": {"cn": {"networks": ["192.0.2.0/24"]}, "default": {}},
        "clients": {"trusted_hops": 1},
        "rules": [{"name": "demo", "repositories": ["demo/**"], "chains": chains}],
    }


def at(region: str) -> raw.Header:
    """What the proxy in front says of a client of a region."""
    return ("X-Forwarded-For", ADDRESSES[region])


def served_by(envoy: Envoy, region: str) -> str | None:
    """Who served a pull by tag of a client of a region."""
    answer = envoy.request("GET", TARGET, [at(region), ("Accept", ACCEPT)])
    return answer.one(SERVED_BY) if answer.status == 200 else None


ONE_EACH = {"cn": ["cn"], "default": ["eu"]}
SEVERAL = {"cn": ["cn", "eu"], "default": ["eu", "cn"]}


def test_a_pull_by_region(gateway: Gateway, registries: dict[str, Registry], content: Image, tmp_path: Path) -> None:
    """At level `plugin`: names, regions, one backend for each request; every byte is checked."""
    urls = {name: registry.url for name, registry in registries.items()}
    rendered = objects(policy(urls, ONE_EACH), tmp_path, "plugin", gateway.front, f"file://{paths.wasm()}")
    envoy = gateway.start(rendered)
    assert {region: served_by(envoy, region) for region in ADDRESSES} == {"cn": "cn", "eu": "eu"}
    for region, address in ADDRESSES.items():
        forwarder = Forwarder(address, gateway.front)
        digest = skopeo.pull(f"{forwarder.authority}/demo/app:{TAG}", tmp_path / f"pulled-{region}")
        forwarder.close()
        assert digest == content.digest
    refused = envoy.request("GET", "/v2/other/app/manifests/v1", [at("eu")])
    assert (refused.status, json.loads(refused.body)["errors"][0]["code"]) == (404, "NAME_UNKNOWN")
    assert envoy.request("PUT", TARGET, [at("eu")], b"{}").status == 405
    assert gateway.refused() == {}
    assert envoy.crashes() == []


@pytest.mark.parametrize("level", ["plugin", "full"])
def test_another_policy_keeps_the_listener(
    level: str, gateway: Gateway, registries: dict[str, Registry], tmp_path: Path
) -> None:
    """The policy is another, connections and the listener are the same."""
    urls = {name: registry.url for name, registry in registries.items()}
    wasm = f"file://{paths.wasm()}"
    envoy = gateway.start(objects(policy(urls, ONE_EACH), tmp_path / "one", level, gateway.front, wasm))
    assert served_by(envoy, "cn") == "cn"
    made = gateway.listeners_made()
    with raw.Connection(gateway.front) as connection:
        connection.send(raw.head("GET", "/v2/", [("Host", "registry.test")]))
        assert connection.receive().status == 200
        other = policy(urls, {"cn": ["eu"], "default": ["eu"]})
        gateway.discovery.serve(objects(other, tmp_path / "other", level, gateway.front, wasm))
        eventually(lambda: served_by(envoy, "cn") == "eu", what="the other policy")
        connection.send(raw.head("GET", "/v2/", [("Host", "registry.test")]))
        assert connection.receive().status == 200, "the connection goes on"
    assert gateway.listeners_made() == made
    assert gateway.refused() == {}


def test_a_failover(gateway: Gateway, tmp_path: Path, content: Image) -> None:
    """At level `full`: the next backend of the chain serves what the first cannot."""
    content.write_layout(tmp_path / "layout", TAG)
    registries = {name: Registry(name, tmp_path) for name in ADDRESSES}
    for name, registry in registries.items():
        skopeo.push(tmp_path / "layout", TAG, f"{registry.authority}/{name}-mirror/demo/app:{TAG}")
    urls = {name: registry.url for name, registry in registries.items()}
    document = policy(urls, SEVERAL)
    document["rules"][0]["replicas"] = ["eu", "cn"]
    envoy = gateway.start(objects(document, tmp_path, "full", gateway.front, f"file://{paths.wasm()}"))
    assert served_by(envoy, "cn") == "cn"
    registries["cn"].server.stop()
    assert served_by(envoy, "cn") == "eu", "the first request after it has stopped"
    forwarder = Forwarder(ADDRESSES["cn"], gateway.front)
    assert skopeo.pull(f"{forwarder.authority}/demo/app:{TAG}", tmp_path / "pulled") == content.digest
    forwarder.close()
    assert gateway.refused() == {}
    assert envoy.crashes() == []


@pytest.fixture(params=["plugin", "full"])
def watched(request: pytest.FixtureRequest, gateway: Gateway, tmp_path: Path) -> Iterator[tuple[Envoy, dict[str, Scripted]]]:
    """A gateway of each level, and what its backends see."""
    upstreams = {name: Scripted() for name in ADDRESSES}
    for upstream in upstreams.values():
        upstream.answer(Answer(200, [("Docker-Content-Digest", sha256(b"{}"))], b"{}"))
    urls = {name: upstream.url for name, upstream in upstreams.items()}
    wasm = f"file://{paths.wasm()}"
    yield gateway.start(objects(policy(urls, ONE_EACH), tmp_path, request.param, gateway.front, wasm)), upstreams
    for upstream in upstreams.values():
        upstream.close()


def test_hostile_requests(watched: tuple[Envoy, dict[str, Scripted]]) -> None:
    """The promises of SECURITY.md: nothing is normalised, nobody speaks in the name of Envoy or the filter."""
    envoy, upstreams = watched
    clusters = [line.split("::")[0] for line in envoy.admin("/clusters").decode().splitlines()]
    for forged in FORGERIES + [("X-Portolan-Cluster", cluster) for cluster in sorted(set(clusters))]:
        for upstream in upstreams.values():
            upstream.seen.clear()
        answer = envoy.request("GET", TARGET, [at("cn"), forged])
        assert answer.status == 200, forged
        (seen,) = upstreams["cn"].seen
        assert upstreams["eu"].seen == [], forged
        assert not [name for name in seen.names if name.startswith(("x-portolan-", "x-envoy-", "x-geo-"))], forged
        assert seen.authority == upstreams["cn"].url.removeprefix("http://")
    for upstream in upstreams.values():
        upstream.seen.clear()
    for target in TARGETS:
        try:
            answer = envoy.request("GET", target, [at("cn")])
        except raw.Closed:
            continue
        assert answer.status in (400, 404, 405), target
    upgrade: list[raw.Header] = [("Connection", "Upgrade"), ("Upgrade", "websocket"), at("cn")]
    assert envoy.request("GET", "/v2/x/y", upgrade).status in (400, 403, 404)
    assert all(upstream.seen == [] for upstream in upstreams.values())
    assert envoy.crashes() == []


def test_answers_do_not_speak_in_our_name(watched: tuple[Envoy, dict[str, Scripted]]) -> None:
    """A registry cannot mark its answers as the filter does, nor bind clients to it."""
    envoy, upstreams = watched
    ours = [("X-Portolan-Go-On", "1"), ("X-Envoy-Immediate-Health-Check-Fail", "1"), ("Set-Cookie", "a=b")]
    upstreams["cn"].answer(Answer(200, [*ours, ("Docker-Content-Digest", sha256(b"{}"))], b"{}"))
    for _ in range(2):
        answer = envoy.request("GET", TARGET, [at("cn")])
        assert answer.status == 200
        names = {name.lower() for name, _ in answer.headers}
        assert not [name for name in names if name.startswith(("x-portolan-", "x-envoy-")) or name == "set-cookie"]
    assert upstreams["eu"].seen == []


def test_credentials(gateway: Gateway, tmp_path: Path) -> None:
    """At level `full`: a credential reaches its backend, and nobody else sees it."""
    upstreams = {name: Scripted() for name in ADDRESSES}
    for upstream in upstreams.values():
        upstream.answer(Answer(200, [("Docker-Content-Digest", sha256(b"{}"))], b"{}"))
    file = tmp_path / "robot"
    file.write_text(ROBOT.basic.removeprefix("Basic "))
    document = policy({name: upstream.url for name, upstream in upstreams.items()}, SEVERAL)
    document["credentials"] = {"robot": {"file": str(file)}}
    document["backends"]["cn"] |= {"auth": "basic", "credential": "robot"}
    document["rules"][0] |= {"readers": "anyone", "replicas": ["eu", "cn"]}
    envoy = gateway.start(objects(document, tmp_path, "full", gateway.front, f"file://{paths.wasm()}"))
    theirs = ("Authorization", "Basic bm9ib2R5Om5vdGhpbmc=")
    assert envoy.request("GET", TARGET, [at("cn"), theirs]).status == 200
    assert upstreams["cn"].seen[-1].all("authorization") == [ROBOT.basic.encode()]
    assert envoy.request("GET", TARGET, [at("eu"), theirs]).status == 200
    assert upstreams["eu"].seen[-1].all("authorization") == []
    secret = ROBOT.basic.removeprefix("Basic ")
    for place in ("/config_dump?include_eds", "/stats", "/clusters"):
        assert secret not in envoy.admin(place).decode(), place
    for upstream in upstreams.values():
        upstream.close()


@pytest.mark.parametrize("level", ["plugin", "full"])
def test_the_filter_is_pulled(
    level: str, gateway: Gateway, registries: dict[str, Registry], content: Image, tmp_path: Path
) -> None:
    """`oci://`: Istio's agent pulls the image that a release has, and Envoy serves by it."""
    agent = Agent(tmp_path / "agent", gateway.discovery)
    reference = agent.push_filter(registries["eu"])
    urls = {name: registry.url for name, registry in registries.items()}
    chains = ONE_EACH if level == "plugin" else SEVERAL
    document = policy(urls, chains)
    document["rules"][0] |= {} if level == "plugin" else {"replicas": ["eu", "cn"]}
    envoy = agent.start(objects(document, tmp_path, level, gateway.front, f"oci://{reference}"), gateway.front)
    assert {region: served_by(envoy, region) for region in ADDRESSES} == {"cn": "cn", "eu": "eu"}
    forwarder = Forwarder(ADDRESSES["cn"], gateway.front)
    assert skopeo.pull(f"{forwarder.authority}/demo/app:{TAG}", tmp_path / "pulled") == content.digest
    forwarder.close()
    agent.stop()


def test_a_filter_that_cannot_be_pulled_refuses_everything(
    gateway: Gateway, registries: dict[str, Registry], tmp_path: Path
) -> None:
    """The gateway is closed, not open."""
    agent = Agent(tmp_path / "agent", gateway.discovery)
    urls = {name: registry.url for name, registry in registries.items()}
    nowhere = f"oci://{registries['eu'].authority}/nothing:v1"
    envoy = agent.start(objects(policy(urls, ONE_EACH), tmp_path, "plugin", gateway.front, nowhere), gateway.front, 403)
    assert envoy.request("GET", TARGET, [at("cn")]).status == 403
    agent.stop()
