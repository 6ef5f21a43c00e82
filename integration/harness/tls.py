"""TLS for servers of the tests: an authority of one's own, and an end of TLS in front of any of them."""

import socket
import ssl
import threading
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

    def issue(self, name: str, days: int = 2) -> Credentials:
        """A certificate for a host name or an IPv4 address; a client may use it just as well.

        It is valid for so many days from now; -1 is one that expired yesterday.
        """
        file = name if days == 2 else f"{name}-{days}"
        made = Credentials(self._directory / f"{file}.pem", self._directory / f"{file}.key")
        request, extensions = self._directory / f"{file}.csr", self._directory / f"{file}.ext"
        openssl("req", *EC_KEY, "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
        kind = "IP" if name.replace(".", "").isdigit() else "DNS"
        extensions.write_text(f"subjectAltName={kind}:{name}\n")
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
                    threading.Thread(target=_pipe, args=(client, server), daemon=True).start()
                    _pipe(server, client)
        except OSError:
            connection.close()


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    """Carries bytes one way until the source ends."""
    try:
        while more := source.recv(PIECE):
            sink.sendall(more)
        sink.shutdown(socket.SHUT_RDWR if isinstance(sink, ssl.SSLSocket) else socket.SHUT_WR)
    except OSError:
        return
