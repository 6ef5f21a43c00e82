"""The examples in envoy/, and how they are brought to this machine."""

from pathlib import Path
from typing import Any

import yaml

from harness import paths, portolan

RENDERED = [
    *("registry-cache", "two-regions", "drycc", "gitlab-geo", "docker-combined-registry", "registry-k8s-io", "cache"),
]
EXAMPLES = [*RENDERED, "by-hand"]
WITH_NODES = [name for name in RENDERED if (paths.EXAMPLES / name / "nodes").is_dir()]


def folder(name: str) -> Path:
    """Where an example is."""
    return paths.EXAMPLES / name


def read(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text())


def with_secrets(name: str, directory: Path) -> str:
    """The bootstrap of an example with what it reads secrets from, moved from `/etc/portolan`."""
    policy = folder(name) / "portolan.yaml"
    places = {f"/etc/portolan/{place}": directory / place for place in ("sds", "credentials")}
    for place in places.values():
        place.mkdir()
    if name != "by-hand":
        portolan.output("render", policy, "--sds-output", places["/etc/portolan/sds"])
    for credential in read(policy).get("credentials", {}):
        (directory / "credentials" / credential).write_text("dXNlcjpwYXNzd29yZA==")
    texts = [folder(name) / "envoy.yaml", *places["/etc/portolan/sds"].iterdir()]
    moved = {}
    for path in texts:
        moved[path] = path.read_text()
        for before, after in places.items():
            moved[path] = moved[path].replace(before, str(after))
    for path in texts[1:]:
        path.write_text(moved[path])
    return moved[texts[0]]
