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
from harness.prometheus import Prometheus, rules
from harness.scripted import Answer, Scripted
from harness.watching import Status
from observing import views
from observing.named import Named

BODY = b'{"schemaVersion":2}'
DIGEST = sha256(BODY)
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
    }
    chains = {"cn": ["east", "west"], "default": ["west", "east"]}
    return {
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.test"], "default": True}},
        "backends": {"east": {"url": east, **backend}, "west": {"url": west, **backend}},
        "credentials": {"robot": {"file": str(credential)}},
        "regions": {"cn": {"labels": ["office"]}, "default": {}},
        "networks": {"office": ["192.0.2.0/24"]},
        "clients": {"trusted_hops": 1},
        "rules": [
            {
                "name": "app",
                "repositories": ["app/**"],
                "chains": chains,
                "replicas": ["east", "west"],
                "readers": "anyone",
            }
        ],
    }


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


@dataclass
class Stage:
    """Everything that is there while one fault is looked at."""

    registries: dict[str, Scripted]
    envoy: Envoy
    prometheus: Prometheus
    status: Status
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
    metrics = f"127.0.0.1:{ports.free()}"
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
        yield Stage(registries, envoy, prometheus, status, begun)
    finally:
        if traffic:
            traffic.stop()
        for server in (status, prometheus, envoy, *registries.values()):
            server.close() if isinstance(server, Scripted) else server.stop()
