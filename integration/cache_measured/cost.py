"""Processor time of a hit and of a fill, beside an Envoy without filter that carries the same from the registry."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.processor_time import on_processor_nanoseconds
from harness import markdown, paths
from harness.bootstrap import Bootstrap
from harness.envoy import Envoy

from cache_measured import peers, readers
from cache_measured.origin import Origin

SIZE = 100 << 20
ROUNDS = 8


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor time for 100 MiB: medians, and medians of the ratios of neighbouring rounds."""

    filter: str
    what: str
    plain: float
    envoy: float
    node: float
    envoy_ratio: float
    ratio: float


def plain(origin: Origin) -> Bootstrap:
    """An Envoy that does nothing but carry."""
    api = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{api}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "plain",
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "origin", "timeout": "0s"}}]}
            ]
        },
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{api}.http.router.v3.Router"}}],
    }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": origin.port}}
    cluster = {
        "name": "origin",
        "load_assignment": {"cluster_name": "origin", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]},
    }
    free = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    listeners = [{"name": "front", "address": free, "filter_chains": [chain]}]
    return {"admin": {"address": free}, "static_resources": {"listeners": listeners, "clusters": [cluster]}}


def measure(directory: Path, kinds: tuple[str, ...] = ("wasm", "module")) -> list[Cost]:
    """Both filters."""
    origin = Origin()
    found: list[Cost] = []
    before = paths.FILTER
    for kind in kinds:
        paths.FILTER = kind
        found += _of_filter(kind, origin, directory / kind)
    paths.FILTER = before
    origin.close()
    return found


def _of_filter(kind: str, origin: Origin, directory: Path) -> list[Cost]:
    bare = Envoy(plain(origin), directory / "plain", workers=2)
    rounds: dict[str, list[tuple[float, float, float]]] = {"fill": [], "hit": []}
    with peers.tier(origin, directory) as (envoy, nodes):
        pids = [node.server.pid for node in nodes]
        for number in range(ROUNDS + 1):
            path = origin.fresh(SIZE)
            carried = _spent([bare.server.pid], lambda path=path: _get(bare.port, path))
            for what in ("fill", "hit"):
                # A fill is done when its answer is: the nodes write what they send.
                spent = _spent([envoy.server.pid, *pids], lambda path=path: _get(envoy.port, path))
                # The first round compiles, connects and makes room.
                if number:
                    rounds[what].append((carried[0], spent[0], sum(spent[1:])))
            assert origin.counts.gets == 2, "one for the plain Envoy, one to fill"
    bare.stop()
    return [_cost(kind, what, found) for what, found in rounds.items()]


def _cost(kind: str, what: str, rounds: list[tuple[float, float, float]]) -> Cost:
    plain, envoy, node = (median(column) for column in zip(*rounds, strict=True))
    envoy_ratio = median(one[1] / one[0] for one in rounds)
    ratio = median((one[1] + one[2]) / one[0] for one in rounds)
    return Cost(kind, what, plain, envoy, node, envoy_ratio, ratio)


def _spent(pids: list[int], work: Callable[[], None]) -> list[float]:
    """Milliseconds of each process."""
    before = [on_processor_nanoseconds(pid) for pid in pids]
    work()
    return [(on_processor_nanoseconds(pid) - earlier) / 1e6 for pid, earlier in zip(pids, before, strict=True)]


def _get(port: int, path: str) -> None:
    [client] = readers.together(port, path, 1, peers.SECONDS)
    assert (client.status, client.received) == (200, SIZE), client


def table(found: list[Cost]) -> str:
    """Rows for the page."""
    head = ["100 MiB", "filter", "plain Envoy", "Envoy with the filter", "times", "node", "both, times"]
    rows = [
        [
            *(one.what, one.filter, f"{one.plain:.0f} ms", f"{one.envoy:.0f} ms", f"{one.envoy_ratio:.2f}"),
            *(f"{one.node:.0f} ms", f"{one.ratio:.2f}"),
        ]
        for one in found
    ]
    return markdown.table(head, rows)
