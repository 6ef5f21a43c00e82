"""The policies that the suites share, and the clients that they place."""

from pathlib import Path
from typing import Any

from harness.raw import Header

Policy = dict[str, Any]

# Addresses of geoip-data/synthetic.csv, by what it says of them.
ADDRESSES = {
    "CN": "192.0.2.5",
    "JP": "192.0.2.40",
    "DE": "198.51.100.5",
    "US": "203.0.113.5",
    "US-CA": "203.0.113.70",
    "BR": "203.0.113.200",
    "nowhere": "192.0.2.200",
}


def client(place: str) -> list[Header]:
    """The header by which the trusted hop in front of Envoy says where a client is."""
    return [("X-Forwarded-For", ADDRESSES[place])]


def two_owners(east: str, west: str, database: Path) -> Policy:
    """Two registries; `east` is near to China, `west` to all others, and calls `drycc/` `acme/`.

    Of drycc/ both hold the same; team/ belongs to `east`; of public/ each holds what it likes, and
    nobody pushes it; of mirror/ `east` has copies, but only `west` has the tags.
    """
    chains = {"cn": ["east", "west"], "default": ["west", "east"]}
    return {
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.test"], "default": True}},
        "backends": {
            "east": {"url": east},
            "west": {"url": west, "names": [{"front": "drycc/", "backend": "acme/"}]},
        },
        "regions": {"cn": {"countries": ["CN"]}, "default": {}},
        "clients": {"trusted_hops": 1, "geo": {"database": str(database)}},
        "rules": [
            _rule("drycc", chains, owner="west", replicas=["east", "west"]),
            _rule("team", chains, owner="east"),
            _rule("public", chains),
            _rule("mirror", chains, replicas=["west"]),
        ],
    }


def _rule(name: str, chains: dict[str, list[str]], **more: Any) -> Policy:
    return {"name": name, "repositories": [f"{name}/**"], "chains": chains, **more}
