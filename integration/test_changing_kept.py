"""Nothing old in the new: what was learnt under one policy is used under another only where it is about the same.

Tokens, realms, passwords, blob stores and the health of backends, on one real Envoy with two workers. Each is used again where
nothing has changed that it was learnt of, and each is learnt anew where something has. Who keeps what, and under which
key, is tested without Envoy in filter/driver.
"""

import base64
import json
from collections.abc import Iterator

import pytest

from harness.blob_store import BlobStore
from harness.changing import BLOB, CONTENT, HOST, asked, policy
from harness.digest import sha256
from harness.envoy import Policy
from harness.files_envoy import FilesEnvoy
from harness.policies import LATE
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually

# As many requests as leave no worker out, as good as certainly.
MANY = 8


@pytest.fixture(scope="module")
def the_envoy(tmp_path_factory: pytest.TempPathFactory, east: Scripted) -> Iterator[FilesEnvoy]:
    """The Envoy."""
    started = FilesEnvoy(policy(east.url), tmp_path_factory.mktemp("files"))
    yield started
    crashes = started.crashes()
    started.stop()
    assert not crashes


@pytest.fixture
def envoy(the_envoy: FilesEnvoy, east: Scripted, west: Scripted) -> FilesEnvoy:
    """The same, with `east` alone."""
    for registry in (east, west):
        registry.answer(Answer(body=CONTENT))
        registry.health = 200
    the_envoy.apply(policy(east.url), "--no-validate")
    return the_envoy


def renamed(policy: Policy) -> Policy:
    """The same policy, but for the name of its rule."""
    (rule,) = policy["rules"]
    return {**policy, "rules": [{**rule, "name": f"{rule['name']}-renamed"}]}


def basic(user: str, password: str) -> str:
    """A credential as it is shown."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


class Issuing:
    """A registry that wants a token, and its token service, at one address.

    Each token says at which path of the service it was asked for, and by whom.
    """

    def __init__(self, upstream: Scripted, name: str, realm: str = "/token") -> None:
        self.upstream, self.name, self.realm = upstream, name, realm
        upstream.forget()
        upstream.script = self._answer

    def _answer(self, seen: Seen) -> Answer:
        target = seen.target.decode().partition("?")[0]
        if not target.startswith("/v2/"):
            who = b"".join(seen.all("authorization")).decode().removeprefix("Basic ")
            token = f"{self.name}.{target.removeprefix('/')}.{who.rstrip('=')}"
            return Answer(body=json.dumps({"token": token, "expires_in": 3600}).encode())
        if seen.all("authorization"):
            return Answer(body=CONTENT)
        challenge = f'Bearer realm="{self.upstream.url}{self.realm}",service="s"'
        return Answer(401, [("WWW-Authenticate", challenge)])

    @property
    def fetches(self) -> int:
        """How many tokens were asked for."""
        return len([seen for seen in self.upstream.seen if not seen.target.startswith(b"/v2/")])

    @property
    def was_shown(self) -> set[str]:
        """Every token that arrived with a request for content."""
        requests = [seen for seen in self.upstream.seen if seen.target.startswith(b"/v2/")]
        return {
            value.decode().removeprefix("Bearer ") for seen in requests for value in seen.all("authorization")
        }


def pulls(envoy: FilesEnvoy) -> None:
    """Pulls that succeed."""
    assert [asked(envoy) for _ in range(MANY)] == [200] * MANY


def test_a_token_stays_with_the_url_that_it_was_for(
    envoy: FilesEnvoy, east: Scripted, west: Scripted
) -> None:
    old, new = Issuing(east, "old"), Issuing(west, "new")
    envoy.apply(policy(east.url, auth="token"), "--no-validate")
    pulls(envoy)
    envoy.apply(policy(west.url, auth="token"), "--no-validate")
    pulls(envoy)
    # And back: what was held of the old one may be shown to it, and nothing else.
    envoy.apply(policy(east.url, auth="token"), "--no-validate")
    pulls(envoy)
    assert old.was_shown == {"old.token."}
    assert new.was_shown == {"new.token."}


def test_a_token_stays_with_the_realm_that_it_is_from(envoy: FilesEnvoy, east: Scripted) -> None:
    registry = Issuing(east, "r")

    def of(realm: str) -> Policy:
        return policy(east.url, auth={"token": {"realm": f"{east.url}/{realm}", "service": "s"}})

    envoy.apply(of("one"), "--no-validate")
    pulls(envoy)
    assert registry.was_shown == {"r.one."}
    fetches = registry.fetches
    envoy.apply(renamed(of("one")), "--no-validate")
    pulls(envoy)
    assert registry.fetches == fetches, "what is the same is kept"
    east.forget()
    envoy.apply(of("two"), "--no-validate")
    pulls(envoy)
    assert registry.was_shown == {"r.two."}


def test_a_token_stays_with_the_credential_that_it_was_given_for(envoy: FilesEnvoy, east: Scripted) -> None:
    """One name of a credential, and in each policy another file."""
    registry = Issuing(east, "r")
    for user in ("alice", "bob"):
        (envoy.place / user).write_text(base64.b64encode(f"{user}:secret".encode()).decode())

    def of(user: str) -> Policy:
        own = policy(east.url, auth="token", credential="robot")
        (rule,) = own["rules"]
        return {
            **own,
            "credentials": {"robot": {"file": str(envoy.place / user)}},
            "rules": [{**rule, "repositories": ["acme/**"], "readers": "anyone"}],
        }

    def token_of(user: str) -> str:
        return f"r.token.{basic(user, 'secret').removeprefix('Basic ').rstrip('=')}"

    envoy.apply(of("alice"), "--no-validate")
    pulls(envoy)
    assert registry.was_shown == {token_of("alice")}
    fetches = registry.fetches
    envoy.apply(renamed(of("alice")), "--no-validate")
    pulls(envoy)
    assert registry.fetches == fetches, "what is the same is kept"
    east.forget()
    envoy.apply(of("bob"), "--no-validate")
    pulls(envoy)
    assert registry.was_shown == {token_of("bob")}


def test_a_password_is_looked_at_again_where_another_verifies(
    envoy: FilesEnvoy, east: Scripted, west: Scripted
) -> None:
    """What one verifier found right is not right by another, though it is so for a minute by the one."""
    west.answer(Answer(401))

    def verified_by(verifier: Scripted) -> Policy:
        front = {"hosts": [HOST], "auth": {"basic": {"verifier": f"{verifier.url}/check"}}}
        return {**policy(east.url), "fronts": {"main": front}}

    alice = basic("alice", "secret")
    for verifier, expected in ((east, 200), (west, 401), (east, 200)):
        envoy.apply(verified_by(verifier), "--no-validate")
        found = {envoy.request("GET", BLOB, [("Authorization", alice)], host=HOST).status for _ in range(MANY)}
        assert found == {expected}


def test_contents_of_one_blob_store_are_not_taken_for_those_of_another(envoy: FilesEnvoy, east: Scripted) -> None:
    """The store `bucket` of one policy has the blob, that of the next one has not."""
    digest = sha256(CONTENT)
    full, empty = BlobStore(digest), BlobStore()

    def of(store: BlobStore) -> Policy:
        own = policy(east.url)
        (rule,) = own["rules"]
        redirect = {"classes": ["blobs"], "stores": "bucket"}
        return {
            **own,
            "blob_stores": {"bucket": {"url": store.url}},
            "rules": [{**rule, "readers": "anyone", "client_redirects": redirect}],
        }

    def sent_to() -> set[str | None]:
        answers = [envoy.request("GET", BLOB, host=HOST) for _ in range(MANY)]
        assert {answer.status for answer in answers} == {307}
        return {answer.one("location") for answer in answers}

    def at_the_registry() -> set[str | None]:
        return {f"{east.url}{BLOB}"}

    try:
        envoy.apply(of(full), "--no-validate")
        # Each worker asks once, and the first client of each may not wait for the answer for ever.
        eventually(lambda: sent_to() == {full.location(digest)})
        questions = full.questions()
        envoy.apply(renamed(of(full)), "--no-validate")
        assert sent_to() == {full.location(digest)}
        assert full.questions() == questions, "what is the same is kept"
        envoy.apply(of(empty), "--no-validate")
        assert sent_to() == at_the_registry()
        assert empty.questions() > 0 and full.questions() == questions
        envoy.apply(of(full), "--no-validate")
        assert sent_to() == {full.location(digest)}
    finally:
        full.close()
        empty.close()


def test_a_backend_that_moves_leaves_its_health_behind(
    envoy: FilesEnvoy, east: Scripted, west: Scripted
) -> None:
    """`near` is down at the old place and up at the new one; where it stays, it stays down."""
    north = Scripted()
    north.answer(Answer(body=CONTENT))

    def of(near: Scripted) -> Policy:
        check = {"health_check": {"interval": "1s", "timeout": "1s"}, "hedge_after": LATE}
        own = policy("")
        (rule,) = own["rules"]
        return {
            **own,
            "backends": {"near": {"url": near.url, **check}, "far": {"url": west.url, **check}},
            "rules": [{**rule, "readers": "anyone", "chains": {"default": ["near", "far"]}}],
        }

    def healths() -> dict[str, str]:
        said = json.loads(envoy.request("GET", "/healthcheck", host=HOST).body)
        return dict(said["backends"])

    try:
        envoy.apply(of(east), "--no-validate")
        east.health = 503
        eventually(lambda: healths() == {"near": "down", "far": "up"})
        east.forget()
        envoy.apply(renamed(of(east)), "--no-validate")
        pulls(envoy)
        assert east.seen == [], "nobody tries whether it is up again"
        west.forget()
        envoy.apply(of(north), "--no-validate")
        pulls(envoy)
        assert len(north.seen) == MANY and west.seen == []
        eventually(lambda: healths() == {"near": "up", "far": "up"})
        # The other way round: what was up is down at another place.
        envoy.apply(of(east), "--no-validate")
        north.forget()
        pulls(envoy)
        assert north.seen == []
        eventually(lambda: healths() == {"near": "down", "far": "up"})
    finally:
        north.close()
