"""What is asked, and with which policies: small, but each makes the filter do one more thing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import by_hand
from harness.policies import ADDRESSES, build_policy

Policy = dict[str, Any]

# The backends of the policies. `near` and `far` are the same server, `store` sends blobs.
NEAR, FAR, STORE = "near", "far", "store"
CACHE = "cache@eu"

# Under callgrind everything takes fifty times as long; a late answer must not look like an outage.
_PATIENCE: Policy = {
    "attempt_timeouts": {"manifests": "60s", "blobs": "60s"},
    "health_check": {"interval": "60s", "timeout": "30s"},
    # Reads are hedged, and nobody is ever so late.
    "hedge_after": "50s",
}

# The same for a question to a blob store.
_PROBE: Policy = {"timeout": "60s"}

BLOB_BYTES = 100 << 20
BLOB_DIGEST = "sha256:" + 64 * "b"
RULES = 10_000
TOKEN_PATH = "/token"


@dataclass(frozen=True)
class Upstreams:
    """Where the upstreams are, and the database that says in which country an address is."""

    registry: str
    store: str
    geo_database: Path


@dataclass(frozen=True)
class Case:
    """One request and how it must be answered."""

    name: str
    target: str
    # What the backend is asked; bare Envoy, which maps no names, is asked for it directly.
    backend_target: str
    policy: Callable[[Upstreams], Policy]
    # The backend that must get every request; none if the filter answers.
    backend: str | None = NEAR
    status: int = 200
    place: str = "CN"
    # Whether bare Envoy answers with a redirect of its own, instead of asking the backend.
    redirected: bool = False
    # Whether requests and attempts are counted (`portolan render --metrics`).
    metrics: bool = False
    # Whether bare Envoy is one that nobody has rendered.
    by_hand: bool = False
    # h2load spreads the requests over as many, which stay open.
    connections: int = 4

    @property
    def counted_backend(self) -> str:
        """The backend that must get every request, or else none."""
        return self.backend or NEAR

    @property
    def counted_cluster(self) -> str:
        """What Envoy's counters call that backend."""
        return by_hand.CLUSTER if self.by_hand else self.counted_backend

    @property
    def headers(self) -> dict[str, str]:
        """What says where the client is."""
        return {"x-forwarded-for": ADDRESSES[self.place]}


def by_country(upstreams: Upstreams) -> Policy:
    """Clients are placed by their country alone: the filter reads the header map and nothing else."""
    return build_policy(
        {
            NEAR: {
                "url": upstreams.registry,
                "names": [{"front": "drycc/", "backend": "acme/"}],
                **_PATIENCE,
            },
            FAR: {"url": upstreams.registry, **_PATIENCE},
            STORE: {"url": upstreams.store, **_PATIENCE},
        },
        front={"default": True},
        regions={"cn": {"countries": ["CN"]}, "eu": {"continents": ["EU"]}, "default": {}},
        clients={"trusted_hops": 1, "geo": {"database": str(upstreams.geo_database)}},
        rules=[
            _rule("library", [NEAR, FAR]),
            _rule("drycc", [NEAR]),
            _rule("alone", [NEAR]),
            _rule("blobs", [STORE]),
        ],
    )


def by_network(upstreams: Upstreams) -> Policy:
    """The same with a network: now the filter needs the client's address, which is one more host call."""
    policy = by_country(upstreams)
    policy["regions"]["cn"] = {"networks": ["192.0.2.0/27"]}
    return policy


def with_tokens(upstreams: Upstreams) -> Policy:
    """The same, and both registries want a token, which the filter holds."""
    policy = by_country(upstreams)
    for name in (NEAR, FAR):
        token = {"realm": f"{upstreams.registry}{TOKEN_PATH}", "service": "registry.test"}
        policy["backends"][name]["auth"] = {"token": token}
    return policy


# More than the requests of a run, so that none is refused: what is measured is that they are counted.
_PLENTY: Policy = {"requests": 1_000_000, "per": "1m", "burst": 1_000_000}


def with_limits(upstreams: Upstreams) -> Policy:
    """The requests of each client are limited, and those of its small network."""
    networks = [_PLENTY, {**_PLENTY, "ipv4": 24, "ipv6": 48}]
    return _limited(upstreams, {"networks": networks})


def with_budget(upstreams: Upstreams) -> Policy:
    """The same, and what is carried to a backend has a budget, each client by itself."""
    limits = with_limits(upstreams)["clients"]["limits"]
    return _limited(upstreams, {**limits, "budgets": [{**_PLENTY, "backends": [NEAR], "each": ["client"]}]})


def _limited(upstreams: Upstreams, limits: Policy) -> Policy:
    policy = by_country(upstreams)
    return {**policy, "clients": {**policy["clients"], "limits": limits}}


def with_cache(upstreams: Upstreams) -> Policy:
    """The registry is also the one node of a cache, and has all that the cache is asked for."""
    policy = by_country(upstreams)
    policy["caches"] = {"eu": {"nodes": [upstreams.registry], "known": {"timeout": "30s"}}}
    rule = next(rule for rule in policy["rules"] if rule["name"] == "library")
    rule["chains"] = {"cn": [CACHE, NEAR], "default": [FAR, NEAR]}
    return {**policy, "rules": [{**rule, "readers": "anyone"}]}


def redirecting(upstreams: Upstreams) -> Policy:
    """One registry for each region, to which clients are sent, and for blobs to a store that has them all."""
    policy = redirecting_lists(upstreams)
    policy["rules"] = [rule for rule in policy["rules"] if rule["name"] == "alone"]
    return policy


def redirecting_lists(upstreams: Upstreams) -> Policy:
    """The same with rules of two registries: clients are sent to the first that is up."""
    policy = by_country(upstreams)
    policy["blob_stores"] = {STORE: {"url": f"{upstreams.registry}/v2/store/manifests/{{digest}}", "probe": _PROBE}}
    for rule in policy["rules"]:
        rule["client_redirects"] = {"classes": ["manifests", "blobs"], "stores": STORE}
    return policy


def with_rules(count: int) -> Callable[[Upstreams], Policy]:
    """As many rules; the requests of the cases match the last one."""

    def policy(upstreams: Upstreams) -> Policy:
        rules = [_rule(f"team-{number}", [NEAR, FAR]) for number in range(RULES - count, RULES)]
        return {**by_country(upstreams), "rules": rules}

    return policy


def _rule(name: str, chain: list[str]) -> Policy:
    chains = {"cn": chain, "default": [*chain[1:], chain[0]]}
    return {"name": name, "repositories": [f"{name}/**"], "chains": chains, "replicas": chain}


def _pull(name: str, target: str, **more: Any) -> Case:
    return Case(name, target, **{"backend_target": target, "policy": by_country, **more})


_LAST_TEAM = f"/v2/team-{RULES - 1}/app/manifests/v1"

# Only routed: one backend, as it is for every write and for a chain of one. With a second one to fall back to, the
# filter runs once more for the attempt, and what it was answered is judged.
ROUTED = _pull("manifest, routed", "/v2/alone/nginx/manifests/latest")
BY_HAND = _pull("manifest, by an Envoy written by hand", ROUTED.target, by_hand=True)
COUNTED = _pull("manifest, routed, counted", ROUTED.target, metrics=True)
LISTED = _pull("manifest, list of two", "/v2/library/nginx/manifests/latest")
MAPPED = _pull(
    "manifest, name mapped", "/v2/drycc/app/manifests/v1", backend_target="/v2/acme/app/manifests/v1"
)
LINKED = _pull("tag list, Link rewritten", "/v2/drycc/app/tags/list", backend_target="/v2/acme/app/tags/list")
BY_NETWORK = _pull("manifest, placed by network", ROUTED.target, policy=by_network)
LIMITED = _pull("manifest, clients limited", ROUTED.target, policy=with_limits)
BUDGETED = _pull("manifest, clients limited and with a budget", ROUTED.target, policy=with_budget)
TOKEN = _pull("manifest, token held", ROUTED.target, policy=with_tokens)
TOKEN_LISTED = _pull("manifest, list of two, token held", LISTED.target, policy=with_tokens)
# A digest: of a repository that is known to have it, as after the first request.
_BY_DIGEST = f"/v2/library/nginx/manifests/{BLOB_DIGEST}"
DIGEST_LISTED = _pull("manifest by digest, list of two", _BY_DIGEST)
CACHED = _pull("manifest by digest, from a cache, remembered", _BY_DIGEST, policy=with_cache, backend=CACHE)
ONE_RULE = _pull("manifest, 1 rule", _LAST_TEAM, policy=with_rules(1))
MANY_RULES = _pull(f"manifest, {RULES:,} rules", _LAST_TEAM, policy=with_rules(RULES))
# One at a time: blobs that compete for a processor come in pieces of other sizes, and their number is what counts.
BLOB = _pull("blob of 100 MiB", f"/v2/blobs/app/blobs/{BLOB_DIGEST}", backend=STORE, connections=1)
REDIRECTED = _pull(
    "manifest, redirected", ROUTED.target, policy=redirecting, backend=None, status=307, redirected=True
)
STORED = _pull(
    "blob, redirected to a store",
    f"/v2/alone/app/blobs/{BLOB_DIGEST}",
    policy=redirecting,
    backend=None,
    status=307,
    redirected=True,
)
REDIRECTED_LISTED = _pull(
    "manifest, redirected to the first of two",
    LISTED.target,
    policy=redirecting_lists,
    backend=None,
    status=307,
    redirected=True,
)
STORED_LISTED = _pull(
    "blob, redirected to a store, two registries behind",
    f"/v2/library/app/blobs/{BLOB_DIGEST}",
    policy=redirecting_lists,
    backend=None,
    status=307,
    redirected=True,
)
PING = _pull("ping", "/v2/", backend=None)
REFUSAL = _pull("refusal", "/v2/Library/nginx/manifests/latest", backend=None, status=400)
