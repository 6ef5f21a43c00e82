"""A node of a cache: Apache Traffic Server with the files that `portolan render --target cache-node` writes."""

import json
import os
import signal
from pathlib import Path

from harness import paths, raw
from harness.processes import Server

HOME = "/etc/trafficserver"
PLACES = ("sysconfdir", "runtimedir", "logdir", "cachedir", "localstatedir")
# What the files leave to the machine: who it runs as, and how large a store a test wants.
OF_THE_TEST = "CONFIG proxy.config.admin.user_id STRING #-1\nCONFIG proxy.config.exec_thread.autoconfig INT 0\n"


def have() -> bool:
    """Whether the server is on this machine."""
    return Path("/usr/bin/traffic_server").exists()


class Node:
    """A running node. Its store is in its directory, so that a second start finds it."""

    def __init__(self, files: Path, directory: Path, port: int) -> None:
        """`files` is the node's directory as it was rendered."""
        self.directory = directory
        self.port = port
        places = {name: directory / name for name in PLACES}
        for place in places.values():
            place.mkdir(parents=True, exist_ok=True)
        etc = places["sysconfdir"]
        for file in files.iterdir():
            (etc / file.name).write_text(file.read_text().replace(HOME, str(etc)))
        records = etc / "records.config"
        records.write_text(records.read_text() + OF_THE_TEST)
        (etc / "storage.config").write_text(f"{places['cachedir']} 64M\n")
        (etc / "ip_allow.yaml").write_text("ip_allow: [{apply: in, ip_addrs: 127.0.0.1, action: allow, methods: ALL}]\n")
        for name in ("logging.yaml", "parent.config", "hosting.config", "volume.config"):
            (etc / name).touch()
        layout = {"prefix": "/usr", "exec_prefix": "/usr", "bindir": "/usr/bin", "sbindir": "/usr/bin"}
        layout |= {"libexecdir": "/usr/lib/trafficserver/modules", "datadir": "/usr/share/trafficserver"}
        layout |= {name: str(place) for name, place in places.items()}
        self._root = directory / "runroot.yaml"
        self._root.write_text(json.dumps(layout))
        self.start()

    def start(self) -> None:
        """Starts it, with what it has kept."""
        command = [paths.need_command("traffic_server"), f"--run-root={self._root}"]
        self.server = Server("cache-node", command, self.directory)
        self.server.wait_until(lambda: self.is_well() or None, "it answers checks")

    def is_well(self) -> bool:
        """Whether it answers a check as Envoy makes it."""
        try:
            return raw.request(self.port, "GET", "/v2/", host="cache.internal").status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """Ends it as a power failure does."""
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.stop()

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()
