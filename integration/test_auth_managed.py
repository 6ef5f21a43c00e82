"""Managed tokens in real Envoy: the proxy shows each registry what it wants to see, and clients need nothing.

Scripted registries and our own token service. Sees every token and password that arrives anywhere, and
how often a token service is asked. Cannot see real clients; test_auth_clients does.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import pytest

from harness import faults, raw
from harness.accounts import Account
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.guarded import CONTENT, Guarded
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted, Seen
from harness.signing import Signer
from harness.token_service import Asked, TokenService
from harness.waiting import eventually, stays

DIGEST = sha256(CONTENT)
BLOB = f"/v2/team/app/blobs/{DIGEST}"
ROBOT = Account("robot", "the robot's password")
PUSHER = Account("pusher", "the pusher's password")

Start = Callable[..., Envoy]


@pytest.fixture
def services(signer: Signer) -> Iterator[list[TokenService]]:
    """Two token services, each for one registry."""
    all_of_them = [TokenService(signer, [ROBOT], service=name) for name in ("service-a", "service-b")]
    for service, name in zip(all_of_them, "ab", strict=True):
        service.habits.public = (f"{name}-team/",)
    yield all_of_them
    for service in all_of_them:
        service.close()


@pytest.fixture
def guarded(backends: list[Scripted], services: list[TokenService]) -> list[Guarded]:
    """Registries `a` and `b` with a token service each, and `c` with passwords."""
    a, b, c = backends
    return [
        Guarded(a, "a-team/app", service=services[0]),
        Guarded(b, "b-team/app", service=services[1]),
        Guarded(c, "c-team/app", basic=PUSHER.basic),
    ]


@pytest.fixture
def start_policy(start: Start, tmp_path: Path) -> Callable[..., Envoy]:
    """Starts an Envoy with what is rendered of a policy."""
    return lambda policy, workers=1: start(render(policy, tmp_path), workers)


def policy(guarded: list[Guarded], chain: list[str], **rule: object) -> Policy:
    """One rule for `team/**`; each backend knows it under a prefix of its own."""
    backends = {}
    for one, name in zip(guarded, "abc", strict=True):
        backends[name] = {
            "url": one.upstream.url,
            "names": [{"front": "team/", "backend": f"{name}-team/"}],
            "attempt_timeouts": {"manifests": "3s", "blobs": "3s"},
        }
        if one.service:
            token = {"realm": one.service.realm, "service": one.service.service}
            backends[name]["auth"] = {"token": token}
    return build_policy(backends, rule_of("team", chain, **rule))


def with_credentials(document: Policy, directory: Path) -> Policy:
    """`a` fetches its tokens as a robot, `c` is sent a password."""
    directory.mkdir(exist_ok=True)
    document["credentials"] = {}
    for name, account in (("robot", ROBOT), ("pusher", PUSHER)):
        path = directory / name
        path.write_text(account.basic.removeprefix("Basic "))
        document["credentials"][name] = {"file": str(path)}
    document["backends"]["a"]["credential"] = "robot"
    document["backends"]["c"] |= {"auth": "basic", "credential": "pusher"}
    for rule in document["rules"]:
        rule["readers"] = "anyone"
    return document


def pull(envoy: Envoy, target: str = BLOB) -> raw.Response:
    """A pull of a client that knows nothing of authentication, or sends what is of no use here."""
    return envoy.request("GET", target, [("Authorization", "Bearer the-clients-own")])


def test_clients_need_nothing(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    envoy = start_policy(policy(guarded, ["a"]))
    assert envoy.request("GET", "/v2/").status == 200
    answer = pull(envoy)
    assert (answer.status, answer.body) == (200, CONTENT)
    assert [asked.scopes for asked in services[0].requests] == [["repository:a-team/app:pull"]]
    assert services[0].requests[0].authorization is None
    # Envoy adds others, with this machine's own address among them.
    assert services[0].requests[0].seen.names == {"host", "user-agent", "accept"}
    for _ in range(3):
        assert pull(envoy).status == 200
    assert len(services[0].requests) == 1, "the token is kept"
    assert len(set(guarded[0].tokens)) == 1
    assert services[1].requests == [] and guarded[1].upstream.seen == []


def test_a_token_service_is_found_where_the_registry_is(
    backends: list[Scripted], signer: Signer, start_policy: Callable[..., Envoy]
) -> None:
    """Without a realm in the policy the registry is asked, once; only its own host counts."""
    service = TokenService(signer, service="found")
    service.habits.public = ("a-team/",)
    registry = Guarded(backends[0], "a-team/app", service=service)
    document = policy([registry, *(Guarded(each, "x") for each in backends[1:])], ["a"])
    document["backends"]["a"]["auth"] = "token"
    envoy = start_policy(document)
    answer = pull(envoy)
    assert answer.status == 503 or answer.status == 403, "the realm is at another port: nobody goes there"
    assert service.requests == []
    # The same registry behind the service's own port would be believed; its realm is relative to itself.
    own = backends[0].url
    script = backends[0].script

    def with_tokens(seen: object) -> Answer:
        found = script(seen)  # type: ignore[arg-type]
        values = [(n, str(v).replace(service.realm, f"{own}/token")) for n, v in found.headers]
        target = seen.target.decode()  # type: ignore[attr-defined]
        if target.startswith("/token"):
            token = service.token("", ["repository:a-team/app:pull"])
            return Answer(200, [("Content-Type", "application/json")], b'{"token":"%s"}' % token.encode())
        return Answer(found.status, values, found.body)

    backends[0].script = with_tokens
    envoy = start_policy(document)
    assert [pull(envoy).status for _ in range(3)] == [200, 200, 200]
    pings = [seen for seen in backends[0].seen if seen.target == b"/v2/"]
    assert len(pings) <= 2, "asked once by each Envoy"


@pytest.mark.parametrize("first", ["a lacks it", "a fails", "a refuses", "a is limited"])
def test_three_registries_see_their_own_and_nothing_else(
    guarded: list[Guarded],
    services: list[TokenService],
    start_policy: Callable[..., Envoy],
    tmp_path: Path,
    first: str,
) -> None:
    """Each has its own name for the repository and its own credential, whatever failed before."""
    a, b, c = guarded
    failures = {
        "a lacks it": lambda: Answer(404),
        "a fails": lambda: Answer(503),
        "a refuses": lambda: Answer(403),
        "a is limited": lambda: Answer(429, [("Retry-After", "1")]),
    }
    a.answer = failures[first]
    b.answer = lambda: Answer(404)
    document = with_credentials(policy(guarded, ["a", "b", "c"]), tmp_path / "credentials")
    envoy = start_policy(document)
    for _ in range(2):
        answer = pull(envoy)
        assert (answer.status, answer.body) == (200, CONTENT)
    assert {asked.account for asked in services[0].requests} == {ROBOT}
    assert {asked.account for asked in services[1].requests} == {None}
    for registry, prefix in zip(guarded, ("a-team", "b-team", "c-team"), strict=True):
        assert registry.upstream.seen, prefix
        for seen in registry.upstream.seen:
            assert seen.target.startswith(f"/v2/{prefix}/".encode())
            assert seen.authority == registry.upstream.authority
            assert not any(name.startswith("x-portolan") for name in seen.names), seen.names
    assert set(c.tokens) == {PUSHER.basic}
    assert all(token.count(".") == 2 for token in [*a.tokens, *b.tokens])
    assert set(a.tokens).isdisjoint(b.tokens)


# What is wrong with a's token service, or with what it gives.
TROUBLE = {
    "down": faults.down,
    "slow": faults.hang,
    "500": faults.answers(500),
    "429": faults.answers(429),
    "junk": faults.junk,
    "denied": faults.answers(403),
}


@pytest.mark.parametrize("trouble", [*TROUBLE, "revoking"])
def test_no_pull_fails_while_one_token_service_does(
    guarded: list[Guarded],
    services: list[TokenService],
    start_policy: Callable[..., Envoy],
    trouble: str,
) -> None:
    a, _, _ = guarded
    services[0].habits.fault = TROUBLE.get(trouble)
    a.revokes_all = trouble == "revoking"
    envoy = start_policy(policy(guarded, ["a", "b"]))
    # So that b's token is there: to get one may take longer on a busy machine than many wait for it.
    eventually(lambda: pull(envoy).status == 200)
    services[0].forget()
    envoy.forget_log()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: pull(envoy), range(40)))
    assert {answer.status for answer in answers} == {200}
    seconds = [entry["duration_ms"] / 1000 for entry in envoy.log_entries(40)]
    waits = len([each for each in seconds if each >= 0.9])
    assert waits <= 8 * len(services[0].requests), "only who is there when it is asked waits"
    assert max(seconds) < 8, "and not for long"
    if trouble != "revoking":
        assert len(services[0].requests) < 8, "who fails is not asked by everybody"


def test_a_token_that_is_taken_back_is_replaced_at_once(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    """With nobody to go on to, the request gets one more try, with a new token."""
    a = guarded[0]
    envoy = start_policy(policy(guarded, ["a"]))
    assert pull(envoy).status == 200
    a.revoke()
    assert pull(envoy).status == 200
    assert len(services[0].requests) == 2
    assert len(set(a.tokens)) == 2
    a.revokes_all = True
    answer = pull(envoy)
    assert (answer.status, answer.one("www-authenticate")) == (403, None), "nothing a client could do"
    assert b"DENIED" in answer.body


def test_without_a_token_it_is_an_outage_and_not_a_refusal(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    services[0].habits.fault = faults.answers(500)
    envoy = start_policy(policy(guarded, ["a"]))
    answer = pull(envoy)
    assert (answer.status, answer.one("retry-after")) == (503, "2")
    assert b"UNAVAILABLE" in answer.body


def test_a_limit_of_the_token_service_is_one_of_its_registry(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    limited = Answer(429, [("Retry-After", "50"), ("Content-Type", "application/json")], b"{}")
    services[0].habits.fault = lambda _seen: limited
    document = policy(guarded, ["a", "c"])
    document["rules"].append(rule_of("alone", ["a"]))
    envoy = start_policy(document)
    alone, team = f"/v2/alone/app/blobs/{DIGEST}", BLOB
    rows = [
        (alone, Answer(404), 429, b"TOOMANYREQUESTS"),
        (team, Answer(200, [], CONTENT), 200, CONTENT),
        (team, Answer(429, [("Retry-After", "1")]), 429, b"TOOMANYREQUESTS"),
        (team, Answer(404), 503, b"UNAVAILABLE"),
    ]
    for path, other, status, body in rows:
        guarded[2].upstream.answer(other)
        answer = pull(envoy, path)
        assert (answer.status, body in answer.body) == (status, True), path
        if status != 200:
            assert 1 <= int(answer.one("retry-after") or 0) <= 50, "what is left of it"
            assert int(answer.one("retry-after") or 0) > 2, "and not the time of an outage"
    assert len(services[0].requests) == 2, "one for each repository: it is left for as long as it says"


@pytest.mark.parametrize("hides", [False, True])
def test_a_registry_that_refuses_the_proxys_token(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy], hides: bool
) -> None:
    services[0].habits.public = ()
    document = policy(guarded, ["a"])
    document["backends"]["a"]["hides_missing"] = hides
    answer = pull(start_policy(document))
    assert answer.status == (404 if hides else 403)
    assert answer.all("www-authenticate") == []


def test_one_fetch_for_a_thousand(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    """Two workers, 1,000 cold requests, and the clients that came first go away."""
    services[0].habits.fault = faults.slow(0.5)
    envoy = start_policy(policy(guarded, ["a"]), 2)
    impatient = [raw.Connection(envoy.port) for _ in range(20)]
    for connection in impatient:
        connection.send(f"GET {BLOB} HTTP/1.1\r\nHost: registry.test\r\n\r\n".encode())
    eventually(lambda: services[0].requests)
    for connection in impatient:
        connection.close()
    with ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(lambda _: pull(envoy).status, range(1000)))
    assert set(statuses) == {200}
    assert 1 <= len(services[0].requests) <= 2, "one for each worker"


def test_tokens_are_renewed_before_they_end(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    services[0].habits.lifetime = 4
    envoy = start_policy(policy(guarded, ["a"]))
    stays(lambda: pull(envoy).status == 200, for_=9)
    assert 401 not in guarded[0].statuses[-10:], "the last tokens are still good"
    assert 3 <= len(services[0].requests) <= 8


def test_tokens_are_for_what_is_asked(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    guarded[0].repository = "a-team/other"
    services[0].habits.public = ("a-team/",)
    envoy = start_policy(policy(guarded, ["a"]))
    assert pull(envoy, f"/v2/team/other/blobs/{DIGEST}").status == 200
    pull(envoy)
    scopes = [asked.scopes for asked in services[0].requests]
    # The registry refuses the second as soon as it is there, so that it is fetched once more.
    app = ["repository:a-team/app:pull"]
    assert scopes == [["repository:a-team/other:pull"], app, app]


# --- refusals

CHALLENGE = 'Bearer realm="https://auth.test/token",service="service-a"'
REFUSALS = {
    "without a challenge": Answer(401),
    "with one": Answer(401, [("WWW-Authenticate", CHALLENGE)]),
    "with a scheme that nobody knows": Answer(401, [("WWW-Authenticate", "Negotiate")]),
    "403 for what should have been 401": Answer(
        403, [("WWW-Authenticate", f'{CHALLENGE},error="invalid_token"')]
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_refused_token_is_renewed(
    guarded: list[Guarded],
    services: list[TokenService],
    start_policy: Callable[..., Envoy],
    refusal: Answer,
) -> None:
    a = guarded[0]
    envoy = start_policy(policy(guarded, ["a"]))
    assert pull(envoy).status == 200
    a.refusal = refusal
    a.revoke()
    assert pull(envoy).status == 200, "it is tried again at once"
    assert len(services[0].requests) == 2 and len(set(a.tokens)) == 2


def nothing(_seen: Seen) -> Answer:
    """The connection ends without an answer."""
    raise ConnectionAbortedError


NOT_THERE: dict[str, Callable[[Seen], Answer]] = {
    "absent": lambda _seen: Answer(404),
    "failing": lambda _seen: Answer(503),
    "limited": lambda _seen: Answer(429),
    "silent": nothing,
}


@pytest.mark.parametrize("chain", [["a", "b"], ["b", "a"], ["b", "a", "c"]], ids="-".join)
def test_a_registry_of_several_that_refused_a_token_is_asked_again_at_the_end(
    guarded: list[Guarded],
    services: list[TokenService],
    start_policy: Callable[..., Envoy],
    chain: list[str],
) -> None:
    """Its token ends early, and it is the only one that has the content."""
    a, b, c = guarded
    document = policy(guarded, chain)
    for backend in document["backends"].values():
        backend |= {"hedge_after": "off", "ejection": {"failures": 100}}
    envoy = start_policy(document)
    rows = [(other, name) for other in NOT_THERE for name in REFUSALS if name[0] == "w" or other == "absent"]
    for number, (other, refusal) in enumerate(rows):
        row = f"{other}, {refusal}"
        path = f"/v2/team/{number}/blobs/{DIGEST}"
        a.repository, a.refusal = f"a-team/{number}", REFUSALS[refusal]
        for one in (b, c):
            one.upstream.script = NOT_THERE[other]
        assert pull(envoy, path).status == 200, row
        services[0].forget()
        envoy.forget_log()
        a.revoke()
        assert pull(envoy, path).status == 200, row
        assert [asked.scopes for asked in services[0].requests] == [[f"repository:a-team/{number}:pull"]], row
        assert envoy.log_entries(1)[0]["backend"] == "a", row
    a.revokes_all = True
    for one in guarded:
        one.upstream.forget()
    assert pull(envoy).status in (403, 503)
    blobs = [[seen for seen in one.upstream.seen if b"/blobs/" in seen.target] for one in guarded]
    assert len(blobs[0]) <= 2, "it is asked again once, and no more"
    assert max(len(seen) for seen in blobs[1:]) <= 1, "the others are asked once"


def test_only_the_first_hedged_read_fails_where_tokens_are_refused(
    guarded: list[Guarded], start_policy: Callable[..., Envoy]
) -> None:
    """Envoy makes two attempts of a hedged read and no more."""
    a, b, _ = guarded
    document = policy(guarded, ["b", "a"])
    for backend in document["backends"].values():
        backend["hedge_after"] = "usual"
    envoy = start_policy(document)
    b.upstream.answer(Answer(404))
    assert pull(envoy).status == 200
    a.revoke()
    assert pull(envoy).status in (200, 503)
    for number in range(3):
        a.repository = f"a-team/{number}"
        path = f"/v2/team/{number}/blobs/{DIGEST}"
        assert pull(envoy, path).status == 200
        a.revoke()
        assert pull(envoy, path).status == 200, "another repository's token is replaced at once"


def test_a_token_that_is_refused_at_once_is_replaced_at_once(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    """The keys of a registry that has been started anew, say."""
    registry = guarded[0].upstream
    script = registry.script

    def refuses_the_first(seen: Seen) -> Answer:
        if len(services[0].requests) == 1:
            return Answer(401)
        return script(seen)

    registry.script = refuses_the_first
    envoy = start_policy(policy(guarded, ["a"]))
    assert pull(envoy).status == 200
    assert len(services[0].requests) == 2


def test_a_refusal_of_one_image_takes_no_token_from_others(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    """A registry that answers 401 for one image, whatever it is shown."""
    registry = guarded[0].upstream
    script = registry.script
    registry.script = lambda seen: Answer(401) if seen.target.endswith(b"/evil") else script(seen)
    envoy = start_policy(policy(guarded, ["a"]))
    with ThreadPoolExecutor(8) as pool:
        evil = pool.map(lambda _: pull(envoy, "/v2/team/app/manifests/evil").status, range(100))
        good = pool.map(lambda _: pull(envoy).status, range(100))
        assert set(good) == {200}
        assert 200 not in set(evil)


def on_its_own_host(registry: Guarded, service: TokenService) -> None:
    """The registry's token service is where the registry is."""
    own, script = registry.upstream.url, registry.upstream.script

    def with_tokens(seen: Seen) -> Answer:
        if seen.target.startswith(b"/token"):
            token = service.token("", [f"repository:{registry.repository}:pull"])
            return Answer(200, [("Content-Type", "application/json")], b'{"token":"%s"}' % token.encode())
        found = script(seen)
        values = [(name, str(value).replace(service.realm, f"{own}/token")) for name, value in found.headers]
        return Answer(found.status, values, found.body)

    registry.upstream.script = with_tokens


def test_a_repository_says_where_tokens_are_if_the_ping_does_not(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    """`/v2/` is for everybody, since something is public."""
    a = guarded[0]
    a.open_ping = True
    document = policy(guarded, ["a"])
    document["backends"]["a"]["auth"] = "token"
    envoy = start_policy(document)
    assert pull(envoy).status in (403, 503), "another host's: nobody goes there"
    assert services[0].requests == []
    on_its_own_host(a, services[0])
    envoy = start_policy(document)
    assert [pull(envoy).status for _ in range(3)] == [200, 200, 200]
    # With somebody to go on to it is asked again at the end.
    document["rules"][0]["chains"]["default"] = ["a", "c"]
    guarded[2].answer = lambda: Answer(404)
    guarded[2].basic = None
    envoy = start_policy(document)
    assert [pull(envoy).status for _ in range(2)] == [200, 200]


# --- the proxy's own credential


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("backend", ["a", "c"])
def test_a_wrong_credential_is_seen(
    guarded: list[Guarded],
    services: list[TokenService],
    start_policy: Callable[..., Envoy],
    tmp_path: Path,
    backend: str,
    hides: bool,
) -> None:
    """By the client, who can do nothing; in the access log; and once a minute in Envoy's log."""
    services[0].habits.users = {}
    guarded[2].basic = "another one"
    document = with_credentials(policy(guarded, [backend]), tmp_path / "credentials")
    document["backends"][backend]["hides_missing"] = hides
    envoy = start_policy(document)
    for _ in range(5):
        answer = pull(envoy)
        assert (answer.status, answer.all("www-authenticate")) == (403, [])
        assert b"own credential was refused" in answer.body and b"DENIED" in answer.body
    name, account = ("robot", ROBOT) if backend == "a" else ("pusher", PUSHER)
    for entry in envoy.log_entries(5):
        assert f"the credential {name} was refused for {backend}" in entry["reason"]
    lines = [line for line in envoy.error_log().splitlines() if f"credential `{name}`" in line]
    assert len(lines) == 1 and f"backend `{backend}`" in lines[0], "once a minute"
    assert account.password not in envoy.error_log() and account.password.encode() not in answer.body


# --- redirects and answers of token services


def test_a_token_service_redirects_to_itself(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    def again(seen: Seen) -> Answer | None:
        target = seen.target.decode()
        return None if "again" in target else Answer(307, [("Location", f"{target}&again=1")])

    services[0].habits.fault = again
    envoy = start_policy(policy(guarded, ["a"]))
    assert pull(envoy).status == 200
    assert len(services[0].requests) == 2


@pytest.mark.parametrize("circle", [False, True])
def test_a_token_service_steers_nobody(
    guarded: list[Guarded],
    services: list[TokenService],
    start_policy: Callable[..., Envoy],
    tmp_path: Path,
    circle: bool,
) -> None:
    """To another host, or for ever."""
    place = services[0].realm if circle else services[1].realm
    services[0].habits.fault = lambda _: Answer(302, [("Location", place)])
    document = with_credentials(policy(guarded, ["a"]), tmp_path / "credentials")
    envoy = start_policy(document)
    assert pull(envoy).status == 403
    assert services[1].requests == []
    assert len(services[0].requests) <= 4
    assert "the token service redirects to another host, or in a circle" in envoy.error_log()


def test_an_absurd_token_is_not_kept(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    body = b'{"token":"%s"}' % (b"t" * 40_000)
    services[0].habits.fault = faults.answers(200, "application/json", body)
    assert pull(start_policy(policy(guarded, ["a"]))).status == 503
    assert guarded[0].tokens == []


def test_a_token_that_was_handed_out_before_ends_in_time(
    guarded: list[Guarded], services: list[TokenService], start_policy: Callable[..., Envoy]
) -> None:
    """`issued_at` says that most of `expires_in` is over."""
    def old(seen: Seen) -> Answer:
        age = 298
        token = services[0].token("", Asked(seen).scopes)
        told = {"token": token, "expires_in": 300, "issued_at": timestamp(time.time() - age)}
        headers = [("Date", formatdate(usegmt=True)), ("Content-Type", "application/json")]
        return Answer(200, headers, json.dumps(told).encode())

    services[0].habits.fault = old
    envoy = start_policy(policy(guarded, ["a"]))
    services[0].forget()
    assert pull(envoy).status == 200
    while len(services[0].requests) < 2:
        assert pull(envoy).status == 200
    assert len(set(guarded[0].tokens)) == 2


def timestamp(seconds: float) -> str:
    """RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
