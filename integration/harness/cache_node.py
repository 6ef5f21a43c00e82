"""A node of a cache: Apache Traffic Server with the files that `portolan render --target cache-node` writes."""

import json
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

from harness import paths, portolan, raw
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

    def __init__(self, files: Path, directory: Path, port: int, megabytes: int = 64) -> None:
        """`files` is the node's directory as it was rendered; its store has so many MiB."""
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
        (etc / "storage.config").write_text(f"{places['cachedir']} {megabytes}M\n")
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

    def holds(self, path: str) -> bool:
        """Whether it has the content at a path, which it is asked for a byte of; the one who fills it is not asked."""
        headers = [("Cache-Control", "only-if-cached"), ("Range", "bytes=0-0")]
        answer = raw.request(self.port, "GET", path, headers, host="cache.internal")
        assert answer.status in (206, 504), answer
        return answer.status == 206

    def purge(self, path: str) -> None:
        """Deletes the content at a path, if it has it."""
        assert raw.request(self.port, "PURGE", path, host="cache.internal").status in (200, 404)

    def rot(self, body: bytes, share: float) -> bool:
        """Flips a bit of content in the store, at this share of it; whether it is there yet: it is written some time after
        it came.
        """
        # Contents of tests are the same few bytes again and again: these stand at many places of one content.
        part = body[:64]
        with (self.directory / "cachedir/cache.db").open("r+b") as store:
            places = [found.start() for found in re.finditer(re.escape(part), store.read())]
            if places:
                store.seek(places[int(len(places) * share)])
                store.write(bytes([part[0] ^ 1]))
        return bool(places)

    def numbers(self) -> dict[str, str]:
        """What it counts, by names without `proxy.process.`."""
        answer = raw.request(self.port, "GET", "/portolan/statistics", host="cache.internal")
        found = json.loads(answer.body)["global"]
        return {name.removeprefix("proxy.process."): value for name, value in found.items()}

    def hang(self, is_hanging: bool) -> None:
        """Has it stand still, or go on."""
        os.killpg(self.server.pid, signal.SIGSTOP if is_hanging else signal.SIGCONT)

    def kill(self) -> None:
        """Ends it as a power failure does."""
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.stop()

    def stop(self) -> None:
        """Stops it."""
        self.server.stop()


def start_nodes(policy: Path, directory: Path, fill: str, ports: Sequence[int], megabytes: int = 64) -> list[Node]:
    """The nodes of the cache `eu` of a policy, each at its port; `fill` is where they are filled from."""
    files = directory / "files"
    portolan.output("render", policy, files, "--target", "cache-node", "--cache-fill", fill)
    return [Node(files / f"eu-{at}", directory / f"node-{at}", port, megabytes) for at, port in enumerate(ports, 1)]
