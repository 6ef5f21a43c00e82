"""Reads of which two registries are asked, in real Envoy: nobody waits for one that hangs, and nobody's secrets go astray.

Scripted registries are slow, hang, lack an image and fail; one wants tokens of a service of ours, one a password, one nothing, and
each has names of its own. Sees host, path and credentials of every request that arrives anywhere. Cannot see real registries and
clients; the failover report does.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import raw
from harness.accounts import Account
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.faults import hang
from harness.guarded import CONTENT
from harness.scripted import Answer, Scripted, Seen
from harness.signing import Signer
from harness.token_service import TokenService
from harness.waiting import eventually
from test_failover import BLOB, BODY, FOUND, MANIFEST, MISSING, code, dead, policy, urls

StartEnvoy = Callable[[Policy], Envoy]

ROBOT = Account("robot", "the robot's password")
PUSHER = Account("pusher", "the pusher's password")
PAIRS = ("ab", "ba", "ac", "ca", "bc", "cb")
# How many requests go through every order of slow tokens, slow answers and failures, at least.
REQUESTS = int(os.environ.get("PORTOLAN_HEDGED_REQUESTS", "300"))
# In how many of them two attempts overlap before the test believes what it saw. How often that happens
# is a matter of the machine: more requests are sent until it happened so often.
OVERLAPS = 6


def patient(backends: list[Scripted], **more: object) -> Policy:
    """A list of the first two; `a` may take ten seconds, and the next is asked too long before."""
    document = policy(urls(backends), ["a", "b"])
    for backend in document["backends"].values():
        backend |= {"attempt_timeouts": {"manifests": "10s", "blobs": "10s"}, "hedge_after": "usual", **more}
    return document


def slow(seconds: float, answer: Answer) -> Callable[[Seen], Answer]:
    """An answer, late."""

    def script(_seen: Seen) -> Answer:
        time.sleep(seconds)
        return answer

    return script


def is_asked_last(envoy: Envoy, backend: str) -> bool:
    """Whether a read says that a backend answers nothing."""
    assert envoy.request("GET", MANIFEST).status == 200
    return any(str(entry["reason"]).endswith(f"not answering: {backend}") for entry in envoy.new_log_entries())


def timed(envoy: Envoy, target: str) -> tuple[raw.Response, float]:
    """An answer, and how long it took."""
    start = time.monotonic()
    answer = envoy.request("GET", target)
    return answer, time.monotonic() - start


# The attempt may take ten seconds, so whatever is much sooner is the second one's.
def test_reads_do_not_wait_for_a_backend_that_hangs(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    a, b, _ = backends
    a.script = hang
    b.answer(FOUND)
    envoy = start_envoy(patient(backends))
    for target in (MANIFEST, BLOB):
        answer, seconds = timed(envoy, target)
        assert (answer.status, answer.body) == (200, BODY)
        assert seconds < 6
    for entry in envoy.log_entries(2):
        assert (entry["backend"], entry["tried"], entry["attempts"]) == ("b", "a overtaken", 2)


def test_one_that_hangs_is_left_and_asked_again_when_it_answers(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    a, b, _ = backends
    a.script = hang
    b.answer(FOUND)
    document = patient(backends, ejection={"failures": 3, "time": "1s"})
    envoy = start_envoy(document)

    eventually(lambda: is_asked_last(envoy, "a"), what="a is asked last")
    a.answer(FOUND)
    eventually(lambda: envoy.request("GET", MANIFEST).status == 200 and len(a.seen) > 0, what="a is asked again")


def test_a_backend_that_is_asked_last_serves_while_no_other_is_up(
    backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    """Checks may find the second down because the machine is busy, while the first hangs."""
    a, b, _ = backends
    a.script = hang
    b.answer(FOUND)
    envoy = start_envoy(patient(backends, ejection={"failures": 3, "time": "60s"}))

    # The second time there is no request on trial any more.
    eventually(lambda: is_asked_last(envoy, "a") and is_asked_last(envoy, "a"), what="a is asked last")
    b.health = 503
    down = {f"cluster.{name}.membership_healthy": 0 for name in ("b", "b@last")}
    eventually(lambda: envoy.stats(r"^cluster\.b(@last)?\.membership_healthy$") == down, what="b is down")
    a.answer(FOUND)
    assert envoy.request("GET", MANIFEST).status == 200
    assert a.seen


def test_one_that_is_slow_is_not_left(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    """Both are slow, so each answer of the first comes before one of the second would."""
    a, b, _ = backends
    a.script = b.script = slow(1.0, FOUND)
    envoy = start_envoy(patient(backends))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: envoy.request("GET", MANIFEST), range(20)))
    assert [answer.status for answer in answers] == [200] * 20
    a.forget()
    assert envoy.request("GET", MANIFEST).status == 200
    assert len(a.seen) == 1


@pytest.mark.parametrize("script", [hang, lambda _seen: MISSING, lambda _seen: Answer(500)])
def test_a_request_has_an_end(
    script: Callable[[Seen], Answer], backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    a, b, _ = backends
    a.script = hang
    b.script = script
    document = policy(urls(backends), ["a", "b"])
    for backend in document["backends"].values():
        backend |= {"attempt_timeouts": {"manifests": "1s", "blobs": "2s"}, "hedge_after": "200ms"}
    envoy = start_envoy(document)
    for target, least in ((MANIFEST, 1.2), (BLOB, 2.2)):
        answer, seconds = timed(envoy, target)
        assert (answer.status, code(answer)) == (503, "UNAVAILABLE")
        assert answer.all("retry-after")
        assert least - 0.1 <= seconds < least + 5
    assert len(a.seen) == len(b.seen) == 2, "nobody is asked twice"


def test_a_dead_second_backend_ends_no_request(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    """The second is known to be down, and refuses: the first one's answer counts, however slow it is."""
    a = backends[0]
    a.script = slow(1.0, FOUND)
    document = policy([a.url, dead(), backends[2].url], ["a", "b"])
    for backend in document["backends"].values():
        backend |= {"attempt_timeouts": {"manifests": "10s", "blobs": "10s"}, "hedge_after": "usual"}
    envoy = start_envoy(document)
    for _ in range(4):
        assert envoy.request("GET", MANIFEST).body == BODY


@pytest.mark.parametrize("winner", [0, 1])
def test_a_client_hears_of_a_body_that_is_cut(
    winner: int, backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    """Its head has gone to the client, so nobody else can be asked."""

    def cut() -> Iterator[bytes]:
        yield b"its half"
        raise ConnectionAbortedError

    half = Answer(200, [("Content-Length", "16")], rest=cut)
    backends[winner].script = slow(1.0, half)
    backends[1 - winner].script = hang
    envoy = start_envoy(patient(backends))
    with pytest.raises(raw.Cut, match="its half"):
        envoy.request("GET", BLOB)
    assert [len(backend.seen) for backend in backends[:2]] == [1, 1], "nobody is asked twice"
    (entry,) = envoy.log_entries(1)
    assert (entry["backend"], entry["status"]) == ("ab"[winner], 200)
    assert "UPE" in entry["flags"].split(",")


@pytest.mark.parametrize(("answer", "status"), [(FOUND, 200), (MISSING, 503), (Answer(500), 503)])
def test_a_backend_with_a_request_under_way_is_not_asked_again(
    answer: Answer, status: int, backends: list[Scripted], start_envoy: StartEnvoy
) -> None:
    """The first is known to be down, so Envoy has nobody but the second, also for the attempt beside it."""
    a, b, _ = backends
    a.health = 503
    b.script = slow(1.0, answer)
    envoy = start_envoy(patient(backends))
    eventually(lambda: envoy.stats(r"^cluster\.a\.membership_healthy$") == {"cluster.a.membership_healthy": 0})
    a.forget()
    b.forget()
    for number in (1, 2):
        found, seconds = timed(envoy, MANIFEST)
        assert found.status == status
        assert seconds < 8, "the request does not wait for its end"
        assert (len(a.seen), len(b.seen)) == (0, number)


def test_both_lack_it(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    backends[0].script = slow(1.0, MISSING)
    backends[1].answer(MISSING)
    envoy = start_envoy(patient(backends))
    assert envoy.request("GET", MANIFEST).status == 404
    assert len(backends[0].seen) == len(backends[1].seen) == 1


@pytest.mark.parametrize("more", [{"hedge_after": "off"}, {"hedge_after": "9s"}])
def test_the_policy_says_when(more: dict[str, str], backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    backends[0].script = slow(1.5, FOUND)
    backends[1].answer(FOUND)
    envoy = start_envoy(patient(backends, **more))
    assert envoy.request("GET", MANIFEST).body == BODY
    assert not backends[1].seen


def test_a_write_has_one_home(backends: list[Scripted], start_envoy: StartEnvoy) -> None:
    backends[0].script = slow(1.5, Answer(201))
    document = patient(backends)
    document["rules"][0]["owner"] = "a"
    envoy = start_envoy(document)
    assert envoy.request("PUT", "/v2/team/app/manifests/v1", [], b"{}").status == 201
    assert not backends[1].seen


@pytest.fixture
def service(tmp_path: Path) -> Iterator[TokenService]:
    """The token service of `a`."""
    one = TokenService(Signer(tmp_path / "signer"), [ROBOT], service="service-a")
    yield one
    one.close()


def three(backends: list[Scripted], service: TokenService, directory: Path) -> Policy:
    """`a` wants tokens, `b` a password and `c` nothing; every pair of them is a list."""
    document = policy(urls(backends), ["a", "b"])
    document["credentials"] = {}
    for name, account in (("robot", ROBOT), ("pusher", PUSHER)):
        path = directory / name
        path.write_text(account.basic.removeprefix("Basic "))
        document["credentials"][name] = {"file": str(path)}
    for backend in document["backends"].values():
        backend |= {"attempt_timeouts": {"manifests": "2s", "blobs": "2s"}, "hedge_after": "100ms"}
        backend["names"] = [{"front": "", "backend": backend["names"][0]["backend"]}]
    token = {"realm": service.realm, "service": service.service}
    document["backends"]["a"] |= {"auth": {"token": token}, "credential": "robot"}
    document["backends"]["b"] |= {"auth": "basic", "credential": "pusher"}
    document["rules"] = [
        {
            "name": pair,
            "repositories": [f"{pair}/**"],
            "chains": {"default": list(pair)},
            "readers": "anyone",
        }
        for pair in PAIRS
    ]
    return document


class Moody:
    """Answers now and then, in every way that there is."""

    WAYS = ((0.0, 200), (0.0, 200), (0.15, 200), (0.3, 200), (0.0, 404), (0.2, 404), (0.1, 503), (0.0, 429))

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def __call__(self, _seen: Seen) -> Answer:
        """One of the ways."""
        seconds, status = self.random.choice(self.WAYS)
        time.sleep(seconds)
        return Answer(status, [("Docker-Content-Digest", sha256(CONTENT))], CONTENT if status == 200 else b"{}")


def pull_until_attempts_overlap(envoy: Envoy) -> tuple[Counter[int], int]:
    """Reads of all lists in random order: the statuses of their answers, and in how many two attempts overlapped."""
    chosen = random.Random(7)
    statuses: Counter[int] = Counter()
    overtaken = 0
    for number in range(10):
        # Each request is about a digest of its own, so that it is known again.
        targets = [
            f"/v2/{chosen.choice(PAIRS)}/app{digest % 4}/blobs/sha256:{digest:064x}"
            for digest in range(number * REQUESTS, (number + 1) * REQUESTS)
        ]
        with ThreadPoolExecutor(12) as pool:
            statuses.update(pool.map(lambda target: pull(envoy, target), targets))
        overtaken += sum("overtaken" in str(entry["tried"]) for entry in envoy.log_entries(REQUESTS))
        if overtaken >= OVERLAPS:
            break
    return statuses, overtaken


def pull(envoy: Envoy, target: str) -> int:
    """What a client with a credential of its own is answered."""
    return envoy.request("GET", target, [("Authorization", "Bearer the-clients-own")]).status


def test_nothing_of_one_registry_reaches_another(
    backends: list[Scripted], service: TokenService, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    service.habits.public = ("a-team/",)
    # Tokens end soon, and the service takes its time.
    service.habits.lifetime = 2
    service.habits.fault = lambda _seen: time.sleep(random.choice((0.0, 0.25)))
    for seed, backend in enumerate(backends):
        backend.script = Moody(seed)
    envoy = start(render(three(backends, service, tmp_path), tmp_path), 2)
    statuses, overtaken = pull_until_attempts_overlap(envoy)
    assert set(statuses) <= {200, 404, 429, 503}, statuses
    assert statuses[200], statuses
    assert overtaken >= OVERLAPS, f"two attempts overlapped in {overtaken} requests"
    asked: Counter[tuple[str, str]] = Counter()
    for key, backend in zip("abc", backends, strict=True):
        for seen in backend.seen:
            target = seen.target.decode()
            assert seen.authority == backend.authority, "the host of another"
            assert target.startswith(f"/v2/{key}-team/"), f"{key} is asked for {target}"
            shown = [value.decode() for value in seen.all("authorization")]
            if key == "a":
                tokens = [value.removeprefix("Bearer ") for value in shown]
                assert all(value.count(".") == 2 for value in tokens), f"a is shown {shown}"
            elif key == "b":
                assert shown == [PUSHER.basic], f"b is shown {shown}"
            else:
                assert not shown, f"c is shown {shown}"
            asked[key, target] += 1
    assert not [one for one, count in asked.items() if count > 1], "somebody is asked twice for one request"
