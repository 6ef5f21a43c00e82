"""Redirecting instead of carrying: clients are sent to the registry or to a bucket, as archeio does.

Real Envoy, a scripted registry and scripted buckets. Sees where each request ends, what a bucket is
asked and how often, with several workers, and what a bucket in trouble does to pulls. Cannot see real
clients that follow; test_redirecting_clients does.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import faults, ports, raw
from harness.blob_store import BlobStore
from harness.digest import sha256
from harness.envoy import ASKED, Envoy, Policy, render
from harness.policies import build_policy, rule_for_all
from harness.scripted import Answer, Scripted
from harness.tls import Authority, Tls
from harness.waiting import eventually, stays

CONTENT = b"a blob that is carried"
DIGEST = sha256(CONTENT)
BLOB = f"/v2/team/app/blobs/{DIGEST}"
HEX = DIGEST.removeprefix("sha256:")

Start = Callable[..., Envoy]


def digests(count: int, start: int = 0) -> list[str]:
    """Digests of blobs that are nowhere unless somebody says so."""
    return [sha256(str(number).encode()) for number in range(start, start + count)]


def blob(digest: str) -> str:
    """The path of a blob."""
    return f"/v2/team/app/blobs/{digest}"


@pytest.fixture
def stores() -> Iterator[list[BlobStore]]:
    """The buckets `a` and `b`; both have the blob."""
    both = [BlobStore(DIGEST), BlobStore(DIGEST)]
    yield both
    for store in both:
        store.close()


@pytest.fixture
def registry() -> Iterator[Scripted]:
    """The registry; whoever is carried there finds the blob."""
    upstream = Scripted()
    upstream.answer(Answer(200, [], CONTENT))
    yield upstream
    upstream.close()


@pytest.fixture
def start_policy(start: Start, tmp_path: Path) -> Start:
    """Starts an Envoy with what is rendered of a policy."""
    return lambda policy, workers=1: start(
        render(policy, tmp_path, admin=f"127.0.0.1:{ports.free()}"), workers
    )


def policy(registry: Scripted, stores: list[BlobStore], probe: Policy | None = None, **redirect: object) -> Policy:
    """Everything is redirected; blobs come from the bucket `a`, in one network from `b`, in another from none."""
    named = dict(zip("ab", stores, strict=True))
    default: Policy = {
        "classes": ["manifests", "blobs", "tags", "referrers"],
        "stores": {"near": "b", "default": "a"},
        "keep": ["gcp:*"],
    }
    landing = {"/": "https://example.com/about", "/privacy": "https://example.com/privacy"}
    return build_policy(
        {"ar": {"url": f"{registry.url}/base", "names": [{"front": "", "backend": "project/"}]}},
        rule_for_all(["ar"], client_redirects={**default, **redirect}),
        front={"landing": landing},
        blob_stores={name: {"url": store.url, "probe": probe or {}} for name, store in named.items()},
        regions={"near": {"labels": ["aws:*"]}, "default": {}},
        networks={
            "aws:wide": ["198.51.0.0/16"],
            "gcp:narrow": ["198.51.100.0/24"],
            "gcp:far": ["10.0.0.0/8"],
        },
        clients={"trusted_hops": 1},
    )


def ask(envoy: Envoy, target: str, method: str = "GET", address: str = "192.0.2.1") -> raw.Response:
    """A request of a client at an address."""
    return envoy.request(method, target, [("X-Forwarded-For", address)])


def sent_to(answer: raw.Response) -> str:
    """Where a client was sent."""
    assert answer.status == 307, answer
    assert answer.body == b""
    return answer.one("location") or ""


# Method, target, status, the path at the registry or the whole URL, why. In the order of archeio's own
# documentation; what it does wrong is marked.
# fmt: off
TABLE = [
    ("GET", "/", 307, "https://example.com/about", "its page"),
    ("HEAD", "/", 307, "https://example.com/about", "its page"),
    ("GET", "/privacy", 307, "https://example.com/privacy", "another page"),
    ("GET", "/privacy-x", 404, None, "archeio: the same page"),
    ("POST", "/", 405, None, "pages are read"),
    ("GET", "/healthz", 404, None, "not of the API"),
    ("GET", "/v1/_ping", 404, None, "not of the API"),
    ("GET", "/v2", 200, None, "the ping"),
    ("GET", "/v2/", 200, None, "the ping"),
    ("HEAD", "/v2/", 200, None, "the ping"),
    ("POST", "/v2/", 405, None, "no writes"),
    ("GET", "/v2/_catalog", 404, None, "not offered"),
    ("GET", "/v2foo", 404, None, "archeio: sent to the registry"),
    ("GET", "/v2foo/manifests/v1", 404, None, "archeio: sent to the registry"),
    ("GET", "/v2/pause/manifests/3.9", 307, "/base/v2/project/pause/manifests/3.9", "a manifest"),
    ("HEAD", "/v2/pause/manifests/3.9", 307, "/base/v2/project/pause/manifests/3.9", "a manifest"),
    ("GET", f"/v2/a/b/c/manifests/{DIGEST}", 307, f"/base/v2/project/a/b/c/manifests/{DIGEST}", "by digest"),
    ("GET", f"/v2/pause/manifests/sha256-{HEX}.sig", 307, f"/base/v2/project/pause/manifests/sha256-{HEX}.sig", "a signature"),
    ("GET", f"/v2/pause/referrers/{DIGEST}?artifactType=a%2fb", 307, f"/base/v2/project/pause/referrers/{DIGEST}?artifactType=a%2fb", "referrers"),
    ("GET", "/v2/pause/tags/list?n=5&last=%2F%2f&x", 307, "/base/v2/project/pause/tags/list?n=5&last=%2F%2f&x", "archeio: the query is lost"),
    ("GET", "/v2/pause/manifests/3.9?ns=registry.k8s.io", 307, "/base/v2/project/pause/manifests/3.9", "`ns` is for the front"),
    ("GET", "/v2/../secret/manifests/v1", 400, None, "archeio: leaves its prefix"),
    ("GET", "/v2/a/../../secret/manifests/v1", 400, None, "archeio: leaves its prefix"),
    ("GET", "/v2/%2e%2e/secret/manifests/v1", 400, None, "archeio: leaves its prefix"),
    ("GET", "/v2/a//b/manifests/v1", 400, None, "archeio: joined"),
    ("GET", "/v2//evil.example/manifests/v1", 400, None, "no host of a client's"),
    ("GET", "/v2/a/blobs/sha256:zz", 400, None, "archeio: asked of the bucket"),
    ("POST", "/v2/pause/blobs/uploads/", 405, None, "no writes"),
    ("PUT", "/v2/pause/manifests/v1", 405, None, "no writes"),
    ("PATCH", "/v2/pause/blobs/uploads/1", 405, None, "no writes"),
    ("DELETE", f"/v2/pause/manifests/{DIGEST}", 405, None, "no writes"),
    ("OPTIONS", "/v2/pause/manifests/v1", 405, None, "no other methods"),
]
# fmt: on


@pytest.fixture(scope="module")
def table_of_archeio(start_envoy: Callable[[Policy], Envoy]) -> Iterator[tuple[Envoy, Scripted, list[BlobStore]]]:
    """One Envoy for all rows."""
    upstream, buckets = Scripted(), [BlobStore(DIGEST), BlobStore(DIGEST)]
    yield start_envoy(policy(upstream, buckets)), upstream, buckets
    for server in (upstream, *buckets):
        server.close()


@pytest.mark.parametrize(("method", "target", "status", "place", "why"), TABLE)
def test_the_table_of_archeio(
    table_of_archeio: tuple[Envoy, Scripted, list[BlobStore]],
    method: str,
    target: str,
    status: int,
    place: str | None,
    why: str,
) -> None:
    envoy, upstream, buckets = table_of_archeio
    answer = ask(envoy, target, method)
    assert answer.status == status, why
    location = upstream.url + place if place and place.startswith("/base") else place
    assert answer.one("location") == location, why
    if status == 200:
        assert answer.one("docker-distribution-api-version") == "registry/2.0"
    if status == 405:
        assert answer.one("allow") == ("GET, HEAD, PUT, DELETE" if method == "OPTIONS" else "GET, HEAD"), why
    assert upstream.seen == [], "nothing is carried"
    assert all(bucket.questions() == 0 for bucket in buckets), "only blobs are looked for"


# Address, the bucket, why.
# fmt: off
NETWORKS = [
    ("192.0.2.1", "a", "an unknown network: the default bucket"),
    ("198.51.7.7", "b", "a network with a bucket of its own"),
    ("::ffff:198.51.7.7", "b", "archeio: unknown, mapped into IPv6"),
    ("198.51.100.7", None, "the longest prefix says gcp: kept; archeio: the shortest"),
    ("10.1.2.3", None, "gcp: kept"),
    ("unknown", "a", "no address at all; archeio: 400"),
]
# fmt: on


@pytest.mark.parametrize(("address", "bucket", "why"), NETWORKS)
def test_the_bucket_of_a_network(
    table_of_archeio: tuple[Envoy, Scripted, list[BlobStore]], address: str, bucket: str | None, why: str
) -> None:
    envoy, upstream, buckets = table_of_archeio
    for method in ("GET", "HEAD"):
        location = sent_to(ask(envoy, f"{BLOB}?x=%2f", method, address))
        if bucket is None:
            assert location == f"{upstream.url}/base/v2/project/team/app/blobs/{DIGEST}?x=%2f", why
        else:
            assert location == buckets["ab".index(bucket)].location(DIGEST), why
    for store in buckets:
        store.forget()


def test_the_log_says_where_clients_were_sent(
    table_of_archeio: tuple[Envoy, Scripted, list[BlobStore]],
) -> None:
    envoy = table_of_archeio[0]
    envoy.forget_log()
    for address in ("192.0.2.1", "10.1.2.3"):
        ask(envoy, BLOB, address=address)
    ask(envoy, "/")
    found = [(entry["rule"], entry["reason"], entry["sent_to"]) for entry in envoy.log_entries(3)]
    assert found == [
        ("all", "default; blob store, redirected", "a"),
        ("all", "default; nearest, redirected", "ar"),
        (None, "default; page", None),
    ]


def test_a_bucket_is_asked_once(registry: Scripted, stores: list[BlobStore], start_policy: Start) -> None:
    envoy = start_policy(policy(registry, stores))
    (absent,) = digests(1)
    for _ in range(5):
        assert sent_to(ask(envoy, BLOB)) == stores[0].location(DIGEST)
        assert sent_to(ask(envoy, blob(absent))).startswith(registry.url)
    assert (stores[0].questions(DIGEST), stores[0].questions(absent)) == (1, 1)
    assert stores[1].questions() == 0
    seen = stores[0].seen[0]
    assert (seen.method, seen.target.decode()) == ("HEAD", f"/images/{DIGEST}")
    assert not any(name.startswith("x-portolan") for name in seen.names), seen.names
    assert seen.names.isdisjoint({"authorization", "cookie"}), "whatever a client sent"


def test_a_blob_that_is_added_to_a_store_is_found_soon(
    registry: Scripted, stores: list[BlobStore], start_policy: Start
) -> None:
    envoy = start_policy(policy(registry, stores, probe={"absent": "2s", "present": "5s"}))
    (new,) = digests(1)
    assert sent_to(ask(envoy, blob(new))).startswith(registry.url)
    stores[0].digests.add(new)
    assert sent_to(ask(envoy, blob(new))).startswith(registry.url), "remembered for a short time"
    eventually(lambda: sent_to(ask(envoy, blob(new))) == stores[0].location(new), within=20)
    stores[0].digests.clear()
    stays(lambda: sent_to(ask(envoy, blob(new))) == stores[0].location(new), for_=3, what="remembered for longer")
    eventually(lambda: sent_to(ask(envoy, blob(new))).startswith(registry.url), within=20)


# How a bucket fails to say, and whether it is in trouble then.
UNKNOWN = {
    "403": (faults.answers(403), False),
    "redirect": (faults.answers(302), False),
    "500": (faults.answers(500), True),
    "429": (faults.answers(429), True),
    "down": (faults.down, True),
    "slow": (faults.hang, True),
}


@pytest.mark.parametrize("trouble", UNKNOWN)
def test_an_error_is_unknown_and_not_remembered(
    registry: Scripted, stores: list[BlobStore], start_policy: Start, trouble: str
) -> None:
    fault, is_trouble = UNKNOWN[trouble]
    envoy = start_policy(policy(registry, stores, probe={"timeout": "1s"}))
    assert sent_to(ask(envoy, BLOB)) == stores[0].location(DIGEST)
    stores[0].fault = fault
    others = digests(20)
    stores[0].digests.update(others)
    envoy.forget_log()
    for digest in others:
        assert sent_to(ask(envoy, blob(digest))).startswith(registry.url), "the next of the chain"
    asked = sum(stores[0].questions(digest) for digest in others)
    # Every two seconds there is another question; nobody is that slow twenty times.
    assert asked <= 5 if is_trouble else asked == 20
    waits = [entry for entry in envoy.log_entries(20) if entry["duration_ms"] >= 900]
    assert len(waits) <= asked, "only who is the reason for a question waits"
    if is_trouble:
        assert sent_to(ask(envoy, BLOB)).startswith(registry.url), "nobody is sent to a bucket in trouble"
    else:
        assert sent_to(ask(envoy, BLOB)) == stores[0].location(DIGEST), "what is known is known"
    stores[0].fault = None
    eventually(lambda: sent_to(ask(envoy, blob(others[0]))) == stores[0].location(others[0]), within=20)
    for digest in others:
        assert sent_to(ask(envoy, blob(digest))) == stores[0].location(digest), "asked again"


@pytest.mark.parametrize("trouble", ["500", "down", "slow"])
def test_no_client_is_redirected_to_a_bucket_that_went_down(
    registry: Scripted, stores: list[BlobStore], start_policy: Start, trouble: str
) -> None:
    """Clients only ever ask for what the bucket is known to have; nobody waits for it."""
    envoy = start_policy(policy(registry, stores, probe={"timeout": "2s", "recheck": "500ms"}))
    assert sent_to(ask(envoy, BLOB)) == stores[0].location(DIGEST)

    def is_sent(url: str) -> bool:
        return sent_to(ask(envoy, BLOB)).startswith(url)

    stores[0].forget()
    started = time.monotonic()
    rounds = stays(lambda: is_sent(stores[0].location(DIGEST)), for_=3)
    seconds = time.monotonic() - started
    questions = stores[0].questions(DIGEST)
    assert 2 <= questions <= min(seconds / 0.5 + 1, rounds / 2), "one by the way in half a second, not one a request"
    stores[0].fault = UNKNOWN[trouble][0]
    eventually(lambda: is_sent(registry.url), within=20)
    assert "is in trouble" in envoy.error_log()
    stores[0].fault = None
    eventually(lambda: is_sent(stores[0].location(DIGEST)), within=20)
    slowest = max(entry["duration_ms"] for entry in envoy.new_log_entries()[1:])
    assert slowest < 2000, "nobody waits, but for the very first answer"


def two_registries(registry: Scripted, west: Scripted, stores: list[BlobStore], **rule: object) -> Policy:
    """Two registries that hold the same, and are checked once a second."""
    document = policy(registry, stores)
    document["backends"]["west"] = {"url": west.url}
    for backend in document["backends"].values():
        backend["health_check"] = {"interval": "1s", "timeout": "1s"}
    document["rules"][0] |= {"chains": {"default": ["ar", "west"]}, **rule}
    return document


@pytest.mark.parametrize("workers", [1, 2])
def test_no_client_is_redirected_to_a_registry_that_is_down(
    registry: Scripted, west: Scripted, stores: list[BlobStore], start_policy: Start, workers: int
) -> None:
    """The other one gets the clients, by its own name of the repository, until the first is back."""
    envoy = start_policy(two_registries(registry, west, stores, replicas=["ar", "west"]), workers)
    envoy.wait_until_healthy()
    (absent,) = digests(1)
    targets = ["/v2/a/manifests/v1?x=1", f"/v2/a/manifests/{DIGEST}", f"/v2/a/blobs/{absent}", "/v2/a/tags/list?n=1"]

    def go_to(base: str) -> None:
        eventually(lambda: all(sent_to(ask(envoy, target)) == base + target for target in targets * 4), within=20)

    def is_first(target: str) -> bool:
        return sent_to(ask(envoy, target)) == f"{registry.url}/base/v2/project" + target.removeprefix("/v2")

    assert all(is_first(target) for target in targets)
    registry.health = 503
    go_to(west.url)
    west.health = 503
    # The checks may be what is wrong.
    eventually(lambda: all(is_first(target) for target in targets * 4), within=20)
    west.health = 200
    go_to(west.url)
    envoy.forget_log()
    ask(envoy, targets[0])
    (entry,) = envoy.log_entries(1)
    assert (entry["reason"], entry["sent_to"]) == ("default; next that is up, redirected", "west")
    registry.health = 200
    eventually(lambda: all(is_first(target) for target in targets * 4), within=20)


def test_a_registry_that_is_no_replica_gets_no_tags(
    registry: Scripted, west: Scripted, stores: list[BlobStore], start_policy: Start
) -> None:
    envoy = start_policy(two_registries(registry, west, stores))
    envoy.wait_until_healthy()
    registry.health = 503
    eventually(lambda: sent_to(ask(envoy, f"/v2/a/manifests/{DIGEST}")).startswith(west.url), within=20)
    for target in ("/v2/a/manifests/v1", "/v2/a/tags/list"):
        assert sent_to(ask(envoy, target)).startswith(registry.url)


def test_how_registries_are_is_asked_once_a_second(
    registry: Scripted, west: Scripted, stores: list[BlobStore], start_policy: Start
) -> None:
    envoy = start_policy(two_registries(registry, west, stores), 2)
    envoy.wait_until_healthy()
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda _: sent_to(ask(envoy, f"/v2/a/manifests/{DIGEST}")), range(100)))
    (before,) = envoy.stats(ASKED).values()
    assert before <= 2 * 8 + 2, "nor all at once before anything is known"
    started = time.monotonic()
    with ThreadPoolExecutor(20) as pool:

        def asks(_number: int) -> int:
            return stays(lambda: sent_to(ask(envoy, f"/v2/a/manifests/{DIGEST}")), for_=2)

        assert sum(pool.map(asks, range(20))) > 200
    seconds = time.monotonic() - started
    (after,) = envoy.stats(ASKED).values()
    assert 1 <= after - before <= 2 * (seconds + 1), "for each of two workers"


def test_content_that_a_bucket_lacks_is_forwarded_where_the_policy_forwards(
    registry: Scripted, stores: list[BlobStore], start_policy: Start
) -> None:
    envoy = start_policy(policy(registry, stores, classes=["tags"]))
    (absent,) = digests(1)
    assert sent_to(ask(envoy, BLOB)) == stores[0].location(DIGEST)
    assert registry.seen == []
    for _ in range(2):
        answer = ask(envoy, blob(absent))
        assert (answer.status, answer.body) == (200, CONTENT)
    targets = [seen.target.decode() for seen in registry.seen]
    assert targets == [f"/base/v2/project/team/app/blobs/{absent}"] * 2
    assert ask(envoy, "/v2/team/app/manifests/v1").status == 200, "not of a redirected class"
    assert sent_to(ask(envoy, "/v2/team/app/tags/list?n=1")).endswith("/tags/list?n=1")


@pytest.mark.parametrize("classes", [["blobs"], []], ids=["redirected", "carried"])
def test_one_question_for_a_thousand(
    registry: Scripted, stores: list[BlobStore], start_policy: Start, classes: list[str]
) -> None:
    """Two workers, 1,000 cold requests for one blob, and the clients that came first go away."""
    (absent,) = digests(1)
    for digest, status in ((DIGEST, 307), (absent, 307 if classes else 200)):
        stores[0].fault = faults.slow(0.7)
        envoy = start_policy(policy(registry, stores, classes=classes, probe={"timeout": "10s"}), 2)
        impatient = [raw.Connection(envoy.port) for _ in range(20)]
        for connection in impatient:
            connection.send(f"GET {blob(digest)} HTTP/1.1\r\nHost: registry.test\r\n\r\n".encode())
        eventually(lambda digest=digest: stores[0].questions(digest))
        for connection in impatient:
            connection.close()
        with ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(lambda _, digest=digest: ask(envoy, blob(digest)), range(1000)))
        assert {answer.status for answer in answers} == {status}
        assert 1 <= stores[0].questions(digest) <= 2, "one for each worker"
        if digest == DIGEST:
            assert {sent_to(answer) for answer in answers} == {stores[0].location(DIGEST)}


def test_a_hanging_bucket_delays_a_request_only_shortly(
    registry: Scripted, stores: list[BlobStore], start_policy: Start
) -> None:
    """Pulls of many blobs by many clients, while the bucket hangs."""
    stores[0].fault = faults.hang
    envoy = start_policy(policy(registry, stores), 2)
    with ThreadPoolExecutor(10) as pool:
        sent = list(pool.map(lambda digest: sent_to(ask(envoy, blob(digest))), digests(200)))
    assert all(location.startswith(registry.url) for location in sent)
    milliseconds = [entry["duration_ms"] for entry in envoy.log_entries(200)]
    # The first ten wait, and on a busy machine a few others do for reasons of the machine; each of the 200
    # would wait if nobody remembered.
    assert len([each for each in milliseconds if each >= 900]) <= 100, "most waited for a bucket that hangs"
    assert max(milliseconds) < 4000, "a second, and not another"


def test_the_number_of_remembered_blobs_is_bounded(
    registry: Scripted, stores: list[BlobStore], start_policy: Start
) -> None:
    envoy = start_policy(policy(registry, stores, probe={"entries": 10}))
    many = digests(50)
    stores[0].digests.update(many)
    for digest in many:
        ask(envoy, blob(digest))
        assert sent_to(ask(envoy, BLOB)) == stores[0].location(DIGEST)
    assert stores[0].questions(DIGEST) == 1, "what is used stays"
    stores[0].forget()
    for digest in many[-8:]:
        ask(envoy, blob(digest))
    assert stores[0].questions() == 0, "what was used last is there"
    for digest in many[:20]:
        ask(envoy, blob(digest))
    assert stores[0].questions() == 20, "what was used long ago is not"


@pytest.mark.parametrize("name", ["store.test", "elsewhere.test"])
def test_a_bucket_is_verified(
    registry: Scripted, stores: list[BlobStore], start_policy: Start, tmp_path: Path, name: str
) -> None:
    """Over TLS, by an authority of one's own; the certificate must be for the bucket's name."""
    authority = Authority(tmp_path / "authority")
    tls = Tls(stores[0].port, authority.issue(name))
    document = policy(registry, stores)
    document["blob_stores"]["a"] = {
        "url": f"https://127.0.0.1:{tls.port}/images/{{digest}}",
        "tls": {"ca_file": str(authority.certificate), "server_name": "store.test"},
    }
    envoy = start_policy(document)
    location = sent_to(ask(envoy, BLOB))
    if name == "store.test":
        assert location == f"https://127.0.0.1:{tls.port}/images/{DIGEST}"
    else:
        assert location.startswith(registry.url)
        assert stores[0].questions() == 0
    tls.close()


def test_signatures_have_one_place_whatever_the_region(
    registry: Scripted, west: Scripted, stores: list[BlobStore], start_policy: Start
) -> None:
    document = policy(registry, stores, classes={"near": ["tags"], "default": ["manifests", "referrers"]})
    document["backends"]["home"] = {"url": west.url}
    document["rules"][0]["signatures"] = "home"
    envoy = start_policy(document)
    for target in (f"/v2/a/manifests/sha256-{HEX}.sig", f"/v2/a/referrers/{DIGEST}?artifactType=x"):
        assert sent_to(ask(envoy, target)) == west.url + target
        west.answer(Answer(200, [], b"carried"))
        assert ask(envoy, target, address="198.51.7.7").body == b"carried"
        assert west.last().target.decode() == target
    assert sent_to(ask(envoy, "/v2/a/manifests/v1")).startswith(registry.url)


def test_clients_may_go_away_at_any_moment(
    registry: Scripted, stores: list[BlobStore], start_policy: Start
) -> None:
    """Connections that end before, while and after the bucket answers leave nothing behind."""
    stores[0].fault = faults.slow(0.05)
    envoy = start_policy(policy(registry, stores, probe={"timeout": "10s"}), 2)
    stop = time.monotonic() + 3
    counter = iter(range(10_000_000))
    lock = threading.Lock()

    def rush(number: int) -> None:
        while time.monotonic() < stop:
            with lock:
                digest = sha256(b"rush %d" % next(counter))
            with raw.Connection(envoy.port) as connection:
                connection.send(f"GET {blob(digest)} HTTP/1.1\r\nHost: registry.test\r\n\r\n".encode())
                # Clients go away after different times, none to 95 ms.
                time.sleep(0.005 * (number % 20))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(rush, range(20)))
    stores[0].fault = None
    # Until then the questions of those who went away are under way.
    eventually(lambda: sent_to(ask(envoy, BLOB)) == stores[0].location(DIGEST))
    assert envoy.crashes() == []
