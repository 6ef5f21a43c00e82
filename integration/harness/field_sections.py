"""Field sections that HTTP/2 and HTTP/3 both have: requests that are malformed, or mean to choose what is not theirs.

Each is a name and the fields, made from those of a good request: method, scheme, authority and path.
"""

from harness.http2 import Field
from harness.tenants import OURS, THEIRS

Row = tuple[str, list[Field]]
# The path of the other tenant, to be hidden in something else.
HIDDEN = b"/v2/theirs/app/manifests/v1"


# fmt: off
def malformed(good: list[Field]) -> list[Row]:
    """What ends as an error, or is found nowhere."""
    method, scheme_field, authority, path = good
    scheme = str(scheme_field[1])
    return [
        ("two authorities", [*good, (":authority", "other.test")]),
        ("two paths", [*good, (":path", THEIRS)]),
        ("a pseudo-header behind a header", [method, scheme_field, authority, ("a", "b"), path]),
        ("an unknown pseudo-header", [*good, (":other", "x")]),
        ("no path", [method, scheme_field, authority]),
        ("no method", [scheme_field, authority, path]),
        ("an empty path", [method, scheme_field, authority, (":path", "")]),
        ("a URL for a path", [method, scheme_field, authority, (":path", f"{scheme}://other.test{THEIRS}")]),
        ("an asterisk", [method, scheme_field, authority, (":path", "*")]),
        ("a length without a body", [*good, ("content-length", "5")]),
        ("chunks", [*good, ("transfer-encoding", "chunked")]),
        ("Connection", [*good, ("connection", "host")]),
        ("Keep-Alive", [*good, ("keep-alive", "1")]),
        ("Upgrade", [*good, ("upgrade", "h2c")]),
        ("TE that is not trailers", [*good, ("te", "trailers, deflate")]),
        ("an upper case name", [*good, ("X-Portolan-Cluster", "theirs")]),
        ("a line end in a value", [*good, ("x-a", b"1\r\nhost: other.test")]),
        ("a LF in a value", [*good, ("x-a", b"1\nhost: other.test")]),
        ("a NUL in a value", [*good, ("x-a", b"1\0")]),
        ("a line end in a name", [*good, (b"x-a: 1\r\nhost", "other.test")]),
        ("a space in a name", [*good, ("x-portolan-cluster ", "theirs")]),
        ("a request in the path", [method, scheme_field, authority, (":path", OURS.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\nGET " + HIDDEN)]),
        ("a request in the method", [(":method", b"GET " + HIDDEN + b" HTTP/1.1\r\nHost: a\r\n\r\nGET"), scheme_field, authority, path]),
        ("a header in the authority", [method, scheme_field, (":authority", b"registry.test\r\nx-a: 1"), path]),
        ("a header in the scheme", [method, (":scheme", f"{scheme}\r\nx-a: 1"), authority, path]),
        ("a space in the path", [method, scheme_field, authority, (":path", f"{OURS} x")]),
        ("a user in the authority", [method, scheme_field, (":authority", "a@registry.test"), path]),
        ("a tunnel to a registry", [(":method", "CONNECT"), (":authority", "127.0.0.1:22")]),
        ("letters that look the same", [method, scheme_field, authority, (":path", "/v2/\u043eurs/app/manifests/v1".encode())]),
        ("the other tenant's host beside ours", [method, scheme_field, authority, (":path", THEIRS), ("host", "other.test")]),
        ("the other tenant's path", [method, scheme_field, authority, (":path", THEIRS)]),
    ]


def harmless(good: list[Field]) -> list[Row]:
    """What means to choose another way, and is served as the good request, if it is served."""
    method, _, authority, path = good
    return [
        ("the host of the other tenant beside ours", [*good, ("host", "other.test")]),
        ("a scheme that is not ours", [method, (":scheme", "ftp"), authority, path]),
        ("forged headers", [*good, ("x-portolan-cluster", "theirs"), ("x-envoy-original-path", THEIRS), ("x-geo-country", "CN")]),
        ("underscores", [*good, ("x_portolan_cluster", "theirs")]),
        ("fifty cookies", [*good, *(("cookie", f"a={number}") for number in range(50))]),
        ("two authorizations", [*good, ("authorization", "Bearer a"), ("authorization", "Basic b")]),
        ("an expectation", [*good, ("expect", "100-continue")]),
    ]
# fmt: on
