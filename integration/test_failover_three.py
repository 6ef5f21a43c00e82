"""Lists of three in real Envoy: whatever each registry is like, who has it is found, and an outage is no 404.

Every one of three registries has it, lacks it, fails, or is known to be down, in all combinations. Cannot see
registries that hang; the tests of lists of two do.
"""

import itertools
from collections.abc import Callable

import pytest

from harness.envoy import Envoy, Policy
from harness.scripted import Answer, Scripted
from harness.waiting import eventually
from test_failover import BLOB, FOUND, MANIFEST, MISSING, policy, urls

WAYS = {"found": FOUND, "missing": MISSING, "fails": Answer(500)}
NAMES = ("a", "b", "c")


def expected(ways: tuple[str, ...]) -> int:
    """What the client gets, of what the registries that are up have."""
    if "found" in ways:
        return 200
    return 404 if set(ways) == {"missing"} else 503


@pytest.mark.parametrize("down", [(), ("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")])
def test_the_backend_that_has_the_blob_is_found(
    down: tuple[str, ...], backends: list[Scripted], start_envoy: Callable[[Policy], Envoy]
) -> None:
    document = policy(urls(backends), list(NAMES))
    for name, backend in zip(NAMES, backends, strict=True):
        # Nothing but its checks takes a registry out here, so that each request sees the same.
        document["backends"][name]["ejection"] = {"failures": 1000, "time": "1s"}
        backend.health = 503 if name in down else 200
    envoy = start_envoy(document)
    health = {
        f"cluster.{name}{later}.membership_healthy": int(name not in down)
        for name in NAMES
        for later in ("", "@last")
    }
    pattern = r"^cluster\.[abc](@last)?\.membership_healthy$"
    eventually(lambda: envoy.stats(pattern) == health, what="Envoy knows who is down")
    for ways in itertools.product(*(["fails"] if name in down else WAYS for name in NAMES)):
        for way, backend in zip(ways, backends, strict=True):
            backend.answer(WAYS[way])
            backend.forget()
        for target in (MANIFEST, BLOB):
            assert envoy.request("GET", target).status == expected(ways), (ways, target)
        for name, way, backend in zip(NAMES, ways, backends, strict=True):
            assert len(backend.seen) <= 2, f"{name} is asked twice for one read: {ways}"
            assert not (name in down and backend.seen), f"{name} is known to be down: {ways}, {way}"
