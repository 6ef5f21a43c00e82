"""How many requests of a kind are carried, through a real Envoy.

Each test has a budget of its own, which is full when it begins and does not fill again while it runs. Clients are at addresses
that a trusted proxy says.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import cdn, delivery
from harness.accounts import Account, write_htpasswd
from harness.delivery import Delivery
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_for_all, rule_of
from harness.raw import Response
from harness.scripted import Scripted
from harness.verifier import Verifier

DIGEST = "sha256:" + "0" * 64
HOUR = {"per": "1h"}
BUDGETS = [
    {"requests": 2, **HOUR, "fronts": ["one"], "classes": ["tags"]},
    {"requests": 2, **HOUR, "fronts": ["two"], "each": ["client"]},
    {"requests": 2, **HOUR, "fronts": ["three"], "backends": ["b"]},
    {"requests": 2, **HOUR, "fronts": ["four"], "regions": ["lab"]},
    {"requests": 2, **HOUR, "fronts": ["five", "six"], "each": ["front", "class"]},
    {"requests": 3, **HOUR, "fronts": ["seven"]},
    {"requests": 9, **HOUR, "fronts": ["eight"]},
    {"requests": 2, **HOUR, "fronts": ["eight"], "classes": ["read_manifest"]},
]


@pytest.fixture(scope="module")
def envoy(upstream: Scripted, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """Fronts by number; `b` is asked first about `b/**`, and the lab is a region of its own."""
    names = ("one", "two", "three", "four", "five", "six", "seven", "eight")
    return start_envoy(
        build_policy(
            {"a": upstream.url, "b": f"{upstream.url}/b"},
            rule_of("b", ["b", "a"]),
            rule_for_all(["a", "b"], owner="a"),
            fronts={name: {"hosts": [f"{name}.test"]} for name in names},
            regions={"lab": {"networks": ["198.51.100.0/24"]}, "default": {}},
            networks={"office": ["203.0.113.0/24"]},
            clients={"trusted_hops": 1, "limits": {"budgets": BUDGETS, "except": ["office"]}},
        )
    )


def get(envoy: Envoy, front: str, target: str, client: str = "192.0.2.1") -> Response:
    return envoy.request("GET", f"/v2/{target}", [("x-forwarded-for", client)], host=f"{front}.test")


def statuses(envoy: Envoy, front: str, target: str, clients: list[str]) -> list[int]:
    return [get(envoy, front, target, client).status for client in clients]


def test_a_request_above_a_budget_gets_retry_after_and_reaches_no_registry(
    envoy: Envoy, upstream: Scripted
) -> None:
    assert statuses(envoy, "one", "app/tags/list", ["192.0.2.1", "192.0.2.2"]) == [200, 200]
    upstream.forget()
    answer = get(envoy, "one", "app/tags/list", "192.0.2.3")
    assert answer.status == 429
    assert json.loads(answer.body)["errors"][0]["code"] == "TOOMANYREQUESTS"
    assert int(answer.one("retry-after") or 0) > 0
    assert (answer.one("x-ratelimit-limit") or "").split(",")[0] == "2"
    assert answer.one("x-ratelimit-remaining") == "0"
    assert not upstream.seen
    assert get(envoy, "one", "app/manifests/v1").status == 200, "another class"
    assert get(envoy, "one", "app/tags/list", "203.0.113.7").status == 200, "an exception"


def test_answers_of_the_filter_itself_are_not_counted(envoy: Envoy) -> None:
    for target in ("", "app/../x/tags/list", "_catalog"):
        get(envoy, "seven", target)
    assert statuses(envoy, "seven", "app/tags/list", ["192.0.2.1"] * 3) == [200, 200, 200]


def test_a_request_has_to_be_within_each_budget_that_is_about_it(envoy: Envoy) -> None:
    assert statuses(envoy, "eight", "app/manifests/v1", ["192.0.2.1"] * 3) == [200, 200, 429]
    assert get(envoy, "eight", "app/tags/list").status == 200


def test_clients_have_budgets_of_their_own(envoy: Envoy) -> None:
    clients = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8::3"]
    assert statuses(envoy, "two", "app/tags/list", clients) == [200, 200, 429, 200, 200, 200, 429]


def test_a_budget_of_a_backend_is_for_what_it_is_asked_first(envoy: Envoy) -> None:
    assert statuses(envoy, "three", "app/manifests/v1", ["192.0.2.1"] * 3) == [200, 200, 200]
    blob = f"b/app/blobs/{DIGEST}"
    assert statuses(envoy, "three", blob, ["192.0.2.1"] * 3) == [200, 200, 429]


def test_a_budget_of_a_region_is_for_its_clients(envoy: Envoy) -> None:
    assert statuses(envoy, "four", "app/tags/list", ["198.51.100.1", "198.51.100.2", "198.51.100.3"]) == [200, 200, 429]
    assert statuses(envoy, "four", "app/tags/list", ["192.0.2.1"] * 3) == [200, 200, 200]


def test_fronts_and_classes_are_kept_apart(envoy: Envoy) -> None:
    for front in ("five", "six"):
        for target in ("app/tags/list", "app/manifests/v1"):
            assert statuses(envoy, front, target, ["192.0.2.1"] * 3) == [200, 200, 429], f"{front} {target}"


def test_refused_requests_are_counted_and_logged(envoy: Envoy) -> None:
    envoy.forget_log()
    get(envoy, "two", "app/tags/list")
    get(envoy, "two", "app/tags/list")
    get(envoy, "two", "app/tags/list")
    last = envoy.new_log_entries()[-1]
    assert (last["status"], last["details"]) == (429, "local_rate_limited")
    assert sum(envoy.stats(r"^portolan_budgets\..*\.rate_limited$").values()) > 0


def test_a_request_whose_redirect_is_followed_counts_once(
    the_delivery: Delivery, east: Scripted, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    document = delivery.policy({"east": {"url": east.url, **the_delivery.follow()}})
    document["clients"]["limits"] = {"budgets": [{"requests": 2, **HOUR}]}
    envoy = start(the_delivery.prepare(render(document, tmp_path)))
    east.answer(cdn.redirect(the_delivery.blob))
    blob = f"/v2/team/app/blobs/{delivery.DIGEST}"
    answers = [envoy.request("GET", blob, [delivery.FOLLOWED]) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[0].body == delivery.CONTENT


def test_each_user_has_a_budget_and_anonymous_requests_are_not_counted(
    upstream: Scripted, start_envoy: Callable[[Policy], Envoy], tmp_path: Path
) -> None:
    alice, bob = Account("alice", "alice's password"), Account("bob", "bob's password")
    verifier = Verifier(write_htpasswd(tmp_path / "htpasswd", [alice, bob]), tmp_path / "verifier")
    budget = {"requests": 2, **HOUR, "each": ["user"]}
    envoy = start_envoy(
        build_policy(
            {"a": upstream.url},
            rule_of("public", ["a"], readers="anyone"),
            rule_for_all(["a"], readers="authenticated", fronts=["main"]),
            fronts={
                "main": {"hosts": ["main.test"], "auth": {"basic": {"verifier": verifier.url}}},
                "open": {"hosts": ["open.test"]},
            },
            clients={"limits": {"budgets": [budget]}},
        )
    )

    def statuses_of(account: Account | None, host: str = "main.test", name: str = "app") -> list[int]:
        headers = [("authorization", account.basic)] if account else []
        target = f"/v2/{name}/tags/list"
        return [envoy.request("GET", target, headers, host=host).status for _ in range(4)]

    assert statuses_of(alice.but_wrong()) == [401] * 4, "a wrong password uses nothing up"
    assert statuses_of(alice) == [200, 200, 429, 429]
    assert statuses_of(bob) == [200, 200, 429, 429]
    assert statuses_of(None, name="public/app") == [200] * 4
    assert statuses_of(None, host="open.test", name="public/app") == [200] * 4
    # Nobody gets another bucket by a name without its password.
    assert statuses_of(alice, host="open.test", name="public/app") == [200] * 4
    verifier.stop()
