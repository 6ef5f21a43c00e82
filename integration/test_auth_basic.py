"""A front with passwords of its own, in real Envoy: who may read and push with the proxy's credential.

nginx looks at the passwords, with the file that `htpasswd -B` makes. Sees that what a client sends goes to
nobody but the verifier, and that what is refused reaches no registry.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest

from harness import raw
from harness.accounts import Account, write_htpasswd
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.guarded import CONTENT, Guarded
from harness.policies import build_policy
from harness.scripted import Answer, Scripted, Seen
from harness.signing import Signer
from harness.token_service import TokenService
from harness.verifier import Verifier
from harness.waiting import eventually

DIGEST = sha256(CONTENT)
ALICE = Account("alice", "alice's password")
BOB = Account("bob", "bob's: password")
ROBOT = Account("robot", "the robot's password")
CHALLENGE = 'Basic realm="registry.test"'


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of accounts."""
    return write_htpasswd(tmp_path_factory.mktemp("users") / "htpasswd", [ALICE])


@pytest.fixture(scope="module")
def verifier(users: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verifier]:
    """Who knows the passwords."""
    verifier = Verifier(users, tmp_path_factory.mktemp("verifier") / "nginx")
    yield verifier
    verifier.stop()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenService]:
    """The upstream's token service, which knows the robot alone."""
    service = TokenService(Signer(tmp_path_factory.mktemp("signer")), [ROBOT], service="upstream")
    service.habits.public = ()
    yield service
    service.close()


@pytest.fixture(scope="module")
def registry(east: Scripted, service: TokenService) -> Guarded:
    """The registry with everything in it."""
    return Guarded(east, "team/app", service=service)


def policy(registry: Guarded, verifier_url: str, directory: Path) -> Policy:
    """Rules for users, for anyone and for an office, all with the robot's credential."""
    assert registry.service
    (directory / "robot").write_text(ROBOT.basic.removeprefix("Basic "))
    token = {"realm": registry.service.realm, "service": registry.service.service}

    def rule(name: str, readers: object, **more: object) -> Policy:
        chains = {"default": ["upstream"]}
        repositories = [f"{name}/**"]
        return {"name": name, "repositories": repositories, "chains": chains, "readers": readers, **more}

    return build_policy(
        {
            "upstream": {
                "url": registry.upstream.url,
                "auth": {"token": token},
                "credential": "robot",
                "names": [{"front": f"{name}/", "backend": "team/"} for name in ("users",)],
            }
        },
        front={"auth": {"basic": {"verifier": verifier_url}}},
        credentials={"robot": {"file": str(directory / "robot")}},
        networks={"office": ["192.0.2.0/24"]},
        clients={"trusted_hops": 1},
        rules=[
            rule("users", "authenticated", owner="upstream", writers="authenticated"),
            rule("team", "anyone"),
            rule("office", {"networks": ["office"]}),
        ],
    )


@pytest.fixture(scope="module")
def envoy(
    registry: Guarded,
    verifier: Verifier,
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Envoy:
    """The front."""
    directory = tmp_path_factory.mktemp("basic")
    return start(render(policy(registry, verifier.url, directory), directory))


def ask(
    envoy: Envoy, target: str, account: Account | None = None, method: str = "GET", **more: object
) -> raw.Response:
    """A request of somebody, or of nobody."""
    headers: list[raw.Header] = [("Authorization", account.basic)] if account else []
    return envoy.request(method, target, headers, **more)  # type: ignore[arg-type]


def blob(name: str) -> str:
    """A blob of the repository."""
    return f"/v2/{name}/app/blobs/{DIGEST}"


def test_the_ping_asks_for_a_password(envoy: Envoy) -> None:
    for account, status in [(None, 401), (ALICE.but_wrong(), 401), (BOB, 401), (ALICE, 200)]:
        answer = ask(envoy, "/v2/", account)
        assert answer.status == status
        assert answer.all("www-authenticate") == ([CHALLENGE] if status == 401 else [])
        assert answer.one("docker-distribution-api-version") == "registry/2.0"
        assert status == 200 or b'"code":"UNAUTHORIZED"' in answer.body


def test_readers_of_each_rule(envoy: Envoy, registry: Guarded, service: TokenService) -> None:
    registry.upstream.forget()
    service.forget()
    # fmt: off
    rows = [
        ("users", ALICE, 200),
        ("users", None, 401),
        ("users", ALICE.but_wrong(), 401),
        ("team", None, 200),
        ("team", ALICE, 200),
        ("team", ALICE.but_wrong(), 401),
        ("office", ALICE, 403),
        ("office", None, 403),
    ]
    # fmt: on
    for name, account, status in rows:
        answer = ask(envoy, blob(name), account)
        assert answer.status == status, (name, account)
        assert answer.status != 200 or answer.body == CONTENT
    assert len(registry.upstream.seen) == 3, "what is refused reaches nobody"
    for secret in (ALICE.password, ALICE.basic, ALICE.but_wrong().password):
        assert not service.saw(secret)
        assert all(secret not in token for token in registry.tokens)
    assert {asked.account for asked in service.requests} == {ROBOT}


def test_the_log_has_the_user(envoy: Envoy) -> None:
    for account, status, user in ((ALICE, 200, "alice"), (Account("alice", "wrong"), 401, None), (None, 401, None)):
        envoy.forget_log()
        headers = [("Authorization", account.basic)] if account else []
        assert envoy.request("GET", "/v2/", headers).status == status
        (entry,) = envoy.log_entries(1)
        assert entry["user"] == user


def test_the_office_is_an_address(envoy: Envoy, registry: Guarded) -> None:
    inside: list[raw.Header] = [("X-Forwarded-For", "192.0.2.7"), ("Authorization", ALICE.basic)]
    registry.repository = "office/app"
    assert envoy.request("GET", blob("office"), inside).status == 200
    assert envoy.request("GET", blob("office"), inside[1:]).status == 403
    registry.repository = "team/app"
    assert envoy.request("GET", blob("office"), inside[:1]).status == 401, "both are needed"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/v2/users/app/blobs/uploads/"),
        ("PATCH", "/v2/users/app/blobs/uploads/1"),
        ("PUT", f"/v2/users/app/blobs/uploads/1?digest={DIGEST}"),
        ("PUT", "/v2/users/app/manifests/v1"),
        ("DELETE", "/v2/users/app/manifests/v1"),
        ("DELETE", f"/v2/users/app/blobs/{DIGEST}"),
    ],
)
def test_anonymous_writes_reach_nobody(
    envoy: Envoy, registry: Guarded, service: TokenService, method: str, target: str
) -> None:
    registry.upstream.forget()
    service.forget()
    for account in (None, ALICE.but_wrong()):
        answer = ask(envoy, target, account, method, body=b"x")
        assert (answer.status, answer.one("www-authenticate")) == (401, CHALLENGE)
    assert registry.upstream.seen == []
    assert service.requests == []


def test_a_push_is_made_with_a_token_for_it(envoy: Envoy, registry: Guarded, service: TokenService) -> None:
    registry.upstream.forget()
    service.forget()
    registry.answer = lambda: Answer(201, [("Location", "/v2/team/app/manifests/v1")])
    body = b"m" * 3_000_000
    answer = ask(envoy, "/v2/users/app/manifests/v1", ALICE, "PUT", body=body)
    assert (answer.status, answer.one("location")) == (201, "/v2/users/app/manifests/v1")
    assert registry.upstream.seen[-1].body == body
    assert [asked.scopes for asked in service.requests] == [["repository:team/app:pull,push"]]
    ask(envoy, "/v2/users/app/manifests/v1", ALICE, "DELETE")
    assert service.requests[-1].scopes == ["repository:team/app:delete"]
    registry.answer = lambda: Answer(200, [], CONTENT)


def test_a_registry_that_deletes_with_push(envoy: Envoy, registry: Guarded, service: TokenService) -> None:
    """Quay's token service answers 400 to a scope with `delete`, and its registry shows uploads to who may push."""
    service.forget()
    service.habits.understands = frozenset({"pull", "push", "*"})
    registry.repository, registry.like_quay = "team/quay", True
    registry.answer = lambda: Answer(202)
    scope = "repository:team/quay:"
    for target in ("/v2/users/quay/manifests/v1", f"/v2/users/quay/blobs/{DIGEST}"):
        assert ask(envoy, target, ALICE, "DELETE").status == 202
    assert [asked.scopes for asked in service.requests] == [[f"{scope}delete"], [f"{scope}pull,push"]]
    registry.answer = lambda: Answer(204, [("Range", "0-41")])
    answer = ask(envoy, "/v2/users/quay/blobs/uploads/1", ALICE)
    assert (answer.status, answer.one("range")) == (204, "0-41")
    assert service.requests[-1].scopes == [f"{scope}pull,push"]
    service.habits.understands = None
    registry.repository, registry.like_quay = "team/app", False
    registry.answer = lambda: Answer(200, [], CONTENT)


def test_a_mount_becomes_an_upload(envoy: Envoy, registry: Guarded) -> None:
    """The token is for one repository; asking for a second would make the registry refuse both."""
    registry.upstream.forget()
    registry.answer = lambda: Answer(202, [("Location", "/v2/team/app/blobs/uploads/1")])
    target = f"/v2/users/app/blobs/uploads/?mount={DIGEST}&from=users/other"
    assert ask(envoy, target, ALICE, "POST").status == 202
    assert registry.upstream.seen[-1].target == b"/v2/team/app/blobs/uploads/"
    registry.answer = lambda: Answer(200, [], CONTENT)


def test_a_password_is_looked_at_once(envoy: Envoy, verifier: Verifier, users: Path) -> None:
    ask(envoy, blob("users"), ALICE)
    asked = len(verifier.requests_so_far())
    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(lambda _: ask(envoy, blob("users"), ALICE).status, range(50)))
    assert statuses == {200}
    assert len(verifier.requests_so_far()) == asked
    # The file is replaced: who is new may come at once, without a restart.
    assert ask(envoy, "/v2/", BOB).status == 401
    write_htpasswd(users, [ALICE, BOB])
    # What was refused is remembered for five seconds.
    eventually(lambda: ask(envoy, "/v2/", BOB).status == 200, within=30)


def test_the_verifier_is_down(
    registry: Guarded, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    registry.upstream.forget()
    envoy = start(render(policy(registry, "http://127.0.0.1:9", tmp_path), tmp_path))
    answer = ask(envoy, blob("users"), ALICE)
    assert (answer.status, answer.one("retry-after")) == (503, "2")
    assert b"UNAVAILABLE" in answer.body
    assert registry.upstream.seen == []


ODD = {
    "no password": b"Basic",
    "not text": b"Basic \xff\xfe",
    "a token": b"Bearer eA==",
    "a ticket": b"Negotiate eA==",
    "two": b"Basic eDp4, Basic eTp5",
    "longer than any server takes": b"Basic " + b"a" * 9000,
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_a_value_that_is_no_password_reaches_no_verifier(
    envoy: Envoy, registry: Guarded, verifier: Verifier, value: bytes
) -> None:
    registry.upstream.forget()
    asked = len(verifier.requests_so_far())
    answer = envoy.request("GET", blob("users"), [("Authorization", value)])
    assert (answer.status, answer.one("www-authenticate")) == (401, CHALLENGE)
    assert registry.upstream.seen == []
    assert len(verifier.requests_so_far()) == asked


def test_an_empty_password_is_a_wrong_one(envoy: Envoy, registry: Guarded) -> None:
    registry.upstream.forget()
    assert envoy.request("GET", blob("users"), [("Authorization", "Basic Og==")]).status == 401
    assert registry.upstream.seen == []


def test_one_address_has_a_share_of_the_verifier(
    registry: Guarded, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    """Who guesses is told to come again, and others log in meanwhile."""
    slow, released = Scripted(), threading.Event()

    def verify(seen: Seen) -> Answer:
        if seen.all("authorization") == [ALICE.basic.encode()]:
            return Answer(204)
        released.wait(30)
        return Answer(401)

    slow.script = verify
    envoy = start(render(policy(registry, slow.url, tmp_path), tmp_path))

    def guess(number: int) -> int:
        account = Account("alice", f"guess {number}")
        headers = [("X-Forwarded-For", "192.0.2.9"), ("Authorization", account.basic)]
        return envoy.request("GET", "/v2/", headers).status

    with ThreadPoolExecutor(80) as pool:
        guesses = [pool.submit(guess, number) for number in range(80)]
        refused = list(itertools.islice((each for each in as_completed(guesses)), 32))
        assert {each.result() for each in refused} == {503}
        assert len([seen for seen in slow.seen if seen.all("authorization")]) <= 48
        other = [("X-Forwarded-For", "192.0.2.10"), ("Authorization", ALICE.basic)]
        assert envoy.request("GET", "/v2/", other).status == 200
        released.set()
        assert {each.result() for each in guesses} <= {401, 503}
    slow.close()
