"""Istio's discovery server, and an Envoy that is told by it."""

import socket
from pathlib import Path
from typing import Any

import yaml

from harness import paths, portolan
from harness.bootstrap import Bootstrap
from harness.envoy import Envoy, Policy, write_policy
from harness.processes import Server

TOOLS = paths.ROOT / ".tools/mesh/bin"
NAMESPACE = "istio-ingress"
# The address that Istio knows the gateway by. Nothing listens there.
GATEWAY_ADDRESS = "127.0.0.9"
# The address of scripts/test-istio's network namespace that is not the loopback's: Istio's agent wants one.
AGENT_ADDRESS = "10.240.0.1"
LABELS = {"istio": "portolan"}


def tool(name: str) -> Path:
    """A program of the mesh."""
    found = TOOLS / name
    assert found.exists(), f"there is no {found}. Run: scripts/setup istio"
    return found


class Discovery:
    """Istio's control plane as its own tests have it, without Kubernetes, and the objects that it serves."""

    def __init__(self, directory: Path, port: int, front: int) -> None:
        """`port` is its own, `front` that of the gateway."""
        self.directory = directory
        self.port = port
        self.front = front
        self._objects = directory / "objects.yaml"
        self._server: Server | None = None

    def start(self, objects: str) -> None:
        """Starts it with these objects; done when it listens."""
        self.serve(objects)
        environment = {
            "PORTOLAN_DISCOVERY": f"127.0.0.1:{self.port}",
            "PORTOLAN_OBJECTS": str(self._objects),
            # Two filters that only Istio's own builds of Envoy have.
            "PILOT_ENABLE_METADATA_EXCHANGE": "false",
            "PILOT_ENABLE_ALPN_FILTER": "false",
        }
        variables = [f"{name}={value}" for name, value in environment.items()]
        command: list[str | Path] = ["env", *variables, tool("istio-discovery"), "-test.run=TestServe", "-test.timeout=0"]
        self._server = Server("istio-discovery", command, self.directory)
        self._server.wait_until(self._listens, "it listens")

    def serve(self, objects: str) -> None:
        """Serves other objects from now on."""
        text = f"{objects}---\n{yaml.safe_dump(self._itself())}"
        beside = self._objects.with_suffix(".new")
        self.directory.mkdir(parents=True, exist_ok=True)
        beside.write_text(text)
        beside.replace(self._objects)

    def stop(self) -> None:
        """Stops it."""
        if self._server:
            self._server.stop()

    def _listens(self) -> bool | None:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return None
        return True

    def _itself(self) -> dict[str, Any]:
        """Without a service that has the gateway as its endpoint Istio gives it no listener."""
        return {
            "apiVersion": "networking.istio.io/v1",
            "kind": "ServiceEntry",
            "metadata": {"name": "gateway-itself", "namespace": NAMESPACE},
            "spec": {
                "hosts": ["gateway.istio-ingress.svc.cluster.local"],
                "location": "MESH_EXTERNAL",
                "resolution": "STATIC",
                "ports": [{"number": self.front, "name": "http-front", "protocol": "HTTP"}],
                "endpoints": [{"address": address, "labels": LABELS} for address in (GATEWAY_ADDRESS, AGENT_ADDRESS)],
            },
        }


def objects(policy: Policy, directory: Path, level: str, front: int, wasm: str | Path, *more: str | Path) -> str:
    """A policy as objects for Istio."""
    path = write_policy(policy, directory)
    secrets = directory / "sds"
    options: list[str | Path] = [
        *("--target", "istio", "--level", level, "--namespace", NAMESPACE),
        *("--listen", f"127.0.0.1:{front}", "--wasm", wasm),
        *("--sds-directory", secrets, "--sds-output", secrets),
    ]
    return portolan.output("render", path, *options, *more)


def bootstrap(discovery: int) -> Bootstrap:
    """What a gateway's Envoy starts with."""
    node = f"router~{GATEWAY_ADDRESS}~gateway.{NAMESPACE}~{NAMESPACE}.svc.cluster.local"
    source = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": discovery}}
    protocol = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    return {
        "node": {
            "id": node,
            "cluster": "portolan",
            "metadata": {
                "LABELS": LABELS,
                "NAMESPACE": NAMESPACE,
                "ISTIO_VERSION": "1.31.0",
                "INSTANCE_IPS": GATEWAY_ADDRESS,
            },
        },
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}],
            },
            "cds_config": source,
            "lds_config": source,
        },
        "static_resources": {
            "clusters": [
                {
                    "name": "xds-grpc",
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol
                    },
                    "load_assignment": {
                        "cluster_name": "xds-grpc",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
                    },
                }
            ]
        },
    }


class Gateway:
    """A control plane and the Envoy that it tells."""

    def __init__(self, directory: Path, discovery: int, front: int) -> None:
        self.directory = directory
        self.discovery = Discovery(directory / "discovery", discovery, front)
        self.front = front
        self._envoy: Envoy | None = None

    @property
    def envoy(self) -> Envoy:
        """The Envoy, which has been started."""
        assert self._envoy
        return self._envoy

    def start(self, rendered: str) -> Envoy:
        """Done when the front answers by the policy."""
        self.discovery.start(rendered)
        document = bootstrap(self.discovery.port)
        self._envoy = Envoy(document, self.directory / "envoy", waits=False)
        self._envoy.port = self.front
        self.envoy.server.wait_until(self._listens, "the gateway listens")
        return self.envoy

    def refused(self) -> dict[str, int]:
        """How often Envoy has refused what it was told; nothing that is zero."""
        found = self.envoy.stats(r"(update_rejected|config_fail)$")
        return {name: count for name, count in found.items() if count}

    def listeners_made(self) -> dict[str, int]:
        """How often listeners came and changed."""
        return self.envoy.stats(r"^listener_manager\.listener_(added|modified|removed|in_place_updated)$")

    def stop(self) -> None:
        """Stops both."""
        if self._envoy:
            self._envoy.stop()
        self.discovery.stop()

    def _listens(self) -> bool | None:
        if not self.envoy.is_ready():
            return None
        try:
            return self.envoy.request("GET", "/v2/").status == 200 or None
        except ConnectionError:
            return None
