"""A network namespace and a mount namespace in which a whole node runs, unnoticed by the machine's own network.

The node has an address of its own on a bridge that leads nowhere. What is mounted in it, the volumes of pods among them, goes
with the last process.
"""

import subprocess
from pathlib import Path

from harness.processes import Server

ADDRESS = "10.238.0.1"
SECONDS = 300

# Mounts have to be shared, or containers would not see the volumes that the kubelet mounts for them. The network namespaces of
# pods get files, which are not to stay among the machine's own.
START = """
mount --make-rshared /
mount --bind {hosts} /etc/hosts
mount --bind {networks} /run/netns
ip link set lo up
ip link add node0 type bridge
ip addr add {address}/24 dev node0
ip link set node0 up
ip route add default dev node0
sysctl -qw net.ipv4.ip_forward=1
touch {ready}
exec sleep infinity
"""


class Failed(RuntimeError):
    """A command ended with an error; the message is what it said."""


class Namespace:
    """The namespaces, for as long as the process lives that has made them."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name, self._directory = name, directory
        directory.mkdir(parents=True, exist_ok=True)
        self._hosts = directory / "hosts"
        self.resolve({})
        ready, networks = directory / "ready", directory / "networks"
        networks.mkdir()
        self._ip("netns", "add", name)
        script = START.format(hosts=self._hosts, networks=networks, address=ADDRESS, ready=ready)
        command = ["nsenter", f"--net=/run/netns/{name}", "unshare", "--mount", "sh", "-e", "-c", script]
        self._holder = Server("namespace", command, directory)
        self._holder.wait_until(lambda: ready.exists() or None, "it is made")

    def resolve(self, hosts: dict[str, str]) -> None:
        """Gives addresses to names, for programs of the node; in place, since the file is bound where it is."""
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in hosts.items())]
        self._hosts.write_text("\n".join(lines) + "\n")

    def inside(self, *command: str | Path) -> list[str]:
        """The command, in both namespaces."""
        return ["nsenter", f"--target={self._holder.pid}", "--mount", "--net", *map(str, command)]

    def start(self, name: str, *command: str | Path) -> Server:
        """Starts a server there; it logs beside the others."""
        return Server(name, self.inside(*command), self._directory)

    def run(self, *command: str | Path, stdin: str | None = None, seconds: float = SECONDS) -> str:
        """What a command prints; it must succeed."""
        done = subprocess.run(self.inside(*command), input=stdin, capture_output=True, text=True, timeout=seconds, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def stop(self) -> None:
        """Removes them. Every process in them has to have ended."""
        self._holder.stop()
        self._ip("netns", "delete", self.name)

    @staticmethod
    def _ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=SECONDS)
