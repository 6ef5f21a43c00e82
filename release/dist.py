"""`make dist`: everything that a release delivers, from what `make build` and `make image` have left in dist/.

The same commit and tools give the same bytes in any directory. Signatures are made of these files and stand beside them
(.github/workflows/release.yaml): no signature is the same twice.
"""

import argparse
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from release import cache_image, chart, image, oci, sbom, wasm_image
from release.oci import Entry
from release.sbom import Delivered
from release.source import ROOT, Source, find

WASM_TARGET = "wasm32-unknown-unknown"
# The command line of a platform: the target of Rust that it is compiled for.
TARGETS = {
    "linux-amd64": "x86_64-unknown-linux-gnu",
    "linux-arm64": "aarch64-unknown-linux-gnu",
    "macos-arm64": "aarch64-apple-darwin",
}
UNIT = "release/systemd/portolan.service"

Files = dict[str, bytes]


@dataclass(frozen=True)
class Filter:
    """The filter, which is the same for every platform, and what it is made of."""

    wasm: bytes
    of_fills: bytes
    components: list[sbom.Component]

    @classmethod
    def read(cls, wasm: Path) -> "Filter":
        """From its file, and the one beside it for the listener that fills caches."""
        of_fills = wasm.with_name(f"{wasm.stem}-fill.wasm")
        return cls(wasm.read_bytes(), of_fills.read_bytes(), sbom.crates("portolan-wasm", WASM_TARGET))


def package(platform: str, portolan: bytes, the_filter: Filter, source: Source) -> bytes:
    """The archive of the command line and the filter: unpacked below /usr/local, both find each other."""
    with_systemd = platform.startswith("linux-")
    top = f"portolan-{source.version}"
    entries = [
        Entry(f"{top}/bin/portolan", 0o755, portolan),
        Entry(f"{top}/share/portolan/portolan.wasm", 0o644, the_filter.wasm),
        Entry(f"{top}/share/portolan/portolan-fill.wasm", 0o644, the_filter.of_fills),
        *([Entry(f"{top}/share/portolan/portolan.service", 0o644, (ROOT / UNIT).read_bytes())] if with_systemd else []),
        Entry(f"{top}/share/doc/portolan/LICENSE", 0o644, (ROOT / "LICENSE").read_bytes()),
        Entry(f"{top}/share/doc/portolan/CHANGELOG.md", 0o644, (ROOT / "CHANGELOG.md").read_bytes()),
    ]
    return oci.compressed(oci.tar(entries, source.time))


def files_of_filter(the_filter: Filter, source: Source) -> Files:
    """The filter, by itself and as an image."""
    name, plugin = f"portolan-{source.version}.wasm", f"portolan-{source.version}-wasm-image.tar"
    made = oci.archive(wasm_image.build(the_filter.wasm, source), f"portolan-wasm:{source.version}", source.time)
    return {plugin: made, **_with_sbom(Delivered(name, the_filter.wasm, "library"), the_filter.components, source)}


def files_of_platform(platform: str, portolan: bytes, the_filter: Filter, source: Source) -> Files:
    """The package of the command line for a platform."""
    content = package(platform, portolan, the_filter, source)
    delivered = Delivered(f"portolan-{source.version}-{platform}.tar.gz", content)
    return _with_sbom(delivered, _components(platform, the_filter), source)


@dataclass(frozen=True)
class PlatformImage:
    """An image for one platform, and what it is made of."""

    platform: str
    made: oci.Image
    components: list[sbom.Component]


def front_image(platform: str, parts: image.Parts, envoy_version: str, the_filter: Filter, source: Source) -> PlatformImage:
    """The image with Envoy; `platform` is `linux-` and an architecture as the OCI image specification names it."""
    made = image.build(parts, source, platform.removeprefix("linux-"))
    packages = [sbom.debian_package(each) for each in parts.packages.values()]
    components = [*_components(platform, the_filter), sbom.envoy(envoy_version, parts.envoy), *packages]
    return PlatformImage(platform, made, components)


def node_image(platform: str, parts: cache_image.Parts, source: Source) -> PlatformImage:
    """The image of the nodes of caches, likewise."""
    made = cache_image.build(parts, source, platform.removeprefix("linux-"))
    packages = [sbom.debian_package(each) for each in parts.packages.values()]
    return PlatformImage(platform, made, [*sbom.crates("portolan", TARGETS[platform]), *packages])


def files_of_images(name: str, images: Sequence[PlatformImage], source: Source) -> Files:
    """The image of each platform by itself, and all of them as one."""
    tag = f"{name}:{source.version}"
    files: Files = {}
    for each in images:
        content = oci.archive(each.made, tag, source.time)
        delivered = Delivered(f"{name}-{source.version}-image-{each.platform}.tar", content, "container")
        files |= _with_sbom(delivered, each.components, source)
    together = oci.archive_of_platforms([each.made for each in images], tag, source.time)
    return {**files, f"{name}-{source.version}-image-linux.tar": together}


def _components(platform: str, the_filter: Filter) -> list[sbom.Component]:
    return _together(the_filter.components, sbom.crates("portolan", TARGETS[platform]))


def _with_sbom(of: Delivered, components: list[sbom.Component], source: Source) -> Files:
    return {of.name: of.content, f"{of.name}.cdx.json": sbom.document(of, components, source)}


def _together(*lists: list[sbom.Component]) -> list[sbom.Component]:
    """All of them, each once."""
    return list({str(each["purl"]): each for every in lists for each in every}.values())


def checksums(delivered: Mapping[str, bytes]) -> bytes:
    """What `sha256sum --check` reads."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(delivered.items())]
    return "".join(lines).encode()


def arguments() -> argparse.Namespace:
    """What is told; images are for those platforms of which Envoy and packages are told, too."""
    parser = argparse.ArgumentParser(description="Puts a release together; scripts/dist calls it.")
    for name in ("wasm", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--envoy-version", required=True)
    parser.add_argument("--package", nargs=2, action="append", default=[], metavar=("PLATFORM", "PORTOLAN"))
    parser.add_argument("--image", nargs=5, action="append", default=[], metavar=("PLATFORM", "PORTOLAN", "ENVOY", "PACKAGES", "PINS"))
    parser.add_argument("--cache-image", nargs=4, action="append", default=[], metavar=("PLATFORM", "PORTOLAN", "PACKAGES", "PINS"))
    return parser.parse_args()


def main() -> None:
    """Writes the files to a directory that is empty or not there."""
    told = arguments()
    if told.output.exists() and any(told.output.iterdir()):
        sys.exit(f"dist: {told.output} is not empty")
    image.warn_of_zlib()
    source = find()
    the_filter = Filter.read(told.wasm)
    delivered = {f"portolan-{source.version}-chart.tgz": chart.archive(source), **files_of_filter(the_filter, source)}
    for platform, portolan in told.package:
        delivered |= files_of_platform(platform, Path(portolan).read_bytes(), the_filter, source)
    images = []
    for platform, portolan, envoy, packages, pins in told.image:
        parts = image.Parts.read(Path(envoy), Path(portolan), told.wasm, image.read_packages(Path(packages), pins))
        images.append(front_image(platform, parts, told.envoy_version, the_filter, source))
    delivered |= files_of_images("portolan", images, source)
    nodes = []
    for platform, portolan, packages, pins in told.cache_image:
        of_node = cache_image.Parts(Path(portolan).read_bytes(), image.read_packages(Path(packages), pins))
        nodes.append(node_image(platform, of_node, source))
    delivered |= files_of_images("portolan-cache", nodes, source)
    delivered["SHA256SUMS"] = checksums(delivered)
    told.output.mkdir(parents=True, exist_ok=True)
    for name, content in delivered.items():
        (told.output / name).write_bytes(content)
    print(f"dist: {told.output}: {len(delivered)} files of {source.version}, commit {source.commit}")


if __name__ == "__main__":
    main()
