"""Clients of a release: pods that do what they are told, and programs of the node that read all the time."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import processes
from harness.waiting import eventually

from kubernetes.node import Node

CLIENTS = "clients"
LOAD = Path(__file__).with_name("load.py")


def pod(name: str, image: str, **more: Any) -> dict[str, Any]:
    """A pod that does nothing until it is told to."""
    container = {"name": "client", "image": image, "imagePullPolicy": "IfNotPresent", **more}
    metadata = {"name": name, "namespace": CLIENTS}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1, "restartPolicy": "Never"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def inside(node: Node, name: str, *command: str) -> str:
    """What a command in a client's pod prints."""
    return node.kubectl("exec", "--namespace", CLIENTS, name, "--", *command)


def address_of(node: Node, name: str) -> str:
    """The address of a client's pod."""
    return str(node.get("pod", name, "--namespace", CLIENTS)["status"]["podIP"])


@dataclass(frozen=True)
class Load:
    """What is read, and where: blobs of a repository at the Service of a front. The last one is large, and read slowly."""

    address: str
    host: str
    repository: str
    digests: tuple[str, ...]


@contextmanager
def load(node: Node, directory: Path, what: str, read: Load) -> Iterator[None]:
    """Clients that read all the time; none of them may see a failure."""
    stop = directory / f"stop-{what}"
    blobs: Iterable[str] = (f"/v2/{read.repository}/blobs/{digest}={digest}" for digest in read.digests)
    command: tuple[str | Path, ...] = (sys.executable, LOAD, read.address, "80", read.host, stop, *blobs)
    server = node.namespace.start(f"load-{what}", *command)
    eventually(server.is_alive)
    yield
    stop.touch()
    assert server.wait(120) == 0, processes.tail(server.log)
    counted = json.loads(server.out.read_text())
    print(f"\n{what}: {counted['done']} requests, {counted['slow']} slow ones, {len(counted['failures'])} failures")
    assert counted["failures"] == []
    assert counted["done"] > 100 and counted["slow"] > 1
