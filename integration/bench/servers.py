"""An Envoy to measure, with the configuration that the command line renders, and without the filter."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import yaml

from bench import by_hand
from bench.cases import Policy
from harness import paths, ports
from harness.processes import Server

FREE_PORT = "127.0.0.1:0"
START_SECONDS = 120.0


class Envoy:
    """An Envoy on ports that the kernel chose."""

    def __init__(self, configuration: Path, prefix: Sequence[str | Path] = (), workers: int = 1) -> None:
        """Starts it; its logs are beside its configuration. `prefix` is a command that runs it."""
        self._workers = workers
        self._admin_file = configuration.with_suffix(".admin-address")
        self._admin_file.unlink(missing_ok=True)
        command = [*prefix, *self._command(configuration)]
        self.server = Server(configuration.stem, command, configuration.parent)
        self._admin_port = self.server.wait_until(self._find_admin_port, "its admin interface listens", START_SECONDS)
        self.server.wait_until(self._is_ready, "it is ready", START_SECONDS)
        listeners = json.loads(self._admin("/listeners?format=json"))["listener_statuses"]
        self.port: int = listeners[0]["local_address"]["socket_address"]["port_value"]

    @property
    def log(self) -> str:
        """What Envoy and the filter said."""
        return self.server.log.read_text(errors="replace")

    def requests_to(self, cluster: str) -> int:
        """How many requests a cluster has got so far."""
        found = re.search(r": (\d+)", self._admin(f"/stats?filter=^cluster\\.{cluster}\\.upstream_rq_total$"))
        return int(found[1]) if found else 0

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()

    def _command(self, configuration: Path) -> list[str | Path]:
        return [
            *(paths.envoy(), "-c", configuration, "--disable-hot-restart", "--concurrency", str(self._workers)),
            *("--admin-address-path", self._admin_file, "--log-level", "warning", "--component-log-level", "wasm:info"),
        ]

    def _admin(self, target: str) -> str:
        # Under callgrind an answer can take seconds.
        url = f"http://127.0.0.1:{self._admin_port}{target}"
        with urllib.request.urlopen(url, timeout=START_SECONDS) as answer:
            return answer.read().decode()

    def _find_admin_port(self) -> int | None:
        text = self._admin_file.read_text() if self._admin_file.exists() else ""
        return int(text.rpartition(":")[2]) if ":" in text else None

    def _is_ready(self) -> bool | None:
        try:
            return self._admin("/ready").startswith("LIVE") or None
        except urllib.error.HTTPError:
            return None


def rendered(
    policy: Policy, directory: Path, wasm: Path | None = None, metrics: bool = False, options: Sequence[str] = ()
) -> Path:
    """The configuration that the command line makes of a policy, with the shipped filter or another build."""
    filters = ("--wasm", wasm or paths.wasm())
    return _render(policy, directory / "filter.yaml", *filters, *_counting(metrics), *options)


def rendered_native(policy: Policy, directory: Path, metrics: bool = False, options: Sequence[str] = ()) -> Path:
    """The same with the native module."""
    filters = ("--filter", "module", "--module", paths.module())
    return _render(policy, directory / "module.yaml", *filters, *_counting(metrics), *options)


def _counting(metrics: bool) -> list[str]:
    return ["--metrics", f"127.0.0.1:{ports.free()}"] if metrics else []


def rendered_bare(policy: Policy, directory: Path, backend: str) -> Path:
    """The same without the filter. Everything then goes to the policy's first backend."""
    backends = {backend: policy["backends"][backend], **policy["backends"]}
    return _render({**policy, "backends": backends}, directory / "bare.yaml", "--without-wasm")


def written_by_hand(policy: Policy, directory: Path, backend: str) -> Path:
    """An Envoy for the same job that nobody has rendered."""
    configuration = rendered_bare(policy, directory, backend)
    registry = policy["backends"][backend]["url"].removeprefix("http://")
    written = by_hand.written(yaml.safe_load(configuration.read_text()), registry)
    configuration.write_text(json.dumps(written))
    return configuration


def rendered_redirect(policy: Policy, directory: Path, backend: str) -> Path:
    """The same, and everything is answered with Envoy's own redirect to that backend."""
    configuration = rendered_bare(policy, directory, backend)
    document = yaml.safe_load(configuration.read_text())
    host, _, port = policy["backends"][backend]["url"].removeprefix("http://").partition(":")
    redirect = {"host_redirect": host, "port_redirect": int(port), "response_code": "TEMPORARY_REDIRECT"}
    listener = document["static_resources"]["listeners"][0]
    routes = listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]
    routes["virtual_hosts"][0]["routes"] = [{"match": {"prefix": "/"}, "redirect": redirect}]
    configuration.write_text(json.dumps(document))
    return configuration


def _render(policy: Policy, output: Path, *options: str | Path) -> Path:
    output.parent.mkdir(parents=True, exist_ok=True)
    source = output.with_suffix(".policy.yaml")
    source.write_text(json.dumps(policy))
    command = [
        *(paths.portolan(), "render", source, "--output", output),
        *("--listen", FREE_PORT, "--admin", f"127.0.0.1:{ports.free()}", *options),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"portolan render: {done.returncode}\n{done.stderr}")
    return output
