"""The image `portolan-cache`, of which the nodes of caches are: Apache Traffic Server and the command line.

It is made as the other image is (release/image.py): of Debian packages that are pinned in scripts/versions, without a base image,
a shell or a package manager. The files of a node are made when it starts, of the policy: `portolan cache serve`.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release import debian, image, oci
from release.oci import Entry
from release.source import ROOT, Source, find

PORT = 8300
STORE = "var/cache/trafficserver"
SERVER = "usr/bin/traffic_server"
MODULES = "usr/lib/trafficserver/modules"
# Those of the files of a node (cli/render/src/targets/cache_node.rs).
PLUGINS = ("background_fetch", "cachekey", "header_rewrite", "healthchecks", "stats_over_http")

DESCRIPTION = "A node of a cache of Portolan's: content by its digest, near the clients of a region."


@dataclass(frozen=True)
class Parts:
    """The files that the image is made of."""

    portolan: bytes
    packages: dict[str, bytes]


def is_of_the_server(package: str) -> bool:
    """Whether a package is one of the server's own; the rest are libraries."""
    return package.startswith("trafficserver")


def wanted(package: str, path: str) -> bool:
    """Which files the image has of the server's packages."""
    libraries = path.startswith("usr/lib/trafficserver/libts") and ".so." in path
    plugins = path in {f"{MODULES}/{name}.so" for name in PLUGINS}
    return path in (SERVER, f"usr/share/doc/{package}/copyright") or libraries or plugins


def server_layer(packages: dict[str, bytes]) -> list[Entry]:
    """The server and its plugins."""
    entries = [Entry(STORE, 0o700, owner=image.USER)]
    for name, package in packages.items():
        entries += debian.entries(package, lambda path, name=name: wanted(name, path))  # type: ignore[misc]
        entries.append(Entry(f"var/lib/dpkg/status.d/{name}", 0o644, debian.control(package)))
    return entries


def layers(parts: Parts, time: int) -> list[oci.Layer]:
    """What changes seldom comes first."""
    libraries = {name: package for name, package in parts.packages.items() if not is_of_the_server(name)}
    server = {name: package for name, package in parts.packages.items() if is_of_the_server(name)}
    licence = (ROOT / "LICENSE").read_bytes()
    rooms = [
        image.system_layer(libraries, "portolan"),
        server_layer(server),
        [
            Entry("usr/local/bin/portolan", 0o755, parts.portolan),
            Entry("usr/share/doc/portolan/LICENSE", 0o644, licence),
        ],
    ]
    return [oci.layer(entries, time) for entries in rooms]


def run_configuration() -> dict[str, Any]:
    """What a container of it does unless told. Which node it is has to be told, and where it is filled."""
    seconds = 1_000_000_000
    return {
        "User": f"{image.USER}:{image.USER}",
        "Env": ["PATH=/usr/local/bin:/usr/bin"],
        "Entrypoint": ["/usr/local/bin/portolan", "cache"],
        "Cmd": ["serve", "--help"],
        "WorkingDir": "/",
        "ExposedPorts": {f"{PORT}/tcp": {}},
        "Volumes": {f"/{STORE}": {}},
        "StopSignal": "SIGTERM",
        "Healthcheck": {
            "Test": ["CMD", "/usr/local/bin/portolan", "cache", "status", f"http://127.0.0.1:{PORT}"],
            "Interval": 5 * seconds,
            "Timeout": 6 * seconds,
            "StartPeriod": 60 * seconds,
            "Retries": 3,
        },
    }


def build(parts: Parts, source: Source, architecture: str) -> oci.Image:
    """The image."""
    return oci.image(
        layers(parts, source.time),
        run_configuration(),
        {"os": "linux", "architecture": architecture},
        source.created,
        source.labels("portolan-cache", DESCRIPTION),
    )


def main() -> None:
    """Builds it from files."""
    arguments = argparse.ArgumentParser(description="Builds the image of a cache's nodes; scripts/image calls it.")
    for name in ("portolan", "packages", "output"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    arguments.add_argument("--pins", required=True)
    arguments.add_argument("--architecture", default="amd64")
    told = arguments.parse_args()
    image.warn_of_zlib()
    source = find()
    parts = Parts(told.portolan.read_bytes(), image.read_packages(told.packages, told.pins))
    made = build(parts, source, told.architecture)
    told.output.write_bytes(oci.archive(made, f"portolan-cache:{source.version}", source.time))
    size = sum(len(layer.blob.content) for layer in made.layers)
    print(f"image: {told.output} portolan-cache:{source.version} {made.manifest.digest}, layers of {size} bytes")


if __name__ == "__main__":
    main()
