"""Settings of Envoy for reads that look harmless and are not: each is tried as rendered, and wrong.

Every test makes the same observation twice: with what `portolan render` makes of a policy, and
after one setting has been changed to what one would have written without knowing. So each shows
that the setting matters, and that the test would see it go. Cannot see: settings whose effect
nobody here knows yet.
"""

import copy
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import ports
from harness.bootstrap import Bootstrap
from harness.comparison import Comparison, cluster, policy, protocol_options, routes, without_attempt_phase
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.faults import hang
from harness.policies import build_policy
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import SECONDS, eventually, stays

BODY = b'{"schemaVersion":2}'
DIGEST = sha256(BODY)
BLOB = f"/v2/team/app/blobs/{DIGEST}"
RESOLVER = "typed_dns_resolver_config"
FOUND = Answer(200, [("Docker-Content-Digest", DIGEST)], BODY)
MISSING = Answer(404, [], b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')


def reset(_seen: Seen) -> Answer:
    """Closes the connection without an answer."""
    raise ConnectionResetError


def attempts(envoy: Envoy) -> int:
    """How many attempts the read of a blob takes, which must succeed."""
    assert envoy.request("GET", BLOB).body == BODY
    return int(envoy.log_entries(1)[0]["attempts"])


# Retries in flight at once are counted at the cluster that the request names, here the aggregate.
# Envoy's default is three.
def test_more_than_three_retries_may_be_under_way_at_once(backends: list[Scripted], compare: Comparison) -> None:
    def default(document: Bootstrap) -> None:
        del cluster(document, "aa+bb")["circuit_breakers"]

    def late(_seen: Seen) -> Answer:
        """Once all have been told by the first that it has nothing: none is ready before the last has come."""
        eventually(lambda: len(backends[0].seen) >= 60)
        return FOUND

    backends[0].answer(MISSING)
    backends[1].script = late
    # A request that is hedged is no retry, and counts as one.
    patience = {"attempt_timeouts": {"blobs": f"{SECONDS:.0f}s"}, "hedge_after": "off"}
    rendered, wrong = compare.envoys(policy([each.url for each in backends], ["aa", "bb"], patience), default)

    def burst(envoy: Envoy) -> int:
        backends[0].forget()
        with ThreadPoolExecutor(60) as pool:
            statuses = list(pool.map(lambda _: envoy.request("GET", BLOB).status, range(60)))
        return statuses.count(200)

    assert burst(wrong) < 30
    assert burst(rendered) == 60


# The connection is made each time, which counts as a success where local errors are told apart:
# the timeouts after it are never three in a row.
def test_a_backend_that_hangs_on_data_is_left_while_its_health_checks_pass(backends: list[Scripted], compare: Comparison) -> None:
    def split(document: Bootstrap) -> None:
        cluster(document, "aa")["outlier_detection"]["split_external_local_origin_errors"] = True

    backends[0].script = hang
    backends[1].answer(FOUND)
    # Where the second is asked too, who hangs is left by another count: test_hedging.
    patience = {"attempt_timeouts": {"blobs": "1s"}, "hedge_after": "off"}
    urls = [each.url for each in backends]
    rendered, wrong = compare.envoys(policy(urls, ["aa", "bb"], patience), split)

    def one_after_the_other(envoy: Envoy) -> list[int]:
        return [attempts(envoy) for _ in range(5)]

    with ThreadPoolExecutor(2) as pool:
        found, found_wrong = pool.map(one_after_the_other, (rendered, wrong))
    assert (found[:3], found[-1]) == ([2] * 3, 1)
    assert found_wrong == [2] * 5


# The check is not what fails. With Envoy's default the first good one brings the backend back.
def test_a_good_health_check_does_not_bring_back_a_backend_that_fails_data(backends: list[Scripted], compare: Comparison) -> None:
    def uneject(document: Bootstrap) -> None:
        cluster(document, "aa")["outlier_detection"]["successful_active_health_check_uneject_host"] = True

    backends[0].script = reset
    backends[1].answer(FOUND)
    urls = [each.url for each in backends]
    rendered, wrong = compare.envoys(policy(urls, ["aa", "bb"]), uneject)

    def is_left(envoy: Envoy) -> None:
        eventually(lambda: attempts(envoy) == 1)

    is_left(rendered)
    stays(lambda: attempts(rendered) == 1, for_=3, what="it is left")
    is_left(wrong)
    eventually(lambda: attempts(wrong) > 1, what="it is asked again")


# All attempts of a request share one set of headers. Without the attempt phase the
# second backend would get what was meant for the first, or for none.
def test_every_attempt_gets_its_own_path(backends: list[Scripted], compare: Comparison) -> None:
    def leave_out(document: Bootstrap) -> None:
        without_attempt_phase(cluster(document, "aa+bb+cc"))

    document = policy([each.url for each in backends], ["aa", "bb", "cc"])
    # What the attempt before was sent must not stay where there is nothing to change.
    del document["backends"]["cc"]["names"]
    rendered, wrong = compare.envoys(document, leave_out)
    mapped = [f"/v2/{name}-team/app/blobs/{DIGEST}" for name in ("aa", "bb")]
    assert _targets(rendered, backends) == [*mapped, BLOB]
    # Nobody marks an answer there; a connection that is reset sends the request on all the same.
    for backend in backends:
        backend.forget()
    backends[0].script = backends[1].script = reset
    backends[2].answer(FOUND)
    assert wrong.request("GET", BLOB).body == BODY
    assert {seen.target.decode() for backend in backends for seen in backend.seen} == {BLOB}


def test_every_attempt_gets_its_own_host(backends: list[Scripted], compare: Comparison) -> None:
    def clients_host(document: Bootstrap) -> None:
        routes(document)[0]["route"]["auto_host_rewrite"] = False

    rendered, wrong = compare.envoys(
        policy([each.url for each in backends], ["aa", "bb", "cc"]), clients_host
    )
    _targets(rendered, backends)
    assert [each.last().authority for each in backends] == [each.authority for each in backends]
    _targets(wrong, backends)
    assert {each.last().authority for each in backends} == {"registry.test"}


def _targets(envoy: Envoy, backends: list[Scripted]) -> list[str]:
    """The target that each backend got of a request that only the last one can answer."""
    for backend, answer in zip(backends, (MISSING, Answer(503), FOUND), strict=True):
        backend.answer(answer)
    assert envoy.request("GET", BLOB).body == BODY
    return [backend.last().target.decode() for backend in backends]


# A registry that limits one client is well. Taken out, it would hand its load to the next one.
def test_a_limit_never_takes_a_backend_out(backends: list[Scripted], compare: Comparison) -> None:
    def count_limits(document: Bootstrap) -> None:
        limited = {"name": ":status", "string_match": {"exact": "429"}}
        matcher = {"http_response_headers_match": {"headers": [limited]}}
        protocol_options(cluster(document, "aa+bb"))["outlier_detection"] = {"error_matcher": matcher}
        cluster(document, "aa")["outlier_detection"]["enforcing_consecutive_5xx"] = 100

    # Without Retry-After, or it would be spared for that long.
    backends[0].answer(Answer(429))
    backends[1].answer(FOUND)
    rendered, wrong = compare.envoys(policy([each.url for each in backends], ["aa", "bb"]), count_limits)

    def asked(envoy: Envoy) -> int:
        backends[0].forget()
        for _ in range(20):
            assert envoy.request("GET", BLOB).status == 200
        return len(backends[0].seen)

    assert asked(rendered) == 20
    assert asked(wrong) < 10


@pytest.fixture
def silence() -> Iterator[socket.socket]:
    """A TCP port where connections wait for ever: its queue is full and nobody serves it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    for client in waiting:
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    yield listener
    for each in (listener, *waiting):
        each.close()


# A name server that says that there is no such name does no harm; one that says nothing would.
def test_a_start_does_not_wait_for_backends_that_are_down(
    backends: list[Scripted], silence: socket.socket, tmp_path: Path
) -> None:
    """A name server that never answers, a port that refuses, and one that hangs; one backend is well."""
    name_server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    name_server.bind(("127.0.0.1", 0))
    backends[0].answer(FOUND)
    urls = {
        "well": backends[0].url,
        "refusing": f"http://127.0.0.1:{ports.dead()}",
        "hanging": f"http://127.0.0.1:{silence.getsockname()[1]}",
        "unknown": "https://registry.invalid",
    }
    document: Policy = build_policy(
        {name: url for name, url in urls.items()},
        rules=[
            {"name": name, "repositories": [f"{name}/**"], "chains": {"default": [name]}} for name in urls
        ],
    )
    rendered = render(document, tmp_path)
    wrong = copy.deepcopy(rendered)
    _ask(rendered, name_server.getsockname()[1])
    # Envoy's own patience is five seconds and four tries, all before the listener opens. More of it shows more.
    _ask(wrong, name_server.getsockname()[1], query_timeout_seconds=60, query_tries=2)
    for each in _named(wrong):
        each.pop("wait_for_warm_on_init", None)
    waiting = Envoy(wrong, tmp_path / "wrong", waits=False)
    envoy = Envoy(rendered, tmp_path / "rendered")
    assert envoy.request("GET", f"/v2/well/app/blobs/{DIGEST}").body == BODY
    for name in ("refusing", "unknown"):
        assert envoy.request("GET", f"/v2/{name}/app/blobs/{DIGEST}").status == 503
    stays(lambda: not waiting.is_ready(), for_=3, what="the one that was started first still waits")
    for each in (envoy, waiting):
        each.stop()
    name_server.close()


def _ask(document: Bootstrap, name_server_port: int, **options: int) -> None:
    """Has Envoy ask a name server of ours; how patiently, is as rendered unless there are options."""
    places = [document, *(each["cluster_type"]["typed_config"] for each in _named(document))]
    configured = [place for place in places if RESOLVER in place] or [document]
    kind = "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"
    for place in configured:
        resolver = place.setdefault(
            RESOLVER, {"name": "envoy.network.dns_resolver.cares", "typed_config": {}}
        )
        address = {"socket_address": {"address": "127.0.0.1", "port_value": name_server_port}}
        resolver["typed_config"] |= {"@type": kind, "resolvers": [address], **options}


def _named(document: Bootstrap) -> list[Bootstrap]:
    """The clusters whose hosts have names."""
    clusters: list[Bootstrap] = document["static_resources"]["clusters"]
    return [each for each in clusters if each.get("cluster_type", {}).get("name") == "envoy.clusters.dns"]
