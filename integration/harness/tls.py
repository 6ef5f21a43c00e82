"""TLS for servers of the tests: an authority of one's own, and an end of TLS in front of any of them."""

import select
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.listening import Listener
from harness.signing import openssl

SECONDS = 180.0
PIECE = 1 << 16
EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Credentials:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority; `certificate` is what those who trust it are given."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.certificate = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        self._directory = directory
        openssl(
            *("req", "-x509", *EC_KEY, "-days", "2", "-subj", f"/CN={name}"),
            *("-keyout", self._key, "-out", self.certificate),
        )

    def issue(self, name: str, days: int = 2, more: Sequence[str] = ()) -> Credentials:
        """A certificate for a host name or an IPv4 address, and for `more` names; a client may use it just as well.

        It is valid for so many days from now; -1 is one that expired yesterday.
        """
        file = name if days == 2 else f"{name}-{days}"
        made = Credentials(self._directory / f"{file}.pem", self._directory / f"{file}.key")
        request, extensions = self._directory / f"{file}.csr", self._directory / f"{file}.ext"
        openssl("req", *EC_KEY, "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
        kind = "IP" if name.replace(".", "").isdigit() else "DNS"
        others = "".join(f",DNS:{other}" for other in more)
        extensions.write_text(f"subjectAltName={kind}:{name}{others}\n")
        openssl(
            *("x509", "-req", "-days", str(days), "-CAcreateserial", "-in", request, "-extfile", extensions),
            *("-CA", self.certificate, "-CAkey", self._key, "-out", made.certificate),
        )
        return made


class Tls:
    """Takes TLS at a port that the kernel chose and hands the bytes to a port of this machine.

    With `clients` a client needs a certificate of that authority. `names` are what clients asked for (SNI), `shown` the serial
    numbers of the certificates that they showed.
    """

    def __init__(self, to_port: int, credentials: Credentials, clients: Authority | None = None) -> None:
        self._to_port = to_port
        self.names: list[str | None] = []
        self.shown: list[str] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(credentials.certificate, credentials.key)
        self._context.sni_callback = lambda _connection, name, _context: self.names.append(name)
        if clients is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(clients.certificate)
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def use(self, credentials: Credentials) -> None:
        """Shows another certificate to those who connect from here on."""
        self._context.load_cert_chain(credentials.certificate, credentials.key)

    def close(self) -> None:
        """Stops listening."""
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(SECONDS)
        try:
            with self._context.wrap_socket(connection, server_side=True) as client:
                self.shown.append(str((client.getpeercert() or {}).get("serialNumber")))
                with socket.create_connection(("127.0.0.1", self._to_port), SECONDS) as server:
                    _carry(client, server)
        except OSError:
            connection.close()


def _carry(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Carries bytes both ways until the server ends. One thread does both: a TLS connection is not to be used by two at a time."""
    readable: list[socket.socket] = [client, server]
    while True:
        # What TLS has read already no socket tells of.
        ready = [client] if client.pending() else select.select(readable, [], [], SECONDS)[0]
        if not ready:
            return
        if client in ready:
            more = _received(client)
            if more:
                server.sendall(more)
            elif more is not None:
                server.shutdown(socket.SHUT_WR)
                readable.remove(client)
        if server in ready:
            more = server.recv(PIECE)
            if not more:
                # Tells the client that nothing was cut off (RFC 8446 section 6.1), and does not wait for what it says to that.
                client.settimeout(0)
                with suppress(ssl.SSLWantReadError):
                    client.unwrap()
                return
            client.sendall(more)


def _received(client: ssl.SSLSocket) -> bytes | None:
    """What there is; nothing at the end, `None` if a part of a record is there only."""
    client.settimeout(0)
    try:
        return client.recv(PIECE)
    except ssl.SSLWantReadError:
        return None
    finally:
        client.settimeout(SECONDS)
