"""A policy served by a gateway of Istio.

Istio's own discovery server tells a released Envoy, which has no configuration but where that server is. Cannot see
Kubernetes: objects reach the server as Istio's tests bring them there, and nothing admits them but its own validation.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import paths, raw, skopeo
from harness.envoy import Envoy
from harness.forwarder import Forwarder
from harness.image import Image
from harness.own_port import reserve
from harness.ports import free
from harness.registry import Registry
from harness.scripted import Scripted
from harness.waiting import eventually

from . import site
from .agent import Agent, push_filter
from .control_plane import Gateway, objects
from .site import ADDRESSES, ONE_EACH, SEVERAL, TAG, TARGET, at, policy, served_by

# Fixtures of both suites.
content, registries = site.content, site.registries


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A control plane and an Envoy, not started."""
    # The discovery server shares its port with nobody.
    made = Gateway(tmp_path / "gateway", free(), reserve())
    yield made
    made.stop()


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
    registries = site.push_all(content, tmp_path)
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
    upstreams = site.watched_upstreams()
    urls = {name: upstream.url for name, upstream in upstreams.items()}
    wasm = f"file://{paths.wasm()}"
    yield gateway.start(objects(policy(urls, ONE_EACH), tmp_path, request.param, gateway.front, wasm)), upstreams
    for upstream in upstreams.values():
        upstream.close()


def test_hostile_requests(watched: tuple[Envoy, dict[str, Scripted]]) -> None:
    """The promises of SECURITY.md: nothing is normalised, nobody speaks in the name of Envoy or the filter."""
    site.stands_hostile_requests(*watched)


def test_answers_do_not_speak_in_our_name(watched: tuple[Envoy, dict[str, Scripted]]) -> None:
    """A registry cannot mark its answers as the filter does, nor bind clients to it."""
    site.answers_do_not_speak_in_our_name(*watched)


def test_credentials(gateway: Gateway, tmp_path: Path) -> None:
    """At level `full`: a credential reaches its backend, and nobody else sees it."""
    upstreams = site.watched_upstreams()
    document = site.with_a_credential(upstreams, tmp_path)
    envoy = gateway.start(objects(document, tmp_path, "full", gateway.front, f"file://{paths.wasm()}"))
    site.a_credential_reaches_its_backend_alone(envoy, upstreams)
    for upstream in upstreams.values():
        upstream.close()


@pytest.mark.parametrize("level", ["plugin", "full"])
def test_the_filter_is_pulled(
    level: str, gateway: Gateway, registries: dict[str, Registry], content: Image, tmp_path: Path
) -> None:
    """`oci://`: Istio's agent pulls the image that a release has, and Envoy serves by it."""
    agent = Agent(tmp_path / "agent", gateway.discovery)
    reference = push_filter(registries["eu"], tmp_path / "agent")
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
