"""A front that clients reach without TLS, with it, or by QUIC as well, and raw connections to it of every version of HTTP."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness import http2, own_port, quic, raw
from harness.envoy import Envoy, Policy, render
from harness.tls import Authority

KINDS = ["plain", "tls"]
# TLS, and HTTP/3 at the port of UDP with the same number.
QUIC = "quic"


@dataclass(frozen=True)
class Door:
    """An Envoy, and how a connection to it begins. With `authority` it speaks TLS."""

    envoy: Envoy
    authority: Authority | None = None
    port: int = 0
    """Of UDP, where there is HTTP/3."""

    def http1(self, seconds: float = raw.SECONDS) -> raw.Connection:
        """A connection for HTTP/1.1."""
        return raw.Connection(self.envoy.port, seconds=seconds, wrap=self._wrap("http/1.1"))

    def http2(self, window: int = http2.WINDOW) -> http2.Connection:
        """A connection for HTTP/2: by ALPN, or by prior knowledge (RFC 9113 section 3)."""
        plain = socket.create_connection(("127.0.0.1", self.envoy.port), timeout=http2.SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return http2.Connection(self._wrap("h2")(plain), window)

    def http3(self, window: int = quic.WINDOW, begins: bool = True) -> quic.Connection:
        """A connection for HTTP/3."""
        assert self.authority is not None, "QUIC has TLS"
        return quic.Connection(self.port, self.authority.certificate, window, begins)

    def get(self, target: str) -> raw.Response:
        """What a well-behaved client gets."""
        with self.http1() as connection:
            return raw.exchange(connection, "GET", target)

    def _wrap(self, protocol: str) -> Callable[[socket.socket], socket.socket]:
        if self.authority is None:
            return lambda plain: plain
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        context.set_alpn_protocols([protocol])
        return lambda plain: context.wrap_socket(plain, server_hostname="registry.test")


def opened(kind: str, policy: Policy, start: Callable[..., Envoy], directory: Path) -> Door:
    """A door of this kind; every front of the policy gets a certificate where there is TLS."""
    authority = None
    if kind != "plain":
        authority = Authority(directory / "authority")
        made = authority.issue("registry.test")
        files = {"certificate_file": str(made.certificate), "key_file": str(made.key)}
        fronts = {name: {**front, "tls": files} for name, front in policy["fronts"].items()}
        policy = {**policy, "fronts": fronts}
    port = own_port.reserve() if kind == QUIC else 0
    document = render(policy, directory / "policy", port, more=["--http3"] if kind == QUIC else [])
    door = Door(start(document), authority, port)
    door.envoy.wait_until_healthy()
    return door
