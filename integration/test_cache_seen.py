"""What a cache did is seen: in the log, and in the metrics, whose sums agree with what registries were asked.

Real Envoy with two real nodes (Apache Traffic Server), scripted registries. Cannot see what Prometheus makes of it.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from harness import ports
from harness.cache_node import have
from harness.cache_tier import Store, Tier, asked, digest_of, get, start_tier
from harness.envoy import Envoy
from harness.metrics import Scrape
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(not have(), reason="there is no Traffic Server; run scripts/setup cache")

REQUESTS = "portolan_cache_requests_total"
SENT = "portolan_cache_sent_bytes_total"
FILLS = "portolan_cache_fills_total"
FILLED = "portolan_cache_fill_bytes_total"


@dataclass
class Site:
    """Envoy and nodes, what the registries have, and where the metrics are."""

    tier: Tier
    store: Store
    metrics: int

    def counted(self, name: str, most: int, **labels: str) -> Scrape:
        """What is counted as soon as there are so many: Envoy counts when a request has ended."""

        def enough() -> Scrape | None:
            scrape = Scrape(self.metrics)
            found = scrape.sum(name, **labels)
            assert found >= most, f"{name} {labels}: {found} of {most}"
            return scrape

        return eventually(enough)


@pytest.fixture
def site(east: Scripted, west: Scripted, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two nodes and an Envoy that counts, all of them new."""
    metrics = ports.free()
    store = Store()
    east.script = west.script = store.serve
    east.forget()
    west.forget()
    tier = start_tier(
        tmp_path_factory.mktemp("seen"), (east, west), start, admin=f"127.0.0.1:{ports.free()}", metrics=f"127.0.0.1:{metrics}"
    )
    yield Site(tier, store, metrics)
    tier.stop()


def test_each_request_and_each_fill_is_counted(site: Site, east: Scripted, west: Scripted) -> None:
    """By cache, node, region and what became of it; the log says the same."""
    path, body = site.store.fresh("team/app")
    pulls = 5
    for _ in range(pulls):
        assert get(site.tier.envoy, path).status == 200
    unknown = path.replace("/v2/team/app/", "/v2/other/app/")
    assert get(site.tier.envoy, unknown).status == 404
    past, _ = site.store.fresh("past/app")
    assert get(site.tier.envoy, past).status == 200
    site.counted("portolan_requests_total", pulls + 2)
    scrape = site.counted(FILLS, 1)

    (line, *_) = (line for line in site.tier.envoy.all_lines() if line.get("cache_use") == "hit")
    node = line["cache_node"]
    assert node in ("eu-1", "eu-2")
    # That of the node; those of the filter's questions say of none.
    fills = [line for line in site.tier.envoy.all_lines() if line.get("event") == "fill" and line["method"] == "GET"]
    assert [(line["cache"], line["cache_node"], line["backend"]) for line in fills if line["path"] == path] == [("eu", node, "east")]
    labels = ("cache", "node", "region", "use")
    assert scrape.by(REQUESTS, *labels) == {
        ("eu", node, "default", "miss"): 1,
        ("eu", node, "default", "hit"): pulls - 1,
        ("eu", "", "default", "bypass"): 1,
    }
    sent = scrape.by(SENT, *labels)
    assert sent["eu", node, "default", "hit"] == (pulls - 1) * len(body)
    assert sent["eu", node, "default", "miss"] == len(body)
    assert scrape.by(FILLS, "cache", "node", "region", "backend", "filled") == {("eu", node, "default", "east", "ok"): 1}
    assert scrape.by(FILLED, "node", "backend") == {(node, "east"): len(body)}
    assert asked(east, "GET", path) == 1
    # The node and its questions are among the attempts; no registry hears of it.
    assert scrape.sum("portolan_attempts_total", backend="cache@eu") == pulls
    assert not any(name.startswith("portolan") for seen in east.seen + west.seen for name in seen.names)


def test_clients_get_content_while_the_cache_still_fetches_it(site: Site, east: Scripted) -> None:
    """A pull that came while the node fetched for another one."""
    # A node sends on what it has in pieces of half a mebibyte: the first half has one.
    path, body = site.store.fresh("team/big", 1_000_000)
    half = len(body) // 2
    goes_on = threading.Event()

    def rest() -> Iterator[bytes]:
        goes_on.wait()
        yield body[half:]

    def serve(seen: Seen) -> Answer:
        if seen.method == "GET" and seen.target.decode() == path:
            return Answer(200, [("Content-Length", str(len(body)))], body[:half], rest=rest)
        return site.store.serve(seen)

    east.script = serve
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(get, site.tier.envoy, path)
        eventually(lambda: asked(east, "GET", path), what="the node fetches")
        with socket.create_connection(("127.0.0.1", site.tier.envoy.port)) as follower:
            follower.sendall(f"GET {path} HTTP/1.1\r\nHost: registry.test\r\nConnection: close\r\n\r\n".encode())
            begun = follower.recv(1)
            goes_on.set()
            answer = begun + b"".join(iter(lambda: follower.recv(65536), b""))
        assert leader.result().body == body
    head, _, found = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert found == body
    scrape = site.counted(REQUESTS, 2)
    assert {use: count for (use,), count in scrape.by(REQUESTS, "use").items()} == {"miss": 1, "coalesced": 1}
    assert asked(east, "GET", path) == 1


def cut() -> Iterator[bytes]:
    """Nothing more, and the connection ends."""
    raise OSError


def test_how_fills_end(site: Site, east: Scripted, west: Scripted) -> None:
    """One digest for each way, from a registry that does so; no client gets a whole body that is wrong."""
    half = b"half of it"
    rows: list[tuple[str, Answer, str]] = [
        ("wrong", Answer(200, [], b"something else"), "east"),
        ("cut", Answer(200, [("Content-Length", "3000")], half, rest=cut), "east"),
        ("redirected", Answer(307, [("Location", "https://cdn.test/x")]), "east"),
        ("refused", Answer(403), ""),
        ("limited", Answer(429), ""),
        ("failed", Answer(503), ""),
    ]
    for filled, answer, backend in rows:
        path, body = site.store.fresh("team/ends")

        def serve(seen: Seen, answer: Answer = answer, path: str = path) -> Answer:
            return answer if seen.method == "GET" and seen.target.decode() == path else site.store.serve(seen)

        east.script = west.script = serve
        try:
            got = get(site.tier.envoy, path)
            assert got.status != 200 or digest_of(got.body) == digest_of(body), filled
        except ConnectionError:
            assert filled in ("wrong", "cut"), filled
        scrape = site.counted(FILLS, 1, filled=filled)
        found = {backend for (each, backend) in scrape.by(FILLS, "filled", "backend") if each == filled}
        assert found == {backend} or not backend, f"{filled}: {found}"
