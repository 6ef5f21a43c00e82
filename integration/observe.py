#!/usr/bin/env python3
"""`make observe`: see it run. Registries, Envoy, clients of two regions, one fault after another, and who watches that.

Prometheus scrapes Envoy and judges the alert rules of envoy/observability; Alertmanager, where it is installed, has what fires.
Everything runs on this machine until Ctrl-C, and is gone afterwards.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

import yaml

from dashboards.scene import Stage, stage
from harness import paths, ports, raw, shows
from harness.processes import Server
from harness.shows import relative

FRONT, ADMIN, METRICS, PROMETHEUS, ALERTMANAGER = 8080, 9901, 9902, 9090, 9093
RULES = paths.EXAMPLES / "observability"
INTERVAL = "2s"
# As Debian and as its makers call it.
ALERTMANAGERS = ("prometheus-alertmanager", "alertmanager")


def main() -> int:
    """Runs all of it; the exit status."""
    arguments = read_arguments()
    return shows.run("observe", lambda directory: watch(directory, arguments))


def read_arguments() -> argparse.Namespace:
    """How long things are well and broken, in seconds, and how often all of them break."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rest", type=float, default=60, help="seconds without a fault (60)")
    parser.add_argument("--fault", type=float, default=90, help="seconds of a fault (90); some alerts wait for a minute")
    parser.add_argument("--rounds", type=int, default=0, help="how often every fault happens; until Ctrl-C if left out")
    return parser.parse_args()


def watch(directory: Path, arguments: argparse.Namespace) -> None:
    """Starts everything, says where to look, and breaks one thing after another."""
    paths.need_command("prometheus")
    found = [ports.free_or_zero(port) for port in (FRONT, ADMIN, METRICS)]
    with stage(directory, *found) as there:
        alertmanager = start_alertmanager(directory)
        prometheus = start_prometheus(there.metrics, alertmanager, directory)
        say_where_to_look(there, prometheus, alertmanager, directory / "portolan.yaml")
        rounds = 0
        while not arguments.rounds or rounds < arguments.rounds:
            there.play(arguments.rest, arguments.fault, say)
            rounds += 1
        say(f"alerts that fire now: {', '.join(firing(prometheus)) or 'none'}")


def start_prometheus(target: str, alertmanager: int | None, directory: Path) -> int:
    """Prometheus with all alert rules; its port."""
    port = ports.free_or_zero(PROMETHEUS) or ports.free()
    managers = [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}] if alertmanager else []
    document = {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": [str(path) for path in sorted(RULES.glob("*.rules.yaml"))],
        "alerting": {"alertmanagers": managers},
        "scrape_configs": [{"job_name": "portolan", "static_configs": [{"targets": [target]}]}],
    }
    configuration = directory / "prometheus.yml"
    configuration.write_text(yaml.safe_dump(document))
    command: list[str | Path] = [
        "prometheus",
        f"--config.file={configuration}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    return started("prometheus", command, directory, port)


def start_alertmanager(directory: Path) -> int | None:
    """Alertmanager, which keeps what fires and tells nobody; its port, or nothing if it is not installed."""
    program = next(filter(None, map(shutil.which, ALERTMANAGERS)), None)
    if program is None:
        return None
    port = ports.free_or_zero(ALERTMANAGER) or ports.free()
    configuration = directory / "alertmanager.yml"
    configuration.write_text(yaml.safe_dump({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}))
    command: list[str | Path] = [
        program,
        f"--config.file={configuration}",
        f"--storage.path={directory / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    return started("alertmanager", command, directory, port)


def started(name: str, command: list[str | Path], directory: Path, port: int) -> int:
    """Starts a server, and waits until it is ready; its port."""
    server = Server(name, command, directory)
    server.wait_until(lambda: is_ready(port) or None, "it is ready")
    return port


def is_ready(port: int) -> bool:
    """Whether Prometheus or Alertmanager says so."""
    try:
        return raw.request(port, "GET", "/-/ready").status == 200
    except ConnectionError:
        return False


def firing(port: int) -> list[str]:
    """The names of the alerts that fire."""
    alerts = yaml.safe_load(raw.request(port, "GET", "/api/v1/alerts").body)["data"]["alerts"]
    return sorted({alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"})


def say_where_to_look(there: Stage, prometheus: int, alertmanager: int | None, policy: Path) -> None:
    """All addresses."""
    command = relative(paths.PORTOLAN)
    say(f"on this terminal  {command} status {there.metrics} --policy {policy}")
    say(f"metrics           http://{there.metrics}/metrics")
    say(f"Prometheus        http://127.0.0.1:{prometheus}/alerts and /graph")
    if alertmanager:
        say(f"Alertmanager      http://127.0.0.1:{alertmanager}")
    else:
        say("Alertmanager      is not installed (apt-get install prometheus-alertmanager)")
    say("Grafana           none is started; import envoy/observability/dashboards into one of yours, with this Prometheus")
    say(f"a request         curl -H 'X-Forwarded-For: 192.0.2.5' http://127.0.0.1:{there.envoy.port}/v2/app/web/manifests/latest")
    say(f"the access log    {there.envoy.server.out}")
    say("clients of two regions ask; Ctrl-C ends it")


def say(words: str) -> None:
    """One line, with the time."""
    print(f"observe: {time.strftime('%H:%M:%S')} {words}")


if __name__ == "__main__":
    sys.exit(main())
