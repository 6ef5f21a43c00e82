"""Which features which Envoy loads: renders a policy for each, and has every binary that it is given validate it.

    .tools/venv/bin/python integration/envoy_versions.py ENVOY...

prints the table of docs/upgrading.md. Other Envoys than the pinned one are wheels of the same name on PyPI.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from harness.envoy import Policy, render
from harness.portolan import build_geo_database

SECONDS = 600


def policy(backend: dict[str, Any] | None = None, front: dict[str, Any] | None = None, **more: object) -> Policy:
    """Two backends in a list."""
    return {
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.test"], **(front or {})}},
        "backends": {"a": {"url": "https://a.test", **(backend or {})}, "b": {"url": "https://b.test"}},
        "regions": {"cn": {"countries": ["CN"]}, "default": {}},
        "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["a", "b"], "cn": ["b"]}}],
        **more,
    }


def features(place: Path) -> dict[str, Policy]:
    """A policy for each feature."""
    database = build_geo_database(place / "geo.mmdb")
    follow = {"redirects": "follow", "follow": {"hosts": ["cdn.test"]}}
    inside = {"redirects": "follow", "follow": {"hosts": ["cdn.test"], "private_addresses": True}}
    return {
        "one backend": policy(rules=[{"name": "a", "repositories": ["**"], "chains": {"default": ["a"]}}]),
        "lists that fail over": policy(),
        "regions by a database": policy(clients={"geo": {"database": str(database)}}),
        "tokens that the proxy holds": policy({"auth": "token"}),
        "health": policy(front={"health": True}),
        "web pages": policy(front={"cors": {"origins": ["https://ui.test"]}}),
        "redirects followed, private addresses too": policy(inside),
        "redirects followed, public addresses only": policy(follow),
    }


def is_loaded(envoy: Path, document: dict[str, Any], place: Path) -> bool:
    """Whether an Envoy takes a configuration."""
    file = place / "envoy.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    command = [str(envoy), "--mode", "validate", "--disable-hot-restart", "-c", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line]
        print(f"{envoy}: {' '.join(lines)[:300]}", file=sys.stderr)
    return done.returncode == 0


def version_of(envoy: Path) -> str:
    """What a binary says of itself."""
    said = subprocess.run([str(envoy), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"/(\d+\.\d+\.\d+)", said)
    assert found, said
    return found[1]


def main() -> None:
    """Prints the table."""
    envoys = {version_of(Path(path)): Path(path) for path in sys.argv[1:]}
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        print(f"| feature | {' | '.join(envoys)} |")
        print("| --- |" + " --- |" * len(envoys))
        for name, wanted in features(place).items():
            document = render(wanted, place, admin="127.0.0.1:9901")
            loaded = ["yes" if is_loaded(envoy, document, place) else "no" for envoy in envoys.values()]
            print(f"| {name} | {' | '.join(loaded)} |", flush=True)


if __name__ == "__main__":
    main()
