"""A choice of what the suites of hostile requests send (test_hostile), for gateways that others configure."""

from harness import raw

# Whatever of these a client sends, the request goes where it would have gone, and none of them with it.
FORGERIES: list[raw.Header] = [
    ("X-Portolan-Cluster", "eu"),
    ("x-portolan-credential", "robot"),
    ("X-PORTOLAN-PEER", "203.0.113.1"),
    ("X-Portolan-Go-On", "1"),
    ("X-Geo-Country", "DE"),
    ("x-geo-subdivision", "DE-BE"),
    ("X-Envoy-Max-Retries", "9"),
    ("X-Envoy-Upstream-Rq-Timeout-Ms", "1"),
    ("X-Envoy-Original-Path", "/v2/other"),
    ("X-Envoy-Decorator-Operation", "x"),
    ("X_Portolan_Cluster", "eu"),
]

# Refused with any of 400, 404, 405, or by a closed connection.
TARGETS: list[str | bytes] = [
    "/v2/demo%2Fapp/manifests/v1",
    "/v2/demo%252Fapp/manifests/v1",
    "/v2/public/../demo/app/manifests/v1",
    "/v2/public/%2e%2e/demo/app/manifests/v1",
    "/v2/demo/./app/manifests/v1",
    "/v2/demo//app/manifests/v1",
    "//v2/demo/app/manifests/v1",
    "/v2/demo/app\\/manifests/v1",
    "/v2/demo/app/manifests/v1#x",
    "/v2/demo/app%00/manifests/v1",
    b"/v2/demo/app\x01/manifests/v1",
    "ftp://registry.test/v2/demo/app/manifests/v1",
    "*",
]
