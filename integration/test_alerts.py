"""The alerts fire on a real Prometheus when a backend breaks, and not before.

Real Envoy, scripted registries, Prometheus and the rules of `envoy/observability`. Sees that what Envoy counts is called what
the rules call it. What each rule says in detail is tested by promtool.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import paths, ports
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_of
from harness.prometheus import Prometheus, rules
from harness.scripted import Answer, Scripted
from harness.waiting import eventually

BLOB = f"blobs/{sha256(b'x')}"


def policy(east: str, west: str) -> Policy:
    """`team` is in both registries, `alone` in the first one."""
    check = {"health_check": {"interval": "1s", "timeout": "1s"}}
    return build_policy(
        {"east": {"url": east, **check}, "west": {"url": west, **check}},
        rule_of("team", ["east", "west"]),
        rule_of("alone", ["east"]),
    )


@pytest.fixture
def observed(
    start: Callable[..., Envoy], east: Scripted, west: Scripted, tmp_path: Path
) -> Iterator[tuple[Envoy, Prometheus]]:
    """An Envoy and a Prometheus that scrapes it."""
    paths.need_command("prometheus")
    scraped = f"127.0.0.1:{ports.free()}"
    envoy = start(render(policy(east.url, west.url), tmp_path, admin=f"127.0.0.1:{ports.free()}", metrics=scraped))
    both = tmp_path / "rules"
    for name in ("requests.rules.yaml", "backends.rules.yaml", "process.rules.yaml"):
        rules(both, name)
    prometheus = Prometheus(scraped, both / "*.yaml", tmp_path / "prometheus")
    yield envoy, prometheus
    prometheus.stop()


def test_a_backend_that_breaks_is_told(observed: tuple[Envoy, Prometheus], east: Scripted, west: Scripted) -> None:
    envoy, prometheus = observed
    east.answer(Answer(200, [], b"x"))
    west.answer(Answer(200, [], b"x"))
    envoy.wait_until_healthy()

    def firing(name: str, target: str) -> dict[str, Any] | None:
        envoy.request("GET", f"/v2/{target}/app/{BLOB}")
        return prometheus.firing().get(name)

    def is_known() -> bool:
        envoy.request("GET", f"/v2/team/app/{BLOB}")
        return prometheus.value("sum(rate(portolan_requests_total[1m])) > 0") is not None

    eventually(is_known)
    assert prometheus.firing() == {}
    # It answers, but not what is asked: the chain goes on, and who has nobody else fails.
    east.script = lambda _seen: Answer(503)
    errors = eventually(lambda: firing("PortolanErrors", "alone"))
    assert (errors["labels"]["front"], errors["labels"]["region"]) == ("main", "default")
    afar = eventually(lambda: firing("PortolanServedFromAfar", "team"))
    assert afar["labels"]["region"] == "default"
    assert "PortolanBackendDown" not in prometheus.firing()
    east.health = 503
    down = eventually(lambda: firing("PortolanBackendDown", "team"))
    assert down["labels"]["envoy_cluster_name"] == "east"
    east.health = 200
