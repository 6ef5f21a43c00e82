"""Real Envoy with a rendered bootstrap and the built filter."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from harness import paths, portolan, raw
from harness.bootstrap import Bootstrap
from harness.names import plain
from harness.processes import Server, tail

LOG_SECONDS = 60.0
# While Envoy compiles the filter its main thread does nothing else, and the admin interface says nothing.
ADMIN_SECONDS = 120.0
# Envoy buffers what it logs for ten seconds unless told otherwise.
FLUSH_MILLISECONDS = 20

# What the log says when the filter traps, or when Envoy gives up on it.
TRACES_OF_A_CRASH = re.compile(
    r"panicked|the filter failed|\[critical\]|wasm_fail|uncaught|VM failed|assert failure|segmentation fault", re.IGNORECASE
)

# Counts how often the filter asked Envoy how the backends are.
ASKED = r"^cluster\.portolan@admin\.upstream_rq_total$"

Policy = dict[str, Any]
T = TypeVar("T")


def render(
    policy: Policy | Path,
    directory: Path,
    port: int = 0,
    admin: str = "127.0.0.1:0",
    metrics: str | None = None,
    tracing: str | None = None,
    more: Iterable[str] = (),
) -> Bootstrap:
    """The bootstrap that `portolan render` makes of a policy: a file, or a document written to one.

    It loads the built filter; `more` are further options. Port 0 lets the kernel choose, as it does for the admin interface.
    """
    if isinstance(policy, dict):
        policy = write_policy(policy, directory)
    options: list[str | Path] = [
        "--listen",
        f"127.0.0.1:{port}",
        "--admin",
        admin,
        *(("--metrics", metrics) if metrics else ()),
        *(("--tracing", tracing) if tracing else ()),
        *more,
        *paths.filter_options(),
        "--sds-directory",
        directory / "sds",
        "--sds-output",
        directory / "sds",
    ]
    document: Bootstrap = yaml.safe_load(portolan.output("render", policy, *options))
    return document


def write_policy(policy: Policy, directory: Path) -> Path:
    """A policy as a file; JSON is YAML."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "portolan.yaml"
    path.write_text(json.dumps(policy, indent=2))
    return path


class Envoy:
    """A running Envoy; its front and its admin interface are on ports that the kernel chose."""

    def __init__(
        self,
        document: Bootstrap,
        directory: Path,
        workers: int = 1,
        log_level: str = "info",
        waits: bool = True,
    ) -> None:
        """Done when it serves; or, if it is not to wait, as soon as it can be asked whether it does."""
        directory.mkdir(parents=True, exist_ok=True)
        self._admin_file = directory / "admin-address"
        configuration = directory / "envoy.yaml"
        configuration.write_text(yaml.safe_dump(document, sort_keys=False))
        self.server = Server("envoy", self._command(configuration, workers, log_level), directory)
        self.admin_port = self.server.wait_until(self._find_admin_port, "its admin interface listens")
        self._read_entries = 0
        self._marks = 0
        if waits:
            self.server.wait_until(lambda: self.is_ready() or None, "it is ready")
            self.port = self._find_port()

    def request(
        self,
        method: str | bytes,
        target: str | bytes,
        headers: Iterable[raw.Header] = (),
        body: bytes | None = None,
        host: str | bytes = "registry.test",
    ) -> raw.Response:
        """One raw request to the front, on a connection of its own."""
        return raw.request(self.port, method, target, headers, body, host)

    def admin(self, target: str) -> bytes:
        """What the admin interface answers."""
        return raw.request(self.admin_port, "GET", target, seconds=ADMIN_SECONDS).body

    def is_ready(self) -> bool:
        """Whether it says that it serves."""
        try:
            return raw.request(self.admin_port, "GET", "/ready", seconds=ADMIN_SECONDS).status == 200
        except ConnectionError:
            return False

    def processor_seconds(self) -> float:
        """What the process has taken of the processors so far, which other work on the machine does not change (proc(5))."""
        fields = Path(f"/proc/{self.server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stats(self, pattern: str) -> dict[str, int]:
        """Counters and gauges whose name matches a regular expression."""
        pairs = (line.split(": ", 1) for line in self.admin("/stats").decode().splitlines())
        return {name: int(value) for name, value in pairs if re.search(pattern, name) and value.isdigit()}

    def wait_until_healthy(self) -> None:
        """Waits until every endpoint has passed its health checks.

        Envoy compiles the filter on the thread that makes the first of them; on a busy machine they time out, and the
        endpoints count as down for two checks more. Writes have nobody else to go to.
        """

        def healthy() -> bool | None:
            return all(flags == "healthy" for _, flags in self._health()) or None

        self.server.wait_until(healthy, "every endpoint is healthy")

    def wait_until_down(self, url: str) -> None:
        """Waits until the health checks have found the server at a URL down, in every cluster that has it."""
        authority = url.rpartition("/")[2]

        def down() -> bool | None:
            flags = [flags for address, flags in self._health() if address == authority]
            assert flags, f"no cluster has {authority}"
            return all("failed_active_hc" in each for each in flags) or None

        self.server.wait_until(down, f"{authority} is down")

    def seconds_of(self, request: Callable[[], T]) -> tuple[T, float]:
        """What a request gets, and how long it took by Envoy's clock: without what this machine adds before and after.

        It must be the only one under way. A time-out of Envoy's may end some milliseconds early by that clock.
        """
        self.forget_log()
        answer = request()
        (entry,) = self.log_entries(1)
        return answer, float(entry["duration_ms"]) / 1000

    def log_entries(self, count: int) -> list[dict[str, Any]]:
        """The next `count` entries of the access log, in the order in which requests ended."""

        def enough() -> list[dict[str, Any]] | None:
            found = self._all_entries()[self._read_entries :]
            return found if len(found) >= count else None

        found = self.server.wait_until(enough, f"{count} access log entries", LOG_SECONDS)
        self._read_entries += len(found)
        assert len(found) == count, f"{len(found)} access log entries, not {count}: {found}"
        return found

    def new_log_entries(self) -> list[dict[str, Any]]:
        """All further entries of the access log, up to now.

        A request for a path that nobody else asks for marks the place: with one worker, whatever
        ended before it stands before it.
        """
        self._marks += 1
        mark = f"/mark/{self._marks}"
        self.request("GET", mark)

        def marked() -> list[dict[str, Any]] | None:
            found = self._all_entries()[self._read_entries :]
            return found if any(entry["path"] == mark for entry in found) else None

        found = self.server.wait_until(marked, f"an access log entry of {mark}", LOG_SECONDS)
        self._read_entries += len(found)
        return [entry for entry in found if entry["path"] != mark]

    def cluster_named(self, name: str) -> str:
        """The whole name of a cluster, with its fingerprint."""
        names = {line.split("::")[0] for line in self.admin("/clusters").decode().splitlines()}
        (found,) = (each for each in names if plain(each) == name)
        return found

    def forget_log(self) -> None:
        """Skips what has been logged so far."""
        self.new_log_entries()

    def error_log(self) -> str:
        """What Envoy and the filter said."""
        return self.server.log.read_text(errors="replace")

    def crashes(self) -> list[str]:
        """Signs that Envoy died or the filter stopped: lines of the log, and counters above zero."""
        if not self.server.is_alive():
            return [tail(self.server.log)]
        counters = self.stats(r"^wasm\..*(reload|fail|crash)|portolan_module_panics")
        lines = [line for line in self.error_log().splitlines() if TRACES_OF_A_CRASH.search(line)]
        return lines + [f"{name}: {count}" for name, count in counters.items() if count]

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()

    def _command(self, configuration: Path, workers: int, log_level: str) -> list[str | Path]:
        return [
            *(paths.envoy(), "-c", configuration, "--disable-hot-restart", "--concurrency", str(workers)),
            *(
                "--admin-address-path",
                self._admin_file,
                "--file-flush-interval-msec",
                str(FLUSH_MILLISECONDS),
            ),
            *("--log-level", log_level),
        ]

    def _find_admin_port(self) -> int | None:
        text = self._admin_file.read_text() if self._admin_file.exists() else ""
        return int(text.rpartition(":")[2]) if ":" in text else None

    def _find_port(self) -> int:
        listeners = json.loads(self.admin("/listeners?format=json"))["listener_statuses"]
        return int(listeners[0]["local_address"]["socket_address"]["port_value"])

    def _health(self) -> list[tuple[str, str]]:
        """Address and health flags of every endpoint of every cluster."""
        lines = (line.split("::") for line in self.admin("/clusters").decode().splitlines())
        return [(words[1], words[3]) for words in lines if len(words) == 4 and words[2] == "health_flags"]

    def unanswered(self, request_id: str) -> list[dict[str, Any]]:
        """The lines of the attempts of a request that had no answer."""
        lines = self.all_lines()
        return [line for line in lines if "event" in line and line["request_id"] == request_id]

    def _all_entries(self) -> list[dict[str, Any]]:
        return [line for line in self.all_lines() if "event" not in line]

    def all_lines(self) -> list[dict[str, Any]]:
        """Every line of the access log, those of attempts as well."""
        lines = self.server.out.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith(b"{")]


def validate(document: Bootstrap, directory: Path) -> tuple[int, str]:
    """`envoy --mode validate` with the filter loaded: the exit code and what it said."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "envoy.yaml"
    configuration.write_text(yaml.safe_dump(document, sort_keys=False))
    command: list[str | Path] = [
        paths.envoy(),
        "--mode",
        "validate",
        "-c",
        configuration,
        "--disable-hot-restart",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=ADMIN_SECONDS, check=False)
    return done.returncode, done.stdout + done.stderr
