"""A run to look at: an Envoy with numbers, registries, clients in two regions, and faults, for some minutes.

Everything is scripted and on this machine, so that whoever sees only what Prometheus has can be told from whoever knows
what was broken when.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness import ports
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.faults import answers, slow
from harness.policies import build_policy, rule_of
from harness.prometheus import Prometheus
from harness.raw import Header
from harness.scripted import Answer, Scripted, Seen
from harness.scripted_node import ScriptedNode

BODY = b'{"schemaVersion":2}' + b" " * 4000
DIGEST = sha256(BODY)
PAUSE_SECONDS = 0.05
# How long all is well before the first fault, between two, and after the last.
REST_SECONDS = 20.0
FAULT_SECONDS = 15.0
CLIENTS: dict[str, list[Header]] = {
    "cn": [("X-Forwarded-For", "192.0.2.5")],
    "default": [("X-Forwarded-For", "198.51.100.5")],
}
TARGETS = [
    "/v2/app/web/manifests/latest",
    f"/v2/app/web/blobs/{DIGEST}",
    "/v2/guarded/web/manifests/latest",
    "/v2/vault/web/manifests/latest",
    f"/v2/open/web/blobs/{DIGEST}",
    f"/v2/cached/web/blobs/{DIGEST}",
    "/v2/nobody/has/manifests/latest",
    "/v2/",
]


def content(_seen: Seen) -> Answer:
    """What every registry has."""
    return Answer(200, [("Docker-Content-Digest", DIGEST)], BODY)


def guarded(seen: Seen) -> Answer:
    """The same, for who shows a token."""
    return content(seen) if seen.all("authorization") else Answer(401)


def token(_seen: Seen) -> Answer:
    """A token that has to be fetched anew soon."""
    return Answer(200, [], json.dumps({"token": "t" * 40, "expires_in": 5}).encode())


@dataclass
class Registries:
    """Two with the same content, one with a token service; and the node of a cache."""

    east: Scripted = field(default_factory=Scripted)
    west: Scripted = field(default_factory=Scripted)
    guarded: Scripted = field(default_factory=Scripted)
    tokens: Scripted = field(default_factory=Scripted)
    fill: int = field(default_factory=ports.free)
    node: Scripted = field(init=False)

    def __post_init__(self) -> None:
        self.node = ScriptedNode("near-1", self.fill)

    def behave(self) -> None:
        """All of them are well."""
        for registry in (self.east, self.west):
            registry.script, registry.health = content, 200
        self.guarded.script, self.tokens.script = guarded, token

    def close(self) -> None:
        """Stops all of them."""
        for registry in (self.east, self.west, self.guarded, self.tokens, self.node):
            registry.close()


@dataclass(frozen=True)
class Fault:
    """What breaks, and how."""

    name: str
    inject: Callable[[Registries], None]


def fails_its_checks(registries: Registries) -> None:
    """The health checks find it down."""
    registries.east.health = 503


def fails_on_data(registries: Registries) -> None:
    """Its health checks pass."""
    _instead(registries.east, answers(503))


def is_slow(registries: Registries) -> None:
    """Every answer takes its time."""
    _instead(registries.west, slow(0.4))


def has_no_tokens(registries: Registries) -> None:
    """The token service is out of order."""
    _instead(registries.tokens, answers(503))


def _instead(registry: Scripted, fault: Callable[[Seen], Answer | None]) -> None:
    before = registry.script

    def script(seen: Seen) -> Answer:
        return fault(seen) or before(seen)

    registry.script = script


FAULTS = [
    Fault("east fails its health checks", fails_its_checks),
    Fault("east answers 503 to data", fails_on_data),
    Fault("west takes 0.4 s", is_slow),
    Fault("the token service answers 503", has_no_tokens),
]


def policy(registries: Registries, directory: Path) -> Policy:
    """Every part of a policy that has numbers of its own."""
    credential = directory / "robot"
    credential.write_text("cm9ib3Q6cGFzc3dvcmQ=")
    check = {"interval": "1s", "timeout": "1s"}
    chains = {"cn": ["east", "west"], "default": ["west", "east"]}
    service = {"realm": f"{registries.tokens.url}/token", "service": "guarded"}
    return build_policy(
        {
            "east": {"url": registries.east.url, "health_check": check},
            "west": {"url": registries.west.url, "health_check": check},
            "guarded": {"url": registries.guarded.url, "auth": {"token": service}, "credential": "robot"},
            "vault": f"https://127.0.0.1:{ports.dead()}",
        },
        rule_of("app", chains, replicas=["east", "west"]),
        rule_of("guarded", ["guarded"], readers="anyone"),
        rule_of("cached", ["cache@near", "west"], readers="anyone"),
        rule_of("vault", ["vault"]),
        rule_of("open", ["west"], client_redirects={"classes": ["blobs"]}),
        front={"default": True},
        caches={"near": {"nodes": [registries.node.url]}},
        credentials={"robot": {"file": str(credential)}},
        regions={"cn": {"labels": ["office"]}, "default": {}},
        networks={"office": ["192.0.2.0/24"]},
        clients={"trusted_hops": 1},
    )


class Traffic:
    """Clients of both regions that ask for everything, until they are stopped."""

    def __init__(self, envoy: Envoy) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(envoy, headers), daemon=True)
            for headers in CLIENTS.values()
        ]
        for thread in self._threads:
            thread.start()

    def _ask(self, envoy: Envoy, headers: list[Header]) -> None:
        while True:
            for target in TARGETS:
                if self._stop.wait(PAUSE_SECONDS):
                    return
                envoy.request("GET", target, headers)

    def stop(self) -> None:
        """Waits for the last of them."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


# What happens at a moment, in words: for who watches.
Tell = Callable[[str], None]


def nobody(_words: str) -> None:
    """Tells nobody."""


@dataclass
class Stage:
    """Registries, and an Envoy in front of them that counts."""

    registries: Registries
    envoy: Envoy
    # Address and port of the metrics listener.
    metrics: str

    def play(
        self, rest: float = REST_SECONDS, fault: float = FAULT_SECONDS, tell: Tell = nobody
    ) -> list[tuple[str, float, float]]:
        """Breaks one thing after another while clients ask; what was broken from when to when, all times in seconds."""
        broken = []
        traffic = Traffic(self.envoy)
        try:
            for one in FAULTS:
                time.sleep(rest)
                begun = time.time()
                tell(f"broken: {one.name}")
                one.inject(self.registries)
                time.sleep(fault)
                self.registries.behave()
                tell("all is well again")
                broken.append((one.name, begun, time.time()))
            time.sleep(rest)
        finally:
            traffic.stop()
        return broken


@dataclass
class Scene(Stage):
    """The same, with a Prometheus that looks."""

    prometheus: Prometheus


@contextmanager
def stage(directory: Path, port: int = 0, admin: int = 0, metrics: int = 0) -> Iterator[Stage]:
    """Starts registries and Envoy; they are gone afterwards. For a port of 0 any that is free is taken."""
    registries = Registries()
    registries.behave()
    target = f"127.0.0.1:{metrics or ports.free()}"
    document = policy(registries, directory)
    more = ["--cache-fill", f"127.0.0.1:{registries.fill}"]
    bootstrap = render(document, directory, port, more=more, admin=f"127.0.0.1:{admin or ports.free()}", metrics=target)
    envoy = Envoy(bootstrap, directory)
    try:
        yield Stage(registries, envoy, target)
    finally:
        envoy.stop()
        registries.close()


@contextmanager
def scene(directory: Path) -> Iterator[Scene]:
    """The same with Prometheus, on ports that are free."""
    with stage(directory) as there:
        rules = directory / "no.rules.yaml"
        rules.write_text("groups: []\n")
        prometheus = Prometheus(there.metrics, rules, directory / "prometheus")
        try:
            yield Scene(there.registries, there.envoy, there.metrics, prometheus)
        finally:
            prometheus.stop()
