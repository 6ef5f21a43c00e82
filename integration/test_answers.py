"""What each answer of a registry means for the others of its list, in real Envoy.

One Envoy, scripted registries, every status. Can see who was asked how often, what the client got, and that
nothing which the filter and Envoy say to each other reaches a client. Cannot see real clients under load; the
failover report does.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness import ports, raw
from harness.digest import sha256
from harness.envoy import Envoy, Policy
from harness.policies import LATE, build_policy, rule_of
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually

BODY = b'{"schemaVersion":2}'
DIGEST = sha256(BODY)
BLOB = f"/v2/team/app/blobs/{DIGEST}"
MANIFEST = f"/v2/team/app/manifests/{DIGEST}"
TAG = "/v2/team/app/manifests/v1"
LISTS = ("/v2/team/app/tags/list", f"/v2/team/app/referrers/{DIGEST}")
FOUND = Answer(200, [("Docker-Content-Digest", DIGEST)], BODY)
MISSING = Answer(404, [("Content-Type", "application/json")], b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')

StartEnvoy = Callable[[Policy], Envoy]


def policy(urls: list[str], **backend: Any) -> Policy:
    """Rules for a list of two, with and without an owner, and for a list of one."""
    return build_policy(
        {
            name: {
                "url": url,
                "attempt_timeouts": {"manifests": "1s", "blobs": "1s"},
                # What is asked here is who is asked after an answer, not while there is none.
                "hedge_after": LATE,
                **backend,
            }
            for name, url in zip("ab", urls, strict=True)
        },
        rule_of("one", ["a"]),
        rule_of("owned", ["a", "b"], replicas=["a", "b"], owner="a"),
        rule_of("two", ["a", "b"], repositories=["team/**"], replicas=["a", "b"]),
    )


def stat(envoy: Envoy, name: str) -> int | None:
    """One of Envoy's numbers; none before it is there."""
    return envoy.stats(f"^{re.escape(name)}$").get(name)


@pytest.fixture(scope="module")
def a() -> Iterator[Scripted]:
    """The first registry."""
    upstream = Scripted()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def b() -> Iterator[Scripted]:
    """The second."""
    upstream = Scripted()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def envoy(a: Scripted, b: Scripted, start_envoy: StartEnvoy) -> Envoy:
    """An Envoy in front of both."""
    return start_envoy(policy([a.url, b.url]))


# The statuses that send a read on, whatever it reads. Every other one is an answer to the client. Nobody logs in here.
ON = {401, 402, 403, 404, 407, 408, 410, 421, 425, 429, 451} | set(range(500, 600)) | {600, 700, 999}
ANSWERS = sorted(set(range(400, 600)) - ON)


@pytest.mark.parametrize("target", [MANIFEST, BLOB, TAG, *LISTS])
def test_a_read_goes_on_after_each_of_these_statuses(
    a: Scripted, b: Scripted, envoy: Envoy, target: str
) -> None:
    for status in sorted(ON):
        a.answer(Answer(status))
        b.answer(FOUND)
        answer = envoy.request("GET", target)
        assert (answer.status, answer.body) == (200, BODY), f"{status} {target}"
        assert (len(a.seen), len(b.seen)) == (1, 1), f"{status} {target}"


def test_every_other_status_is_an_answer_to_the_client(a: Scripted, b: Scripted, envoy: Envoy) -> None:
    for status in ANSWERS:
        a.answer(Answer(status))
        b.answer(FOUND)
        assert envoy.request("GET", MANIFEST).status == status
        assert (len(a.seen), b.seen) == (1, []), status


# What is no answer to what a client asked, of the only registry and of one that has another behind it.
# fmt: off
NO_ANSWERS = [
    (206, [], 503, "a part that nobody asked for"),
    (304, [], 503, "unchanged, for who has nothing"),
    (304, [("Range", "bytes=0-3")], 503, "unchanged, for who wants a part"),
    (206, [("If-None-Match", '"1"')], 503, "a part, for who wants to know of a change"),
    (600, [], 503, "no status of HTTP"),
    (999, [], 503, "no status of HTTP"),
    (407, [], 502, "a proxy before the registry asks this one who it is"),
    (401, [], 403, "the registry asks who the client is, who cannot say it"),
]
# fmt: on


@pytest.mark.parametrize(("status", "asks", "alone", "_why"), NO_ANSWERS, ids=[row[3] for row in NO_ANSWERS])
@pytest.mark.parametrize("target", [MANIFEST, BLOB, TAG, *LISTS])
def test_an_answer_that_does_not_fit_the_request_is_an_outage(
    a: Scripted, b: Scripted, envoy: Envoy, target: str, status: int, asks: list[raw.Header], alone: int, _why: str
) -> None:
    challenge = ("WWW-Authenticate", 'Bearer realm="https://auth.test/token"')
    for headers in ([], [challenge, ("Proxy-Authenticate", "Basic")] if status == 407 else [challenge]):
        a.answer(Answer(status, headers))
        b.answer(FOUND)
        answer = envoy.request("GET", target, asks)
        assert (answer.status, answer.body) == (200, BODY)
        only = envoy.request("GET", target.replace("/team/", "/one/"), asks)
        assert (only.status, only.all("www-authenticate"), only.all("proxy-authenticate")) == (alone, [], [])
        assert b'"errors"' in only.body


@pytest.mark.parametrize(
    ("status", "asks"),
    [(206, ("Range", "bytes=0-3")), (304, ("If-None-Match", '"1"')), (304, ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"))],
)
def test_an_answer_that_fits_the_request_is_passed_on(
    a: Scripted, b: Scripted, envoy: Envoy, status: int, asks: raw.Header
) -> None:
    a.answer(Answer(status, [("Content-Range", "bytes 0-3/9")] if status == 206 else [], BODY[:4]))
    b.answer(FOUND)
    for repository in ("team", "one"):
        assert envoy.request("GET", f"/v2/{repository}/app/blobs/{DIGEST}", [asks]).status == status
    assert b.seen == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_401_of_an_owner_is_a_refusal(a: Scripted, envoy: Envoy, method: str) -> None:
    """No client of this front logs in there: a 401 would have it ask for a password again and again."""
    a.answer(Answer(401, [("WWW-Authenticate", "Basic")]))
    answer = envoy.request(method, "/v2/owned/app/manifests/v1", body=BODY if method == "PUT" else None)
    assert (answer.status, answer.all("www-authenticate")) == (403, [])
    assert b"DENIED" in answer.body


def test_a_write_goes_on_after_no_status(a: Scripted, b: Scripted, envoy: Envoy) -> None:
    for status in (404, 408, 429, 500, 503, 520):
        a.answer(Answer(status))
        b.answer(FOUND)
        assert envoy.request("PUT", "/v2/owned/app/manifests/v1", body=BODY).status == status
        assert (len(a.seen), b.seen) == (1, [])


def test_the_owner_is_asked_first_whether_a_manifest_exists(a: Scripted, b: Scripted, envoy: Envoy) -> None:
    """Every failure of the owner, not only some statuses, lets the others answer; its 404 is the truth."""
    target = f"/v2/owned/app/manifests/{DIGEST}"
    for status in sorted(ON - {404, 410}):
        a.answer(Answer(status))
        b.answer(FOUND)
        assert envoy.request("HEAD", target).status == 200, status
    for status in (404, 410):
        a.answer(Answer(status))
        b.answer(FOUND)
        assert envoy.request("HEAD", target).status == status
        assert b.seen == []


def test_a_plain_miss_costs_one_request_at_each_backend(a: Scripted, b: Scripted, envoy: Envoy) -> None:
    for target in (MANIFEST, BLOB, TAG, *LISTS):
        a.answer(MISSING)
        b.answer(MISSING)
        assert envoy.request("GET", target).status == 404
        assert (len(a.seen), len(b.seen)) == (1, 1), target


@pytest.mark.parametrize("status", [200, 404, 503])
def test_no_backend_can_mark_an_answer_and_no_client_sees_a_mark(
    a: Scripted, b: Scripted, envoy: Envoy, status: int
) -> None:
    marked = [("x-portolan-go-on", "1"), ("X-Portolan-Go-On", "1")]
    for repository in ("team", "one"):
        a.answer(Answer(status, marked, BODY))
        b.answer(Answer(status, marked, BODY))
        answer = envoy.request("GET", f"/v2/{repository}/app/manifests/{DIGEST}")
        assert answer.status == status
        assert answer.all("x-portolan-go-on") == []
        assert len(a.seen) == 1, "the mark of a backend repeats nothing"


def test_bad_requests_take_no_registry_out(a: Scripted, b: Scripted, envoy: Envoy) -> None:
    """Anybody can ask for what makes a registry answer 500: an odd digest, one corrupt image."""

    def corrupt(seen: Seen) -> Answer:
        return FOUND if b"/good/" in seen.target else Answer(500)

    for repository in ("team", "one"):
        a.script = corrupt
        b.answer(MISSING)
        bad = f"/v2/{repository}/app/manifests/sha384:abc"
        good = f"/v2/{repository}/good/manifests/v1"
        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(lambda _: envoy.request("GET", bad).status, range(30)))
        assert not [status for status in statuses if status < 400]
        for target in (good, "/v2/team/good/manifests/v1", f"/v2/team/good/blobs/{DIGEST}"):
            assert envoy.request("GET", target).body == BODY, target
    ejections = "cluster.a.outlier_detection.ejections_enforced_total"
    assert stat(envoy, ejections) == 0


def test_a_registry_that_only_requests_have_taken_out_is_asked_last(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    """One slow image takes `a` out; what only `a` has is served all the same.

    A request of which two are asked takes nobody out for its time.
    """
    a, b, _ = backends
    over = threading.Event()

    def slow(seen: Seen) -> Answer:
        if b"/slow/" in seen.target:
            over.wait()
        return FOUND

    a.script = slow
    b.answer(MISSING)
    envoy = start_envoy(policy([a.url, b.url], ejection={"failures": 1, "time": "60s"}, hedge_after="off"))
    try:
        assert envoy.request("GET", "/v2/team/slow/manifests/v1").status == 503
        eventually(lambda: stat(envoy, "cluster.a.outlier_detection.ejections_active") == 1)
        for target in (MANIFEST, BLOB, TAG, *LISTS):
            a.forget()
            b.forget()
            assert envoy.request("GET", target).body == BODY, target
            assert (len(a.seen), len(b.seen)) == (1, 1), "each is asked once"
        # What neither has costs no more than before.
        a.answer(MISSING)
        b.forget()
        assert envoy.request("GET", MANIFEST).status == 404
        assert (len(a.seen), len(b.seen)) == (1, 1)
        # What b has is b's to serve: a is out.
        a.forget()
        b.answer(FOUND)
        assert envoy.request("GET", MANIFEST).body == BODY
        assert (len(a.seen), len(b.seen)) == (0, 1)
    finally:
        over.set()


def test_a_registry_that_its_checks_have_taken_out_is_not_waited_for(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    a, b, _ = backends
    a.health = 503
    a.answer(FOUND)
    b.answer(MISSING)
    envoy = start_envoy(policy([a.url, b.url]))
    eventually(lambda: stat(envoy, "cluster.a.membership_healthy") == 0)
    eventually(lambda: stat(envoy, "cluster.a@last.membership_healthy") == 0)
    a.forget()
    b.forget()
    assert envoy.request("GET", MANIFEST).status == 503
    assert (len(a.seen), len(b.seen)) == (0, 1), "b is asked once, and a not at all"


def test_backends_that_all_seem_unwell_are_asked_once_each(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    """Checks may be what is wrong."""
    a, b, _ = backends
    a.health = b.health = 503
    envoy = start_envoy(policy([a.url, b.url]))
    for name in ("a", "b", "a@last", "b@last"):
        eventually(lambda name=name: stat(envoy, f"cluster.{name}.membership_healthy") == 0)  # type: ignore[misc]
    served = 0
    for _ in range(40):
        a.answer(MISSING)
        b.answer(FOUND)
        answer = envoy.request("GET", MANIFEST)
        served += answer.status == 200
        assert answer.status in (200, 503)
        assert len(a.seen) <= 1 and len(b.seen) <= 1, "Envoy's order is any then, and nobody is asked twice"
    assert served > 5


# What both answer, and what the client gets: status, Retry-After, RateLimit-Limit.
LONG = "Wed, 21 Oct 2099 07:28:00 GMT"
JOINT = [
    ((429, LONG), (429, LONG), 429, "86400", "100;w=21600"),
    ((429, "3"), (429, "20"), 429, "20", "100;w=21600"),
    ((503, "120"), (503, "60"), 503, "120", None),
    ((503, "7"), (404, None), 503, "7", None),
    ((429, "30"), (404, None), 503, "30", None),
    ((500, None), (500, None), 503, "2", None),
]


@pytest.mark.parametrize(("first", "second", "status", "wait", "limit"), JOINT)
def test_a_joint_answer_keeps_the_longest_wait(
    a: Scripted,
    b: Scripted,
    envoy: Envoy,
    first: tuple[int, str | None],
    second: tuple[int, str | None],
    status: int,
    wait: str,
    limit: str | None,
) -> None:
    for upstream, (code, after) in ((a, first), (b, second)):
        headers: list[raw.Header] = [("RateLimit-Limit", "100;w=21600")]
        headers += [("Retry-After", after)] if after else []
        upstream.answer(Answer(code, headers))
    answer = envoy.request("GET", MANIFEST)
    assert (answer.status, answer.one("retry-after")) == (status, wait)
    assert answer.one("ratelimit-limit") == limit


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_an_only_backend_that_hides_missing_content_is_a_404(
    backends: list[Scripted], start_envoy: StartEnvoy, status: int
) -> None:
    """Without a challenge too."""
    a, b, _ = backends
    document = policy([a.url, b.url], hides_missing=True)
    envoy = start_envoy(document)
    for headers in ([], [("WWW-Authenticate", 'Bearer realm="https://auth.test/token"')]):
        a.answer(Answer(status, headers, b"the registry's own words"))
        for target in (f"/v2/one/app/manifests/{DIGEST}", "/v2/one/app/manifests/v1", "/v2/one/app/tags/list"):
            answer = envoy.request("GET", target)
            assert answer.status == 404
            assert b"NAME_UNKNOWN" in answer.body
    for outage in (101, 206, 304, 503, 600):
        a.answer(Answer(outage))
        assert envoy.request("GET", "/v2/one/app/manifests/v1").status == 503, f"{outage} is no missing image"


def test_a_dead_backend_is_left_at_once(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    """No answer at all sends a read on as well."""
    _, b, _ = backends
    b.answer(FOUND)
    envoy = start_envoy(policy([f"http://127.0.0.1:{ports.dead()}", b.url]))
    started = time.monotonic()
    assert envoy.request("GET", MANIFEST).body == BODY
    assert len(b.seen) == 1
    assert time.monotonic() - started < 20
