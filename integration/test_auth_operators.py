"""Whose secrets reach whom, where two operators stand behind one front and clients log in to one of them.

Everything that a client could send goes to the repositories and to the token endpoint; then all that any
registry and any token service was sent is searched. Sees what arrives; the unit tests see why.
"""

import json
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest

from harness import ports, raw
from harness.envoy import Envoy, Policy
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted, Seen
from harness.token_service import TokenService
from harness.two_operators import ALICE, Operators

ENDPOINT = "/portolan/token"
FORM: raw.Header = ("Content-Type", "application/x-www-form-urlencoded")
DIGEST = "sha256:" + "0" * 64
# Tokens that nobody issued, so that no chance puts them anywhere.
ACME_TOKEN, HUB_TOKEN, NOBODYS = "acme-token.x.y", "hub-token.x.y", "nobodys-token.x.y"
REPOSITORIES = ("drycc", "mirrored", "hub", "open", "unknown")


@pytest.fixture(scope="module")
def envoy(the_operators: Operators, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    return start_envoy(the_operators.policy())


def targets(repository: str) -> list[tuple[str, str]]:
    """Every kind of request for a repository."""
    path = f"/v2/{repository}/app"
    return [
        ("GET", f"{path}/manifests/v1"),
        ("HEAD", f"{path}/manifests/{DIGEST}"),
        ("GET", f"{path}/blobs/{DIGEST}"),
        ("HEAD", f"{path}/blobs/{DIGEST}"),
        ("GET", f"{path}/tags/list"),
        ("GET", f"{path}/referrers/{DIGEST}"),
        ("POST", f"{path}/blobs/uploads/?mount={DIGEST}&from=drycc/other"),
        ("POST", f"{path}/blobs/uploads/?mount={DIGEST}&from=hub/other"),
        ("PUT", f"{path}/blobs/uploads/1?digest={DIGEST}"),
        ("PUT", f"{path}/manifests/v1"),
        ("DELETE", f"{path}/manifests/{DIGEST}"),
    ]


def sent_to(*places: Scripted | TokenService) -> str:
    """Everything that arrived there, as text."""
    seen = [
        each for place in places for each in (place.seen if isinstance(place, Scripted) else _seen(place))
    ]
    return "\n".join(f"{each.method} {each.target!r} {each.headers!r} {each.body!r}" for each in seen)


def _seen(service: TokenService) -> list[Seen]:
    return [asked.seen for asked in service.requests]


# What a client may send as Authorization, and what of it must arrive at acme's registries and at hub's.
# fmt: off
VALUES = [
    (f"Bearer portolan~acme~{ACME_TOKEN}", f"Bearer {ACME_TOKEN}", None, "acme's"),
    (f"bEARER   portolan~acme~{ACME_TOKEN}", f"Bearer {ACME_TOKEN}", None, "acme's, carelessly written"),
    (f"Bearer portolan~hub~{HUB_TOKEN}", None, f"Bearer {HUB_TOKEN}", "hub's"),
    (f"Bearer portolan~twin~{NOBODYS}", None, None, "of a backend that is no operator by its own name"),
    (f"Bearer portolan~open~{NOBODYS}", None, None, "of a registry that wants none"),
    (f"Bearer portolan~ACME~{NOBODYS}", None, None, "nearly acme's"),
    (f"Bearer portolan~acme~hub~{ACME_TOKEN}", f"Bearer hub~{ACME_TOKEN}", None, "acme's; what follows is the token"),
    (f"Bearer {NOBODYS}", None, None, "nobody's"),
    (f"Bearer portolan~{NOBODYS}", None, None, "nobody's"),
    (f"portolan~acme~{NOBODYS}", None, None, "no scheme"),
    (f"Digest portolan~acme~{NOBODYS}", None, None, "another scheme"),
    (ALICE.basic, None, None, "a password"),
    ("Bearer", None, None, "nothing"),
]
# fmt: on


@pytest.mark.parametrize(("value", "acme", "hub", "_why"), VALUES, ids=[row[3] for row in VALUES])
def test_credentials_of_clients_go_only_to_their_operator(
    envoy: Envoy, operators: Operators, value: str, acme: str | None, hub: str | None, _why: str
) -> None:
    for repository in REPOSITORIES:
        for method, target in targets(repository):
            body = b"{}" if method in ("PUT", "POST") else None
            envoy.request(method, target, [("Authorization", value)], body)
    for wanted, registries in (
        (acme, [operators.acme, operators.twin]),
        (hub, [operators.hub]),
        (None, [operators.open]),
    ):
        for registry in registries:
            assert registry.seen, "it was asked"
            found = {value for seen in registry.seen for value in seen.all("authorization")}
            assert found == ({wanted.encode()} if wanted else set())
    if acme is None:
        assert ACME_TOKEN not in sent_to(*operators.registries)
    if hub is None:
        assert HUB_TOKEN not in sent_to(*operators.registries)
    for secret in (NOBODYS, ALICE.password, ALICE.basic.split()[1]):
        assert secret not in sent_to(*operators.registries, *operators.services)
    assert not any(service.requests for service in operators.services)


# fmt: off
DOUBLES: list[tuple[list[raw.Header], str]] = [
    ([("Authorization", f"Bearer portolan~hub~{HUB_TOKEN}"), ("Authorization", f"Bearer portolan~acme~{ACME_TOKEN}")], "two lines"),
    ([("Authorization", f"Bearer portolan~acme~{ACME_TOKEN}"), ("Authorization", f"Bearer portolan~hub~{HUB_TOKEN}")], "two lines, the other way round"),
    ([("Authorization", f"Bearer portolan~hub~{HUB_TOKEN}, Bearer portolan~acme~{ACME_TOKEN}")], "two in one line"),
    ([("Authorization", f"Bearer portolan~hub~{HUB_TOKEN} portolan~acme~{ACME_TOKEN}")], "two in one value"),
    ([("Authorization", f"Bearer portolan~hub~{HUB_TOKEN}"), ("Proxy-Authorization", f"Bearer {ACME_TOKEN}"), ("Cookie", f"token={ACME_TOKEN}")], "in other headers"),
]
# fmt: on


@pytest.mark.parametrize(("headers", "_why"), DOUBLES, ids=[row[1] for row in DOUBLES])
def test_two_tokens_at_once(envoy: Envoy, operators: Operators, headers: list[raw.Header], _why: str) -> None:
    for repository in REPOSITORIES:
        for method, target in targets(repository):
            envoy.request(method, target, headers, b"{}" if method in ("PUT", "POST") else None)
    assert ACME_TOKEN not in sent_to(operators.hub, operators.open, operators.hub_tokens)
    assert HUB_TOKEN not in sent_to(operators.acme, operators.twin, operators.open, operators.acme_tokens)


def test_a_token_of_the_endpoint_works_where_it_is_for(envoy: Envoy, operators: Operators) -> None:
    """The way of a client: challenge, token, registry. By the registry's own token, and nobody else's."""
    for repository, service, registries in (
        ("drycc", operators.acme_tokens, [operators.acme]),
        ("mirrored", operators.acme_tokens, [operators.twin, operators.acme]),
        ("hub", operators.hub_tokens, [operators.hub]),
    ):
        operators.reset()
        answer = envoy.request("GET", f"{ENDPOINT}?scope=repository:{repository}/app:pull")
        token = json.loads(answer.body)["token"]
        own = token.split("~", 2)[2]
        for name in REPOSITORIES:
            envoy.request("GET", f"/v2/{name}/app/blobs/{DIGEST}", [("Authorization", f"Bearer {token}")])
        assert len(service.requests) == 1
        for registry in registries:
            assert f"Bearer {own}".encode() in {
                value for seen in registry.seen for value in seen.all("authorization")
            }
        others = [each for each in operators.registries if service_of(operators, each) is not service]
        assert own not in sent_to(*others, *operators.services)


def service_of(operators: Operators, registry: Scripted) -> TokenService | None:
    """Whose tokens a registry wants."""
    if registry is operators.open:
        return None
    return operators.hub_tokens if registry is operators.hub else operators.acme_tokens


def test_passwords_go_only_to_the_login_operator(envoy: Envoy, operators: Operators) -> None:
    """A client sends its one password with every scope; the other operator is asked as by anybody."""
    extra = "account=alice&client_id=docker&offline_token=true&x=extra-of-alice"
    for scope in ("repository:hub/app:pull", "repository:hub/app:pull&scope=repository:drycc/app:pull"):
        operators.reset()
        answer = envoy.request("GET", f"{ENDPOINT}?scope={scope}&{extra}", [("Authorization", ALICE.basic)])
        assert json.loads(answer.body)["token"].startswith("portolan~hub~")
        (asked,) = operators.hub_tokens.requests
        assert (asked.authorization, asked.scopes) == (None, ["repository:app:pull"])
        assert asked.one("service") == "hub.svc"
        assert operators.acme_tokens.requests == [], "nor is anybody else asked"
        for secret in (ALICE.user, ALICE.password, "offline", "extra-of-alice"):
            assert secret not in sent_to(operators.hub_tokens)


# fmt: off
FORMS = [
    ({"grant_type": "password", "username": ALICE.user, "password": ALICE.password}, "a password"),
    ({"grant_type": "refresh_token", "refresh_token": f"portolan~acme~{ACME_TOKEN}"}, "a refresh token of acme"),
    ({"grant_type": "refresh_token", "refresh_token": ACME_TOKEN}, "a refresh token of nobody"),
]
# fmt: on


@pytest.mark.parametrize(("form", "_why"), FORMS, ids=[row[1] for row in FORMS])
def test_token_forms_go_only_to_their_operator(
    envoy: Envoy, operators: Operators, form: dict[str, str], _why: str
) -> None:
    body = urlencode({**form, "scope": "repository:hub/app:pull", "x": "extra-of-alice"}).encode()
    answer = envoy.request("POST", ENDPOINT, [FORM], body)
    assert json.loads(answer.body)["token"].startswith("portolan~hub~")
    (asked,) = operators.hub_tokens.requests
    assert (asked.method, asked.seen.body, asked.scopes) == ("GET", b"", ["repository:app:pull"])
    for secret in (ALICE.user, ALICE.password, ACME_TOKEN, "extra-of-alice"):
        assert secret not in sent_to(operators.hub_tokens)
    assert operators.acme_tokens.requests == []


def test_a_refresh_token_of_its_own(envoy: Envoy, operators: Operators) -> None:
    body = {"grant_type": "refresh_token", "scope": "repository:hub/app:pull"}
    form = urlencode({**body, "refresh_token": f"portolan~hub~{HUB_TOKEN}"}).encode()
    assert envoy.request("POST", ENDPOINT, [FORM], form).status == 401, "this one was never given"
    (asked,) = operators.hub_tokens.requests
    assert (asked.method, asked.one("refresh_token")) == ("POST", HUB_TOKEN)


def test_a_failed_token_request_is_not_repeated_at_another_service(envoy: Envoy, operators: Operators) -> None:
    """never retried with another operator."""
    operators.acme_tokens.habits.fault = lambda _: Answer(500)
    query = "scope=repository:drycc/app:pull&scope=repository:hub/app:pull"
    assert envoy.request("GET", f"{ENDPOINT}?{query}", [("Authorization", ALICE.basic)]).status == 503
    assert len(operators.acme_tokens.requests) == 1
    assert operators.hub_tokens.requests == []


# --- where a registry says itself where its tokens come from


class SelfService:
    """A registry with a token service at its own host and port, which says so on its ping."""

    def __init__(self, service: str | None = "self.svc") -> None:
        self.registry = Scripted()
        self.registry.script = self._answer
        self.realm = f"{self.registry.url}/v2/auth?tenant=9"
        self.service = service

    def challenge(self) -> Answer:
        """Where it says that tokens come from."""
        service = f',service="{self.service}"' if self.service else ""
        return Answer(401, [("WWW-Authenticate", f'Bearer realm="{self.realm}"{service}')])

    def asked(self, path: str) -> list[Seen]:
        """The requests for a path."""
        return [seen for seen in self.registry.seen if seen.target.partition(b"?")[0].decode() == path]

    def _answer(self, seen: Seen) -> Answer:
        if seen.target.startswith(b"/v2/auth?"):
            return Answer(200, [("Content-Type", "application/json")], b'{"token":"of-itself"}')
        return self.challenge()


@pytest.fixture
def own() -> Iterator[SelfService]:
    place = SelfService()
    yield place
    place.registry.close()


def discovering(registry: Scripted, auth: object = "token") -> Policy:
    """A front of one registry, whose realm is not in the policy."""
    return build_policy(
        {"own": {"url": registry.url, "auth": auth}}, rule_of("own", ["own"]), front={"auth": "upstream"}
    )


ASK = f"{ENDPOINT}?scope=repository:own/app:pull"
BASIC: raw.Header = ("Authorization", ALICE.basic)


def test_the_realm_is_found_once_and_kept(
    own: SelfService, east: Scripted, start_envoy: Callable[[Policy], Envoy]
) -> None:
    envoy = start_envoy(discovering(own.registry))
    east.forget()
    for realm in (own.realm, f"{east.url}/token", f"{own.registry.url}/elsewhere"):
        own.realm = realm
        answer = envoy.request("GET", ASK, [BASIC])
        assert json.loads(answer.body) == {"token": "of-itself"}, "with one operator nothing is marked"
    (ping,) = own.asked("/v2/")
    assert ping.all("authorization") == [], "no password goes to who has not said that it takes any"
    calls = own.asked("/v2/auth")
    assert len(calls) == 3 and len(own.registry.seen) == 4
    for seen in calls:
        assert seen.all("authorization") == [ALICE.basic.encode()]
        assert seen.target == b"/v2/auth?tenant=9&service=self.svc&scope=repository%3Aown%2Fapp%3Apull"
    # A challenge of its data changes nothing either, and does not reach the client.
    challenge = envoy.request("GET", "/v2/own/app/manifests/v1").one("www-authenticate")
    assert challenge == 'Bearer realm="http://registry.test/portolan/token",service="registry.test"'
    assert east.seen == []


@pytest.mark.parametrize("service", [None, "of.the.policy"])
def test_the_service_of_the_policy_counts(
    own: SelfService, start_envoy: Callable[[Policy], Envoy], service: str | None
) -> None:
    auth = {"token": {"service": service}} if service else "token"
    own.service = None if service is None else "self.svc"
    envoy = start_envoy(discovering(own.registry, auth))
    assert envoy.request("GET", ASK).status == 200
    target = own.asked("/v2/auth")[0].target
    assert (b"service=of.the.policy" in target) == (service is not None)
    assert b"self.svc" not in target


# fmt: off
ELSEWHERE = [
    ("http://{east}/token", "another port"),
    ("http://localhost:{port}/token", "another name of the same place"),
    ("http://{own}@{east}/token", "a host that only looks like its own"),
    ("//{east}/token", "no scheme"),
    ("/token", "no host"),
    ("http://{dead}/token", "a port of this machine"),
    ("http://169.254.169.254/latest/meta-data", "a cloud's metadata"),
]
# fmt: on


@pytest.mark.parametrize(("realm", "_why"), ELSEWHERE, ids=[row[1] for row in ELSEWHERE])
def test_a_realm_at_another_host_is_never_dialled(
    own: SelfService, east: Scripted, start_envoy: Callable[[Policy], Envoy], realm: str, _why: str
) -> None:
    east.forget()
    right = own.realm
    dead = f"127.0.0.1:{ports.dead()}"
    own.realm = realm.format(
        east=east.authority, own=own.registry.authority, port=own.registry.port, dead=dead
    )
    envoy = start_envoy(discovering(own.registry))
    for headers in ([], [BASIC]):
        answer = envoy.request("GET", ASK, headers)
        assert (answer.status, answer.one("retry-after")) == (503, "2")
    assert east.seen == []
    assert {seen.target for seen in own.registry.seen} == {b"/v2/"}
    assert ALICE.basic not in sent_to(own.registry)
    assert "write that URL as `realm`" in envoy.error_log()
    # What was refused is not kept: it may mend its ways.
    own.realm = right
    assert envoy.request("GET", ASK).status == 200


def test_a_registry_that_does_not_say(own: SelfService, start_envoy: Callable[[Policy], Envoy]) -> None:
    envoy = start_envoy(discovering(own.registry))
    script = own.registry.script
    for status in (200, 404, 503):
        own.registry.answer(Answer(status))
        assert envoy.request("GET", ASK, [BASIC]).status == 503
        assert ALICE.basic not in sent_to(own.registry)
    own.registry.script = script
    assert envoy.request("GET", ASK, [BASIC]).status == 200
