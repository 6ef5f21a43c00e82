"""A registry that answers 429, in real Envoy: it is left alone for a while, and nobody loses anything by it.

Scripted upstreams answer by what they are asked for. Can see how often a registry is asked, which is what its limit counts. Cannot
see what several Envoys do together: each finds out for itself.
"""

from collections.abc import Callable

from harness.envoy import Envoy, Policy
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually
from test_failover import BLOB, FOUND, MANIFEST, MISSING, limited, logging_in_to_a, policy, urls

StartEnvoy = Callable[[Policy], Envoy]

READS = 20
ELSEWHERE = "/v2/team/other/manifests/v1"


def test_a_limited_backend_is_spared_while_another_serves(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    a, b, _ = backends
    a.answer(limited(1))
    b.answer(FOUND)
    envoy = start_envoy(policy(urls(backends), ["a", "b"]))
    assert [envoy.request("GET", MANIFEST).status for _ in range(READS)] == READS * [200]
    assert len(a.seen) < READS / 2, "every read asked who had said that it is asked too often"
    reasons = {entry["reason"] for entry in envoy.log_entries(READS)}
    assert reasons == {"default; nearest", "default; nearest; limited: a"}
    a.answer(FOUND)
    eventually(lambda: envoy.request("GET", MANIFEST).status == 200 and len(a.seen) > 0, what="a is asked again")


def test_content_that_only_the_limited_backend_has_comes_from_it(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    """One image that is limited keeps nobody from the others: anybody can ask for it."""
    a, b, c = backends

    def one_image_is_limited(seen: Seen) -> Answer:
        return limited(60) if b"/other/" in seen.target else FOUND

    a.script = one_image_is_limited
    b.answer(MISSING)
    c.answer(MISSING)
    envoy = start_envoy(policy(urls(backends), ["a", "b", "c"], replicas=["a", "b", "c"]))
    assert envoy.request("GET", ELSEWHERE).status in (429, 503)
    answers = [envoy.request("GET", path) for path in (MANIFEST, BLOB, MANIFEST)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [entry["attempts"] for entry in envoy.log_entries(4)][1:] == [3, 3, 3], "the others were asked before it"


def test_a_limited_backend_is_asked_while_no_other_is_up(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    """A request that began where nobody is up would end there."""
    a, b, _ = backends

    def one_image_is_limited(seen: Seen) -> Answer:
        return limited(60) if b"/other/" in seen.target else FOUND

    a.script = one_image_is_limited
    b.answer(FOUND)
    envoy = start_envoy(policy(urls(backends), ["a", "b"], replicas=["a", "b"]))
    b.health = 503
    down = {f"cluster.{name}.membership_healthy": 0 for name in ("b", "b@last")}
    eventually(lambda: envoy.stats(r"^cluster\.b(@last)?\.membership_healthy$") == down, what="b is down")
    assert envoy.request("GET", ELSEWHERE).status == 503
    for _ in range(4):
        assert envoy.request("GET", MANIFEST).status == 200
    entries = envoy.log_entries(5)[1:]
    assert {(entry["backend"], entry["reason"]) for entry in entries} == {("a", "default; nearest; limited: a")}


def test_the_limit_of_one_client_is_not_that_of_the_others(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    """With tokens of their own, clients have budgets of their own."""
    a, b, _ = backends

    def one_client_is_limited(seen: Seen) -> Answer:
        return limited(60) if seen.all("authorization") == [b"Bearer greedy"] else FOUND

    a.script = one_client_is_limited
    b.answer(MISSING)
    envoy = start_envoy(logging_in_to_a(policy(urls(backends), ["a", "b"])))
    envoy.request("GET", MANIFEST, [("Authorization", "Bearer greedy")])
    for _ in range(3):
        assert envoy.request("GET", MANIFEST, [("Authorization", "Bearer modest")]).status == 200
    assert [entry["attempts"] for entry in envoy.log_entries(4)][1:] == [1, 1, 1]


def test_writes_go_to_their_owner_whether_it_is_limited_or_not(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    a, b, _ = backends
    a.answer(limited(60))
    b.answer(FOUND)
    document: Policy = policy(urls(backends), ["a", "b"], owner="a")
    envoy = start_envoy(document)
    assert envoy.request("GET", MANIFEST).status == 200
    a.forget()
    count = len(b.seen)
    assert envoy.request("POST", "/v2/team/app/blobs/uploads/").status == 429
    assert len(b.seen) == count
    assert a.last().method == "POST"
