"""Real multi-platform images as OCI layouts (OCI image spec 1.1), the same bytes on every machine."""

import gzip
import io
import json
import random
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.digest import sha256

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
PLATFORMS = ("amd64", "arm64")
# Every type a client would name, as docker and skopeo do.
ACCEPT = ", ".join(
    [
        INDEX_TYPE,
        MANIFEST_TYPE,
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    ]
)


@dataclass
class Image:
    """An image in memory: every blob and manifest by its digest."""

    digest: str = ""
    manifests: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    @property
    def contents(self) -> dict[str, bytes]:
        """Everything there is, by digest."""
        return {**self.blobs, **self.manifests}

    def children(self) -> list[dict[str, Any]]:
        """The descriptors in the index, one a platform."""
        children: list[dict[str, Any]] = json.loads(self.manifests[self.digest])["manifests"]
        return children

    def layers(self) -> list[str]:
        """The digests of all layers of all platforms."""
        manifests = (json.loads(self.manifests[child["digest"]]) for child in self.children())
        return [layer["digest"] for manifest in manifests for layer in manifest["layers"]]

    def write_layout(self, directory: Path, name: str) -> None:
        """Writes the image as an OCI layout, under a name that skopeo takes after the colon."""
        place = directory / "blobs/sha256"
        place.mkdir(parents=True)
        for digest, content in self.contents.items():
            (place / digest.removeprefix("sha256:")).write_bytes(content)
        entry = _descriptor(INDEX_TYPE, self.digest, len(self.manifests[self.digest]))
        entry["annotations"] = {"org.opencontainers.image.ref.name": name}
        (directory / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [entry]}))
        (directory / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))


def build(variant: str, layers: int = 2, layer_bytes: int = 100 * 1024) -> Image:
    """An image for every platform of `PLATFORMS`; another variant has other bytes throughout."""
    image = Image()
    children = [
        _add_platform(image, variant, architecture, layers, layer_bytes) for architecture in PLATFORMS
    ]
    index = _json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": children})
    image.digest = _add(image.manifests, index)
    return image


def _add_platform(image: Image, variant: str, architecture: str, layers: int, size: int) -> dict[str, Any]:
    tars = [_tar(f"data/{number}", f"{variant} {architecture} {number}", size) for number in range(layers)]
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Labels": {"variant": variant}},
            "rootfs": {"type": "layers", "diff_ids": [sha256(tar) for tar in tars]},
        }
    )
    packed = [gzip.compress(tar, compresslevel=1, mtime=0) for tar in tars]
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(CONFIG_TYPE, _add(image.blobs, config), len(config)),
            "layers": [_descriptor(LAYER_TYPE, _add(image.blobs, layer), len(layer)) for layer in packed],
        }
    )
    child = _descriptor(MANIFEST_TYPE, _add(image.manifests, manifest), len(manifest))
    return {**child, "platform": {"architecture": architecture, "os": "linux"}}


def _tar(name: str, seed: str, size: int) -> bytes:
    """A tar of one file of random bytes, which do not compress."""
    content = random.Random(seed).randbytes(size)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo(name)
        entry.size = size
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _add(contents: dict[str, bytes], content: bytes) -> str:
    digest = sha256(content)
    contents[digest] = content
    return digest


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
