"""A proxy that is watched in four ways, two registries, and clients of two regions that come whatever becomes of others."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards.asking import Span
from harness import portolan, ports
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render, write_policy
from harness.metrics import Scrape
from harness.policies import build_policy, rule_of
from harness.prometheus import Prometheus, rules
from harness.scripted import Answer, Scripted
from harness.watching import Status
from observing import views
from observing.named import Named

BODY = b'{"schemaVersion":2}'
DIGEST = sha256(BODY)
CHAINS = {"cn": ["east", "west"], "default": ["west", "east"]}
CLIENTS = {"cn": "192.0.2.5", "default": "198.51.100.5"}
TARGETS = [f"/v2/app/web/blobs/{DIGEST}", "/v2/app/web/manifests/latest"]
# Between two requests of one region.
PAUSE_SECONDS = 0.15
# How long all is well before something breaks: the graphs need a beginning.
REST_SECONDS = 15.0
RULES = ("requests", "backends", "process")
VIEWS = ("dashboards", "alerts", "log", "status")


def policy(east: str, west: str, credential: Path) -> Policy:
    """Two registries with the same content that know the proxy by a password, each nearest to one region."""
    credential.write_text("cm9ib3Q6cGFzc3dvcmQ=")
    backend = {
        # A 401 is then a fault of theirs or of the proxy, and not for the client to mend.
        "auth": "basic",
        "credential": "robot",
        "health_check": {"interval": "500ms", "timeout": "500ms"},
        # Whoever takes longer than that has hung; whoever is late takes less.
        "attempt_timeouts": {"manifests": "5s", "blobs": "5s"},
        # Or a busy machine would be a fault.
        "hedge_after": "4s",
    }
    return build_policy(
        {"east": {"url": east, **backend}, "west": {"url": west, **backend}},
        rule_of("app", CHAINS, replicas=["east", "west"], readers="anyone"),
        front={"default": True},
        credentials={"robot": {"file": str(credential)}},
        regions={"cn": {"labels": ["office"]}, "default": {}},
        networks={"office": ["192.0.2.0/24"]},
        clients={"trusted_hops": 1},
    )


class Traffic:
    """Clients that ask as often as before when answers come late."""

    def __init__(self, envoy: Envoy) -> None:
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(200)
        self._thread = threading.Thread(target=self._ask, args=(envoy,), daemon=True)
        self._thread.start()

    def _ask(self, envoy: Envoy) -> None:
        number = 0
        while not self._stop.wait(PAUSE_SECONDS):
            target = TARGETS[number % len(TARGETS)]
            for address in CLIENTS.values():
                self._pool.submit(envoy.request, "GET", target, [("X-Forwarded-For", address)])
            number += 1

    def stop(self) -> None:
        """Waits for the last of them."""
        self._stop.set()
        self._thread.join()
        self._pool.shutdown(wait=True)


@dataclass(frozen=True)
class Stage:
    """Everything that is there while one fault is looked at."""

    registries: dict[str, Scripted]
    envoy: Envoy
    # The port of the listener for metrics.
    metrics: int
    prometheus: Prometheus
    status: Status
    traffic: Traffic
    begun: float

    def named(self, view: str) -> Named | None:
        """What who sees this view alone would name now."""
        found: dict[str, Any] = {
            "dashboards": lambda: views.by_dashboards(self.prometheus.port, Span(self.begun, time.time())),
            "alerts": lambda: views.by_alerts(self.prometheus.port),
            "log": lambda: views.by_log(self._lines()),
            "status": lambda: views.by_status(self.status.last()),
        }
        named: Named | None = found[view]()
        return named

    def sums(self) -> tuple[dict[str, float], dict[str, float]]:
        """What metrics say when all clients have their answers, and what the log and the registries say of the same."""
        self.traffic.stop()
        lines = self._lines()
        scrape = Scrape(self.metrics)
        attempts = scrape.by("portolan_attempts_total", "backend", "result")
        counted = {
            "requests": scrape.sum("portolan_requests_total"),
            "first bytes": scrape.sum("portolan_first_byte_milliseconds_count"),
            "whole times": scrape.sum("portolan_request_milliseconds_count"),
            "attempts": scrape.sum("portolan_attempts_total"),
            "bytes": scrape.sum("portolan_sent_bytes_total"),
            "fallbacks": scrape.sum("portolan_fallbacks_total"),
            "outcome fallback": scrape.sum("portolan_requests_total", outcome="fallback"),
        }
        later = [line for line in lines if line["backend"] and line["backend"] != CHAINS[line["region"]][0]]
        noted: dict[str, float] = {
            **dict.fromkeys(("requests", "first bytes", "whole times"), len(lines)),
            "attempts": sum(line["attempts"] for line in lines),
            "bytes": sum(line["bytes_sent"] for line in lines),
            **dict.fromkeys(("fallbacks", "outcome fallback"), len(later)),
        }
        for name, registry in self.registries.items():
            counted[f"attempts at {name}"] = sum(count for (backend, _), count in attempts.items() if backend == name)
            noted[f"attempts at {name}"] = len(registry.seen)
        return counted, noted

    def _lines(self) -> list[dict[str, Any]]:
        return [line for line in self.envoy.all_lines() if "event" not in line]


@contextmanager
def stage(directory: Path) -> Iterator[Stage]:
    """Starts all of it, with clients, and waits until all is well and the graphs have begun."""
    registries = {"east": Scripted(), "west": Scripted()}
    for registry in registries.values():
        registry.answer(Answer(200, [("Docker-Content-Digest", DIGEST)], BODY))
    document = policy(registries["east"].url, registries["west"].url, directory / "robot")
    path = write_policy(document, directory)
    port = ports.free()
    metrics = f"127.0.0.1:{port}"
    envoy = Envoy(render(path, directory, admin=f"127.0.0.1:{ports.free()}", metrics=metrics), directory)
    for name in RULES:
        rules(directory / "rules", f"{name}.rules.yaml")
    prometheus = Prometheus(metrics, directory / "rules" / "*.yaml", directory / "prometheus")
    status = Status([metrics], directory, "--policy", path, "--slow", "1")
    traffic = None
    try:
        ready = portolan.run("status", metrics, "--policy", path, "--wait", "ready")
        assert ready.returncode == 0, ready.stdout + ready.stderr
        begun = time.time()
        traffic = Traffic(envoy)
        time.sleep(REST_SECONDS)
        yield Stage(registries, envoy, port, prometheus, status, traffic, begun)
    finally:
        if traffic:
            traffic.stop()
        for server in (status, prometheus, envoy, *registries.values()):
            server.close() if isinstance(server, Scripted) else server.stop()
