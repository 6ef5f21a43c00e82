"""Envoy Gateway without Kubernetes: objects in a directory, and an Envoy that it starts on this machine.

It listens at ports of its own choice at all addresses, and its Envoy looks for certificates in `/certs`: scripts/test-envoy-gateway
gives it a network and mounts of its own.
"""

import base64
import subprocess
from pathlib import Path
from typing import Any

import yaml

from harness import paths, portolan
from harness.envoy import Envoy, Policy, write_policy
from harness.processes import Server, tail

from .agent import AgentsEnvoy
from .control_plane import tool

NAMESPACE = "portolan"
OWN_NAMESPACE = "envoy-gateway-system"
GROUP = "gateway.envoyproxy.io"
SECONDS = 120
# Where Envoy's bootstrap, which Envoy Gateway makes, says that the certificates are.
CERTIFICATES = Path("/certs")
# It keeps Envoys by version in a directory, and gets those from the network that are not there.
VERSION = "1.40.0"
HOSTS = f"127.0.0.1 localhost\n127.0.0.1 envoy-gateway.{OWN_NAMESPACE}.svc.cluster.local envoy-gateway\n"


def objects(policy: Policy, directory: Path, front: int, wasm: str | Path, *more: str | Path) -> str:
    """A policy as objects for Envoy Gateway."""
    path = write_policy(policy, directory)
    secrets = directory / "sds"
    options: list[str | Path] = [
        *("--target", "envoy-gateway", "--listen", f":{front}", "--wasm", wasm),
        *("--sds-directory", secrets, "--sds-output", secrets),
    ]
    return portolan.output("render", path, *options, *more)


class Standalone:
    """Envoy Gateway, and the Envoy that it starts."""

    def __init__(self, directory: Path, front: int) -> None:
        """`front` is the port of the gateway."""
        self.front = front
        self._directory = directory
        self._objects = directory / "objects"
        self._objects.mkdir(parents=True)
        self._server: Server | None = None
        self._envoy: Envoy | None = None

    def start(self, rendered: str, status: int = 200) -> Envoy:
        """Done when the front answers `/v2/` with this status."""
        self._prepare()
        self.serve(rendered)
        command: list[str | Path] = [tool("envoy-gateway"), "server", "--config-path", self._directory / "configuration.yaml"]
        server = self._server = Server("envoy-gateway", command, self._directory)
        self._envoy = AgentsEnvoy(server, server.wait_until(self._admin_port, "its Envoy has an admin interface"), self.front)
        server.wait_until(lambda: self._answers(status), f"the front answers {status}")
        return self._envoy

    def serve(self, rendered: str) -> None:
        """Serves these objects from now on."""
        beside = self._directory / "portolan.yaml"
        beside.write_text(rendered)
        beside.replace(self._objects / "portolan.yaml")

    def refused(self) -> dict[str, int]:
        """How often Envoy has refused what it was told; nothing that is zero."""
        assert self._envoy
        found = self._envoy.stats(r"(update_rejected|config_fail)$")
        return {name: count for name, count in found.items() if count}

    def stop(self) -> None:
        """Stops both."""
        if self._server:
            self._server.stop()
        subprocess.run(["umount", CERTIFICATES, "/etc/hosts"], check=False, capture_output=True, timeout=SECONDS)

    def said(self) -> str:
        """The end of what Envoy Gateway has said."""
        assert self._server
        return tail(self._server.log) + tail(self._server.out)

    def _prepare(self) -> None:
        directory = self._directory
        home = directory / "home"
        certgen = [tool("envoy-gateway"), "certgen", "--local", "--config-home", home]
        subprocess.run(certgen, check=True, capture_output=True, timeout=SECONDS)
        binary = directory / f"data/envoy-versions/{VERSION}/bin/envoy"
        binary.parent.mkdir(parents=True)
        binary.symlink_to(paths.envoy().resolve())
        hosts = directory / "hosts"
        hosts.write_text(HOSTS)
        for what, where in ((hosts, Path("/etc/hosts")), (home / "certs/envoy", CERTIFICATES)):
            subprocess.run(["mount", "--bind", what, where], check=True, capture_output=True, timeout=SECONDS)
        (directory / "configuration.yaml").write_text(yaml.safe_dump(_configuration(directory, self._objects)))
        (self._objects / "gateway-class.yaml").write_text(yaml.safe_dump_all(_surroundings(home / "certs/envoy")))

    def _admin_port(self) -> int | None:
        """Envoy writes it into a file, in a directory for each run."""
        written = [path.read_text().rpartition(":")[2] for path in self._directory.glob("run/*/admin-address.txt")]
        return next((int(port) for port in written if port), None)

    def _answers(self, status: int) -> bool | None:
        assert self._envoy
        try:
            return self._envoy.request("GET", "/v2/").status == status or None
        except ConnectionError:
            return None


def _configuration(directory: Path, objects: Path) -> dict[str, Any]:
    """Envoy Gateway's own."""
    homes = {
        "configHome": str(directory / "home"),
        "dataHome": str(directory / "data"),
        "stateHome": str(directory / "state"),
        "runtimeDir": str(directory / "run"),
    }
    custom = {
        "resource": {"type": "File", "file": {"paths": [str(objects)]}},
        "infrastructure": {"type": "Host", "host": homes},
    }
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "EnvoyGateway",
        "gateway": {"controllerName": f"{GROUP}/gatewayclass-controller"},
        "provider": {"type": "Custom", "custom": custom},
        "extensionApis": {"enableEnvoyPatchPolicy": True},
    }


def _surroundings(certificates: Path) -> list[dict[str, Any]]:
    """What an operator of Envoy Gateway has already: a class, how its Envoys are started, and what they are known by."""
    proxy = {"name": "host", "namespace": OWN_NAMESPACE}
    data = {name: base64.b64encode((certificates / name).read_bytes()).decode() for name in ("ca.crt", "tls.crt", "tls.key")}
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": "eg"},
            "spec": {
                "controllerName": f"{GROUP}/gatewayclass-controller",
                "parametersRef": {"group": GROUP, "kind": "EnvoyProxy", **proxy},
            },
        },
        {
            "apiVersion": f"{GROUP}/v1alpha1",
            "kind": "EnvoyProxy",
            "metadata": proxy,
            "spec": {"provider": {"type": "Host", "host": {"envoyVersion": VERSION}}},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "envoy", "namespace": OWN_NAMESPACE},
            "type": "kubernetes.io/tls",
            "data": data,
        },
    ]


def without(rendered: str, kind: str) -> str:
    """The objects but for those of this kind."""
    kept = [each for each in yaml.safe_load_all(rendered) if each["kind"] != kind]
    return str(yaml.safe_dump_all(kept))
