"""Digests of what was received: nothing counts as pulled that has not been checked."""

import hashlib


def sha256(content: bytes) -> str:
    """The digest of bytes, as registries write it."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def check(content: bytes, digest: str) -> bytes:
    """The content, if it is what the digest says."""
    found = sha256(content)
    assert found == digest, f"{len(content)} bytes have the digest {found}, not {digest}"
    return content
