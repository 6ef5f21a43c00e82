"""The policies that the suites share, and the clients that they place."""

from pathlib import Path
from typing import Any

from harness.raw import Header

Policy = dict[str, Any]

# A time for `hedge_after` that no answer of a test takes; reads are made ready for hedging all the same.
LATE = "9s"

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


def build_policy(
    backends: dict[str, Any],
    *rules: Policy,
    front: Policy | None = None,
    fronts: Policy | None = None,
    regions: Policy | None = None,
    **more: Any,
) -> Policy:
    """A policy of the fields that a suite is about; the fields that it does not name are there.

    A backend is its fields, or its URL alone. `front` has more fields of the front `main`, whose
    host is `registry.test`; `fronts` replaces that front. The region `default` is always there.
    A policy without a rule gets one, `all`, whose chain has every backend in their order. `more`
    has other fields of the policy, and replaces whole fields (`rules=`).
    """
    whole = {name: {"url": one} if isinstance(one, str) else one for name, one in backends.items()}
    made = {
        "version": 1,
        "fronts": fronts or {"main": {"hosts": ["registry.test"], **(front or {})}},
        "backends": whole,
        "regions": {**(regions or {}), **({} if "default" in (regions or {}) else {"default": {}})},
        "rules": list(rules) or [rule_for_all(list(backends))],
    }
    return {**made, **more}


def rule_of(name: str, chain: Any, **fields: Any) -> Policy:
    """A rule for the repositories `NAME/**`, with a chain for all regions or a dict of chains."""
    chains = chain if isinstance(chain, dict) else {"default": chain}
    return {"name": name, "repositories": [f"{name}/**"], "chains": chains, **fields}


def rule_for_all(chain: Any, **fields: Any) -> Policy:
    """The rule `all`, for every repository."""
    return {**rule_of("all", chain), "repositories": ["**"], **fields}


def hedged_late(policy: Policy) -> Policy:
    """The same policy, in which nobody is so late that a second backend is asked beside the first.

    For suites that say who is asked, or who serves: on a busy machine an answer takes long enough.
    """
    for backend in policy["backends"].values():
        backend.setdefault("hedge_after", LATE)
    return policy


def two_owners(east: str, west: str, database: Path) -> Policy:
    """Two registries; `east` is near to China, `west` to all others, and calls `drycc/` `acme/`.

    Of drycc/ both hold the same; team/ belongs to `east`; of public/ each holds what it likes, and
    nobody pushes it; of mirror/ `east` has copies, but only `west` has the tags.
    """
    chains = {"cn": ["east", "west"], "default": ["west", "east"]}
    two = build_policy(
        {"east": east, "west": {"url": west, "names": [{"front": "drycc/", "backend": "acme/"}]}},
        rule_of("drycc", chains, owner="west", replicas=["east", "west"]),
        rule_of("team", chains, owner="east"),
        rule_of("public", chains),
        rule_of("mirror", chains, replicas=["west"]),
        front={"default": True},
        regions={"cn": {"countries": ["CN"]}},
        clients={"trusted_hops": 1, "geo": {"database": str(database)}},
    )
    return hedged_late(two)
