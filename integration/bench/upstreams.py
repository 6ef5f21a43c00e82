"""What stands behind the measured Envoy: an Envoy that answers for a registry, and a sender of blobs."""

import json
import os
import socket
import tempfile
import threading
from io import BufferedReader
from pathlib import Path
from typing import Any

from bench.cases import BLOB_BYTES, BLOB_DIGEST, TOKEN_PATH
from bench.servers import Envoy

_API = "type.googleapis.com/envoy.extensions.filters"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_LAYERS = [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": BLOB_DIGEST, "size": BLOB_BYTES}]
_MANIFEST = {"schemaVersion": 2, "mediaType": _MANIFEST_TYPE, "config": {"digest": BLOB_DIGEST}, "layers": 8 * _LAYERS}
# As long as a real one, and good for longer than any measurement.
_TOKEN = {"token": "t" * 900, "expires_in": 86400}
_TAGS = {"name": "acme/app", "tags": [f"v1.{number}" for number in range(50)]}
_NEXT_TAGS = '</v2/acme/app/tags/list?last=v1.49&n=50>; rel="next"'


def registry(directory: Path) -> Envoy:
    """A registry that costs as little as possible: an Envoy with fixed answers."""
    manifest_headers = {"content-type": _MANIFEST_TYPE, "docker-content-digest": BLOB_DIGEST, "etag": f'"{BLOB_DIGEST}"'}
    routes = [
        _answer({"safe_regex": {"regex": "/v2/.+/manifests/.+"}}, _MANIFEST, manifest_headers),
        _answer({"safe_regex": {"regex": "/v2/.+/tags/list"}}, _TAGS, {"link": _NEXT_TAGS}),
        _answer({"path": "/v2/"}, {}, {"content-type": "application/json"}),
        _answer({"path": TOKEN_PATH}, _TOKEN, {"content-type": "application/json"}),
    ]
    hosts = [{"name": "all", "domains": ["*"], "routes": [_NOT_MAPPED, *routes]}]
    router = {"name": "router", "typed_config": {"@type": f"{_API}.http.router.v3.Router"}}
    manager = {
        "@type": f"{_API}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "registry",
        "route_config": {"virtual_hosts": hosts},
        "http_filters": [router],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    listener = {"name": "registry", "address": _ANY_PORT, "filter_chains": [chain]}
    configuration = directory / "registry.json"
    configuration.write_text(json.dumps({"admin": {"address": _ANY_PORT}, "static_resources": {"listeners": [listener]}}))
    return Envoy(configuration)


_ANY_PORT = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
# A repository that the filter should have mapped is unknown here: a case that does not map it fails.
_NOT_MAPPED = {"match": {"prefix": "/v2/drycc/"}, "direct_response": {"status": 404}}


def _answer(match: dict[str, Any], body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    added = [{"header": {"key": key, "value": value}} for key, value in headers.items()]
    response = {"status": 200, "body": {"inline_string": json.dumps(body)}}
    return {"match": match, "direct_response": response, "response_headers_to_add": added}


class BlobStore:
    """Answers with a blob, from memory and without copying it into Python; health checks with nothing."""

    def __init__(self) -> None:
        self._blob = tempfile.TemporaryFile()
        self._blob.truncate(BLOB_BYTES)
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {BLOB_BYTES}\r\ndocker-content-digest: {BLOB_DIGEST}\r\n\r\n"
        try:
            with connection, connection.makefile("rb") as stream:
                while target := _read_target(stream):
                    if target == b"/v2/":
                        connection.sendall(_HEALTHY)
                    else:
                        connection.sendall(head.encode())
                        self._send_blob(connection)
        except OSError:
            return

    def _send_blob(self, connection: socket.socket) -> None:
        sent = 0
        while sent < BLOB_BYTES:
            sent += os.sendfile(connection.fileno(), self._blob.fileno(), sent, BLOB_BYTES - sent)


_HEALTHY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def _read_target(stream: BufferedReader) -> bytes:
    """Reads a request without a body; its target, or nothing if the connection has ended."""
    start = line = stream.readline()
    while line.strip():
        line = stream.readline()
    return start.split(b" ")[1] if start.count(b" ") == 2 else b""
