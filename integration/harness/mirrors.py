"""How real clients are told of a mirror: each in the words of its own configuration."""

import json
from collections.abc import Mapping
from pathlib import Path


def containerd_hosts(directory: Path, mirrors: Mapping[str, str]) -> Path:
    """A tree of `hosts.toml` files, for a registry's name or `_default` the URL of its mirror; the tree.

    A URL with a path has `override_path`: containerd then puts nothing of its own before the repository's name. What
    the mirror does not have is asked of the registry itself, which is the default server.
    """
    for registry, url in mirrors.items():
        place = directory / registry
        place.mkdir(parents=True)
        lines = [f"[host.{json.dumps(url)}]", 'capabilities = ["pull", "resolve"]']
        if "/v2" in url:
            lines.append("override_path = true")
        (place / "hosts.toml").write_text("\n".join([*lines, ""]))
    return directory


def podman_registries(mirrors: Mapping[str, str]) -> str:
    """A `registries.conf` with, for a registry's name, `host:port/prefix` of its mirror."""
    parts = ["unqualified-search-registries = []", 'short-name-mode = "disabled"']
    for registry, location in mirrors.items():
        parts += ["[[registry]]", f"location = {json.dumps(registry)}"]
        parts += ["[[registry.mirror]]", f"location = {json.dumps(location)}", "insecure = true"]
    return "\n".join([*parts, ""])
