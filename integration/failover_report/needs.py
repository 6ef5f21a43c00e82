"""What must be on the machine, and which clients can run on it."""

import asyncio
import platform
import shutil
from pathlib import Path

from failover_report.clients.client import Client, PullFailed
from failover_report.clients.containerd import Containerd, is_allowed
from failover_report.clients.docker import Docker
from failover_report.clients.skopeo import Skopeo
from harness import paths
from harness.processes import ServerFailed

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
INSTALL = "apt-get install --no-install-recommends docker.io containerd"


def check() -> None:
    """Raises `Missing`, before anything is started, if something is not there."""
    for tool in (paths.envoy, paths.wasm, paths.portolan):
        tool()
    for command in ("docker-registry", "skopeo", "openssl"):
        paths.need_command(command)


async def start_clients(directory: Path) -> tuple[list[Client], list[str]]:
    """The clients that run here, and in words why others do not."""
    architecture = ARCHITECTURES.get(platform.machine(), "amd64")
    candidates: list[tuple[Client, tuple[str, ...]]] = [
        (Docker(directory, architecture), ("dockerd", "containerd", "runc")),
        (Skopeo(directory, architecture), ("skopeo",)),
        (Containerd(directory), ("containerd", "ctr")),
    ]
    started = await asyncio.gather(*(_start(client, commands) for client, commands in candidates))
    clients = [client for (client, _), problem in zip(candidates, started, strict=True) if problem is None]
    return clients, [problem for problem in started if problem is not None]


async def _start(client: Client, commands: tuple[str, ...]) -> str | None:
    absent = [command for command in commands if shutil.which(command) is None]
    if absent:
        return f"pulls by {client.name}: there is no {', '.join(absent)} here. Run: {INSTALL}"
    if client.name != "skopeo" and not is_allowed():
        return f"pulls by {client.name}: its daemon must be run as root."
    try:
        await client.start()
    except (ServerFailed, PullFailed, OSError) as problem:
        client.stop()
        return f"pulls by {client.name}: it does not run here: {' '.join(str(problem).split())[-300:]}"
    return None
