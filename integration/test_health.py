"""Who counts as there, what a start promises, and what a front tells of its backends.

Sees what clients get and what Envoy says of its endpoints. Cannot see: name servers, and registries that are
far away.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import ports, raw
from harness.bootstrap import Bootstrap
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.names import plain
from harness.policies import build_policy, hedged_late, rule_of
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually

BODY = b'{"schemaVersion":2}'
DIGEST = sha256(BODY)
HEALTHY = "healthy"
# What `/v2/` answers, and whether somebody is there.
STATUSES = [
    (200, True),
    (204, True),
    (301, True),
    (308, True),
    (400, True),
    (401, True),
    (403, True),
    (404, True),
    (429, True),
    (499, True),
    (500, False),
    (502, False),
    (503, False),
    (504, False),
    (520, False),
]


def named(name: str) -> Callable[[Seen], Answer]:
    """Answers every read with its name and every write with 202."""

    def answer(seen: Seen) -> Answer:
        if seen.method in ("GET", "HEAD"):
            return Answer(200, [("Served-By", name), ("Docker-Content-Digest", DIGEST)], BODY)
        return Answer(202, [("Location", "/v2/x/blobs/uploads/1")])

    return answer


def document(backends: dict[str, str], rules: list[Policy], **check: str) -> Policy:
    """A policy with one front and backends that are checked as a test says."""
    settings = {"health_check": check} if check else {}
    policy = build_policy(
        {name: {"url": url, **settings} for name, url in backends.items()},
        front={"health": True},
        rules=rules,
    )
    return hedged_late(policy)


def rendered(policy: Policy, directory: Path) -> Bootstrap:
    """What is rendered of it; the admin interface, which the front asks, has a port that is known."""
    return render(policy, directory, admin=f"127.0.0.1:{ports.free()}")


def flags(envoy: Envoy) -> dict[str, str]:
    """What Envoy says of the endpoint of each cluster."""
    lines = [line.split("::") for line in envoy.admin("/clusters").decode().splitlines()]
    return {plain(line[0]): line[3] for line in lines if len(line) == 4 and line[2] == "health_flags"}


def told(envoy: Envoy, host: str = "registry.test") -> Policy:
    """What a front tells of its backends."""
    found: Policy = json.loads(envoy.request("GET", "/healthcheck", host=host).body)["backends"]
    return found


def wait_for(envoy: Envoy, clusters: list[str], healthy: bool) -> None:
    """Waits until Envoy thinks so of each of these clusters."""

    def known() -> bool:
        found = flags(envoy)
        return all((found[name] == HEALTHY) is healthy for name in clusters)

    eventually(known, what=f"{clusters} are {'well' if healthy else 'not well'}")


def wait_for_checks(envoy: Envoy, clusters: list[str], count: int) -> None:
    """Waits for so many further answers to checks in each of these clusters."""
    pattern = r"^cluster\.[^.]+\.health_check\.(success|failure)$"

    def done() -> dict[str, int]:
        found = envoy.stats(pattern)
        names = {name: [key for key in found if key.startswith(f"cluster.{name}.")] for name in clusters}
        return {name: sum(found[key] for key in keys) for name, keys in names.items()}

    before = done()
    eventually(lambda: all(number >= before[name] + count for name, number in done().items()))


@pytest.fixture(scope="module")
def registries() -> Iterator[dict[str, Scripted]]:
    """One registry alone, and two of a chain."""
    found = {name: Scripted() for name in ("alone", "near", "far")}
    for name, registry in found.items():
        registry.script = named(name)
    yield found
    for registry in found.values():
        registry.close()


@pytest.fixture(scope="module")
def front(
    registries: dict[str, Scripted], start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Envoy:
    rules: list[Policy] = [
        {"name": "one", "repositories": ["one/**"], "chains": {"default": ["alone"]}, "owner": "alone"},
        {
            "name": "two",
            "repositories": ["two/**"],
            "chains": {"default": ["near", "far"]},
            "replicas": ["near", "far"],
            "owner": "near",
        },
    ]
    urls = {name: registry.url for name, registry in registries.items()}
    policy = document(urls, rules, interval="200ms", timeout="2s")
    return start(rendered(policy, tmp_path_factory.mktemp("statuses")))


@pytest.mark.parametrize(("status", "alive"), STATUSES)
def test_a_backend_that_answers_the_check_below_500_is_up(
    front: Envoy, registries: dict[str, Scripted], status: int, alive: bool
) -> None:
    clusters = ["alone", "alone@owner", "near", "near@owner"]
    for name in ("alone", "near"):
        registries[name].health = status
    try:
        wait_for_checks(front, clusters, 3)
        wait_for(front, clusters, alive)
        for target in (f"/v2/one/app/blobs/{DIGEST}", "/v2/one/app/manifests/v1"):
            assert front.request("GET", target).body == BODY, "there is nobody else to ask"
        for target in (f"/v2/two/app/blobs/{DIGEST}", "/v2/two/app/manifests/v1"):
            served_by = front.request("GET", target).one("served-by")
            assert served_by == ("near" if alive else "far")
        for repository in ("one/app", "two/app"):
            answer = front.request("POST", f"/v2/{repository}/blobs/uploads/", body=b"")
            assert answer.status == (202 if alive else 503), repository
        word = "up" if alive else "down"
        # The filter asks Envoy at most once a second.
        eventually(lambda: told(front) == {"alone": word, "far": "up", "near": word})
    finally:
        for name in ("alone", "near"):
            registries[name].health = 200
        wait_for(front, clusters, healthy=True)


def one_rule_each(upstream: Scripted) -> Policy:
    """A policy whose lists all have one backend: the listener alone has the filter."""
    names = ("a", "b", "c")
    return document(
        {name: upstream.url for name in names},
        [
            {"name": name, "repositories": [f"{name}/**"], "chains": {"default": [name]}, "owner": name}
            for name in names
        ],
    )


# Checks that are sent while the clusters are made would be answered while the filter is compiled, on the same
# thread, and time out unread.
@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_is_refused_after_a_start(east: Scripted, tmp_path: Path, workers: int) -> None:
    """How many starts is for who looks closer: `PORTOLAN_STARTS=20`, on a busy machine."""
    east.script = named("east")
    for number in range(int(os.environ.get("PORTOLAN_STARTS", "3"))):
        directory = tmp_path / str(number)
        envoy = Envoy(rendered(one_rule_each(east), directory), directory / "envoy", workers)
        assert envoy.request("GET", "/readyz", host="10.1.2.3").status == 200
        for name in ("a", "b", "c"):
            answer = envoy.request("POST", f"/v2/{name}/x/blobs/uploads/", body=b"")
            assert answer.status == 202, (number, name, answer.body)
            assert envoy.request("GET", f"/v2/{name}/x/manifests/v1").status == 200
        assert not envoy.crashes()
        envoy.stop()


# A registry that nobody asked for anything is checked as all others: nobody's first request finds out.
def test_an_idle_front_notices_a_backend_that_is_up_again(start: Callable[..., Envoy], tmp_path: Path) -> None:
    registry = Scripted()
    registry.script = named("idle")
    rule = {"name": "one", "repositories": ["**"], "chains": {"default": ["a"]}, "owner": "a"}
    envoy = start(rendered(document({"a": registry.url}, [rule]), tmp_path))
    wait_for(envoy, ["a", "a@owner"], healthy=True)
    registry.health = 503
    died = time.monotonic()
    wait_for(envoy, ["a", "a@owner"], healthy=False)
    assert time.monotonic() - died < 5, "within two intervals"
    registry.health = 200
    returned = time.monotonic()
    eventually(lambda: envoy.request("POST", "/v2/x/blobs/uploads/", body=b"").status == 202)
    assert time.monotonic() - returned < 3
    registry.close()


def fronts(east: Scripted, west: Scripted, directory: Path) -> Bootstrap:
    """Two fronts, each with rules of its own, and one that tells nothing."""
    policy: Policy = build_policy(
        {
            "eastern": east.url,
            "western": west.url,
            "shared": east.url,
            "dead": f"http://127.0.0.1:{ports.dead()}",
        },
        rule_of("e", ["eastern"], fronts=["east"]),
        rule_of("w", ["western", "dead"], fronts=["west"]),
        rule_of("s", ["shared"]),
        fronts={
            "east": {"hosts": ["east.test"], "health": True, "ping": "all_backends"},
            "west": {"hosts": ["west.test"], "health": True},
            "quiet": {"hosts": ["quiet.test"]},
        },
    )
    return rendered(policy, directory)


def test_a_front_tells_of_its_own_backends_and_a_process_of_itself(
    east: Scripted, west: Scripted, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    envoy = start(fronts(east, west, tmp_path))
    wait_for(envoy, ["eastern", "western", "shared"], healthy=True)
    eventually(lambda: told(envoy, "east.test") == {"eastern": "up", "shared": "up"})
    eventually(lambda: told(envoy, "west.test") == {"western": "up", "dead": "down", "shared": "up"})
    assert envoy.request("GET", "/v2/", host="east.test").status == 200, "its own backends are up"
    for host in ("east.test", "quiet.test", "10.1.2.3:8080", "localhost"):
        for path in ("/livez", "/readyz"):
            assert envoy.request("GET", path, host=host).status == 200, (host, path)
    assert envoy.request("GET", "/healthcheck", host="quiet.test").status == 404
    assert envoy.request("GET", "/healthcheck", host="10.1.2.3:8080").status == 404
    with raw.Connection(envoy.port) as connection:
        kubelet = [("User-Agent", "kube-probe/1.34"), ("Accept", "*/*"), ("Connection", "close")]
        answer = raw.exchange(connection, "GET", "/livez", kubelet, host=f"10.1.2.3:{envoy.port}")
        assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})
