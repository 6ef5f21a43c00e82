"""The token endpoint of a front: what a token service is asked for a client, and what the client gets of it.

Our token services keep all that they are asked. Sees every byte of it, and Envoy's log. Cannot see real clients;
test_auth_clients does.
"""

import json
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlencode

import pytest

from harness import faults, raw
from harness.envoy import Envoy, Policy
from harness.scripted import Answer, Scripted
from harness.signing import claims_of
from harness.token_service import Asked, TokenService
from harness.two_operators import ACME_QUERY, ALICE, Operators
from harness.waiting import eventually

ENDPOINT = "/portolan/token"
FORM: raw.Header = ("Content-Type", "application/x-www-form-urlencoded")
BASIC: raw.Header = ("Authorization", ALICE.basic)
MAXIMUM = 64 * 1024


@pytest.fixture(scope="module")
def envoy(the_operators: Operators, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    return start_envoy(the_operators.policy())


@pytest.fixture
def operators(operators: Operators) -> Iterator[Operators]:
    """As for other suites; in addition, a request for a token asks no registry."""
    yield operators
    assert not any(registry.seen for registry in operators.registries)


def get(envoy: Envoy, query: str = "", *headers: raw.Header) -> raw.Response:
    """A GET of the endpoint."""
    return envoy.request("GET", ENDPOINT + (query and f"?{query}"), headers)


def post(envoy: Envoy, form: dict[str, str] | str, *headers: raw.Header) -> raw.Response:
    """A POST of a form."""
    body = form if isinstance(form, str) else urlencode(form)
    return envoy.request("POST", ENDPOINT, headers or [FORM], body.encode())


def asked(service: TokenService) -> Asked:
    """The one request that came."""
    requests = service.requests
    assert len(requests) == 1, requests
    return requests[0]


def parameters(request: Asked) -> list[tuple[str, str]]:
    """All parameters, in order."""
    text = request.seen.body.decode() if request.method == "POST" else request.target.partition("?")[2]
    return parse_qsl(text, keep_blank_values=True)


def document(answer: raw.Response) -> dict[str, str]:
    """A token service's answer, which no cache may keep."""
    assert answer.status == 200, answer
    assert answer.one("cache-control") == "no-store"
    assert answer.one("content-type") == "application/json"
    found: dict[str, str] = json.loads(answer.body)
    return found


# --- what is asked

TENANT = ("tenant", "7")
ACME = ("service", "acme.svc")


def scopes(*entries: str) -> list[tuple[str, str]]:
    """A parameter for each."""
    return [("scope", entry) for entry in entries]


# What a client asks for, and what acme's service is asked for then.
# fmt: off
GETS: list[tuple[str, list[tuple[str, str]], str]] = [
    ("", [TENANT, ACME], "a login without anything"),
    ("service=registry.test&scope=repository:drycc/a:pull", [TENANT, ACME, *scopes("repository:acme/a:pull")], "the service and the names are the registry's; its realm keeps its query"),
    ("account=alice&client_id=docker&offline_token=true&service=registry.test", [TENANT, ACME, ("account", "alice"), ("client_id", "docker"), ("offline_token", "true")], "docker login"),
    ("scope=repository:drycc/a:push,pull&scope=repository:drycc/b:pull", [TENANT, ACME, *scopes("repository:acme/a:push,pull", "repository:acme/b:pull")], "several parameters"),
    ("scope=repository%3Adrycc%2Fa%3Apull%20repository:drycc/b:pull", [TENANT, ACME, *scopes("repository:acme/a:pull", "repository:acme/b:pull")], "several entries in one"),
    ("scope=repository:drycc/a:pull&scope=repository:drycc/a:pull,push+repository:drycc/a:pull", [TENANT, ACME, *scopes("repository:acme/a:pull,push")], "once each"),
    ("scope=repository:drycc/a:pull&scope=repository:hub/b:pull", [TENANT, ACME, *scopes("repository:acme/a:pull")], "not the other operator's"),
    ("scope=repository:drycc/a:pull&scope=repository:open/b:pull&scope=repository:nobody/c:pull", [TENANT, ACME, *scopes("repository:acme/a:pull")], "nor nobody's"),
    ("scope=repository(plugin):drycc/a:pull&scope=registry:catalog:*", [TENANT, ACME, *scopes("repository(plugin):acme/a:pull", "registry:catalog:*")], "a class, another type"),
    ("scope=repository:mirrored/a:pull,push", [TENANT, ACME, *scopes("repository:twin/a:pull", "repository:acme-mirror/a:pull")], "by each name of the operator; without an owner there is nothing to push to"),
    ("scope=junk", [TENANT, ACME], "what is no scope"),
    ("scope=repository:drycc/A:pull&scope=repository:drycc/../b:pull&scope=repository:drycc/c%252Fd:pull&scope=repository:drycc/e:pull", [TENANT, ACME, *scopes("repository:acme/e:pull")], "what no repository can be called"),
    ("scope=", [TENANT, ACME], "an empty scope is none"),
    ("tenant=8&x=y", [TENANT, ACME, ("x", "y")], "a client does not change what the realm says; the unknown passes"),
]
# fmt: on


@pytest.mark.parametrize(("query", "expected", "_why"), GETS, ids=[row[2] for row in GETS])
def test_get(
    envoy: Envoy, operators: Operators, query: str, expected: list[tuple[str, str]], _why: str
) -> None:
    answer = document(get(envoy, query, BASIC))
    request = asked(operators.acme_tokens)
    assert sorted(parameters(request)) == sorted(expected)
    assert request.target.startswith(f"/token?{ACME_QUERY}")
    assert request.seen.authority == f"127.0.0.1:{operators.acme_tokens.port}"
    assert request.authorization == ALICE.basic
    tag, token = untagged(answer["token"])
    assert (tag, claims_of(token)["sub"]) == ("acme", "alice")
    assert operators.hub_tokens.requests == []


def untagged(token: str) -> tuple[str, str]:
    """Whose a token is, and the token itself."""
    start, tag, rest = token.split("~", 2)
    assert start == "portolan"
    return tag, rest


@pytest.mark.parametrize("names", [("token",), ("access_token",), ("token", "access_token")])
def test_fields_of_the_answer(envoy: Envoy, operators: Operators, names: tuple[str, ...]) -> None:
    """every token is marked, and everything else is as it came."""
    operators.acme_tokens.habits.token_fields = names
    operators.acme_tokens.habits.lifetime = 61
    answer = document(get(envoy, "offline_token=true&service=x", BASIC))
    assert set(answer) == {*names, "expires_in", "issued_at", "refresh_token"}
    assert str(answer["expires_in"]) == "61"
    assert {untagged(answer[name])[0] for name in (*names, "refresh_token")} == {"acme"}


def test_two_names_are_one_scope_to_the_registry(envoy: Envoy, operators: Operators) -> None:
    """by both names a client asks for the same."""
    document(get(envoy, "scope=repository:drycc/a:pull&scope=repository:acme/a:pull", BASIC))
    assert asked(operators.acme_tokens).scopes == ["repository:acme/a:pull"]


# fmt: off
BAD_QUERIES = [
    ("service=a&service=b", 400, "two services"),
    ("account=a&account=b", 400, "two accounts"),
    ("scope=%", 400, "a broken escape"),
    ("scope=%ff", 400, "no text"),
    ("&".join(f"scope=s{number}" for number in range(201)), 400, "more scopes than anybody needs"),
]
# fmt: on


@pytest.mark.parametrize(("query", "status", "_why"), BAD_QUERIES, ids=[row[2] for row in BAD_QUERIES])
def test_bad_get(envoy: Envoy, operators: Operators, query: str, status: int, _why: str) -> None:
    answer = get(envoy, query, BASIC)
    assert answer.status == status
    assert json.loads(answer.body)["errors"][0]["message"]
    assert answer.one("cache-control") == "no-store"
    assert not any(service.requests for service in operators.services)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(envoy: Envoy, operators: Operators, method: str) -> None:
    answer = envoy.request(method, ENDPOINT, [BASIC])
    assert (answer.status, answer.one("allow")) == (405, "GET, POST")
    assert not any(service.requests for service in operators.services)


@pytest.mark.parametrize("target", [f"{ENDPOINT}/", f"{ENDPOINT}/x", "/token", "/v2/token", "/v2/auth"])
def test_other_paths(envoy: Envoy, operators: Operators, target: str) -> None:
    """and what is a token service's path elsewhere is no repository here."""
    assert envoy.request("GET", f"{target}?scope=repository:drycc/a:pull", [BASIC]).status == 404
    assert not any(service.requests for service in operators.services)


# --- by a form

PASSWORD = {"grant_type": "password", "username": ALICE.user, "password": ALICE.password}


def test_post_with_a_password(envoy: Envoy, operators: Operators) -> None:
    """as containerd does."""
    form = {
        **PASSWORD,
        "service": "registry.test",
        "client_id": "containerd-client",
        "access_type": "offline",
        "scope": "repository:drycc/a:push,pull repository:drycc/a:pull repository:hub/b:pull",
    }
    answer = document(post(envoy, form))
    request = asked(operators.acme_tokens)
    assert dict(parameters(request)) == {
        **PASSWORD,
        "service": "acme.svc",
        "client_id": "containerd-client",
        "access_type": "offline",
        "scope": "repository:acme/a:push,pull",
    }
    assert request.target == f"/token?{ACME_QUERY}"
    assert request.seen.all("content-type") == [b"application/x-www-form-urlencoded"]
    assert request.seen.all("content-length") == [str(len(request.seen.body)).encode()]
    assert request.authorization is None
    assert untagged(answer["access_token"])[0] == untagged(answer["refresh_token"])[0] == "acme"
    assert operators.hub_tokens.requests == []


def test_post_with_a_refresh_token(envoy: Envoy, operators: Operators) -> None:
    """as docker does after its login."""
    refresh = document(get(envoy, "offline_token=true&client_id=docker", BASIC))["refresh_token"]
    operators.acme_tokens.forget()
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "scope": "repository:drycc/a:push,pull"}
    answer = document(post(envoy, {**form, "service": "registry.test", "client_id": "docker"}))
    request = asked(operators.acme_tokens)
    assert request.one("refresh_token") == untagged(refresh)[1]
    assert request.scopes == ["repository:acme/a:push,pull"]
    assert claims_of(untagged(answer["access_token"])[1])["sub"] == "alice"


def test_post_in_pieces(envoy: Envoy, operators: Operators) -> None:
    """However the body comes; with a length or in chunks."""
    body = urlencode({**PASSWORD, "scope": "repository:drycc/a:pull"}).encode()
    for chunked in (False, True):
        length = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
        with raw.Connection(envoy.port) as connection:
            connection.send(raw.head("POST", ENDPOINT, [("Host", "registry.test"), FORM, length]))
            for piece in (body[:7], body[7:20], body[20:]):
                # Nobody says when a piece has arrived.
                time.sleep(0.02)
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            connection.send(b"0\r\n\r\n" if chunked else b"")
            assert document(connection.receive())["access_token"]
    assert [request.account for request in operators.acme_tokens.requests] == [ALICE, ALICE]


def test_post_after_post_on_one_connection(envoy: Envoy, operators: Operators) -> None:
    with raw.Connection(envoy.port) as connection:
        for status in (200, 401, 200):
            account = ALICE if status == 200 else ALICE.but_wrong()
            form = urlencode({**PASSWORD, "password": account.password}).encode()
            assert raw.exchange(connection, "POST", ENDPOINT, [FORM], form).status == status
    assert len(operators.acme_tokens.requests) == 3


# fmt: off
BAD_FORMS: list[tuple[str, list[raw.Header], int, str]] = [
    (urlencode(PASSWORD), [("Content-Type", "application/json")], 400, "said to be something else"),
    (urlencode(PASSWORD), [("Content-Type", "multipart/form-data; boundary=x")], 400, "another kind of form"),
    (urlencode(PASSWORD), [("X-Nothing", "")], 400, "not said to be anything"),
    ("", [FORM], 400, "empty"),
    ("grant_type=client_credentials&client_id=x", [FORM], 400, "another grant"),
    ("grant_type=password&password=x", [FORM], 400, "nobody's password"),
    ("grant_type=refresh_token", [FORM], 400, "no refresh token"),
    ("grant_type=password&username=a&password=b&password=c", [FORM], 400, "two passwords"),
    ("grant_type=password&username=a&password=%zz", [FORM], 400, "a broken escape"),
    ("x=" + "y" * MAXIMUM, [FORM], 413, "more than 64 KiB"),
    ("x=" + "y" * 20 * MAXIMUM, [FORM], 413, "more than Envoy would buffer"),
]
# fmt: on


@pytest.mark.parametrize(("form", "headers", "status", "_why"), BAD_FORMS, ids=[row[3] for row in BAD_FORMS])
def test_bad_post(
    envoy: Envoy, operators: Operators, form: str, headers: list[raw.Header], status: int, _why: str
) -> None:
    answer = post(envoy, form, *headers)
    assert answer.status == status
    message = json.loads(answer.body)["errors"][0]["message"]
    assert message and ALICE.password not in message
    assert answer.one("cache-control") == "no-store"
    assert not any(service.requests for service in operators.services)


def test_the_longest_form(envoy: Envoy, operators: Operators) -> None:
    form = urlencode({**PASSWORD, "x": ""})
    answer = post(envoy, form + "y" * (MAXIMUM - len(form)))
    assert document(answer)["access_token"]
    assert len(asked(operators.acme_tokens).one("x")) == MAXIMUM - len(form)


def test_a_client_that_leaves_ends_no_other_token_request(envoy: Envoy, operators: Operators) -> None:
    operators.acme_tokens.habits.fault = faults.slow(0.3)
    for number in range(5):
        for more, (method, body) in enumerate([("GET", b""), ("POST", urlencode(PASSWORD).encode())], start=1):
            with raw.Connection(envoy.port) as connection:
                own: list[raw.Header] = [("Host", "registry.test"), FORM, ("Content-Length", str(len(body)))]
                connection.send(raw.head(method, ENDPOINT, own) + body)
                eventually(lambda so_far=2 * number + more: len(operators.acme_tokens.requests) >= so_far)
    assert document(get(envoy, "", BASIC))["token"]


# --- what token services answer


def html(status: int, *headers: raw.Header) -> faults.Fault:
    """A page for people."""
    return lambda _seen: Answer(status, [("Content-Type", "text/html"), *headers], b"<html>secret</html>")


def error(status: int, *headers: raw.Header) -> faults.Fault:
    """An error as registries have it."""
    body = b'{"errors":[{"code":"TOOMANYREQUESTS"}]}'
    return lambda _seen: Answer(status, [("Content-Type", "application/json"), *headers], body)


# fmt: off
ANSWERS: list[tuple[faults.Fault, int, str, str | None, str]] = [
    (error(401), 401, "TOOMANYREQUESTS", None, "a wrong password"),
    (error(403), 403, "TOOMANYREQUESTS", None, "nothing for this user"),
    (error(400), 400, "TOOMANYREQUESTS", None, "a scope that it does not know"),
    (error(404), 404, "TOOMANYREQUESTS", None, "not this way, so that clients take the other"),
    (error(429, ("Retry-After", "7")), 429, "TOOMANYREQUESTS", "7", "limited, and until when"),
    (error(429, ("Retry-After", "7; url=https://up.example")), 429, "TOOMANYREQUESTS", None, "limited, and more than a time"),
    (html(401), 401, "refuses", None, "a page"),
    (html(500), 503, "try again", "2", "out of order"),
    (html(503, ("Retry-After", "9")), 503, "try again", "9", "out of order, and until when"),
    (html(302, ("Location", "http://{evil}/login")), 502, "no client could use", None, "a redirect"),
    (html(307, ("Location", "http://{evil}/login")), 502, "no client could use", None, "a redirect that keeps the body"),
    (html(407, ("Proxy-Authenticate", "Basic")), 502, "no client could use", None, "somebody's proxy"),
    (faults.junk, 502, "no client could use", None, "a captive portal"),
    (error(200), 502, "no client could use", None, "a success without a token"),
    (lambda _: Answer(200, [], b'{"token":7}'), 502, "no client could use", None, "a token that is none"),
    (lambda _: Answer(200, [], b'{"token":"' + b"x" * 300_000 + b'"}'), 502, "no client could use", None, "no end of a token"),
    (faults.down, 503, "try again", "2", "down"),
]
# fmt: on


@pytest.mark.parametrize(
    ("fault", "status", "text", "wait", "_why"), ANSWERS, ids=[row[4] for row in ANSWERS]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_answers(
    envoy: Envoy,
    operators: Operators,
    east: Scripted,
    method: str,
    fault: faults.Fault,
    status: int,
    text: str,
    wait: str | None,
    _why: str,
) -> None:
    """Once, with one operator, and without anything of the service's own headers."""

    def to_east(seen: object) -> Answer | None:
        answer = fault(seen)  # type: ignore[arg-type]
        assert answer is not None
        headers = [(name, str(value).format(evil=east.authority)) for name, value in answer.headers]
        mine = [
            ("Set-Cookie", "a=b"),
            ("X-Mine", "y"),
            ("WWW-Authenticate", 'Basic realm="https://up.example/"'),
        ]
        return Answer(answer.status, [*headers, *mine], answer.body)

    east.forget()
    operators.acme_tokens.habits.fault = to_east if fault is not faults.down else fault
    query = "scope=repository:drycc/a:pull"
    if method == "GET":
        answer = get(envoy, query, BASIC)
    else:
        answer = post(envoy, {**PASSWORD, "scope": "repository:drycc/a:pull"})
    assert (answer.status, answer.one("retry-after")) == (status, wait)
    assert text in answer.body.decode() and b"secret" not in answer.body
    assert answer.one("cache-control") == "no-store"
    assert answer.one("content-type") == "application/json"
    challenge = ['Basic realm="registry.test"'] if status == 401 else []
    assert answer.all("www-authenticate") == challenge
    assert not {name for name, _ in answer.headers} & {
        "set-cookie",
        "location",
        "x-mine",
        "proxy-authenticate",
    }
    assert len(operators.acme_tokens.requests) <= 2, "a dead connection of the pool may cost one more"
    assert operators.hub_tokens.requests == [] and east.seen == []


def test_a_good_answer_has_nothing_of_the_services_headers(envoy: Envoy, operators: Operators) -> None:
    headers: list[raw.Header] = [("Set-Cookie", "a=b"), ("Location", "/x"), ("Cache-Control", "max-age=300")]
    operators.acme_tokens.habits.fault = lambda _: Answer(201, headers, b'{"token":"t"}')
    answer = get(envoy, "", BASIC)
    assert document(answer) == {"token": "portolan~acme~t"}
    assert not {name for name, _ in answer.headers} & {"set-cookie", "location"}


def test_a_slow_service(envoy: Envoy, operators: Operators) -> None:
    """It has ten seconds."""
    operators.acme_tokens.habits.fault = faults.slow(1)
    assert document(get(envoy, "", BASIC))["token"]
    operators.acme_tokens.habits.fault = faults.hang
    answer, took = envoy.seconds_of(lambda: get(envoy, "", BASIC))
    assert (answer.status, answer.one("retry-after")) == (503, "2")
    assert 9.9 <= took < 15


def test_a_service_without_post(envoy: Envoy, operators: Operators) -> None:
    """its 404 reaches the client, which then asks by GET."""
    operators.acme_tokens.habits.takes_post = False
    assert post(envoy, PASSWORD).status == 404
    assert document(get(envoy, "", BASIC))["token"]


# --- nothing of it is logged


def test_no_secret_in_the_log(envoy: Envoy, operators: Operators) -> None:
    envoy.forget_log()
    refresh = document(get(envoy, "account=account-alice&offline_token=true&x=query-secret", BASIC))[
        "refresh_token"
    ]
    token = document(post(envoy, {**PASSWORD, "x": "form-secret"}))["access_token"]
    post(envoy, {"grant_type": "refresh_token", "refresh_token": refresh})
    get(envoy, "scope=%&x=query-secret")
    operators.acme_tokens.habits.fault = faults.down
    get(envoy, "account=account-alice&x=query-secret", BASIC)
    post(envoy, {**PASSWORD, "x": "form-secret"})
    entries = envoy.log_entries(6)
    assert {entry["path"] for entry in entries} == {ENDPOINT}
    assert {entry["status"] for entry in entries} == {200, 400, 503}
    written = json.dumps(entries) + envoy.error_log()
    secrets = [ALICE.password, ALICE.basic.split()[1], "account-alice", "query-secret", "form-secret"]
    for secret in [*secrets, untagged(refresh)[1], untagged(token)[1]]:
        assert secret not in written


# --- redirects of a token service


def test_a_service_redirects_to_itself(envoy: Envoy, operators: Operators) -> None:
    """a GET always, a form where it is to be sent again as it is."""
    service = operators.acme_tokens

    def redirect(status: int, place: str) -> None:
        service.habits.fault = (
            lambda seen: None if b"again" in seen.target else Answer(status, [("Location", place)])
        )

    redirect(302, "/token?again=1")
    document(get(envoy, "scope=repository:drycc/a:pull", BASIC))
    assert [asked.authorization for asked in service.requests] == [ALICE.basic] * 2
    service.forget()
    form = {"grant_type": "password", "username": ALICE.user, "password": ALICE.password}
    redirect(307, "/token?again=1")
    document(post(envoy, form))
    assert service.requests[-1].account == ALICE
    service.forget()
    redirect(302, "/token?again=1")
    assert post(envoy, form).status == 502
    assert len(service.requests) == 1
    for place in (operators.hub_tokens.realm, "//127.0.0.1:1/token", "token"):
        service.forget()
        redirect(307, place)
        assert get(envoy, "", BASIC).status == 502
        assert len(service.requests) == 1 and operators.hub_tokens.requests == []
    redirect(307, "/token")
    service.forget()
    assert get(envoy, "", BASIC).status == 502
    assert len(service.requests) == 4, "not for ever"
