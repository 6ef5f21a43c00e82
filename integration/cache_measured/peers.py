"""What stands between the clients and the registry: Portolan with a tier and without, distribution, nginx."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import nginx, ports
from harness.cache_node import Node, start_nodes
from harness.envoy import Envoy, render, write_policy
from harness.own_port import reserve
from harness.policies import build_policy, rule_of
from harness.pull_through import PullThrough

from cache_measured.origin import Origin

NODES = 2
# Longer than a blob takes at the slowest rate: nobody is to give up.
SECONDS = 900
# What the store of a node has: more than any blob.
STORE_MEGABYTES = 4096

NGINX = """
    access_log off;
    sendfile on;
    proxy_cache_path {directory}/cache keys_zone=blobs:10m max_size=8g use_temp_path=off;
    server {{
        listen 127.0.0.1:{port} reuseport;
        location / {{
            proxy_pass {origin};
            proxy_http_version 1.1;
            proxy_cache blobs;
            proxy_cache_key $uri;
            proxy_cache_valid 200 1d;
            proxy_cache_lock on;
            proxy_cache_lock_timeout {seconds}s;
            proxy_cache_lock_age {seconds}s;
            proxy_read_timeout {seconds}s;
        }}
    }}
"""
# Its workers may be of another user, who cannot write below a directory of root's.
NGINX_PROCESSES = "user root;\nworker_processes 2;\nevents { worker_connections 4096; }"


@dataclass(frozen=True)
class Running:
    """Something that serves what the registry has."""

    port: int
    # The processes whose processor time counts, by what they are.
    pids: dict[str, int]


Peer = Callable[[Origin, Path], "Iterator[Running]"]


@contextmanager
def tier(origin: Origin, directory: Path) -> Iterator[tuple[Envoy, list[Node]]]:
    """An Envoy with two nodes."""
    listening = [ports.free() for _ in range(NODES)]
    fill = ports.free()
    times = {"attempt_timeouts": {"manifests": "60s", "blobs": "60s"}}
    policy = build_policy(
        {"origin": {"url": origin.url, **times}},
        rule_of("team", ["cache@eu", "origin"], readers="anyone"),
        caches={"eu": {"nodes": [f"http://127.0.0.1:{port}" for port in listening]}},
    )
    path = write_policy(policy, directory / "policy")
    nodes = start_nodes(path, directory, f"127.0.0.1:{fill}", listening, STORE_MEGABYTES)
    document = render(policy, directory / "policy", more=["--cache-fill", f"127.0.0.1:{fill}"])
    envoy = Envoy(document, directory / "envoy", workers=2)
    envoy.wait_until_healthy()
    yield envoy, nodes
    crashes = envoy.crashes()
    envoy.stop()
    for node in nodes:
        node.stop()
    assert crashes == []


@contextmanager
def with_tier(origin: Origin, directory: Path) -> Iterator[Running]:
    """Portolan with a tier."""
    with tier(origin, directory) as (envoy, nodes):
        pids = {f"node {number}": node.server.pid for number, node in enumerate(nodes, 1)}
        yield Running(envoy.port, {"Envoy": envoy.server.pid, **pids})


@contextmanager
def without_tier(origin: Origin, directory: Path) -> Iterator[Running]:
    """Portolan, and the registry behind it."""
    policy = build_policy({"origin": {"url": origin.url, "hedge_after": "off"}}, rule_of("team", ["origin"]))
    envoy = Envoy(render(policy, directory / "policy"), directory / "envoy", workers=2)
    envoy.wait_until_healthy()
    yield Running(envoy.port, {"Envoy": envoy.server.pid})
    envoy.stop()


@contextmanager
def with_distribution(origin: Origin, directory: Path) -> Iterator[Running]:
    """distribution in proxy mode, as Debian has it."""
    server = PullThrough("proxy", directory, origin.url)
    yield Running(server.port, {"distribution": server.server.pid})
    server.stop()


@contextmanager
def with_nginx(origin: Origin, directory: Path) -> Iterator[Running]:
    """nginx with a cache whose misses wait for each other."""
    directory.mkdir(parents=True)
    port = reserve()
    http = NGINX.format(directory=directory, port=port, origin=origin.url, seconds=SECONDS)
    server = nginx.start("nginx", directory, port, http, NGINX_PROCESSES)
    yield Running(port, {"nginx": server.pid})
    server.stop()


ALL = {
    "Portolan, two nodes": with_tier,
    "nginx, `proxy_cache`": with_nginx,
    "distribution, proxy mode": with_distribution,
    "Portolan, no cache": without_tier,
}
