"""Changes to a bootstrap that let it run on any machine: ports, file names, upstreams.

What a test is about (routes, filters, their order and their settings) stays as it was rendered.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.policies import hedged_late

Bootstrap = dict[str, Any]

WASM_FILTER = "envoy.filters.http.wasm"
STRING_VALUE = "type.googleapis.com/google.protobuf.StringValue"
STDOUT_LOG = "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog"


def use_free_ports(document: Bootstrap) -> None:
    """Moves the front and admin to ports of 127.0.0.1 that the kernel chooses."""
    for place in (document["static_resources"]["listeners"][0], document["admin"]):
        place["address"] = _socket_address(0)


def use_wasm(document: Bootstrap, path: Path) -> None:
    """Loads the filter from a file."""
    for node in _mappings(document):
        if str(node.get("filename", "")).endswith(".wasm"):
            node["filename"] = str(path)


def use_policy(document: Bootstrap, policy_json: str) -> None:
    """Gives the filter another policy, which nobody has checked."""
    for node in _mappings(document):
        # What the filter is told in other phases is no policy.
        if node.get("@type") == STRING_VALUE and '"phase"' not in str(node["value"]):
            node["value"] = policy_json


def hedge_late(document: Bootstrap) -> None:
    """Has the filter's policy say what `hedged_late` does."""
    for node in _mappings(document):
        if node.get("@type") == STRING_VALUE and '"backends"' in str(node["value"]):
            node["value"] = json.dumps(hedged_late(json.loads(node["value"])))


def use_geo_database(document: Bootstrap, path: Path) -> None:
    """Has the geoip filter read a database."""
    for node in _mappings(document):
        for key in [key for key in node if key.endswith("_db_path")]:
            node[key] = str(path)


def use_upstream(document: Bootstrap, port: int) -> None:
    """Puts one plain HTTP server on this machine behind every cluster.

    The endpoints keep their `hostname`, which is what the upstream sees as the authority.
    """
    for cluster in document["static_resources"]["clusters"]:
        # An aggregate has members instead of endpoints.
        if "load_assignment" not in cluster:
            continue
        # How a public registry is found, and spoken to over TLS.
        for key in ("transport_socket", "typed_extension_protocol_options", "cluster_type"):
            cluster.pop(key, None)
        cluster["type"] = "STATIC"
        for endpoint in _endpoints(cluster):
            endpoint["address"] = _socket_address(port)


def without_filter(document: Bootstrap) -> None:
    """Takes the filter out, to see what a suite makes of its absence."""
    for node in _mappings(document):
        for key in ("http_filters", "upstream_http_filters"):
            if key in node:
                node[key] = [item for item in node[key] if item["name"] != WASM_FILTER]


def trust_one_hop(document: Bootstrap) -> None:
    """Believes the last item of X-Forwarded-For, so that a client on this machine can be anywhere."""
    connection_manager(document)["xff_num_trusted_hops"] = 1


def add_access_log(document: Bootstrap) -> None:
    """Writes what the filter noted to the standard output, for a bootstrap that has no access log."""
    fields = {name: f"%FILTER_STATE(wasm.portolan_{name}:PLAIN)%" for name in ("region", "rule", "reason")}
    fields |= {"path": "%REQ(:PATH)%", "status": "%RESPONSE_CODE%", "cluster": "%UPSTREAM_CLUSTER%"}
    connection_manager(document).setdefault(
        "access_log",
        [{"name": "stdout", "typed_config": {"@type": STDOUT_LOG, "log_format": {"json_format": fields}}}],
    )


def connection_manager(document: Bootstrap) -> Bootstrap:
    """The settings of the HTTP connection manager."""
    chains = document["static_resources"]["listeners"][0]["filter_chains"]
    manager: Bootstrap = chains[0]["filters"][0]["typed_config"]
    return manager


def policy_of(document: Bootstrap) -> str:
    """The policy that the filter gets, as JSON."""
    return next(str(node["value"]) for node in _mappings(document) if node.get("@type") == STRING_VALUE)


def _endpoints(cluster: Bootstrap) -> Iterator[Bootstrap]:
    for node in _mappings(cluster["load_assignment"]):
        if "endpoint" in node:
            yield node["endpoint"]


def _socket_address(port: int) -> Bootstrap:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _mappings(node: object) -> Iterator[Bootstrap]:
    """Every mapping in a document, the outer before the inner."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _mappings(item)
