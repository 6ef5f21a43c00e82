"""What a delivered file is made of, as CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/).

Cargo says which crates are compiled in; Cargo.lock has their checksums. The same sources give the same document: its time is
the release's, and its serial number comes from the delivered bytes.
"""

import hashlib
import json
import subprocess
import tomllib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from release import debian
from release.source import ROOT, Source

Component = dict[str, Any]


@dataclass(frozen=True)
class Delivered:
    """A file of the release that the document is about."""

    name: str
    content: bytes
    kind: str = "application"


def crates(package: str, target: str) -> list[Component]:
    """The crates that are compiled into a package of this workspace for a target, itself left out."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    found = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    packages = {each["id"]: each for each in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    start = next(each["id"] for each in found["packages"] if each["name"] == package)
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here not in reached:
            reached.add(here)
            waiting += [each["pkg"] for each in nodes[here]["deps"] if _is_compiled_in(each)]
    checksums = _checksums()
    return [_crate(packages[each], checksums) for each in reached - {start}]


def _is_compiled_in(dependency: dict[str, Any]) -> bool:
    """Not one that only tests or build scripts need."""
    return any(kind["kind"] is None for kind in dependency["dep_kinds"])


def _checksums() -> dict[tuple[str, str], str]:
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(each["name"], each["version"]): each.get("checksum", "") for each in lock["package"]}


def _crate(package: dict[str, Any], checksums: dict[tuple[str, str], str]) -> Component:
    name, version = package["name"], package["version"]
    checksum = checksums.get((name, version), "")
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:cargo/{name}@{version}",
        "licenses": [{"expression": (package["license"] or "").replace("/", " OR ")}],
        **({"hashes": [{"alg": "SHA-256", "content": checksum}]} if checksum else {}),
    }


def envoy(version: str, program: bytes) -> Component:
    """The Envoy of the image."""
    return {
        "type": "application",
        "name": "envoy",
        "version": version,
        "purl": f"pkg:github/envoyproxy/envoy@v{version}",
        "licenses": [{"expression": "Apache-2.0"}],
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(program).hexdigest()}],
    }


def debian_package(package: bytes) -> Component:
    """A Debian package of the image."""
    text = debian.control(package)
    name, version, architecture = (debian.field(text, key) for key in ("Package", "Version", "Architecture"))
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:deb/debian/{name}@{version.replace('~', '%7E').replace('+', '%2B')}?arch={architecture}&distro=debian-12",
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(package).hexdigest()}],
    }


def document(of: Delivered, components: Iterable[Component], source: Source) -> bytes:
    """The document, with its components in the order of their names."""
    digest = hashlib.sha256(of.content).hexdigest()
    main = {
        "type": of.kind,
        "bom-ref": of.name,
        "name": of.name,
        "version": source.version,
        "licenses": [{"expression": "Apache-2.0"}],
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }
    each = sorted(({**one, "bom-ref": one["purl"]} for one in components), key=lambda one: str(one["purl"]))
    whole = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{source.repository}#{digest}')}",
        "version": 1,
        "metadata": {"timestamp": source.created, "component": main},
        "components": each,
        "dependencies": [{"ref": of.name, "dependsOn": [one["bom-ref"] for one in each]}],
    }
    return json.dumps(whole, indent=2).encode() + b"\n"
