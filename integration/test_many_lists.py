"""A policy of so many lists that not each order has a cluster, and a backend that answers 429.

Real Envoy, with what is rendered of a policy of 1,056 lists; only the clusters of two backends are
started. Sees where reads begin and where they go on. Cannot see how long Envoy takes to start with
all clusters.
"""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
import yaml

from harness import paths, portolan, ports
from harness.bootstrap import Bootstrap
from harness.envoy import Envoy, write_policy
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually
from test_failover import DIGEST, FOUND, MISSING, limited

LIMITED = f"/v2/a-b/other/manifests/{DIGEST}"
READ = f"/v2/a-b/app/manifests/{DIGEST}"


def with_many_lists(a: Scripted, b: Scripted, place: Path) -> Bootstrap:
    """Each of 33 backends with each other one in a list; Envoy has what it needs for `a` and `b`."""
    nobody = f"http://127.0.0.1:{ports.dead()}"
    backends = {"a": a.url, "b": b.url, **{f"n{number}": nobody for number in range(31)}}
    rules = [rule_of("-".join(pair), list(pair)) for pair in permutations(backends, 2)]
    path = write_policy(build_policy(backends, *rules), place)
    options = ["--listen", "127.0.0.1:0", "--admin", f"127.0.0.1:{ports.free()}"]
    text = portolan.output("render", path, *options, *paths.filter_options())
    # The parser in C, where there is one: the text has four megabytes.
    document: Bootstrap = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    clusters = document["static_resources"]["clusters"]
    of_lists = [one["name"] for one in clusters if "+" in one["name"]]
    assert len(of_lists) == len(rules), "a cluster for each list and no more"
    asked = [one for one in clusters if not one["name"].startswith("n")]
    document["static_resources"]["clusters"] = asked
    return document


@pytest.fixture(scope="module")
def envoy(
    east: Scripted,
    west: Scripted,
    start: Callable[[Bootstrap], Envoy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Envoy:
    """`a`, which is asked first, has answered 429 about one image."""

    def one_image_is_limited(seen: Seen) -> Answer:
        return limited(60) if b"/other/" in seen.target else FOUND

    east.script = one_image_is_limited
    west.answer(FOUND)
    envoy = start(with_many_lists(east, west, tmp_path_factory.mktemp("policy")))
    assert envoy.request("GET", LIMITED).status == 200
    (entry,) = envoy.log_entries(1)
    assert (entry["backend"], entry["attempts"]) == ("b", 2)
    return envoy


@pytest.fixture(autouse=True)
def _forgotten(envoy: Envoy, east: Scripted) -> None:
    envoy.forget_log()
    east.forget()


def test_a_limited_backend_is_spared(envoy: Envoy, east: Scripted) -> None:
    for _ in range(4):
        assert envoy.request("GET", READ).status == 200
    assert not east.seen
    entries = envoy.log_entries(4)
    found = {(entry["backend"], entry["attempts"], entry["reason"]) for entry in entries}
    assert found == {("b", 1, "default; nearest; limited: a")}


def test_a_spared_backend_is_asked_for_what_the_other_one_has_not(
    envoy: Envoy, west: Scripted
) -> None:
    west.answer(MISSING)
    assert envoy.request("GET", READ).status == 200
    west.answer(FOUND)
    (entry,) = envoy.log_entries(1)
    assert (entry["backend"], entry["attempts"]) == ("a", 2)


def test_a_spared_backend_is_asked_while_the_other_one_is_down(
    envoy: Envoy, west: Scripted
) -> None:
    west.health = 503
    west.answer(Answer(503))
    down = {f"cluster.{name}.membership_healthy": 0 for name in ("b", "b@last")}
    healthy = r"^cluster\.b(@last)?\.membership_healthy$"
    eventually(lambda: envoy.stats(healthy) == down, what="b is down")
    for _ in range(4):
        assert envoy.request("GET", READ).status == 200
    assert {entry["backend"] for entry in envoy.log_entries(4)} == {"a"}
