"""Real Envoy with a directory of `portolan render --target files`, and the commands that change it."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness import paths, portolan, ports
from harness.envoy import FLUSH_MILLISECONDS, Envoy, Policy, write_policy
from harness.processes import Server

# What streams on a listener that goes is cut after so long. Nothing here may depend on a longer time.
DRAIN_SECONDS = 5
# When an Envoy that is followed by another ends.
PARENT_SECONDS = 600
# For a machine on which Envoy takes long for a step.
STEP_SECONDS = 120


class FilesEnvoy(Envoy):
    """A running Envoy whose policy can be changed."""

    def __init__(
        self,
        policy: Policy,
        directory: Path,
        port: int | None = None,
        base_id: int | None = None,
        options: Sequence[str] = (),
        waits: bool = True,
    ) -> None:
        """Renders the policy, with more options if there are some, and starts Envoy; done when it serves.

        With a base id it can be followed by another.
        """
        self.place = directory
        self.parent_seconds = PARENT_SECONDS
        self.files = directory / "files"
        self.port, self.admin_port = port or ports.free(), ports.free()
        self._base_id = base_id
        address = [
            *("--listen", f"127.0.0.1:{self.port}"),
            *("--admin", f"127.0.0.1:{self.admin_port}"),
            *paths.filter_options(),
        ]
        self.policy_file = write_policy(policy, directory)
        portolan.output("render", self.policy_file, self.files, "--target", "files", *address, *options)
        self.server = Server("envoy", self._start(0), directory)
        self._read_entries = 0
        self._marks = 0
        if waits:
            self.server.wait_until(lambda: self.is_ready() or None, "it is ready")

    def restart_hot(self) -> Server:
        """Starts the Envoy that follows this one, with the same sockets; it is this one when it serves. What is left of
        the one before."""
        before = self.server
        self.server = Server("envoy-1", self._start(1), self.place)
        self.server.wait_until(lambda: self._epoch() == 1 or None, "it serves")
        return before

    def _epoch(self) -> int | None:
        try:
            found = json.loads(self.admin("/server_info"))
        except (ConnectionError, OSError):
            return None
        return int(found["command_line_options"]["restart_epoch"]) if found["state"] == "LIVE" else None

    def _start(self, epoch: int) -> list[str | Path]:
        restarts = ["--disable-hot-restart"]
        if self._base_id is not None:
            restarts = ["--base-id", str(self._base_id), "--restart-epoch", str(epoch)]
        return [
            *(paths.envoy(), "-c", self.files / "envoy.yaml", *restarts),
            *("--concurrency", "2", "--drain-time-s", str(DRAIN_SECONDS)),
            *("--parent-shutdown-time-s", str(self.parent_seconds)),
            *("--file-flush-interval-msec", str(FLUSH_MILLISECONDS), "--log-level", "info"),
        ]

    def apply(self, policy: Policy, *options: str | Path) -> str:
        """Puts a policy in force; what the command says."""
        return portolan.output(*self._apply(policy, *options))

    def try_to_apply(self, policy: Policy, *options: str | Path) -> subprocess.CompletedProcess[str]:
        """The same, whatever comes of it."""
        return portolan.run(*self._apply(policy, *options))

    def run(self, command: str, *options: str | Path) -> str:
        """Another command for the directory."""
        return portolan.output(command, self.files, *options)

    def _apply(self, policy: Policy, *options: str | Path) -> list[str | Path]:
        write_policy(policy, self.place)
        return [
            *("apply", self.policy_file, self.files),
            *("--timeout", str(STEP_SECONDS), "--settle", "1"),
            *options,
        ]
