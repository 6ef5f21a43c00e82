"""A Kubernetes node of one: API server, controllers, scheduler, kubelet, kube-proxy, containerd, CoreDNS; pods really run.

What a cluster has and this has not: a second node, a load balancer, storage that is provisioned, a network plugin that heeds
NetworkPolicy.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import paths
from harness.processes import Server
from harness.waiting import eventually

from kubernetes import settings
from kubernetes.namespace import Failed, Namespace

BIN = paths.ROOT / ".tools/kubernetes/bin"
READY_SECONDS = 240.0


class Node:
    """A running node."""

    def __init__(self, directory: Path) -> None:
        # Paths of sockets are at most 108 bytes, and pytest's directories are long.
        self._short = Path(tempfile.mkdtemp(prefix="k8s-"))
        self.place = directory
        directory.mkdir(parents=True, exist_ok=True)
        settings.write(directory, self._short)
        self.namespace = Namespace(self._short.name, directory)
        self.servers: list[Server] = []
        self._start_all()
        self.until_it_succeeds("wait", "--for=condition=Ready", f"node/{settings.NODE}", "--timeout=60s")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints."""
        return self.namespace.run("kubectl", "--kubeconfig", self.place / "kubeconfig", *arguments, stdin=stdin)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Makes objects, or changes them."""
        self.kubectl("apply", "-f", "-", stdin=of_list(*objects))

    def until_it_succeeds(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints, as soon as it succeeds: a new namespace has no ServiceAccount for a moment, for instance."""

        def said() -> str:
            try:
                return self.kubectl(*arguments, stdin=stdin) or "nothing"
            except Failed as failed:
                raise AssertionError(str(failed)) from failed

        return eventually(said, within=READY_SECONDS)

    def get(self, *arguments: str) -> Any:
        """Objects, as kubectl prints them."""
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def helm(self, *arguments: str, seconds: float = 600.0) -> str:
        """What Helm prints."""
        own = ("--kubeconfig", self.place / "kubeconfig")
        homes = [f"HELM_{kind}_HOME={self.place}/helm-{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")]
        return self.namespace.run("env", *homes, "helm", *own, *arguments, seconds=seconds)

    def ctr(self, *arguments: str | Path) -> str:
        """What containerd's own client prints, in the namespace of the kubelet."""
        return self.namespace.run("ctr", "--address", self._short / "containerd.sock", "--namespace", "k8s.io", *arguments)

    def load(self, archive: Path) -> None:
        """Puts an image into containerd, under the name that its archive says."""
        self.ctr("images", "import", archive)

    def stop(self) -> None:
        """Ends pods, then servers, and removes what is left."""
        self._end_pods()
        for server in reversed(self.servers):
            server.stop()
        self.namespace.stop()
        shutil.rmtree(self._short, ignore_errors=True)

    def _start_all(self) -> None:
        start, place = self.namespace.start, self.place
        kubeconfig = f"--kubeconfig={place}/kubeconfig"
        self._start("containerd", lambda: start("containerd", "containerd", "--config", place / "containerd.toml"))
        self._start("etcd", lambda: start("etcd", "etcd", *settings.etcd(place)))
        self._start("apiserver", lambda: start("apiserver", BIN / "kube-apiserver", *settings.apiserver(place)))
        self.servers[-1].wait_until(self._answers, "it answers", READY_SECONDS)
        own = (kubeconfig, "--leader-elect=false", "--bind-address=127.0.0.1")
        manager: tuple[str | Path, ...] = (BIN / "kube-controller-manager", *own, *settings.controllers(place))
        self._start("controllers", lambda: start("controllers", *manager))
        self._start("scheduler", lambda: start("scheduler", BIN / "kube-scheduler", *own))
        self._start("proxy", lambda: start("proxy", BIN / "kube-proxy", kubeconfig, *settings.proxy()))
        self._start("coredns", lambda: start("coredns", BIN / "coredns", "-conf", place / "Corefile"))
        self._start("kubelet", lambda: start("kubelet", BIN / "kubelet", kubeconfig, *settings.kubelet(place)))

    def _start(self, name: str, begin: Callable[[], Server]) -> None:
        remedy = "scripts/setup kubernetes"
        for program in ("kubelet", "kube-apiserver", "coredns"):
            paths.need_file(BIN / program, remedy)
        self.servers.append(begin())
        assert self.servers[-1].is_alive(), name

    def _answers(self) -> str | None:
        try:
            return self.kubectl("get", "--raw", "/readyz")
        except Failed:
            return None

    def _end_pods(self) -> None:
        """Whatever runs still when nobody is there to start it again; the shims of containerd outlive containerd."""
        for server in self.servers[-5:]:
            server.stop()
        try:
            for line in self.ctr("tasks", "list", "--quiet").split():
                self.ctr("tasks", "kill", "--signal", "SIGKILL", line)
            deadline = time.monotonic() + 30
            while (left := self.ctr("tasks", "list", "--quiet").split()) and time.monotonic() < deadline:
                for line in left:
                    self._delete_task(line)
        except Failed as failed:
            print(f"pods were not ended: {failed}")

    def _delete_task(self, name: str) -> None:
        try:
            self.ctr("tasks", "delete", "--force", name)
        except Failed:
            time.sleep(0.2)


def of_list(*objects: dict[str, Any]) -> str:
    """Objects as kubectl reads them."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
