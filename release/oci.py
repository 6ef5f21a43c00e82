"""OCI images made of files, without a daemon and without a base image.

The same entries give the same bytes: order, times, owners and modes are given or fixed. Compressed bytes also depend on
the version of zlib (`ZLIB` below); what is inside, and so each `diff_id`, does not.

Sources: image-spec v1.1.0 (https://github.com/opencontainers/image-spec), layer.md, config.md, image-layout.md.
"""

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# That of Debian 12, where releases are built.
ZLIB = "1.2.13"

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
INDEX = "application/vnd.oci.image.index.v1+json"

# gzip's own default; 9 takes three times as long for one part in a hundred.
LEVEL = 6
GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Entry:
    """A file, a directory or a symbolic link of a layer.

    `path` is relative to the root of the image. A directory has neither content nor target. Owners are numbers.
    """

    path: str
    mode: int
    content: bytes | None = None
    target: str | None = None
    owner: int = 0

    @property
    def is_directory(self) -> bool:
        """Whether it is one."""
        return self.content is None and self.target is None


@dataclass(frozen=True)
class Blob:
    """Bytes that an image refers to, with what they are."""

    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """Its digest, `sha256:` and 64 hexadecimal digits."""
        return "sha256:" + hashlib.sha256(self.content).hexdigest()

    def descriptor(self) -> dict[str, Any]:
        """How a manifest or an index refers to it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}


@dataclass(frozen=True)
class Layer:
    """A compressed layer, and the digest of what is inside."""

    blob: Blob
    diff_id: str


@dataclass(frozen=True)
class Image:
    """An image of one platform."""

    manifest: Blob
    config: Blob
    layers: Sequence[Layer]
    platform: Mapping[str, str] = field(default_factory=dict)

    def blobs(self) -> dict[str, bytes]:
        """Everything that a registry has to have, by digest."""
        every = [self.manifest, self.config, *(layer.blob for layer in self.layers)]
        return {blob.digest: blob.content for blob in every}


def with_parents(entries: Iterable[Entry]) -> list[Entry]:
    """The entries in the order of their paths, with the directories that they need before them."""
    found = {entry.path: entry for entry in entries}
    for path in list(found):
        parts = path.split("/")[:-1]
        for length in range(1, len(parts) + 1):
            parent = "/".join(parts[:length])
            found.setdefault(parent, Entry(parent, 0o755))
    return [found[path] for path in sorted(found)]


def tar(entries: Iterable[Entry], time: int) -> bytes:
    """A tar with all of them, each of that time (seconds since 1970)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in with_parents(entries):
            archive.addfile(_header(entry, time), io.BytesIO(entry.content or b""))
    return buffer.getvalue()


def _header(entry: Entry, time: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(entry.path)
    header.mode = entry.mode
    header.mtime = time
    header.uid = header.gid = entry.owner
    if entry.is_directory:
        header.type = tarfile.DIRTYPE
    elif entry.target is not None:
        header.type = tarfile.SYMTYPE
        header.linkname = entry.target
    else:
        header.size = len(entry.content or b"")
    return header


def compressed(content: bytes) -> bytes:
    """gzip, without a name and without a time."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    return compressor.compress(content) + compressor.flush()


def layer(entries: Iterable[Entry], time: int) -> Layer:
    """A layer of an image."""
    inside = tar(entries, time)
    return Layer(Blob(LAYER, compressed(inside)), "sha256:" + hashlib.sha256(inside).hexdigest())


def image(
    layers: Sequence[Layer],
    run: Mapping[str, Any],
    platform: Mapping[str, str],
    created: str,
    annotations: Mapping[str, str],
) -> Image:
    """An image. `run` is the configuration of its containers; `created` is a time of RFC 3339."""
    history = [{"created": created, "created_by": "portolan release"} for _ in layers]
    config = {
        "created": created,
        **platform,
        "config": {**run, "Labels": dict(annotations)},
        "rootfs": {"type": "layers", "diff_ids": [each.diff_id for each in layers]},
        "history": history,
    }
    config_blob = Blob(CONFIG, to_json(config))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config_blob.descriptor(),
        "layers": [each.blob.descriptor() for each in layers],
        "annotations": dict(annotations),
    }
    return Image(Blob(MANIFEST, to_json(manifest)), config_blob, layers, platform)


def to_json(value: object) -> bytes:
    """JSON in one form only: what is hashed must not depend on how it was put together."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def archive(made: Image, name: str, time: int) -> bytes:
    """A tar that is an OCI image layout, for skopeo, crane and oras, and at once what `docker load` reads.

    `name` is a repository and a tag, `portolan:0.1.0`.
    """
    reference = {**_reference(made), "annotations": _names(name)}
    for_docker = {
        "Config": _place(made.config.digest),
        "RepoTags": [name],
        "Layers": [_place(layer.blob.digest) for layer in made.layers],
    }
    files = {
        "oci-layout": to_json({"imageLayoutVersion": "1.0.0"}),
        "index.json": to_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [reference]}),
        "manifest.json": to_json([for_docker]),
        **{_place(digest): content for digest, content in made.blobs().items()},
    }
    return tar([Entry(path, 0o644, content) for path, content in files.items()], time)


def archive_of_platforms(made: Sequence[Image], name: str, time: int) -> bytes:
    """A tar that is an OCI image layout with one image of several platforms, for `skopeo copy --all`.

    `docker load` reads it only where containerd keeps the engine's images.
    """
    index = Blob(INDEX, to_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [_reference(each) for each in made]}))
    reference = {**index.descriptor(), "annotations": _names(name)}
    blobs = {index.digest: index.content}
    for each in made:
        blobs |= each.blobs()
    files = {
        "oci-layout": to_json({"imageLayoutVersion": "1.0.0"}),
        "index.json": to_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [reference]}),
        **{_place(digest): content for digest, content in blobs.items()},
    }
    return tar([Entry(path, 0o644, content) for path, content in files.items()], time)


def _reference(made: Image) -> dict[str, Any]:
    """How an index names an image."""
    return {**made.manifest.descriptor(), **({"platform": dict(made.platform)} if made.platform else {})}


def _names(name: str) -> dict[str, str]:
    """What skopeo, and containerd by its own key, take for the name."""
    return {
        "org.opencontainers.image.ref.name": name.rpartition(":")[2],
        "io.containerd.image.name": f"docker.io/library/{name}",
    }


def _place(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")
