"""A real Prometheus that scrapes one Envoy and judges the alert rules of `envoy/observability`."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from harness import paths, ports, raw
from harness.processes import Server

SCRAPE_SECONDS = 2


class Prometheus:
    """Running, with one target. What fires is asked for by name."""

    def __init__(self, target: str, rules: Path, directory: Path) -> None:
        """`target` is the address of a listener for metrics."""
        directory.mkdir(parents=True, exist_ok=True)
        self.port = ports.free()
        configuration = directory / "prometheus.yml"
        interval = f"{SCRAPE_SECONDS}s"
        document = {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "envoy", "static_configs": [{"targets": [target]}]}],
        }
        configuration.write_text(yaml.safe_dump(document))
        command: list[str | Path] = [
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        self.server = Server("prometheus", command, directory)
        self.server.wait_until(lambda: self._is_ready() or None, "it is ready")

    def firing(self) -> dict[str, dict[str, Any]]:
        """The alerts that fire, by name."""
        body = raw.request(self.port, "GET", "/api/v1/alerts").body
        alerts = json.loads(body)["data"]["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in alerts if alert["state"] == "firing"}

    def value(self, query: str) -> float | None:
        """What a query that has one answer says; nothing if it has none yet."""
        body = raw.request(self.port, "GET", f"/api/v1/query?{urlencode({'query': query})}").body
        result = json.loads(body)["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()

    def _is_ready(self) -> bool:
        try:
            return raw.request(self.port, "GET", "/-/ready").status == 200
        except ConnectionError:
            return False


def rules(directory: Path, name: str) -> Path:
    """A copy of the rules, judged as often as the target is scraped."""
    document = yaml.safe_load((paths.ROOT / "envoy" / "observability" / name).read_text())
    for group in document["groups"]:
        group.pop("interval", None)
    path = directory / name
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path
