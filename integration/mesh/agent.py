"""Istio's agent: it starts Envoy, and fetches what a `WasmPlugin` names before Envoy is told of it."""

import json
from pathlib import Path

from harness import paths, skopeo
from harness.envoy import Envoy
from harness.processes import Server
from harness.registry import Registry
from harness.tls import Authority
from release import oci, wasm_image
from release import source as sources

from .control_plane import AGENT_ADDRESS, LABELS, NAMESPACE, Discovery, tool

BOOTSTRAP = paths.ROOT / ".tools/mesh/istio-bootstrap.json"


class AgentsEnvoy(Envoy):
    """An Envoy that somebody else has started."""

    def __init__(self, server: Server, admin: int, front: int) -> None:
        self.server = server
        self.admin_port = admin
        self.port = front
        self._read_entries = 0
        self._marks = 0


def push_filter(registry: Registry, directory: Path) -> str:
    """Pushes the filter as the image that a release has; what it is called there."""
    directory.mkdir(parents=True, exist_ok=True)
    source = sources.find()
    reference = f"{registry.authority}/portolan-wasm:v1"
    archive = directory / "wasm-image.tar"
    archive.write_bytes(oci.archive(wasm_image.build(paths.wasm().read_bytes(), source), "portolan-wasm:v1", source.time))
    skopeo.push_archive(archive, reference)
    return reference


class Agent:
    """The agent of a gateway."""

    def __init__(self, directory: Path, discovery: Discovery) -> None:
        self._directory = directory
        self._discovery = discovery

    def start(self, objects: str, front: int, status: int = 200) -> Envoy:
        """Done when the front answers `/v2/` with this status."""
        self._discovery.start(objects)
        admin = 15000
        settings = {
            "discoveryAddress": f"127.0.0.1:{self._discovery.port}",
            "binaryPath": str(paths.envoy()),
            "configPath": str(self._directory / "envoy"),
            "controlPlaneAuthPolicy": "NONE",
            "proxyAdminPort": admin,
            "concurrency": 1,
        }
        # Nobody shows a certificate here, but the agent wants to know whom it would believe.
        authority = Authority(self._directory).certificate
        environment = {
            "POD_NAME": "gateway",
            "POD_NAMESPACE": NAMESPACE,
            "INSTANCE_IP": AGENT_ADDRESS,
            "HOST_IP": AGENT_ADDRESS,
            "SERVICE_ACCOUNT": "gateway",
            "ISTIO_META_CLUSTER_ID": "Kubernetes",
            "ISTIO_METAJSON_LABELS": json.dumps(LABELS),
            "WASM_INSECURE_REGISTRIES": "*",
            "CA_ROOT_CA": str(authority),
            "XDS_ROOT_CA": str(authority),
            "PROXY_CONFIG": json.dumps(settings),
        }
        variables = [f"{name}={value}" for name, value in environment.items()]
        command: list[str | Path] = [
            # It writes files below the directory in which it runs.
            *("env", "--chdir", self._directory, *variables, tool("pilot-agent"), "proxy", "router"),
            *("--domain", f"{NAMESPACE}.svc.cluster.local", "--templateFile", BOOTSTRAP),
        ]
        server = Server("agent", command, self._directory)
        self._envoy = AgentsEnvoy(server, admin, front)
        server.wait_until(lambda: self._answers(status), f"the front answers {status}")
        return self._envoy

    def stop(self) -> None:
        """Stops it, and with it its Envoy."""
        self._envoy.stop()

    def _answers(self, status: int) -> bool | None:
        try:
            return self._envoy.request("GET", "/v2/").status == status or None
        except ConnectionError:
            return None
