"""Signed tokens (RFC 7519, RS256) that a docker-registry accepts: the key's certificate travels in the token."""

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness import paths

SECONDS = 180


class Signer:
    """An RSA key and the certificate that it signed itself, which is what a registry is told to trust."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.certificate = directory / "signer.pem"
        self._key = directory / "signer.key"
        openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=token service"),
            *("-keyout", self._key, "-out", self.certificate),
        )
        chain = openssl("x509", "-in", self.certificate, "-outform", "DER")
        # RFC 7515 section 4.1.6: base64 of the DER, and not its URL-safe form.
        self._header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(chain).decode()]}

    def token(self, claims: Mapping[str, object]) -> str:
        """The claims as a compact JWS (RFC 7515 section 7.1)."""
        parts = [_encode(json.dumps(part).encode()) for part in (self._header, claims)]
        signed = ".".join(parts)
        signature = openssl("dgst", "-sha256", "-sign", self._key, stdin=signed.encode())
        return f"{signed}.{_encode(signature)}"


def claims_of(token: str) -> dict[str, object]:
    """What a token claims; its signature is not looked at."""
    part = token.split(".")[1]
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def openssl(*arguments: str | Path, stdin: bytes = b"") -> bytes:
    """What an openssl command writes. It is run for each signature: 5 ms, and no library to pin."""
    command = [paths.need_command("openssl"), *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
