"""How many requests the clients of one network may make, through a real Envoy.

Clients are at addresses that a trusted proxy says. A limit is exact while it is full; how it fills again is Envoy's own.
"""

import http.client
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness import ports
from harness.bootstrap import Bootstrap
from harness.envoy import Envoy, Policy, render
from harness.files_envoy import FilesEnvoy
from harness.policies import build_policy, rule_for_all
from harness.raw import Response
from harness.scripted import Scripted

TARGET = "/v2/app/tags/list"


def policy(upstream: Scripted, limits: Policy | None) -> Policy:
    """One backend, one trusted proxy."""
    return build_policy(
        {"a": upstream.url},
        rule_for_all(["a"]),
        front={"health": True},
        networks={"office": ["203.0.113.0/24", "2001:db8:99::/48"]},
        clients={"trusted_hops": 1, **({"limits": limits} if limits else {})},
    )


def get(envoy: Envoy, client: str, target: str = TARGET) -> Response:
    return envoy.request("GET", target, [("x-forwarded-for", client)])


def statuses(envoy: Envoy, clients: list[str]) -> list[int]:
    return [get(envoy, client).status for client in clients]


@pytest.fixture(scope="module")
def envoy(
    upstream: Scripted, start: Callable[[Bootstrap], Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Envoy:
    """Three requests in an hour for an address or a /64, seven for all of an IPv6 /48."""
    limits: dict[str, Any] = {
        "networks": [{"requests": 3, "per": "1h"}, {"requests": 7, "per": "1h", "ipv6": 48}],
        "except": ["office"],
        "entries": 1000,
    }
    place = tmp_path_factory.mktemp("policy")
    return start(render(policy(upstream, limits), place, admin=f"127.0.0.1:{ports.free()}"))


def test_a_client_above_its_rate_limit_gets_an_oci_error(envoy: Envoy, upstream: Scripted) -> None:
    upstream.forget()
    assert statuses(envoy, ["198.51.100.1"] * 3) == [200] * 3
    envoy.forget_log()
    answer = get(envoy, "198.51.100.1")
    assert answer.status == 429
    error = json.loads(answer.body)["errors"][0]
    assert (error["code"], error["message"]) == ("TOOMANYREQUESTS", "too many requests; try again later")
    assert answer.one("content-type") == "application/json"
    # A third of an hour until the next one.
    assert 1 <= int(answer.one("retry-after") or "") <= 1200
    assert (answer.one("x-ratelimit-limit") or "").startswith("3")
    assert answer.one("x-ratelimit-remaining") == "0"
    assert len(upstream.seen) == 3, "no registry hears of it"
    (entry,) = envoy.log_entries(1)
    assert (entry["status"], entry["client"], entry["path"]) == (429, "198.51.100.1", TARGET)
    assert envoy.stats(r"portolan_clients\.http_local_rate_limit\.rate_limited")
    # It is ready all the same.
    assert get(envoy, "198.51.100.1", "/readyz").status == 200


def test_what_a_client_has_left_stands_once_in_an_answer(
    upstream: Scripted, start: Callable[[Bootstrap], Envoy], tmp_path: Path
) -> None:
    """Two filters count, and each would add the same headers."""
    limits = {"networks": [{"requests": 9, "per": "1h"}], "budgets": [{"requests": 2, "per": "1h"}]}
    envoy = start(render(policy(upstream, limits), tmp_path, admin=f"127.0.0.1:{ports.free()}"))
    answers = [get(envoy, "198.51.100.1") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    for number, answer in enumerate(answers, 1):
        assert (answer.one("x-ratelimit-limit") or "").split(",")[0] == "9", "that of networks"
        assert answer.one("x-ratelimit-remaining") == str(9 - number)
        assert answer.one("x-ratelimit-reset") is not None
    # Half of an hour until the budget has one more.
    assert 600 < int(answers[-1].one("retry-after") or 0) <= 1800, "that of the budget"


def test_each_network_has_a_limit_of_its_own(envoy: Envoy) -> None:
    assert statuses(envoy, ["198.51.100.2"] * 4) == [200, 200, 200, 429]
    assert statuses(envoy, ["198.51.100.3"]) == [200], "a neighbour"
    same = [f"2001:db8:1:1::{number}" for number in range(1, 5)]
    assert statuses(envoy, same) == [200, 200, 200, 429], "addresses of one /64 share it"
    others = [f"2001:db8:1:{number}::1" for number in range(2, 7)]
    assert statuses(envoy, others) == [200, 200, 200, 200, 429], "and those of one /48 the wider one"
    assert statuses(envoy, ["203.0.113.9"] * 6 + ["2001:db8:99::1"] * 6) == [200] * 12, "the office is not limited"


def test_a_limited_client_is_not_forgotten_for_others(envoy: Envoy) -> None:
    assert statuses(envoy, ["192.0.2.1"] * 4) == [200, 200, 200, 429]
    assert set(statuses(envoy, [f"10.{number}.0.1" for number in range(200)])) == {200}
    assert statuses(envoy, ["192.0.2.1"]) == [429]


def test_ten_thousand_other_addresses_do_not_make_it_forget_one(
    upstream: Scripted, start: Callable[[Bootstrap], Envoy], tmp_path: Path
) -> None:
    """With as many entries as there are unless the policy says otherwise."""
    limits = {"networks": [{"requests": 3, "per": "1h"}]}
    envoy = start(render(policy(upstream, limits), tmp_path, admin=f"127.0.0.1:{ports.free()}"))
    assert statuses(envoy, ["192.0.2.1"] * 4) == [200, 200, 200, 429]
    connection = http.client.HTTPConnection("127.0.0.1", envoy.port, timeout=60)
    others = set()
    for number in range(10_000):
        client = f"10.{number >> 8}.{number & 255}.1"
        connection.request("GET", "/v2/", headers={"host": "registry.test", "x-forwarded-for": client})
        answer = connection.getresponse()
        answer.read()
        others.add(answer.status)
    connection.close()
    assert others == {200}
    assert statuses(envoy, ["192.0.2.1"]) == [429]


@pytest.mark.skipif("PORTOLAN_LONG_LIMITS" not in os.environ, reason="takes a minute; see make test-all")
def test_at_ten_times_its_rate_a_client_gets_its_rate_and_others_notice_nothing(
    upstream: Scripted, start: Callable[[Bootstrap], Envoy], tmp_path: Path
) -> None:
    """100 a minute: one asks 1,000 times in a minute, its burst spent, and 200 others 50 times each."""
    limits = {"networks": [{"requests": 100, "per": "1m"}]}
    envoy = start(render(policy(upstream, limits), tmp_path, admin=f"127.0.0.1:{ports.free()}"))
    while get(envoy, "192.0.2.1").status == 200:
        pass
    others = [f"198.51.100.{number}" for number in range(200)]
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(in_a_minute, envoy, ["192.0.2.1"] * 1000)
        all_others = pool.submit(in_a_minute, envoy, others * 50)
    (served, seconds), (of_others, _) = one.result(), all_others.result()
    assert of_others == {200: 10_000}
    assert served[200] + served[429] == 1000
    assert abs(served[200] - 100 * seconds / 60) <= 1, f"{served} in {seconds:.2f} s"


def in_a_minute(envoy: Envoy, clients: list[str]) -> tuple[Counter[int], float]:
    """How often each status came to these clients, who ask one after another and evenly, and in how many seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", envoy.port, timeout=60)
    found: Counter[int] = Counter()
    begun = time.monotonic()
    for number, client in enumerate(clients):
        time.sleep(max(0.0, begun + 60 * number / len(clients) - time.monotonic()))
        connection.request("GET", TARGET, headers={"host": "registry.test", "x-forwarded-for": client})
        answer = connection.getresponse()
        answer.read()
        found[answer.status] += 1
    connection.close()
    return found, time.monotonic() - begun


def test_limits_come_and_go_with_the_policy(upstream: Scripted, tmp_path: Path) -> None:
    started = FilesEnvoy(policy(upstream, None), tmp_path)
    assert statuses(started, ["198.51.100.1"] * 4) == [200] * 4
    said = started.apply(policy(upstream, {"networks": [{"requests": 2, "per": "1h"}]}), "--no-validate")
    assert "is in force" in said
    assert statuses(started, ["198.51.100.1"] * 3) == [200, 200, 429]
    started.apply(policy(upstream, None), "--no-validate")
    assert statuses(started, ["198.51.100.1"] * 4) == [200] * 4
    started.stop()
