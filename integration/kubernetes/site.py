"""Two registries that play regions, one for charts, and the release of the chart in front of the two."""

import json
from pathlib import Path
from typing import Any

import yaml
from harness import image, paths
from harness.policies import build_policy, rule_for_all
from harness.registry import settings as registry_settings
from harness.waiting import eventually

from kubernetes import images
from kubernetes.namespace import ADDRESS, Failed
from kubernetes.node import Node
from kubernetes.settings import FRONT, FRONT_ADDRESS, PODS
from release import chart
from release.source import find

CHART = paths.EXAMPLES / "kubernetes/chart"
PORTS = {"eu": 5001, "cn": 5002, "charts": 5003}
RELEASE, NAMESPACE = "registry", "registry"
NODE_PORT = 30080
MIRROR = f"mirror.test:{NODE_PORT}"
REPOSITORY = "demo/app"
# A layer that a slow client pulls for some seconds.
LAYER_BYTES = 8 << 20
SECONDS = "300s"


def restricted(name: str) -> dict[str, Any]:
    """A namespace in which Pod Security's level `restricted` is in force."""
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


class Site:
    """What the tests have."""

    def __init__(self, node: Node, directory: Path) -> None:
        self.node, self.directory = node, directory
        self.app = image.build("app", layers=2, layer_bytes=LAYER_BYTES)
        self._start_registries()
        self._fill_registries()
        self._push_chart()

    def policy(self, **changes: Any) -> dict[str, Any]:
        """The policy: everybody is near to `eu`, but for the networks of `cn`.

        `changes` has whole fields.
        """
        eu, cn = (f"http://{ADDRESS}:{PORTS[name]}" for name in ("eu", "cn"))
        names = [{"front": "docker.io/", "backend": ""}]
        policy = build_policy(
            {"eu": {"url": eu, "names": names}, "cn": {"url": cn, "names": names}},
            rule_for_all({"cn": ["cn", "eu"], "default": ["eu", "cn"]}),
            fronts={
                "main": {"hosts": [FRONT], "health": True},
                "mirror": {"hosts": [MIRROR], "upstreams": {"docker.io": {"library": True}}},
            },
            regions={"cn": {"networks": ["198.51.100.0/24"]}, "default": {}},
            clients={"trusted_proxies": [PODS]},
        )
        return {**policy, **changes}

    def values(self, policy: dict[str, Any], **changes: Any) -> Path:
        """A file of values. The limits and requests are for a small machine."""
        document = {
            "policy": policy,
            "image": {"repository": f"{images.LIBRARY}portolan"},
            "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
            "drain": {"grace": 8, "timeout": 90},
            "service": {
                "type": "NodePort",
                "nodePort": NODE_PORT,
                "clusterIP": FRONT_ADDRESS,
                "externalTrafficPolicy": "Cluster",
            },
            "tests": {"pull": {"url": f"http://{FRONT}", "image": f"{REPOSITORY}:v1"}},
            **changes,
        }
        path = self.directory / "values.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    def upgrade(self, values: Path, *more: str, release: str = RELEASE) -> str:
        """Installs the chart from the registry, or upgrades what is there; waits until it serves. The namespace has its name."""
        chart = f"oci://{ADDRESS}:{PORTS['charts']}/charts/portolan"
        where = ("--namespace", release, "--plain-http", "--wait", "--timeout", SECONDS)
        return self.node.helm("upgrade", "--install", release, chart, "--values", str(values), *where, *more)

    def pods(self, release: str = RELEASE) -> list[dict[str, Any]]:
        """The pods of the front that are not about to end."""
        selector = f"--selector=app.kubernetes.io/instance={release},app.kubernetes.io/component=front"
        found = self.node.get("pods", "--namespace", release, selector)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def logs(self, release: str = RELEASE) -> str:
        """What all pods of the front have printed."""
        names = [pod["metadata"]["name"] for pod in self.pods(release)]
        return "".join(self.node.kubectl("logs", name, "--namespace", release) for name in names)

    def requests(self, path: str, release: str = RELEASE) -> list[dict[str, Any]]:
        """The entries of the access logs for a path."""
        lines = [json.loads(line) for line in self.logs(release).splitlines() if line.startswith("{")]
        return [entry for entry in lines if entry.get("path") == path]

    def _start_registries(self) -> None:
        for name, port in PORTS.items():
            document: dict[str, Any] = registry_settings(name, self.directory / name, port, "info")
            document["http"]["addr"] = f"{ADDRESS}:{port}"
            path = self.directory / f"{name}.json"
            path.write_text(json.dumps(document))
            server = self.node.namespace.start(name, "docker-registry", "serve", path)
            self.node.servers.insert(0, server)

    def _fill_registries(self) -> None:
        self.app.write_layout(self.directory / "app", "v1")
        client = self.directory / "client-1.tar"
        for name in ("eu", "cn"):
            self._copy(f"oci:{self.directory / 'app'}:v1", name, f"{REPOSITORY}:v1")
            self._copy(f"oci-archive:{client}", name, "library/puller:1")

    def _copy(self, source: str, registry: str, target: str) -> None:
        options = ("--preserve-digests", "--all", "--dest-tls-verify=false")
        command = ("skopeo", "copy", *options, source, f"docker://{ADDRESS}:{PORTS[registry]}/{target}")

        def copied() -> bool:
            try:
                self.node.namespace.run(*command)
            except Failed as failed:
                raise AssertionError(str(failed)) from failed
            return True

        eventually(copied)

    def _push_chart(self) -> None:
        """Pushes the chart of a release, as the release does."""
        archive = self.directory / "portolan-chart.tgz"
        archive.write_bytes(chart.archive(find()))
        self.node.helm("push", str(archive), f"oci://{ADDRESS}:{PORTS['charts']}/charts", "--plain-http")
