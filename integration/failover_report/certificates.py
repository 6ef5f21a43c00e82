"""Certificates of a registry behind TLS: one that is trusted and one that is not."""

import ssl
import subprocess
from pathlib import Path

from harness import paths

SERVER_NAME = "primary.test"
TRUSTED, UNTRUSTED = "trusted", "untrusted"


def make(directory: Path) -> Path:
    """Makes both, each with a certificate authority of its own; the directory."""
    directory.mkdir(parents=True)
    for name in (TRUSTED, UNTRUSTED):
        _make_one(directory, name)
    return directory


def authority(directory: Path) -> Path:
    """The CA certificate for the policy."""
    return directory / f"{TRUSTED}-ca.pem"


def context(directory: Path, is_trusted: bool) -> ssl.SSLContext:
    """A server's TLS with one of the two."""
    name = TRUSTED if is_trusted else UNTRUSTED
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    return tls


def _make_one(directory: Path, name: str) -> None:
    ca, key = directory / f"{name}-ca.pem", directory / f"{name}-ca.key"
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name} authority"),
        *("-keyout", key, "-out", ca),
    )
    request = directory / f"{name}.csr"
    _openssl(
        *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={SERVER_NAME}"),
        *("-keyout", directory / f"{name}.key", "-out", request),
    )
    extensions = directory / "extensions"
    extensions.write_text(f"subjectAltName=DNS:{SERVER_NAME}\n")
    _openssl(
        *("x509", "-req", "-days", "2", "-CAcreateserial", "-in", request, "-CA", ca, "-CAkey", key),
        *("-extfile", extensions, "-out", directory / f"{name}.pem"),
    )


def _openssl(*arguments: str | Path) -> None:
    command: list[str | Path] = [paths.need_command("openssl"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr}")
