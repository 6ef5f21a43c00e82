"""A stack of envoy/compose, brought up by a Compose of either generation."""

import json
import re
import resource
import shutil
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compose.daemon import Daemon
from harness import paths
from harness.waiting import eventually

STACKS = paths.EXAMPLES / "compose"
# What a service's container may write to is in its volumes; these are run once and end.
ONCE = {"prepare"}
UP_SECONDS = 240.0


class Stack:
    """A running stack, in a copy of its directory."""

    def __init__(self, name: str, compose: list[str], daemon: Daemon, directory: Path, settings: Mapping[str, str]) -> None:
        self._daemon, self._compose = daemon, compose
        shutil.copytree(STACKS, directory / "compose")
        shutil.copytree(paths.EXAMPLES / "observability", directory / "observability")
        self.directory = directory / "compose" / name
        own = {"COMPOSE_PROJECT_NAME": f"{name}{len(compose)}", "NOFILE": str(resource.getrlimit(resource.RLIMIT_NOFILE)[1])}
        self._environment = {**settings, **own}

    def up(self) -> None:
        """Brings it up and waits until everything in it is well."""
        self._run("up", "--detach")
        eventually(self._all_are_well, within=UP_SECONDS, what="every container is healthy")

    def down(self) -> None:
        """Removes it, with its volumes."""
        self._run("down", "--volumes", "--timeout", "2")

    def logs(self, service: str) -> str:
        """What a service printed."""
        return self._daemon.docker("logs", self.container(service))

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self._run("ps", "--quiet", service).strip() or self._ended(service)

    def containers(self) -> dict[str, dict[str, Any]]:
        """What the engine says of each container, by service."""
        project = f"label=com.docker.compose.project={self._environment['COMPOSE_PROJECT_NAME']}"
        ids = self._daemon.docker("ps", "--all", "--quiet", "--filter", project).split()
        found = [self._daemon.inspect(each) for each in ids]
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}

    def authority(self) -> str:
        """The authority that was made for it, as `prepare` prints it."""
        found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", self.logs("prepare"), re.DOTALL)
        assert found, self.logs("prepare")
        ssl.PEM_cert_to_DER_cert(found.group())
        return found.group() + "\n"

    def access_log(self, service: str) -> list[dict[str, Any]]:
        """The access log of an Envoy of it."""
        lines = self.logs(service).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def _ended(self, service: str) -> str:
        return str(self.containers()[service]["Id"])

    def _all_are_well(self) -> bool:
        for service, container in self.containers().items():
            state = container["State"]
            if service in ONCE:
                assert (state["Status"], state["ExitCode"]) == ("exited", 0), (service, self.logs(service))
            else:
                health = state.get("Health", {})
                last = [each["Output"] for each in health.get("Log") or []][-1:]
                assert health.get("Status") == "healthy", (service, state["Status"], last, self.logs(service)[-2000:])
        return True

    def _run(self, *arguments: str) -> str:
        return self._daemon.run(*self._compose, *arguments, directory=self.directory, more=self._environment)
