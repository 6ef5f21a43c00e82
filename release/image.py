"""`make image`: the image `portolan`, with Envoy, the filter and the command line.

No base image: three Debian packages that are pinned in scripts/versions give the C library that Envoy needs, and the CA
certificates. There is no shell and no package manager; what scanners read (/etc/os-release, /var/lib/dpkg/status.d) names
what is inside.
"""

import argparse
import hashlib
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from release import debian, oci
from release.oci import Entry
from release.source import ROOT, Source, find

USER = 101
PORT = 8080
METRICS_PORT = 9902
COMMAND = "usr/local/bin/portolan"
FILTER = "usr/local/share/portolan/portolan.wasm"
FILTER_OF_FILLS = "usr/local/share/portolan/portolan-fill.wasm"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"

DESCRIPTION = "One registry hostname: each pull from the nearest registry, each push to the one that owns the repository."


OS_RELEASE = """\
PRETTY_NAME="Portolan, on packages of Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION_CODENAME=bookworm
ID=debian
"""


@dataclass(frozen=True)
class Parts:
    """The files that an image is made of."""

    envoy: bytes
    portolan: bytes
    wasm: bytes
    # The same for the listener that fills caches; it stands beside the other one.
    wasm_of_fills: bytes
    packages: dict[str, bytes]

    @classmethod
    def read(cls, envoy: Path, portolan: Path, wasm: Path, packages: dict[str, bytes]) -> "Parts":
        """The parts from their files."""
        of_fills = wasm.with_name(f"{wasm.stem}-fill.wasm")
        return cls(envoy.read_bytes(), portolan.read_bytes(), wasm.read_bytes(), of_fills.read_bytes(), packages)


def wanted(package: str, path: str) -> bool:
    """Which files of a package the image has: shared libraries, certificates and what tells of their licences."""
    if path == f"usr/share/doc/{package}/copyright":
        return True
    if package == "ca-certificates":
        return False
    is_library = ".so" in path.rpartition("/")[2]
    return is_library and path.startswith(("lib/", "lib64/", "usr/lib/")) and "/gconv/" not in path


def certificates(package: bytes) -> Entry:
    """All certificates in one file, as update-ca-certificates(8) of the package makes it; in the order of their names."""
    found = debian.entries(package, lambda path: path.startswith("usr/share/ca-certificates/mozilla/"))
    texts = [(entry.content or b"").rstrip(b"\n") + b"\n" for entry in sorted(found, key=lambda entry: entry.path)]
    return Entry(BUNDLE, 0o644, b"".join(texts))


def accounts(user: str) -> dict[str, str]:
    """Files that name the users, root and the one that everything runs as."""
    return {
        "etc/passwd": f"root:x:0:0:root:/:/nonexistent\n{user}:x:{USER}:{USER}:{user}:/nonexistent:/nonexistent\n",
        "etc/group": f"root:x:0:\n{user}:x:{USER}:\n",
        # Names of hosts come from the container's /etc/hosts before they are asked for.
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }


def system_layer(packages: dict[str, bytes], user: str = "envoy") -> list[Entry]:
    """What hardly ever changes: libraries, certificates, accounts."""
    entries = [Entry(path, 0o644, text.encode()) for path, text in accounts(user).items()]
    entries.append(Entry("etc/os-release", 0o644, OS_RELEASE.encode()))
    for name, package in packages.items():
        entries += debian.entries(package, lambda path, name=name: wanted(name, path))  # type: ignore[misc]
        entries.append(Entry(f"var/lib/dpkg/status.d/{name}", 0o644, debian.control(package)))
    entries.append(certificates(packages["ca-certificates"]))
    # The user writes to one directory; the rest may be read-only.
    entries += [Entry("run/portolan", 0o700, owner=USER), Entry("etc/portolan", 0o755), Entry("tmp", 0o1777)]
    return entries


def licence() -> bytes:
    """The text of the licence."""
    return (ROOT / "LICENSE").read_bytes()


def command_line(portolan: bytes) -> list[Entry]:
    """The command line, and its licence."""
    return [Entry(COMMAND, 0o755, portolan), Entry("usr/share/doc/portolan/LICENSE", 0o644, licence())]


def layers(parts: Parts, time: int) -> list[oci.Layer]:
    """What changes seldom comes first, so that a new Portolan is a small download."""
    rooms = [
        system_layer(parts.packages),
        # Envoy is under the same licence, of which this is the text.
        [Entry("usr/local/bin/envoy", 0o755, parts.envoy), Entry("usr/share/doc/envoy/LICENSE", 0o644, licence())],
        [
            *command_line(parts.portolan),
            Entry(FILTER, 0o644, parts.wasm),
            Entry(FILTER_OF_FILLS, 0o644, parts.wasm_of_fills),
        ],
    ]
    return [oci.layer(entries, time) for entries in rooms]


def health_check(*words: str) -> dict[str, Any]:
    """How Docker finds out whether a container is well: by this command of the command line.

    The field is Docker's own (Docker Engine API, ContainerConfig); others ignore it.
    """
    seconds = 1_000_000_000
    return {
        "Test": ["CMD", f"/{COMMAND}", *words],
        "Interval": 5 * seconds,
        "Timeout": 6 * seconds,
        "StartPeriod": 60 * seconds,
        "Retries": 3,
    }


def run_configuration() -> dict[str, Any]:
    """What a container of it does unless told."""
    return {
        "User": f"{USER}:{USER}",
        "Env": ["PATH=/usr/local/bin"],
        "Entrypoint": [f"/{COMMAND}"],
        "Cmd": ["serve"],
        "WorkingDir": "/",
        "ExposedPorts": {f"{PORT}/tcp": {}, f"{METRICS_PORT}/tcp": {}},
        "StopSignal": "SIGTERM",
        "Healthcheck": health_check("ready"),
    }


def build(parts: Parts, source: Source, architecture: str) -> oci.Image:
    """The image."""
    return oci.image(
        layers(parts, source.time),
        run_configuration(),
        {"os": "linux", "architecture": architecture},
        source.created,
        source.labels("portolan", DESCRIPTION),
    )


def read_packages(directory: Path, pins: str) -> dict[str, bytes]:
    """The packages of the lines `name version sha256`; each is the file `name.deb`."""
    packages = {}
    for line in pins.splitlines():
        if not line.strip():
            continue
        name, version, sha256 = line.split()
        file = directory / f"{name}.deb"
        if not file.is_file():
            sys.exit(f"image: there is no {file}. Run: scripts/setup image arm64")
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            sys.exit(f"image: {file} is not {name} {version} as pinned in scripts/versions")
        packages[name] = content
    return packages


def warn_of_zlib() -> None:
    """Says so where the digests of layers may differ from those of the release."""
    if zlib.ZLIB_RUNTIME_VERSION != oci.ZLIB:
        print(f"image: zlib is {zlib.ZLIB_RUNTIME_VERSION}, not {oci.ZLIB}: digests may differ from the release's")


def arguments(description: str, *files: str) -> argparse.Namespace:
    """What the command line of a build says: options for these files, and those of every image."""
    parser = argparse.ArgumentParser(description=f"{description}; scripts/image calls it.")
    for name in (*files, "packages", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--pins", required=True)
    parser.add_argument("--architecture", default="amd64")
    return parser.parse_args()


def write(made: oci.Image, name: str, source: Source, output: Path) -> None:
    """Writes the archive of an image, and says what is in it."""
    tag = f"{name}:{source.version}"
    output.write_bytes(oci.archive(made, tag, source.time))
    size = sum(len(layer.blob.content) for layer in made.layers)
    print(f"image: {output} {tag} {made.manifest.digest}, layers of {size} bytes")


def main() -> None:
    """Builds it from files."""
    told = arguments("Builds the image from files", "envoy", "portolan", "wasm")
    warn_of_zlib()
    source = find()
    parts = Parts.read(told.envoy, told.portolan, told.wasm, read_packages(told.packages, told.pins))
    write(build(parts, source, told.architecture), "portolan", source, told.output)


if __name__ == "__main__":
    main()
