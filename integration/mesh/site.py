"""What the suites of gateways share: two registries, a policy about them, and what holds whoever configures the gateway."""

from pathlib import Path

import pytest

from harness import image as images
from harness import raw, skopeo
from harness.accounts import Account
from harness.digest import sha256
from harness.envoy import Envoy, Policy
from harness.image import ACCEPT, Image
from harness.policies import build_policy, rule_of
from harness.registry import SERVED_BY, Registry
from harness.scripted import Answer, Scripted

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
    return push_all(content, tmp_path_factory.mktemp("registries"))


def policy(urls: dict[str, str], chains: dict[str, list[str]]) -> Policy:
    """A region for each backend, told by the client's address."""
    backends = {
        name: {"url": url, "names": [{"front": "demo/", "backend": f"{name}-mirror/demo/"}]} for name, url in urls.items()
    }
    return build_policy(
        backends,
        rule_of("demo", chains),
        front={"default": True},
        regions={"cn": {"networks": ["192.0.2.0/24"]}, "default": {}},
        clients={"trusted_hops": 1},
    )


def at(region: str) -> raw.Header:
    """What the proxy in front says of a client of a region."""
    return ("X-Forwarded-For", ADDRESSES[region])


def served_by(envoy: Envoy, region: str) -> str | None:
    """Who served a pull by tag of a client of a region."""
    answer = envoy.request("GET", TARGET, [at(region), ("Accept", ACCEPT)])
    return answer.one(SERVED_BY) if answer.status == 200 else None


ONE_EACH = {"cn": ["cn"], "default": ["eu"]}
SEVERAL = {"cn": ["cn", "eu"], "default": ["eu", "cn"]}


def watched_upstreams() -> dict[str, Scripted]:
    """Backends that answer everything, and remember what they were asked."""
    upstreams = {name: Scripted() for name in ADDRESSES}
    for upstream in upstreams.values():
        upstream.answer(Answer(200, [("Docker-Content-Digest", sha256(b"{}"))], b"{}"))
    return upstreams


def push_all(content: Image, directory: Path) -> dict[str, Registry]:
    """A registry each, with the image under the registry's own name for it."""
    content.write_layout(directory / "layout", TAG)
    found = {name: Registry(name, directory) for name in ADDRESSES}
    for name, registry in found.items():
        skopeo.push(directory / "layout", TAG, f"{registry.authority}/{name}-mirror/demo/app:{TAG}")
    return found


def stands_hostile_requests(envoy: Envoy, upstreams: dict[str, Scripted]) -> None:
    """The promises of SECURITY.md: nothing is normalised, nobody speaks in the name of Envoy or the filter."""
    clusters = [line.split("::")[0] for line in envoy.admin("/clusters").decode().splitlines()]
    for forged in FORGERIES + [("X-Portolan-Cluster", cluster) for cluster in sorted(set(clusters))]:
        for upstream in upstreams.values():
            upstream.seen.clear()
        answer = envoy.request("GET", TARGET, [at("cn"), forged])
        assert answer.status == 200, forged
        (seen,) = upstreams["cn"].seen
        assert upstreams["eu"].seen == [], forged
        told = [name for name in seen.names if name.startswith(("x-portolan-", "x-envoy-", "x-geo-"))]
        assert not told, f"{told}: {forged}"
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


def answers_do_not_speak_in_our_name(envoy: Envoy, upstreams: dict[str, Scripted]) -> None:
    """A registry cannot mark its answers as the filter does, nor bind clients to it."""
    ours = [("X-Portolan-Go-On", "1"), ("X-Envoy-Immediate-Health-Check-Fail", "1"), ("Set-Cookie", "a=b")]
    upstreams["cn"].answer(Answer(200, [*ours, ("Docker-Content-Digest", sha256(b"{}"))], b"{}"))
    for _ in range(2):
        answer = envoy.request("GET", TARGET, [at("cn")])
        assert answer.status == 200
        names = {name.lower() for name, _ in answer.headers}
        assert not [name for name in names if name.startswith(("x-portolan-", "x-envoy-")) or name == "set-cookie"]
    assert upstreams["eu"].seen == []


def with_a_credential(upstreams: dict[str, Scripted], directory: Path) -> Policy:
    """The backend `cn` wants the proxy's own credential."""
    file = directory / "robot"
    file.write_text(ROBOT.basic.removeprefix("Basic "))
    document = policy({name: upstream.url for name, upstream in upstreams.items()}, SEVERAL)
    document["credentials"] = {"robot": {"file": str(file)}}
    document["backends"]["cn"] |= {"auth": "basic", "credential": "robot"}
    document["rules"][0] |= {"readers": "anyone", "replicas": ["eu", "cn"]}
    return document


def a_credential_reaches_its_backend_alone(envoy: Envoy, upstreams: dict[str, Scripted]) -> None:
    """And nobody else sees it."""
    theirs = ("Authorization", "Basic bm9ib2R5Om5vdGhpbmc=")
    assert envoy.request("GET", TARGET, [at("cn"), theirs]).status == 200
    assert upstreams["cn"].seen[-1].all("authorization") == [ROBOT.basic.encode()]
    assert envoy.request("GET", TARGET, [at("eu"), theirs]).status == 200
    assert upstreams["eu"].seen[-1].all("authorization") == []
    secret = ROBOT.basic.removeprefix("Basic ")
    for place in ("/config_dump?include_eds", "/stats", "/clusters"):
        assert secret not in envoy.admin(place).decode(), place
