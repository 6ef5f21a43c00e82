"""An Envoy as a person writes it for the same job: one registry behind it, nothing else.

It says the same of each request and looks the same up: the access log and the filter that looks for the client's
country are those of the rendering. What the rendering has besides is what it costs more.
"""

from typing import Any

_API = "type.googleapis.com/envoy.extensions"
# What its counters call the registry.
CLUSTER = "registry"


def written(rendering: dict[str, Any], registry: str) -> dict[str, Any]:
    """The configuration; `registry` is `host:port`, `rendering` what the command line makes of the policy."""
    listener = rendering["static_resources"]["listeners"][0]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    own = _manager(manager["access_log"], [each for each in manager["http_filters"] if each["name"].endswith(".geoip")])
    chain = {"filters": [{"name": "http", "typed_config": own}]}
    listeners = [{"name": "registry", "address": listener["address"], "filter_chains": [chain]}]
    return {
        "admin": rendering["admin"],
        "node": rendering["node"],
        "static_resources": {"listeners": listeners, "clusters": [_cluster(registry)]},
    }


def _manager(access_log: list[Any], looks_up: list[Any]) -> dict[str, Any]:
    route = {"match": {"prefix": "/"}, "route": {"cluster": CLUSTER, "auto_host_rewrite": True, "timeout": "0s"}}
    router = {"name": "router", "typed_config": {"@type": f"{_API}.filters.http.router.v3.Router"}}
    return {
        "@type": f"{_API}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "registry",
        "use_remote_address": True,
        "xff_num_trusted_hops": 1,
        "access_log": access_log,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [*looks_up, router],
    }


def _cluster(registry: str) -> dict[str, Any]:
    host, _, port = registry.partition(":")
    address = {"socket_address": {"address": host, "port_value": int(port)}}
    endpoint = {"endpoint": {"address": address, "hostname": registry}}
    endpoints = [{"lb_endpoints": [endpoint]}]
    return {
        "name": CLUSTER,
        "connect_timeout": "3s",
        "load_assignment": {"cluster_name": CLUSTER, "endpoints": endpoints},
    }
