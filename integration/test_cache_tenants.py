"""Two tenants who share digests and a cache: nobody is shown what is not theirs, whatever the cache has.

Real Envoy with real nodes (Apache Traffic Server), scripted registries, requests of all kinds in random order at once. As many as
`PORTOLAN_TENANT_REQUESTS` says; `make test-all` sends ten thousand.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

import pytest

from harness import raw
from harness.cache_node import have
from harness.cache_tier import Store, Tier, digest_of, start_tier
from harness.envoy import Envoy, Policy
from harness.scripted import Scripted

pytestmark = pytest.mark.skipif(not have(), reason="there is no Traffic Server; run scripts/setup cache")

REQUESTS = int(os.environ.get("PORTOLAN_TENANT_REQUESTS", "800"))
CLIENTS = 8
ADDRESSES = {"team": "192.0.2.7", "other": "198.51.100.7"}
KINDS = ("blobs", "manifests")


def of_tenants(policy: Policy) -> None:
    """Each rule is for the clients of one network."""
    policy["networks"] = {name: [f"{address}/32"] for name, address in ADDRESSES.items()}
    policy["clients"] = {"trusted_hops": 1}
    for rule in policy["rules"]:
        if rule["name"] in ADDRESSES:
            rule["readers"] = {"networks": [rule["name"]]}


@pytest.fixture(scope="module")
def tier(
    east: Scripted, west: Scripted, store: Store, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tier]:
    """Two nodes, and two tenants."""
    tier = start_tier(tmp_path_factory.mktemp("tenants"), (east, west), start, change=of_tenants)
    yield tier
    tier.stop()


@dataclass(frozen=True)
class Asked:
    """A request of a tenant, and what may come of it."""

    tenant: str
    method: str
    path: str
    headers: tuple[raw.Header, ...]
    # What the client may be sent, the whole or a part; nothing where it is not theirs.
    body: bytes | None


def requests(store: Store, count: int) -> list[Asked]:
    """Requests for content that both tenants have, that one has, and that nobody has, each in either repository."""
    random = Random(20261129)
    bodies = [f"content {number} ".encode() * 300 for number in range(60)]
    has: dict[tuple[str, str, int], str] = {}
    for number, body in enumerate(bodies):
        for tenant in (("team", "other"), ("team",), ("other",), ())[number % 4]:
            for kind in KINDS:
                has[tenant, kind, number] = store.add(f"{tenant}/app", body, kind)
    found = []
    for _ in range(count):
        tenant, owner = random.choice(list(ADDRESSES)), random.choice(list(ADDRESSES))
        kind, number = random.choice(KINDS), random.randrange(len(bodies))
        path = f"/v2/{owner}/app/{kind}/{digest_of(bodies[number])}"
        body = bodies[number] if owner == tenant and (owner, kind, number) in has else None
        headers: tuple[raw.Header, ...] = ()
        if random.random() < 0.2:
            headers = (("Range", "bytes=10-109"),)
            body = body and body[10:110]
        found.append(Asked(tenant, random.choice(("GET", "GET", "GET", "HEAD")), path, headers, body))
    return found


def outcome(envoy: Envoy, asked: Asked) -> str:
    """What came of a request; a sentence that begins with `wrong` if it must not."""
    headers = [*asked.headers, ("X-Forwarded-For", ADDRESSES[asked.tenant])]
    answer = envoy.request(asked.method, asked.path, headers)
    if asked.body is None:
        is_refused = answer.status in (403, 404) and b"content" not in answer.body
        return "refused" if is_refused else f"wrong: {asked}: {answer.status} {answer.body[:40]!r}"
    if asked.method == "HEAD":
        return "head" if answer.status == 200 and not answer.body else f"wrong: {asked}: {answer.status}"
    # A registry that knows no ranges sends the whole.
    is_right = answer.body == asked.body if answer.status == 206 else asked.body in answer.body
    return "served" if answer.status in (200, 206) and is_right else f"wrong: {asked}: {answer.status}"


def test_a_tenant_sees_only_its_own_content(tier: Tier, store: Store) -> None:
    asked = requests(store, REQUESTS)
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = Counter(pool.map(lambda one: outcome(tier.envoy, one), asked))
    wrong = [what for what in found if what.startswith("wrong")]
    assert not wrong, f"{len(wrong)} of {REQUESTS}: {wrong[:5]}"
    assert found["served"] > REQUESTS / 10 and found["refused"] > REQUESTS / 3, found
    # It was the cache that served: what one tenant has had fetched was there for the other.
    uses = Counter(line.get("cache_use") for line in tier.envoy.all_lines())
    assert uses["hit"] > REQUESTS / 20, uses
