"""The image `portolan-cache`, of which the nodes of caches are: Apache Traffic Server and the command line.

It is made as the other image is (release/image.py): of Debian packages that are pinned in scripts/versions, without a base image,
a shell or a package manager. The files of a node are made when it starts, of the policy: `portolan cache serve`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release import debian, image, oci
from release.oci import Entry
from release.source import Source, find

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
    rooms = [
        image.system_layer(libraries, "portolan"),
        server_layer(server),
        image.command_line(parts.portolan),
    ]
    return [oci.layer(entries, time) for entries in rooms]


def run_configuration() -> dict[str, Any]:
    """What a container of it does unless told. Which node it is has to be told, and where it is filled."""
    return {
        "User": f"{image.USER}:{image.USER}",
        "Env": ["PATH=/usr/local/bin:/usr/bin"],
        "Entrypoint": [f"/{image.COMMAND}", "cache"],
        "Cmd": ["serve", "--help"],
        "WorkingDir": "/",
        "ExposedPorts": {f"{PORT}/tcp": {}},
        "Volumes": {f"/{STORE}": {}},
        "StopSignal": "SIGTERM",
        "Healthcheck": image.health_check("cache", "status", f"http://127.0.0.1:{PORT}"),
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
    told = image.arguments("Builds the image of a cache's nodes", "portolan")
    image.warn_of_zlib()
    source = find()
    parts = Parts(told.portolan.read_bytes(), image.read_packages(told.packages, told.pins))
    image.write(build(parts, source, told.architecture), "portolan-cache", source, told.output)


if __name__ == "__main__":
    main()
