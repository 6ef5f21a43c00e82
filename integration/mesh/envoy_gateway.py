"""A policy served by a gateway of Envoy Gateway.

Envoy Gateway reads objects from files and starts a released Envoy. Cannot see Kubernetes: nothing admits the objects but Envoy
Gateway's own validation.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import paths, skopeo
from harness.digest import sha256
from harness.envoy import Envoy
from harness.forwarder import Forwarder
from harness.image import Image
from harness.own_port import reserve
from harness.registry import Registry
from harness.scripted import Answer, Scripted
from harness.waiting import eventually

from . import site
from .agent import push_filter
from .site import ADDRESSES, ONE_EACH, SEVERAL, TAG, TARGET, at, policy, served_by
from .standalone import Standalone, objects, without

# Fixtures of both suites.
content, registries = site.content, site.registries


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Standalone]:
    """Envoy Gateway, not started."""
    made = Standalone(tmp_path / "gateway", reserve())
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of the filter at a web server."""
    made = Scripted()
    made.answer(Answer(200, [("Content-Type", "application/wasm")], paths.wasm().read_bytes()))
    yield f"{made.url}/portolan.wasm"
    made.close()


@pytest.mark.parametrize("by", ["http", "image"])
def test_a_pull_by_region(
    by: str, server: str, gateway: Standalone, registries: dict[str, Registry], content: Image, tmp_path: Path
) -> None:
    """The filter is fetched by Envoy Gateway; names, regions, one backend for each request; every byte is checked."""
    if by == "http":
        wasm = [server, "--wasm-sha256", sha256(paths.wasm().read_bytes())]
    else:
        wasm = [f"oci://{push_filter(registries['eu'], tmp_path)}"]
    urls = {name: registry.url for name, registry in registries.items()}
    envoy = gateway.start(objects(policy(urls, ONE_EACH), tmp_path, gateway.front, *wasm))
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


def test_a_failover(gateway: Standalone, tmp_path: Path, content: Image) -> None:
    """The filter is a file of the pods: the next backend of the chain serves what the first cannot."""
    registries = site.push_all(content, tmp_path)
    document = policy({name: registry.url for name, registry in registries.items()}, SEVERAL)
    document["rules"][0]["replicas"] = ["eu", "cn"]
    envoy = gateway.start(objects(document, tmp_path, gateway.front, paths.wasm()))
    assert served_by(envoy, "cn") == "cn"
    registries["cn"].server.stop()
    assert served_by(envoy, "cn") == "eu", "the first request after it has stopped"
    forwarder = Forwarder(ADDRESSES["cn"], gateway.front)
    assert skopeo.pull(f"{forwarder.authority}/demo/app:{TAG}", tmp_path / "pulled") == content.digest
    forwarder.close()
    assert gateway.refused() == {}


def test_another_policy(server: str, gateway: Standalone, registries: dict[str, Registry], tmp_path: Path) -> None:
    """New objects are another decision, and every request on the way is answered by one of the two policies."""
    urls = {name: registry.url for name, registry in registries.items()}
    envoy = gateway.start(objects(policy(urls, ONE_EACH), tmp_path / "one", gateway.front, server))
    assert served_by(envoy, "cn") == "cn"
    other = policy(urls, {"cn": ["eu"], "default": ["eu"]})
    gateway.serve(objects(other, tmp_path / "other", gateway.front, server))
    served: list[str | None] = []

    def changed() -> bool:
        served.append(served_by(envoy, "cn"))
        return served[-1] == "eu"

    eventually(changed, what="the other policy")
    assert set(served) <= {"cn", "eu"}, served
    assert gateway.refused() == {}


@pytest.fixture(params=["http", "file"])
def watched(
    request: pytest.FixtureRequest, server: str, gateway: Standalone, tmp_path: Path
) -> Iterator[tuple[Envoy, dict[str, Scripted]]]:
    """A gateway with the filter by each way, and what its backends see."""
    upstreams = site.watched_upstreams()
    urls = {name: upstream.url for name, upstream in upstreams.items()}
    wasm: str | Path = server if request.param == "http" else paths.wasm()
    yield gateway.start(objects(policy(urls, ONE_EACH), tmp_path, gateway.front, wasm)), upstreams
    for upstream in upstreams.values():
        upstream.close()


def test_hostile_requests(watched: tuple[Envoy, dict[str, Scripted]]) -> None:
    """The promises of SECURITY.md: nothing is normalised, nobody speaks in the name of Envoy or the filter."""
    site.stands_hostile_requests(*watched)


def test_answers_do_not_speak_in_our_name(watched: tuple[Envoy, dict[str, Scripted]]) -> None:
    """A registry cannot mark its answers as the filter does, nor bind clients to it."""
    site.answers_do_not_speak_in_our_name(*watched)


def test_credentials(gateway: Standalone, tmp_path: Path) -> None:
    """A credential reaches its backend, and nobody else sees it."""
    upstreams = site.watched_upstreams()
    document = site.with_a_credential(upstreams, tmp_path)
    envoy = gateway.start(objects(document, tmp_path, gateway.front, paths.wasm()))
    site.a_credential_reaches_its_backend_alone(envoy, upstreams)
    for upstream in upstreams.values():
        upstream.close()


def test_without_the_patches_nothing_is_served(server: str, gateway: Standalone, tmp_path: Path) -> None:
    """What was applied in part leads nowhere."""
    upstreams = site.watched_upstreams()
    urls = {name: upstream.url for name, upstream in upstreams.items()}
    rendered = objects(policy(urls, ONE_EACH), tmp_path, gateway.front, server)
    envoy = gateway.start(without(rendered, "EnvoyPatchPolicy"))
    assert envoy.request("GET", TARGET, [at("cn")]).status == 503
    assert all(upstream.seen == [] for upstream in upstreams.values())
    for upstream in upstreams.values():
        upstream.close()
