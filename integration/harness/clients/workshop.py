"""Makes clients by their names. What daemons they need is started once and shared."""

from functools import cached_property
from pathlib import Path

from harness import docker
from harness.clients.client import Client
from harness.clients.cri import Cri
from harness.clients.ctr import Ctr
from harness.clients.docker import Docker
from harness.clients.go_clients import Crane, Oras, Regctl
from harness.clients.needs import need
from harness.clients.nerdctl import Nerdctl
from harness.clients.podman import Buildah, Podman
from harness.clients.skopeo import Skopeo
from harness.containerd import Containerd

NAMES = ("docker", "podman", "buildah", "skopeo", "ctr", "nerdctl", "cri", "crane", "oras", "regctl")


class Workshop:
    """Makes clients that have logged in nowhere, until it is closed."""

    def __init__(self, directory: Path, trust: Path | None = None, hosts: Path | None = None) -> None:
        """With `trust` every registry has TLS and a certificate of that authority; without, none has.

        containerd takes that from its own files, in `hosts`.
        """
        self._directory = directory
        self._trust = trust
        self._hosts = hosts
        self._count = 0

    def client(self, name: str) -> Client:
        """A client of `NAMES`; the caller stops it. The test ends here if this machine cannot run it."""
        need(name)
        self._count += 1
        place = self._directory / f"{self._count}-{name}"
        if name == "docker":
            return Docker(place, self._engine)
        if name == "ctr":
            return Ctr(place, self._containerd, self._hosts)
        if name == "nerdctl":
            return Nerdctl(place, self._nerdctls, self._hosts)
        if name == "cri":
            return Cri(place, self._hosts)
        if name in ("podman", "buildah"):
            return (Podman if name == "podman" else Buildah)(place, trust=self._trust)
        alone = {kind.name: kind for kind in (Skopeo, Crane, Oras, Regctl)}
        return alone[name](place, self._trust)

    def close(self) -> None:
        """Stops the daemons."""
        for daemon in ("_engine", "_containerd", "_nerdctls"):
            if daemon in self.__dict__:
                getattr(self, daemon).stop()

    @cached_property
    def _containerd(self) -> Containerd:
        return Containerd(self._directory / "containerd")

    @cached_property
    def _nerdctls(self) -> Containerd:
        """Its own: what ctr has pulled nerdctl would not have to."""
        return Containerd(self._directory / "containerd-of-nerdctl")

    @cached_property
    def _engine(self) -> docker.Docker:
        return docker.Docker(self._directory / "engine", self._containerd)
