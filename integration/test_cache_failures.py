"""What may go wrong between clients and content: a node that is killed, hangs, is full or rots, a registry that breaks off while a node
is filled, another policy.

Real Envoy, real nodes (Apache Traffic Server), scripted registries, and clients that go on with what broke off, as container
runtimes do: no pull fails, and no whole answer is other content than was asked for.
"""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from harness import ports
from harness.cache_node import have, start_nodes
from harness.cache_tier import Store, Tier, asked, policy
from harness.envoy import write_policy
from harness.files_envoy import FilesEnvoy
from harness.resuming import Resuming
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not have(), reason="there is no Traffic Server; run scripts/setup cache"),
    pytest.mark.usefixtures("nobody_was_asked"),
]

CLIENTS = 4
Content = tuple[str, bytes]


class Pulls:
    """Clients that pull all of some contents at once, in an order of their own; each is to get what it asked for."""

    def __init__(self, port: int, contents: list[Content]) -> None:
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._running: list[Future[None]] = []
        for number in range(CLIENTS):
            order = contents.copy()
            Random(number).shuffle(order)
            self._running.append(self._pool.submit(self._pull, Resuming(port), order))

    @staticmethod
    def _pull(client: Resuming, order: list[Content]) -> None:
        for path, body in order:
            assert client.pull(path) == body, path

    def end(self) -> None:
        """Waits for all of them."""
        for pulls in self._running:
            pulls.result()
        self._pool.shutdown()


def pull_all(port: int, contents: list[Content]) -> None:
    """All clients pull all of it."""
    Pulls(port, contents).end()


def serves_again(tier: Tier, store: Store) -> None:
    """Waits until both nodes are asked again: each has its share of what nobody has asked for yet."""

    def both() -> bool:
        contents = [store.fresh("team/again", 10) for _ in range(12)]
        before = len(tier.envoy.all_lines())
        for path, body in contents:
            assert Resuming(tier.envoy.port).pull(path) == body
        lines = tier.envoy.all_lines()[before:]
        served = {line.get("cache_node") for line in lines if line.get("cache_use") in ("miss", "hit")}
        return {"eu-1", "eu-2"} <= served

    assert eventually(both, what="both nodes are asked")


def test_a_node_that_hangs(tier: Tier, store: Store) -> None:
    """It takes connections and answers nothing, for what it has and for what is new."""
    known = [store.fresh("team/hang", 2000) for _ in range(8)]
    pull_all(tier.envoy.port, known)
    tier.nodes[0].hang(True)
    try:
        pull_all(tier.envoy.port, known + [store.fresh("team/hang", 2000) for _ in range(8)])
    finally:
        tier.nodes[0].hang(False)
    serves_again(tier, store)


class Halved:
    """A registry that sends the first half of a content, and the rest when it is told to; or breaks off then."""

    def __init__(self, store: Store, path: str, body: bytes, breaks_off: int = 0) -> None:
        self.goes_on = threading.Event()
        self._store, self._path, self._body = store, path, body
        self._to_break = breaks_off
        self._lock = threading.Lock()

    def serve(self, seen: Seen) -> Answer:
        """As a script."""
        if seen.method != "GET" or seen.target.decode() != self._path or seen.all("range"):
            return self._store.serve(seen)
        with self._lock:
            self._to_break -= 1
            is_broken = self._to_break >= 0
        half = len(self._body) // 2
        rest = self._break if is_broken else lambda: self._rest(half)
        return Answer(200, [("Content-Length", str(len(self._body)))], self._body[:half], rest=rest)

    def _rest(self, half: int) -> Iterator[bytes]:
        self.goes_on.wait()
        yield self._body[half:]

    @staticmethod
    def _break() -> Iterator[bytes]:
        raise OSError


def test_nodes_that_are_killed_while_they_are_filled(tier: Tier, store: Store, east: Scripted) -> None:
    """Clients that are sent what comes go on with what the registries have."""
    path, body = store.fresh("team/killed", 500_000)
    registry = Halved(store, path, body)
    east.script = registry.serve
    pulls = Pulls(tier.envoy.port, [(path, body)])
    eventually(lambda: asked(east, "GET", path), what="a node is filled")
    for node in tier.nodes:
        node.kill()
    registry.goes_on.set()
    pulls.end()
    for node in tier.nodes:
        node.start()
    serves_again(tier, store)


def test_a_registry_that_breaks_off_while_a_node_is_filled(tier: Tier, store: Store, east: Scripted) -> None:
    """Two times; nothing of it is kept, and clients go on."""
    path, body = store.fresh("team/broken", 500_000)
    registry = Halved(store, path, body, breaks_off=2)
    registry.goes_on.set()
    east.script = registry.serve
    pull_all(tier.envoy.port, [(path, body)])
    assert asked(east, "GET", path) >= 2
    east.script = store.serve
    pull_all(tier.envoy.port, [(path, body)])


def test_registries_that_are_gone_in_the_middle(tier: Tier, store: Store, east: Scripted, west: Scripted) -> None:
    """The first breaks off and answers nothing more: the other one goes on."""
    path, body = store.fresh("team/gone", 500_000)
    registry = Halved(store, path, body, breaks_off=1)

    def serve(seen: Seen) -> Answer:
        answer = registry.serve(seen)
        if answer.rest is not None:
            east.script = lambda _seen: Answer(503)
        return answer

    east.script = serve
    pull_all(tier.envoy.port, [(path, body)])
    assert asked(west, "GET", path) >= 1


def test_a_store_that_rots(tier: Tier, store: Store) -> None:
    """Bits flip on the disks of both nodes, in the first pieces of contents and in later ones."""
    contents = [store.fresh("team/rot", 200_000) for _ in range(10)]
    filler = [store.fresh("team/rot", 200_000) for _ in range(20)]
    pull_all(tier.envoy.port, contents + filler)
    for at, (_, body) in enumerate(contents):
        share = (0.1, 0.9)[at % 2]
        eventually(lambda: any([node.rot(body, share) for node in tier.nodes]), what="it is on a disk")
    pull_all(tier.envoy.port, contents)


def test_a_store_that_is_full(tier: Tier, store: Store) -> None:
    """More is asked for than both nodes can hold: the oldest goes, and nothing fails."""
    contents = [store.fresh("team/full", 1_000_000) for _ in range(60)]
    for _ in range(2):
        for path, body in contents:
            assert Resuming(tier.envoy.port).pull(path) == body
    # They count every few seconds.
    eventually(lambda: all(int(node.numbers()["cache.wrap_count"]) > 0 for node in tier.nodes), what="both have been full")


@pytest.fixture
def changing(east: Scripted, west: Scripted, store: Store, tmp_path: Path) -> Iterator[FilesEnvoy]:
    """An Envoy whose policy is changed while it runs, and a node."""
    port, fill = ports.free(), ports.free()
    document = policy(east, west, [f"http://127.0.0.1:{port}"])
    (node,) = start_nodes(write_policy(document, tmp_path / "policy"), tmp_path, f"127.0.0.1:{fill}", [port])
    envoy = FilesEnvoy(document, tmp_path / "envoy", options=["--cache-fill", f"127.0.0.1:{fill}"])
    yield envoy
    envoy.stop()
    node.stop()


def test_another_policy_while_nodes_are_filled(changing: FilesEnvoy, store: Store, east: Scripted, west: Scripted) -> None:
    """Its listener is another one then: what is being filled goes on, or is begun anew."""
    held, held_body = store.fresh("team/held", 500_000)
    registry = Halved(store, held, held_body)
    contents = [store.fresh("team/changing", 20_000) for _ in range(30)]
    pull_all(changing.port, contents[:10])
    east.script = registry.serve
    pulls = Pulls(changing.port, [*contents, (held, held_body)])
    eventually(lambda: asked(east, "GET", held), what="the node is filled")
    document = policy(east, west, changed_nodes(changing))
    document["rules"].append({"name": "more", "repositories": ["more/**"], "chains": {"default": ["east", "west"]}})
    changing.apply(document)
    registry.goes_on.set()
    pulls.end()
    more, body = store.fresh("more/app", 100)
    assert eventually(lambda: Resuming(changing.port).pull(more) == body)


def changed_nodes(envoy: FilesEnvoy) -> list[str]:
    """The nodes of its policy, as they were."""
    found: list[str] = json.loads(envoy.policy_file.read_text())["caches"]["eu"]["nodes"]
    return found
