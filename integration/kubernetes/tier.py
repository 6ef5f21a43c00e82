"""A release of the chart with a cache of two nodes, in front of the site's registries."""

import json
import os
from pathlib import Path
from typing import Any

from harness.waiting import eventually

from kubernetes import images
from kubernetes.clients import Load, inside
from kubernetes.namespace import Failed
from kubernetes.settings import FRONT, PODS
from kubernetes.site import REPOSITORY, Site, restricted

TIER = "tier"
TIER_ADDRESS = "10.96.0.51"
NODES = (1, 2)
# The user of the images.
USER = 101
CLASS = "by-hand"
USES = {"hit", "coalesced", "miss"}


def number_of(entry: dict[str, Any]) -> int:
    """Which node answered, of an entry of the access log."""
    return int(str(entry["cache_node"]).rpartition("-")[2])


class Tier:
    """The release, and how it is asked."""

    def __init__(self, site: Site) -> None:
        self.site, self.node = site, site.node
        self.node.apply(restricted(TIER), *map(self._volume, NODES))

    def upgrade(self, **cache: Any) -> None:
        """Installs it, or upgrades it to other values of its cache."""
        chain = ["cache@local", "eu", "cn"]
        rule = {"name": "all", "repositories": ["**"], "readers": "anyone", "replicas": ["eu", "cn"]}
        policy = self.site.policy(caches={"local": {}}, rules=[{**rule, "chains": {"cn": chain, "default": chain}}])
        values = self.site.values(
            policy,
            service={"clusterIP": TIER_ADDRESS},
            cache={
                "enabled": True,
                "nodes": len(NODES),
                "image": {"repository": f"{images.LIBRARY}portolan-cache"},
                "podNetworks": [PODS],
                "storeSize": "256M",
                "memorySize": "32M",
                "volume": {"size": "1Gi", "storageClassName": CLASS},
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
                **cache,
            },
        )
        assert "STATUS: deployed" in self.site.upgrade(values, release=TIER)

    def load(self) -> Load:
        """What clients read all the time."""
        small = sorted(set(self.site.app.blobs) - set(self.site.app.layers()))
        return Load(TIER_ADDRESS, FRONT, REPOSITORY, (*small, self.site.app.layers()[0]))

    def pull(self, digest: str) -> str:
        """Reads a blob through the Service as a client's pod; the digest of what came."""
        url = f"http://{TIER_ADDRESS}/v2/{REPOSITORY}/blobs/{digest}"
        command = f"set -o pipefail; wget -q -O - --header 'Host: {FRONT}' {url} | sha256sum"
        return "sha256:" + inside(self.node, "near", "sh", "-c", command).split()[0]

    def answered(self, digest: str) -> list[dict[str, Any]]:
        """The entries of the access logs for a blob that a node has answered, in the order of their times."""
        found = self.site.requests(f"/v2/{REPOSITORY}/blobs/{digest}", TIER)
        found = [entry for entry in found if entry.get("event") is None and entry.get("cache_use") in USES]
        return sorted(found, key=lambda entry: str(entry["time"]))

    def until_a_hit(self, digest: str) -> dict[str, Any]:
        """Pulls until a node has had it once more; the entry.

        No pull fails meanwhile, or gets other content.
        """
        before = len(self.answered(digest))

        def found() -> list[dict[str, Any]]:
            if (got := self.pull(digest)) != digest:
                # An assertion would only say "not yet".
                raise Failed(f"a pull of {digest} got {got}")
            return [entry for entry in self.answered(digest)[before:] if entry["cache_use"] == "hit"]

        return eventually(found, within=240)[-1]

    def pod(self, number: int) -> dict[str, Any]:
        """The pod of a node."""
        found: dict[str, Any] = self.node.get("pod", self.name(number), "--namespace", TIER)
        return found

    def name(self, number: int) -> str:
        """The name of a node's pod."""
        return f"{TIER}-portolan-cache-{number}"

    def statistics(self, number: int, port: int = 8300) -> dict[str, Any]:
        """What the command in a node's pod says of it."""
        command = ("portolan", "cache", "status", f"http://127.0.0.1:{port}", "--output", "json")
        said = json.loads(self.node.kubectl("exec", "--namespace", TIER, self.name(number), "--", *command))
        (node,) = said["nodes"]
        assert node["up"], node
        found: dict[str, Any] = node["statistics"]
        return found

    def delete(self, number: int, *how: str) -> None:
        """Deletes a node's pod, and waits until another one is ready in its place."""
        old = self.pod(number)["metadata"]["uid"]
        self.node.kubectl("delete", "pod", self.name(number), "--namespace", TIER, *how)
        eventually(lambda: self._is_new(number, old), within=240)

    def _is_new(self, number: int, old: str) -> bool:
        found = self.node.get("pods", "--namespace", TIER)["items"]
        pods = [each for each in found if each["metadata"]["name"] == self.name(number) and each["metadata"]["uid"] != old]
        conditions = [each for pod in pods for each in pod["status"].get("conditions", [])]
        return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)

    def _volume(self, number: int) -> dict[str, Any]:
        """A directory of the machine: nothing here makes volumes of claims."""
        place: Path = self.node.place / f"store-{number}"
        place.mkdir()
        os.chown(place, USER, USER)
        spec = {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": CLASS,
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": str(place)},
        }
        return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"store-{number}"}, "spec": spec}
