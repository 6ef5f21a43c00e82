"""`make dist`: everything that a release delivers, from what `make build` and `make image` have left in dist/.

The same commit and tools give the same bytes in any directory. Signatures are made of these files and stand beside them
(.github/workflows/release.yaml): no signature is the same twice.
"""

import argparse
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

from release import chart, image, oci, sbom, wasm_image
from release.oci import Entry
from release.sbom import Delivered
from release.source import ROOT, Source, find

WASM_TARGET = "wasm32-unknown-unknown"
TARGETS = {"amd64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
UNIT = "release/systemd/portolan.service"


def package(parts: image.Parts, source: Source) -> bytes:
    """The archive of the command line and the filter: unpacked below /usr/local, both find each other."""
    top = f"portolan-{source.version}"
    entries = [
        Entry(f"{top}/bin/portolan", 0o755, parts.portolan),
        Entry(f"{top}/share/portolan/portolan.wasm", 0o644, parts.wasm),
        Entry(f"{top}/share/portolan/portolan-fill.wasm", 0o644, parts.wasm_of_fills),
        Entry(f"{top}/share/portolan/portolan.service", 0o644, (ROOT / UNIT).read_bytes()),
        Entry(f"{top}/share/doc/portolan/LICENSE", 0o644, (ROOT / "LICENSE").read_bytes()),
        Entry(f"{top}/share/doc/portolan/CHANGELOG.md", 0o644, (ROOT / "CHANGELOG.md").read_bytes()),
    ]
    return oci.compressed(oci.tar(entries, source.time))


def files(parts: image.Parts, envoy_version: str, architecture: str, source: Source) -> dict[str, bytes]:
    """The files by name, without their checksums."""
    version = source.version
    archive = package(parts, source)
    whole = oci.archive(image.build(parts, source, architecture), f"portolan:{version}", source.time)
    plugin = oci.archive(wasm_image.build(parts.wasm, source), f"portolan-wasm:{version}", source.time)
    of_filter = sbom.crates("portolan-wasm", WASM_TARGET)
    of_command = sbom.crates("portolan", TARGETS[architecture])
    of_image = [
        *_together(of_filter, of_command),
        sbom.envoy(envoy_version, parts.envoy),
        *(sbom.debian_package(each) for each in parts.packages.values()),
    ]
    names = {
        "filter": f"portolan-{version}.wasm",
        "package": f"portolan-{version}-linux-{architecture}.tar.gz",
        "image": f"portolan-{version}-image-linux-{architecture}.tar",
        "plugin": f"portolan-{version}-wasm-image.tar",
    }
    rows = [
        (names["filter"], parts.wasm, of_filter, "library"),
        (names["package"], archive, _together(of_filter, of_command), "application"),
        (names["image"], whole, of_image, "container"),
    ]
    delivered = {names["plugin"]: plugin, f"portolan-{version}-chart.tgz": chart.archive(source)}
    for name, content, components, kind in rows:
        delivered[name] = content
        delivered[f"{name}.cdx.json"] = sbom.document(Delivered(name, content, kind), components, source)
    return delivered


def _together(*lists: list[sbom.Component]) -> list[sbom.Component]:
    """All of them, each once."""
    return list({str(each["purl"]): each for every in lists for each in every}.values())


def checksums(delivered: Mapping[str, bytes]) -> bytes:
    """What `sha256sum --check` reads."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(delivered.items())]
    return "".join(lines).encode()


def main() -> None:
    """Writes the files to a directory that is empty or not there."""
    arguments = argparse.ArgumentParser(description="Puts a release together; scripts/dist calls it.")
    for name in ("envoy", "portolan", "wasm", "packages", "output"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    arguments.add_argument("--pins", required=True)
    arguments.add_argument("--envoy-version", required=True)
    arguments.add_argument("--architecture", default="amd64", choices=TARGETS)
    told = arguments.parse_args()
    if told.output.exists() and any(told.output.iterdir()):
        sys.exit(f"dist: {told.output} is not empty")
    image.warn_of_zlib()
    source = find()
    parts = image.Parts.read(told.envoy, told.portolan, told.wasm, image.read_packages(told.packages, told.pins))
    delivered = files(parts, told.envoy_version, told.architecture, source)
    delivered["SHA256SUMS"] = checksums(delivered)
    told.output.mkdir(parents=True, exist_ok=True)
    for name, content in delivered.items():
        (told.output / name).write_bytes(content)
    print(f"dist: {told.output}: {len(delivered)} files of {source.version}, commit {source.commit}")


if __name__ == "__main__":
    main()
