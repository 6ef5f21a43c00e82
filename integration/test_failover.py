"""Lists of backends in real Envoy: who is asked, in which order, and what the client gets.

Scripted upstreams fail in one way at a time. Can see every request that a backend got, and so what
must never happen: a name or a host of another backend, a tag from a backend that was never declared
a replica, a write anywhere but at the owner. Cannot see real clients under load; the failover report
does.
"""

import json
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness import ports, raw
from harness.digest import sha256
from harness.envoy import Envoy, Policy
from harness.faults import hang
from harness.policies import build_policy, hedged_late, rule_of
from harness.scripted import Answer, Script, Scripted, always
from harness.waiting import eventually

BODY = b'{"schemaVersion":2}'
DIGEST = sha256(BODY)
BLOB = f"/v2/team/app/blobs/{DIGEST}"
MANIFEST = f"/v2/team/app/manifests/{DIGEST}"
TAG = "/v2/team/app/manifests/v1"
FOUND = Answer(200, [("Docker-Content-Digest", DIGEST)], BODY)
MISSING = Answer(404, [("Content-Type", "application/json")], b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')

StartEnvoy = Callable[[Policy], Envoy]


def limited(retry_after: int | None = None) -> Answer:
    """Too many requests."""
    return Answer(429, [] if retry_after is None else [("Retry-After", str(retry_after))])


def policy(urls: list[str], chain: list[Any], **rule: Any) -> Policy:
    """One rule for `team/**`; each backend knows it under a prefix of its own."""
    names = ["a", "b", "c"]
    return build_policy(
        {
            name: {
                "url": url,
                "names": [{"front": "team/", "backend": f"{name}-team/"}],
                "attempt_timeouts": {"manifests": "500ms", "blobs": "1s"},
                "write_timeouts": {"content": "2s", "session": "1s"},
            }
            for name, url in zip(names, urls, strict=True)
        },
        rule_of("team", chain, **rule),
    )


def urls(backends: list[Scripted]) -> list[str]:
    """The URLs of the registries."""
    return [backend.url for backend in backends]


def reset(_seen: object) -> Answer:
    """Closes the connection without an answer."""
    raise ConnectionResetError


def dead() -> str:
    """A URL that nobody answers at."""
    return f"http://127.0.0.1:{ports.dead()}"


def code(answer: raw.Response) -> str:
    """The OCI code of an error."""
    return str(json.loads(answer.body)["errors"][0]["code"])


def test_each_attempt_has_its_own_backends_name_and_host(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    a, b, c = backends
    a.answer(MISSING)
    b.answer(Answer(503))
    c.answer(FOUND)
    envoy = start_envoy(policy(urls(backends), ["a", "b", "c"]))
    answer = envoy.request("GET", f"{BLOB}?x=%2F")
    assert (answer.status, sha256(answer.body)) == (200, DIGEST)
    for name, backend in zip("abc", backends, strict=True):
        seen = backend.last()
        assert seen.target.decode() == f"/v2/{name}-team/app/blobs/{DIGEST}?x=%2F"
        assert seen.authority == backend.authority
        assert not {header for header in seen.names if header.startswith(("x-portolan", "x-envoy"))}
    entry = envoy.log_entries(1)[0]
    assert (entry["backend"], entry["attempts"], entry["status"]) == ("c", 3, 200)


def test_a_clients_credentials_go_to_one_registry(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    """Whatever failed before: no registry sees a token that was made for another."""
    a, b, c = backends
    credentials: list[raw.Header] = [("Authorization", "Bearer for-a")]
    for first, second in [(MISSING, MISSING), (Answer(503), MISSING), (MISSING, Answer(503))]:
        a.answer(first)
        b.answer(second)
        c.answer(FOUND)
        envoy = start_envoy(logging_in_to_a(policy(urls(backends), ["a", "b", "c"])))
        assert envoy.request("GET", BLOB, credentials).status == 200
        assert a.last().all("authorization") == [b"Bearer for-a"]
        assert b.last().all("authorization") == c.last().all("authorization") == []
    # Two backends, the second unwell: Envoy goes back to the first, which gets its own again.
    a.answer(MISSING)
    gone = dead()
    envoy = start_envoy(logging_in_to_a(policy([a.url, gone, c.url], ["a", "b"])))
    envoy.wait_until_down(gone)
    envoy.request("GET", BLOB, credentials)
    assert {tuple(seen.all("authorization")) for seen in a.seen} == {(b"Bearer for-a",)}


def logging_in_to_a(document: Policy) -> Policy:
    """Clients have tokens of the backend `a`; the others want none."""
    document["fronts"]["main"]["auth"] = "upstream"
    document["backends"]["a"]["auth"] = "token"
    return document


# What a and b do, and what the client gets: status, code, Retry-After.
VERDICTS: list[tuple[str, Script | None, Script | None, int, str | None, str | None]] = [
    ("a has it", always(FOUND), always(FOUND), 200, None, None),
    ("a lacks it", always(MISSING), always(FOUND), 200, None, None),
    ("a is down", None, always(FOUND), 200, None, None),
    ("a hangs", hang, always(FOUND), 200, None, None),
    ("a fails", always(Answer(500)), always(FOUND), 200, None, None),
    ("a is out of order", always(Answer(503)), always(FOUND), 200, None, None),
    ("a is limited", always(limited(9)), always(FOUND), 200, None, None),
    ("nobody has it", always(MISSING), always(MISSING), 404, "MANIFEST_UNKNOWN", None),
    ("a is down and b lacks it", None, always(MISSING), 503, "UNAVAILABLE", "2"),
    ("a lacks it and b is down", always(MISSING), None, 503, "UNAVAILABLE", None),
    ("a fails and b lacks it", always(Answer(500)), always(MISSING), 503, "UNAVAILABLE", "2"),
    ("a hangs and b lacks it", hang, always(MISSING), 503, "UNAVAILABLE", "2"),
    ("a lacks it and b hangs", always(MISSING), hang, 503, "UNAVAILABLE", None),
    ("both are limited", always(limited(3)), always(limited(20)), 429, "TOOMANYREQUESTS", "20"),
    ("both, and none says how long", always(limited()), always(limited()), 429, "TOOMANYREQUESTS", None),
    ("a is limited and b lacks it", always(limited(3)), always(MISSING), 503, "UNAVAILABLE", "3"),
    ("both fail", always(Answer(500)), always(Answer(500)), 503, "UNAVAILABLE", "2"),
    ("both are down", None, None, 503, "UNAVAILABLE", None),
    ("a client's mistake is answered", always(Answer(416)), always(FOUND), 416, None, None),
    ("a question that nobody here can answer", always(Answer(401)), always(FOUND), 200, None, None),
    ("both ask so", always(Answer(401)), always(Answer(401)), 403, "DENIED", None),
    ("one asks so, the other lacks it", always(Answer(401)), always(Answer(404)), 403, "DENIED", None),
    ("one asks so, the other is down", always(Answer(401)), None, 503, "UNAVAILABLE", None),
]


@pytest.mark.parametrize(
    ("a", "b", "status", "error", "retry_after"),
    [row[1:] for row in VERDICTS],
    ids=[row[0] for row in VERDICTS],
)
def test_the_answers_of_two_backends_become_one(
    backends: list[Scripted],
    start_envoy: StartEnvoy,
    a: Script | None,
    b: Script | None,
    status: int,
    error: str | None,
    retry_after: str | None,
) -> None:
    addresses = urls(backends)
    for position, script in enumerate((a, b)):
        if script is None:
            addresses[position] = dead()
        else:
            backends[position].script = script
    envoy = start_envoy(hedged_late(policy(addresses, ["a", "b"])))
    answer, took = envoy.seconds_of(lambda: envoy.request("GET", MANIFEST))
    assert answer.status == status
    assert took < 2.5, "who hangs has half a second; without the policy's word it would be three"
    if error is not None:
        assert code(answer) == error
    if status in (429, 503):
        assert answer.one("content-type") == "application/json"
    if retry_after is not None:
        assert answer.one("retry-after") == retry_after
    elif status == 503:
        assert answer.one("retry-after") is not None


def test_a_tag_of_a_dead_registry_is_asked_of_replicas_alone(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    """`b` has another image under the same tag; it is no replica."""
    _, b, c = backends
    b.answer(Answer(200, [], b"another image"))
    c.answer(FOUND)
    addresses = [dead(), b.url, c.url]
    envoy = start_envoy(policy(addresses, ["a", "b", "c"], replicas=["a", "c"]))
    for path in (TAG, "/v2/team/app/tags/list", f"/v2/team/app/referrers/{DIGEST}"):
        assert envoy.request("GET", path).body == BODY, path
    # Also once Envoy knows that `a` is down, and an aggregate would skip it by itself.
    envoy.wait_until_down(addresses[0])
    assert envoy.request("GET", TAG).body == BODY
    assert b.seen == []
    assert envoy.request("GET", BLOB).body == b"another image", "a digest may come from anybody"


def test_without_a_replica_a_tag_is_unavailable(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    _, b, _ = backends
    b.answer(Answer(200, [], b"another image"))
    envoy = start_envoy(policy([dead(), b.url, b.url], ["a", "b"]))
    assert envoy.request("GET", TAG).status == 503
    assert b.seen == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_a_backend_that_hides_missing_is_a_miss(
    backends: list[Scripted], start_envoy: StartEnvoy, status: int
) -> None:
    a, b, _ = backends
    a.answer(Answer(status))
    b.answer(FOUND)
    document = policy(urls(backends), ["a", "b"])
    document["backends"]["a"]["hides_missing"] = True
    envoy = start_envoy(document)
    assert envoy.request("GET", MANIFEST).body == BODY
    b.answer(MISSING)
    assert envoy.request("GET", MANIFEST).status == 404, "nobody has it"
    b.answer(FOUND)
    credentials: list[raw.Header] = [("Authorization", "Bearer mine")]
    envoy = start_envoy(logging_in_to_a(document))
    assert envoy.request("GET", MANIFEST).body == BODY
    assert envoy.request("GET", MANIFEST, credentials).status == status, "the client must see it"


def test_the_answer_is_rewritten_for_the_backend_that_gave_it(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    a, b, _ = backends
    a.answer(MISSING)
    location = f"{b.url}/v2/b-team/app/blobs/{DIGEST}?sig=%2F"
    b.answer(Answer(307, [("Location", location)]))
    envoy = start_envoy(policy(urls(backends), ["a", "b"]))
    answer = envoy.request("GET", BLOB)
    assert (answer.status, answer.one("location")) == (307, f"{BLOB}?sig=%2F")


def test_writes_and_existence_checks_of_blobs_go_to_the_owner_alone(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    a, b, _ = backends
    b.answer(Answer(503))
    envoy = start_envoy(policy(urls(backends), ["a", "b"], owner="b", replicas=["a", "b"]))
    uploads = "/v2/team/app/blobs/uploads/"
    for method, path in [
        ("POST", uploads),
        ("PATCH", f"{uploads}1"),
        ("PUT", f"{uploads}1?digest={DIGEST}"),
        ("GET", f"{uploads}1"),
        ("PUT", TAG),
        ("DELETE", MANIFEST),
        ("HEAD", BLOB),
    ]:
        body = BODY if method in ("PATCH", "PUT", "POST") else None
        answer = envoy.request(method, path, [("Content-Type", "application/octet-stream")], body=body)
        assert answer.status == 503, f"{method} {path}"
    assert a.seen == []
    assert {seen.method for seen in b.seen} == {"POST", "PATCH", "PUT", "GET", "DELETE", "HEAD"}


def test_the_owner_says_whether_a_manifest_exists(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    """A push asks so, and some clients begin a pull by digest so: the others only stand in for the owner."""
    a, b, _ = backends
    a.answer(FOUND)
    b.answer(MISSING)
    rule: dict[str, Any] = {"owner": "b", "replicas": ["a", "b"]}
    envoy = start_envoy(policy(urls(backends), ["a", "b"], **rule))
    assert envoy.request("HEAD", MANIFEST).status == 404
    assert a.seen == [], "a copy elsewhere is none of a push's business"
    envoy = start_envoy(policy([a.url, dead(), a.url], ["a", "b"], **rule))
    assert envoy.request("HEAD", MANIFEST).status == 200, "the owner cannot be asked"
    assert envoy.request("HEAD", BLOB).status == 503, "only a push asks for a blob so"


def test_the_owners_404_about_a_tag_is_the_truth(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    """Or nobody could push a new tag while the near registry is down."""
    _, b, _ = backends
    b.answer(MISSING)
    envoy = start_envoy(policy([dead(), b.url, b.url], ["a", "b"], owner="b", replicas=["a", "b"]))
    assert envoy.request("HEAD", TAG).status == 404
    assert envoy.request("GET", BLOB).status == 503, "a blob may be on the one that is down"


def test_a_write_to_a_dead_owner_is_refused_at_once(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    gone = dead()
    envoy = start_envoy(policy([backends[0].url, gone, backends[2].url], ["a"], owner="b"))
    for is_known in (False, True):
        if is_known:
            envoy.wait_until_down(gone)
        answer, took = envoy.seconds_of(lambda: envoy.request("PUT", TAG, body=b"x" * 10_000))
        assert (answer.status, code(answer)) == (503, "UNAVAILABLE")
        assert answer.one("retry-after") is not None
        assert took < 1, "half of what an owner that hangs has"
    assert backends[0].seen == []


def test_a_write_to_a_hanging_owner_ends_at_the_policys_time(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    backends[1].script = hang
    envoy = start_envoy(policy(urls(backends), ["a"], owner="b"))

    def seconds_of(method: str, path: str) -> float:
        answer, took = envoy.seconds_of(lambda: envoy.request(method, path, body=BODY))
        assert answer.status == 504 and code(answer) == "UNAVAILABLE", f"{method}: {answer}"
        return took

    session, content = seconds_of("POST", "/v2/team/app/blobs/uploads/"), seconds_of("PUT", TAG)
    assert 0.9 <= session < content, "a second, and two"
    assert 1.9 <= content < 8


def test_no_retry_is_lost_in_a_burst(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    """Envoy retries at most three requests at once, unless told otherwise; the others would fail."""
    a, b, _ = backends

    def slowly(_seen: object) -> Answer:
        time.sleep(0.2)
        return FOUND

    a.answer(MISSING)
    b.script = slowly
    document = policy(urls(backends), ["a", "b"])
    for name in ("a", "b"):
        # Two hundred threads of this process answer and ask: what is late on a busy machine is not what is looked for.
        document["backends"][name]["attempt_timeouts"] = {"blobs": "60s"}
    envoy = start_envoy(document)
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: envoy.request("GET", BLOB), range(1000)))
    lost = [answer for answer in answers if answer.status != 200]
    assert not lost, [entry for entry in envoy.new_log_entries() if entry.get("status") != 200]


def test_a_dead_backend_is_left_and_used_again(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    a, b, _ = backends
    a.answer(FOUND)
    b.answer(FOUND)
    envoy = start_envoy(policy(urls(backends), ["a", "b"]))
    assert envoy.request("GET", BLOB).status == 200
    a.script, a.health = always(Answer(503)), 503
    eventually(lambda: _attempts(envoy) == 1, within=20, what="a is not asked")
    a.script, a.health = always(FOUND), 200
    a.forget()
    eventually(lambda: envoy.request("GET", BLOB).status == 200 and a.seen, within=20, what="a is asked again")


def test_a_failing_backend_is_left_for_as_long_as_the_policy_says(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    """While its health checks are good: after one failure, and for as long as the policy says."""
    a, b, _ = backends
    b.answer(FOUND)

    def leaves_it_for(length: str) -> Envoy:
        document = policy(urls(backends), ["a", "b"])
        document["backends"]["a"]["ejection"] = {"failures": 1, "time": length}
        return start_envoy(document)

    long, short = leaves_it_for("60s"), leaves_it_for("3s")
    a.script = reset
    assert [_attempts(envoy) for envoy in (long, short)] == [2, 2]
    assert [_attempts(envoy) for envoy in (short, long)] == [1, 1]
    a.answer(FOUND)
    eventually(lambda: short.request("GET", BLOB).status == 200 and a.seen, what="a is asked again")
    a.forget()
    assert long.request("GET", BLOB).status == 200
    assert not a.seen, "not yet by who was told a minute"


def _attempts(envoy: Envoy) -> int:
    envoy.forget_log()
    assert envoy.request("GET", BLOB).status == 200
    return int(envoy.log_entries(1)[0]["attempts"])


def test_requests_above_a_backends_limit_are_refused_and_not_handed_on(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    """`b` takes two at a time; the rest is refused, and `c` does not get it."""
    _, b, c = backends
    most, now = 0, 0

    def slowly(_seen: object) -> Answer:
        nonlocal most, now
        now += 1
        most = max(most, now)
        time.sleep(0.3)
        now -= 1
        return FOUND

    b.script = slowly
    c.answer(FOUND)
    gone = dead()
    document = policy([gone, b.url, c.url], ["a", "b", "c"])
    document["backends"]["b"]["limits"] = {"requests": 2, "pending": 1, "connections": 2}
    envoy = start_envoy(document)
    envoy.wait_until_down(gone)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: envoy.request("GET", BLOB), range(24)))
    refused = [answer for answer in answers if answer.status == 503]
    assert most <= 2
    assert refused and all(answer.one("retry-after") for answer in refused)
    assert {answer.status for answer in answers} == {200, 503}
    assert c.seen == []


LIMIT = 8
# Much more than a busy machine adds to a request, and so is what who was refused waits.
WORK_SECONDS = 0.5
LOAD_SECONDS = 5.0


def test_an_admitted_request_is_unaffected_by_an_overload(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    """The first is dead and three times as many ask at once as the second takes."""
    _, b, c = backends
    lock = threading.Lock()
    most, now = 0, 0

    def work(_seen: object) -> Answer:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(WORK_SECONDS)
        with lock:
            now -= 1
        return FOUND

    b.script = work
    c.answer(FOUND)
    document = policy([dead(), b.url, c.url], ["a", "b", "c"])
    document["backends"]["b"]["limits"] = {"requests": LIMIT, "pending": 1, "connections": LIMIT}
    envoy = start_envoy(document)
    eventually(lambda: _attempts(envoy) == 1, what="the dead one is not asked")

    def ask_for(seconds: float) -> list[tuple[int, float]]:
        found = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            started = time.monotonic()
            status = envoy.request("GET", BLOB).status
            found.append((status, time.monotonic() - started))
            if status == 503:
                # A client comes again after a while, as `Retry-After` asks it to.
                time.sleep(WORK_SECONDS / 2)
        return found

    def load(clients: int) -> tuple[list[float], list[float]]:
        """How long those took that were let in, and those that were not."""
        with ThreadPoolExecutor(clients) as pool:
            found = [one for many in pool.map(ask_for, [LOAD_SECONDS] * clients) for one in many]
        assert {status for status, _ in found} <= {200, 503}
        return [took for status, took in found if status == 200], [took for status, took in found if status == 503]

    usual, _ = load(LIMIT // 2)
    let_in, refused = load(3 * LIMIT)
    assert most <= LIMIT
    assert c.seen == [], "no more than it can take is handed on"
    assert len(let_in) >= 0.7 * LIMIT * LOAD_SECONDS / WORK_SECONDS, "it does all that it can"
    assert refused and statistics.median(refused) < WORK_SECONDS / 2, "refused at once"
    # One waits for a connection and has to wait for somebody's work, besides its own.
    assert statistics.median(let_in) < 1.5 * statistics.median(usual), (statistics.median(let_in), usual)
    assert max(let_in) < 2 * WORK_SECONDS + max(usual), (max(let_in), max(usual))


def test_a_drained_backend_takes_no_reads(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    a, b, _ = backends
    a.answer(FOUND)
    b.answer(FOUND)
    document = policy(urls(backends), ["a", "b"], owner="a", replicas=["a", "b"])
    document["backends"]["a"]["drained"] = True
    envoy = start_envoy(document)
    for path in (BLOB, MANIFEST, TAG):
        assert envoy.request("GET", path).status == 200
    assert a.seen == [] and len(b.seen) == 3
    envoy.request("PUT", TAG, body=BODY)
    assert a.last().method == "PUT", "a write still has one home"


def test_a_share_of_the_repositories_is_read_from_a_backend(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    a, b, _ = backends
    a.answer(FOUND)
    b.answer(FOUND)
    chain = [{"backend": "a", "share": 30}, "b"]
    envoy = start_envoy(policy(urls(backends), chain))
    for _ in range(2):
        for number in range(100):
            assert envoy.request("GET", f"/v2/team/app-{number}/manifests/v1").status == 200
    tried = {seen.target for seen in a.seen}
    assert 15 <= len(tried) <= 45
    assert not tried & {seen.target.replace(b"b-team", b"a-team") for seen in b.seen}, "none flips"


def test_an_image_that_was_just_pushed_is_read_from_the_owner(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    a, b, _ = backends
    a.answer(Answer(200, [], b"old"))
    b.script = lambda seen: Answer(201) if seen.method == "PUT" else Answer(200, [], b"new")
    rule = {"owner": "b", "replicas": ["a", "b"], "read_your_writes": "6s"}
    envoy = start_envoy(policy(urls(backends), ["a", "b"], **rule))
    assert envoy.request("GET", TAG).body == b"old"
    assert envoy.request("PUT", TAG, body=BODY).status == 201
    assert envoy.request("GET", TAG).body == b"new"
    assert envoy.request("GET", "/v2/team/app/tags/list").body == b"new"
    assert envoy.request("GET", BLOB).body == b"old", "a digest is the same everywhere"
    assert envoy.request("GET", "/v2/team/other/manifests/v1").body == b"old"
    eventually(lambda: envoy.request("GET", TAG).body == b"old", within=20, what="the window is over")


def test_tags_may_always_come_from_the_owner(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    a, b, _ = backends
    a.answer(Answer(200, [], b"old"))
    b.answer(Answer(200, [], b"new"))
    envoy = start_envoy(policy(urls(backends), ["a", "b"], owner="b", tags_from="owner"))
    assert envoy.request("GET", TAG).body == b"new"
    assert envoy.request("GET", BLOB).body == b"old"
