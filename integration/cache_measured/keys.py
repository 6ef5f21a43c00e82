"""Which digests change their node when one of several goes."""

from dataclasses import dataclass
from pathlib import Path

from harness import markdown, ports
from harness.digest import sha256
from harness.envoy import Envoy, render
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually

KEYS = 1200


@dataclass(frozen=True)
class Moved:
    """Digests, by what became of them."""

    nodes: int
    # Of the node that went.
    lost: int
    # Of the others, and among them those that have another node now.
    others: int
    moved: int
    # The most that one node has, times the number of nodes; 1 is even.
    unevenness: float


def measure(nodes: int, directory: Path) -> Moved:
    """Asks for every digest before and after the first node goes."""
    servers = [Scripted() for _ in range(nodes)]
    registry = Scripted()
    registry.script = lambda seen: Answer(200, [("Docker-Content-Digest", seen.target.decode().rpartition("/")[2])])
    for server in servers:
        server.script = _node
    policy = build_policy(
        {"origin": registry.url},
        rule_of("team", ["cache@eu", "origin"], readers="anyone"),
        caches={"eu": {"nodes": [server.url for server in servers]}},
    )
    document = render(policy, directory / "policy", more=["--cache-fill", f"127.0.0.1:{ports.free()}"])
    envoy = Envoy(document, directory / "envoy", workers=2)
    envoy.wait_until_healthy()
    before = _places(envoy, servers)
    servers[0].health = 503
    gone = f":{servers[0].port}::health_flags::/failed_active_hc"
    eventually(lambda: gone in envoy.admin("/clusters").decode())
    after = _places(envoy, servers)
    envoy.stop()
    for server in [*servers, registry]:
        server.close()
    others = [key for key, node in before.items() if node]
    counts = [list(before.values()).count(node) for node in range(nodes)]
    return Moved(
        nodes,
        lost=counts[0],
        others=len(others),
        moved=sum(after[key] != before[key] for key in others),
        unevenness=max(counts) * nodes / KEYS,
    )


def _node(seen: Seen) -> Answer:
    return Answer(200, [("X-Portolan-Cache", "hit")], b"x")


def _places(envoy: Envoy, servers: list[Scripted]) -> dict[int, int]:
    """The node of each digest."""
    for server in servers:
        server.forget()
    for key in range(KEYS):
        answer = envoy.request("GET", _path(key))
        assert answer.status == 200, answer
    return {_key(seen): node for node, server in enumerate(servers) for seen in server.seen}


_KEYS = {sha256(str(key).encode()): key for key in range(KEYS)}


def _path(key: int) -> str:
    return f"/v2/team/app/blobs/{sha256(str(key).encode())}"


def _key(seen: Seen) -> int:
    return _KEYS[seen.target.decode().partition("?")[0].rpartition("/")[2]]


def table(found: list[Moved]) -> str:
    """Rows for the page."""
    head = ["nodes", "digests of the node that goes", "of the others", "that move", "most at one node"]
    rows = [
        [
            *(str(one.nodes), f"{one.lost} of {KEYS} ({one.lost / KEYS:.1%})", str(one.others)),
            *(f"{one.moved} ({one.moved / one.others:.1%})", f"{one.unevenness:.2f} times the mean"),
        ]
        for one in found
    ]
    return markdown.table(head, rows)
