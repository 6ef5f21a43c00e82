"""Envoy under load: started, and replaced by another without closing the port."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import yaml

from failover_report import waiting
from harness import paths, raw
from harness.bootstrap import Bootstrap
from harness.envoy import ADMIN_SECONDS, FLUSH_MILLISECONDS, TRACES_OF_A_CRASH
from harness.processes import Server

# How long an old Envoy goes on to take connections, telling clients to make others, and when the old one of a hot
# restart ends.
DRAIN_SECONDS, HOT_END_SECONDS = 3, 5


class Process:
    """One Envoy process."""

    def __init__(self, name: str, configuration: Path, directory: Path, options: list[str]) -> None:
        self._admin_file = directory / f"{name}-admin"
        command: list[str | Path] = [paths.envoy(), "-c", configuration, "--concurrency", "2"]
        command += ["--admin-address-path", self._admin_file, "--log-level", "info"]
        command += ["--file-flush-interval-msec", str(FLUSH_MILLISECONDS)]
        command += ["--drain-time-s", str(DRAIN_SECONDS), *options]
        self.server = Server(name, command, directory)
        self._admin_port = 0

    async def ready(self) -> None:
        """Waits until it serves."""
        self._admin_port = await waiting.until(
            self._find_admin_port, "its admin interface listens", self.server
        )
        await waiting.until(self._is_ready, "it is ready", self.server)

    async def admin(self, method: str, target: str) -> bytes:
        """What the admin interface answers."""
        answer = await asyncio.to_thread(
            raw.request, self._admin_port, method, target, seconds=ADMIN_SECONDS
        )
        return answer.body

    def entries(self) -> list[dict[str, Any]]:
        """The access log, as far as it is about requests."""
        lines = self.server.out.read_bytes().split(b"\n")[:-1]
        entries = [json.loads(line) for line in lines if line.startswith(b"{")]
        return [entry for entry in entries if "event" not in entry]

    def signs_of_a_crash(self) -> list[str]:
        """Lines of its log that should not be there."""
        text = self.server.log.read_text(errors="replace")
        return [line for line in text.splitlines() if TRACES_OF_A_CRASH.search(line)]

    def is_left(self) -> bool | None:
        """Whether it listens no longer, and has answered everything. Connections that are kept open do not count:
        a client has to reckon with the end of one that it does not use."""
        counts = self._statistics("listener_manager.listener_stopped|downstream_rq_active")
        stopped = counts.pop("listener_manager.listener_stopped")
        under_way = sum(count for name, count in counts.items() if not name.startswith("http.admin."))
        return (stopped > 0 and under_way == 0) or None

    def _statistics(self, pattern: str) -> dict[str, int]:
        answer = raw.request(self._admin_port, "GET", f"/stats?filter={pattern}", seconds=ADMIN_SECONDS)
        pairs = (line.rsplit(": ", 1) for line in answer.body.decode().splitlines())
        return {name: int(count) for name, count in pairs}

    def _find_admin_port(self) -> int | None:
        text = self._admin_file.read_text() if self._admin_file.exists() else ""
        found = re.search(r":(\d+)$", text)
        return int(found.group(1)) if found else None

    def _is_ready(self) -> bool | None:
        try:
            return raw.request(self._admin_port, "GET", "/ready", seconds=ADMIN_SECONDS).status == 200 or None
        except ConnectionError:
            return None


class Front:
    """The port that clients use, and the Envoy processes behind it, one after another."""

    def __init__(self, document: Bootstrap, directory: Path, port: int, can_restart_hot: bool) -> None:
        self.port = port
        self._directory = directory
        self._configuration = directory / "envoy.yaml"
        self._configuration.write_text(yaml.safe_dump(document, sort_keys=False))
        self._can_restart_hot = can_restart_hot
        self._processes: list[Process] = []

    async def start(self) -> None:
        """Starts the first, or another beside those that run (the kernel lets them share the port)."""
        options = self._hot_options() if self._can_restart_hot else ["--disable-hot-restart"]
        number = len(self._processes)
        process = Process(f"envoy-{number}", self._configuration, self._directory, options)
        self._processes.append(process)
        await process.ready()

    async def replace(self) -> None:
        """A new process beside the old one; the old one stops listening, finishes and ends."""
        old = self._processes[-1]
        await self.start()
        await old.admin("POST", "/drain_listeners?graceful")
        await waiting.until(old.is_left, "its last client has gone", old.server)
        await asyncio.to_thread(old.server.stop)

    async def restart_hot(self) -> None:
        """A new process takes the listening sockets from the old one, which then ends by itself."""
        old = self._processes[-1]
        await self.start()
        await asyncio.to_thread(old.server.wait, HOT_END_SECONDS + 10.0)

    async def entries(self) -> list[dict[str, Any]]:
        """The access logs of all processes, in the order in which requests began."""
        await asyncio.sleep(5 * FLUSH_MILLISECONDS / 1000)
        found = [entry for process in self._processes for entry in process.entries()]
        return sorted(found, key=lambda entry: str(entry["time"]))

    def signs_of_a_crash(self) -> list[str]:
        """Lines of the logs that should not be there."""
        return [line for process in self._processes for line in process.signs_of_a_crash()]

    def stop(self) -> None:
        """Stops all."""
        for process in self._processes:
            process.server.stop()

    def _hot_options(self) -> list[str]:
        """The port is as good a number as any to tell this family of processes from others."""
        options = ["--base-id", str(self.port), "--restart-epoch", str(len(self._processes))]
        options += [
            "--parent-shutdown-time-s",
            str(HOT_END_SECONDS),
        ]
        return options
