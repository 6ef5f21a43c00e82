"""A Docker engine of our own that runs containers: network namespace, names and trusted authorities are its own.

Its bridges and rules are in a network namespace, so that neither it nor the machine's own engine notices the other; what it
publishes is published there. In its mount namespace /etc/hosts and /etc/docker are ours.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import paths
from harness.processes import Server

SECONDS = 600
BRIDGE = "10.237.0.1"
NETWORKS = "base=10.237.128.0/17,size=24"

# The daemon takes the place of the shell, so that it gets the signals.
START = """
mount --make-rprivate /
mkdir -p /etc/docker
mount --bind {docker} /etc/docker
mount --bind {hosts} /etc/hosts
exec dockerd --host unix://{socket} --data-root {root} --exec-root {run} --pidfile {run}.pid --bip {bridge}/24 \
  --default-address-pool {networks} --log-level warn
"""


class Failed(RuntimeError):
    """A command ended with an error; the message is what it said."""


class Daemon:
    """A running engine, in a network namespace of its own."""

    def __init__(self, directory: Path, plugins: Path | None) -> None:
        """`plugins` has `docker-compose`, the plugin of the `docker` command, if there is one."""
        directory.mkdir(parents=True)
        # The path of a socket is at most 108 bytes, and pytest's directories are long.
        self._short = Path(tempfile.mkdtemp(prefix="dk-"))
        self.namespace = self._short.name
        self._hosts = directory / "hosts"
        self._docker = directory / "docker"
        self._docker.mkdir()
        self.environment = self._environment(directory / "client", plugins)
        self.name({})
        self._ip("netns", "add", self.namespace)
        self._ip("-n", self.namespace, "link", "set", "lo", "up")
        self.server = Server("dockerd", self._command(directory), directory)
        self.server.wait_until(self._answers, "it answers")

    def name(self, hosts: Mapping[str, str]) -> None:
        """Gives addresses to names; in place, since the file is bound where it is."""
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in hosts.items())]
        self._hosts.write_text("\n".join(lines) + "\n")

    def trust(self, registry: str, authority: str) -> None:
        """Has the engine trust an authority (PEM) for a registry, `host:port`."""
        place = self._docker / "certs.d" / registry
        place.mkdir(parents=True, exist_ok=True)
        (place / "ca.crt").write_text(authority)

    def run(self, *command: str, directory: Path | None = None, more: Mapping[str, str] | None = None) -> str:
        """What a command prints, in the namespace; it must succeed."""
        environment = {**self.environment, **(more or {})}
        done = subprocess.run(
            self.inside(command), cwd=directory, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def docker(self, *arguments: str) -> str:
        """What the docker command prints."""
        return self.run("docker", *arguments)

    def inspect(self, container: str) -> dict[str, Any]:
        """What the engine says of a container."""
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", container))
        return found[0]

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command, in the network namespace."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *command]

    def stop(self) -> None:
        """Stops it and removes its namespace."""
        self.server.stop()
        self._ip("netns", "delete", self.namespace)
        shutil.rmtree(self._short, ignore_errors=True)

    def _environment(self, client: Path, plugins: Path | None) -> dict[str, str]:
        if plugins:
            (client / "cli-plugins").mkdir(parents=True)
            shutil.copy2(plugins / "docker-compose", client / "cli-plugins/docker-compose")
        own = {"DOCKER_HOST": f"unix://{self._short}/d.sock", "DOCKER_CONFIG": str(client)}
        return {**os.environ, **own}

    def _command(self, directory: Path) -> list[str | Path]:
        paths.need_command("dockerd")
        script = START.format(
            docker=self._docker,
            hosts=self._hosts,
            socket=f"{self._short}/d.sock",
            root=directory / "data",
            run=self._short / "run",
            bridge=BRIDGE,
            networks=NETWORKS,
        )
        return [*self.inside(["unshare", "--mount", "sh", "-c", script])]

    def _answers(self) -> str | None:
        try:
            return self.docker("info", "--format", "{{.ServerVersion}}")
        except Failed:
            return None

    @staticmethod
    def _ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=SECONDS)
