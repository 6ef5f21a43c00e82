"""Clients that log in to the registries through the front: what they are asked for, and by which names.

Scripted registries send every challenge that is known from the field, and some that are not. Sees the bytes on
both sides. Cannot see real clients; test_auth_clients does. The token endpoint has test_auth_token_endpoint, and
who must never see whose tokens is in test_auth_operators.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import portolan, raw
from harness.envoy import Envoy, Policy, write_policy
from harness.policies import build_policy, hedged_late, rule_of
from harness.scripted import Answer, Scripted
from harness.two_operators import ALICE, Operators

REALM = "http://registry.test/portolan/token"
# How every Bearer challenge of the front begins. Rows below write it as OURS.
OURS = f'Bearer realm="{REALM}",service="registry.test"'
DIGEST = "sha256:" + "0" * 64
MANIFEST = "/v2/drycc/app/manifests/v1"
BODY = b'{"errors":[{"code":"UNAUTHORIZED"}]}'
TOKEN: raw.Header = ("Authorization", "Bearer portolan~acme~x.y.z")


@pytest.fixture(scope="module")
def envoy(the_operators: Operators, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    return start_envoy(the_operators.policy())


def refusal(*challenges: str | bytes, status: int = 401) -> Answer:
    """A refusal with challenges, one a line."""
    lines: list[raw.Header] = [("WWW-Authenticate", challenge) for challenge in challenges]
    return Answer(status, [("Content-Type", "application/json"), *lines], BODY)


def told(answer: raw.Response) -> list[str]:
    """The challenges that a client gets, one a line."""
    return answer.all("www-authenticate")


# --- the ping

# fmt: off
PINGS = [
    ("registry.test", "http://registry.test/portolan/token", "as it is declared"),
    ("registry.test:80", "http://registry.test:80/portolan/token", "with the default port, if the client writes it"),
    ("127.0.0.1:5000", "http://127.0.0.1:5000/portolan/token", "an address with its port"),
    ("other.test:8443", "http://other.test:8443/portolan/token", "another declared one"),
    ("other.test", "http://registry.test/portolan/token", "without the declared port: the front's first"),
    ("registry.test:8080", "http://registry.test/portolan/token", "a port that is not declared"),
    ("evil.example", "http://registry.test/portolan/token", "not declared: a Host header is the client's word"),
    ('registry.test" x="', "http://registry.test/portolan/token", "nor may it end the quotes"),
]
# fmt: on


@pytest.mark.parametrize(("host", "realm", "_why"), PINGS, ids=[row[2] for row in PINGS])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", ["/v2/", "/v2"])
def test_ping(
    envoy: Envoy, operators: Operators, method: str, target: str, host: str, realm: str, _why: str
) -> None:
    answer = envoy.request(method, target, host=host)
    if '"' in host and answer.status == 400:
        return  # Envoy itself refuses what is no authority.
    assert answer.status == 401
    assert told(answer) == [f'Bearer realm="{realm}",service="registry.test"']
    assert answer.one("docker-distribution-api-version") == "registry/2.0"
    assert answer.one("content-type") == "application/json"
    if method == "GET":
        assert json.loads(answer.body)["errors"][0]["code"] == "UNAUTHORIZED"
    assert not any(registry.seen for registry in operators.registries), "nobody was asked"


def test_ping_with_a_token(envoy: Envoy, operators: Operators) -> None:
    """Whether it is good shows when a repository is asked: a ping names none."""
    for value in ("Bearer portolan~acme~x", "bearer x"):
        assert envoy.request("GET", "/v2/", [("Authorization", value)]).status == 200
    assert envoy.request("GET", "/v2/", [("Authorization", ALICE.basic)]).status == 401
    assert not any(registry.seen for registry in operators.registries)


def test_the_scheme_is_not_the_clients_word(envoy: Envoy, operators: Operators) -> None:
    forged: list[raw.Header] = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")]
    assert told(envoy.request("GET", "/v2/", forged)) == [OURS]
    operators.acme.answer(refusal('Bearer realm="R"'))
    assert told(envoy.request("GET", MANIFEST, forged)) == [OURS]


def test_the_scheme_of_the_load_balancer(
    operators: Operators, start_envoy: Callable[[Policy], Envoy]
) -> None:
    """One that ends TLS in front of Envoy, and is trusted to say so."""
    envoy = start_envoy({**operators.policy(), "clients": {"trusted_hops": 1}})
    https = OURS.replace("http:", "https:")
    headers: list[raw.Header] = [("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "192.0.2.1")]
    assert told(envoy.request("GET", "/v2/", headers)) == [https]
    operators.acme.answer(refusal('Bearer realm="R"'))
    assert told(envoy.request("GET", MANIFEST, headers)) == [https]


# --- challenges of registries

# fmt: off
CHALLENGES: list[tuple[list[str | bytes], list[str], str]] = [
    (['Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:acme/app:pull"'], ['OURS,scope="repository:drycc/app:pull"'], "Docker Hub"),
    (['Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull"'], ['OURS,scope="repository:user/image:pull"'], "a placeholder, which is nobody's name here"),
    (["bearer realm=https://gcr.io/v2/token , SERVICE=gcr.io"], ["OURS"], "case and order, unquoted"),
    (["BEARER\trealm = \"R\" ,, service\t=\"S\" ,"], ["OURS"], "spaces, tabs, empty items"),
    (['Bearer realm="R",scope="repository:acme/app:pull,push",x="a\\"b,c=d"'], ['OURS,scope="repository:drycc/app:pull,push",x="a\\"b,c=d"'], "commas and escapes in quotes"),
    (['Bearer realm="R'], ["OURS"], "no closing quote"),
    ([b'Bearer realm="\xff"'], ["OURS"], "not ASCII"),
    (['Bearer realm="R",realm="S"'], ["OURS"], "a parameter twice"),
    (['Basic realm="B", Bearer realm="R",error="invalid_token"'], ['OURS,error="invalid_token"'], "two in one line; nobody can use the other"),
    (['Basic realm="B"', 'Bearer realm="R"'], ["OURS"], "two lines"),
    (['Negotiate abc==', 'Bearer realm="R"'], ["OURS", "Negotiate abc=="], "Bearer first, others untouched"),
    (['Negotiate abc==, Bearer realm="R"'], ["OURS", "Negotiate abc=="], "each in a line of its own"),
    (["Negotiate"], ['OURS,scope="repository:drycc/app:pull"', "Negotiate"], "another scheme alone: the front's own before it"),
    (['Basic realm="harbor"'], ['OURS,scope="repository:drycc/app:pull"'], "Harbor, to a token that does not suffice: nobody sends this one a password"),
    (['Bearer realm="R",scope="repository:acme/app:pull registry:catalog:* repository(plugin):acme/p:* aws"'], ['OURS,scope="repository:drycc/app:pull registry:catalog:* repository(plugin):drycc/p:* aws"'], "several, each mapped, the rest as it is"),
    (['Bearer realm="R",scope=""'], ['OURS,scope=""'], "empty stays empty"),
    (['Bearer realm="R"'], ["OURS"], "absent stays absent"),
    (['Bearer realm="R",error="insufficient_scope",error_description="no, \\"really\\"",error_uri="https://up.example/"'], ['OURS,error="insufficient_scope",error_description="no, \\"really\\""'], "errors, without a page of the registry"),
    ([], ['OURS,scope="repository:drycc/app:pull"'], "none: the front's own"),
    (['Bearer realm="/token"'], ["OURS"], "a relative realm"),
    (['Bearer realm="https://u:p@up.example/t?x=y#z"'], ["OURS"], "credentials, query, fragment"),
    (['Bearer realm="R",scope="' + "repository:acme/app:pull " * 400 + '"'], ["OURS"], "more than 8 KiB"),
    (['Bearer realm="R",resource_metadata="https://up.example/m",x=y'], ['OURS,x="y"'], "no other URL of the registry either"),
]
# fmt: on


@pytest.mark.parametrize(("sent", "expected", "_why"), CHALLENGES, ids=[row[2] for row in CHALLENGES])
def test_challenge(
    envoy: Envoy, operators: Operators, sent: list[str | bytes], expected: list[str], _why: str
) -> None:
    operators.acme.answer(refusal(*sent))
    for headers in ([], [TOKEN]):
        answer = envoy.request("GET", MANIFEST, headers)
        assert (answer.status, answer.body) == (401, BODY)
        assert told(answer) == [line.replace("OURS", OURS) for line in expected]


# fmt: off
NEEDED = [
    ("HEAD", MANIFEST, "pull"),
    ("GET", f"/v2/drycc/app/blobs/{DIGEST}", "pull"),
    ("GET", "/v2/drycc/app/tags/list", "pull"),
    ("POST", "/v2/drycc/app/blobs/uploads/", "pull,push"),
    ("PUT", MANIFEST, "pull,push"),
    ("DELETE", MANIFEST, "delete"),
]
# fmt: on


@pytest.mark.parametrize(("method", "target", "actions"), NEEDED)
def test_a_bare_401_says_what_is_needed(
    envoy: Envoy, operators: Operators, method: str, target: str, actions: str
) -> None:
    """a 401 has a challenge (RFC 9110 section 15.5.2); what is no 401 needs none."""
    body = b"{}" if method in ("PUT", "POST") else None
    for status in (401, 403):
        operators.acme.answer(refusal(status=status))
        answer = envoy.request(method, target, [TOKEN], body=body)
        own = f'{OURS},scope="repository:drycc/app:{actions}"'
        assert (answer.status, told(answer)) == (status, [own] if status == 401 else [])


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("HEAD", MANIFEST),
        ("GET", f"/v2/drycc/app/blobs/{DIGEST}"),
        ("GET", "/v2/drycc/app/tags/list"),
        ("GET", f"/v2/drycc/app/referrers/{DIGEST}"),
        ("POST", "/v2/drycc/app/blobs/uploads/"),
        ("PUT", MANIFEST),
        ("DELETE", MANIFEST),
    ],
)
@pytest.mark.parametrize("status", [401, 403, 200, 404])
def test_challenge_wherever_it_stands(
    envoy: Envoy, operators: Operators, method: str, target: str, status: int
) -> None:
    """also where it means nothing."""
    operators.acme.answer(
        refusal('Bearer realm="https://up.example/t",scope="repository:acme/app:pull"', status=status)
    )
    answer = envoy.request(method, target, body=b"{}" if method in ("PUT", "POST") else None)
    assert answer.status == status
    assert told(answer) == [f'{OURS},scope="repository:drycc/app:pull"']


def test_challenge_goes_where_the_client_asked(envoy: Envoy, operators: Operators) -> None:
    operators.acme.answer(refusal('Bearer realm="https://up.example/t"'))
    for host, realm in (("127.0.0.1:5000", "127.0.0.1:5000"), ("evil.example", "registry.test")):
        expected = f'Bearer realm="http://{realm}/portolan/token",service="registry.test"'
        assert told(envoy.request("GET", MANIFEST, host=host)) == [expected]


def test_challenge_in_a_chain(envoy: Envoy, operators: Operators) -> None:
    """By the names of the backend that sent it, and after one that has nothing."""
    operators.twin.answer(refusal('Bearer realm="R",scope="repository:twin/app:pull"'))
    answer = envoy.request("GET", f"/v2/mirrored/app/blobs/{DIGEST}")
    assert (answer.status, told(answer)) == (401, [f'{OURS},scope="repository:mirrored/app:pull"'])
    assert len(operators.open.seen) == 1 and operators.acme.seen == []


def test_open_registries_ask_for_nothing(envoy: Envoy, operators: Operators) -> None:
    """A registry that the policy calls open does not get to ask the front's clients for anything; that it
    answers 401 all the same gets the front's own challenge, as every 401 does."""
    for challenges in (['Bearer realm="https://up.example/t"'], ['Basic realm="B"'], []):
        operators.open.answer(refusal(*challenges))
        answer = envoy.request("GET", "/v2/open/app/manifests/v1")
        assert (answer.status, told(answer)) == (401, [f'{OURS},scope="repository:open/app:pull"'])
        operators.open.answer(refusal(*challenges, status=403))
        assert told(envoy.request("GET", "/v2/open/app/manifests/v1")) == []


def test_html_of_a_cdn(envoy: Envoy, operators: Operators) -> None:
    """the body passes, the header is the front's."""
    page = b"<html>401</html>"
    headers: list[raw.Header] = [("Content-Type", "text/html"), ("WWW-Authenticate", 'Bearer realm="R"')]
    operators.acme.answer(Answer(401, headers, page))
    answer = envoy.request("GET", MANIFEST)
    assert (answer.body, told(answer)) == (page, [OURS])


@pytest.mark.parametrize("repository", ["drycc", "mirrored"])
@pytest.mark.parametrize("status", [407, 401, 403, 200])
def test_challenge_of_a_proxy(envoy: Envoy, operators: Operators, repository: str, status: int) -> None:
    """whoever answered it would send the password for a proxy to a registry."""
    headers: list[raw.Header] = [("Proxy-Authenticate", 'Basic realm="squid"')]
    operators.acme.answer(Answer(status, headers))
    answer = envoy.request("GET", f"/v2/{repository}/app/manifests/v1")
    assert (answer.status, told(answer), answer.all("proxy-authenticate")) == (502, [], [])
    assert json.loads(answer.body)["errors"]


def test_407_alone(envoy: Envoy, operators: Operators) -> None:
    """It is about a proxy that the client has not asked, also without a challenge."""
    operators.acme.answer(Answer(407))
    answer = envoy.request("GET", MANIFEST)
    assert (answer.status, answer.all("proxy-authenticate")) == (502, [])


def test_nothing_binds_to_the_name_of_the_front(envoy: Envoy, operators: Operators) -> None:
    bound = (
        "Set-Cookie",
        "Strict-Transport-Security",
        "Alt-Svc",
        "NEL",
        "Report-To",
        "Content-Location",
        "Refresh",
    )
    for status in (200, 401):
        operators.acme.answer(Answer(status, [(name, "x=y; max-age=9") for name in bound]))
        names = {name for name, _ in envoy.request("GET", MANIFEST, [TOKEN]).headers}
        assert not names & {name.lower() for name in bound}


# --- with a token: the names in URLs

# fmt: off
UPLOADS = [
    ("http://{acme}/v2/acme/app/blobs/uploads/1-a_b=.:~?_state=a%2Fb+c%3D%3D&x", "absolute, with opaque state"),
    ("/v2/acme/app/blobs/uploads/1-a_b=.:~?_state=a%2Fb+c%3D%3D&x", "path-absolute"),
    ("1-a_b=.:~?_state=a%2Fb+c%3D%3D&x", "relative"),
    ("//{acme}/v2/acme/app/blobs/uploads/1-a_b=.:~?_state=a%2Fb+c%3D%3D&x", "scheme-relative"),
]
# fmt: on


@pytest.mark.parametrize(("location", "_why"), UPLOADS, ids=[row[1] for row in UPLOADS])
def test_upload(envoy: Envoy, operators: Operators, location: str, _why: str) -> None:
    """The session is the front's for the client and the registry's for the registry, with one token."""
    started = Answer(202, [("Location", location.format(acme=operators.acme.authority)), ("Range", "0-0")])
    operators.acme.answer(started)
    answer = envoy.request("POST", "/v2/drycc/app/blobs/uploads/", [TOKEN], body=b"")
    assert answer.one("location") == "/v2/drycc/app/blobs/uploads/1-a_b=.:~?_state=a%2Fb+c%3D%3D&x"
    operators.acme.forget()
    for method in ("PATCH", "PUT"):
        assert envoy.request(method, str(answer.one("location")), [TOKEN], body=b"part").status == 202
    for seen in operators.acme.seen:
        assert seen.target == b"/v2/acme/app/blobs/uploads/1-a_b=.:~?_state=a%2Fb+c%3D%3D&x"
        assert (seen.body, seen.all("authorization")) == (b"part", [b"Bearer x.y.z"])


@pytest.mark.parametrize("target", ["/v2/{}/app/tags/list", "/v2/{}/app/referrers/" + DIGEST])
def test_pages(envoy: Envoy, operators: Operators, target: str) -> None:
    """the next page is the front's, and has the client's token too."""
    for start in ("", operators.acme.url):
        link = f'<{start}{target.format("acme")}?n=2&last=b%2f+>; rel="next"'
        operators.acme.answer(Answer(200, [("Link", link)]))
        answer = envoy.request("GET", target.format("drycc"), [TOKEN])
        following = target.format("drycc") + "?n=2&last=b%2f+"
        assert answer.one("link") == f'<{following}>; rel="next"'
        operators.acme.answer(refusal('Bearer realm="R",scope="repository:acme/app:pull"'))
        answer = envoy.request("GET", following, [TOKEN])
        assert told(answer) == [f'{OURS},scope="repository:drycc/app:pull"']
        seen = operators.acme.last()
        assert seen.target.decode() == target.format("acme") + "?n=2&last=b%2f+"
        assert seen.all("authorization") == [b"Bearer x.y.z"]


# --- registries with passwords

BASIC = ['Basic realm="registry.test"']


@pytest.fixture(scope="module")
def basic(east: Scripted, west: Scripted, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """`east` and `west` have the same users; clients log in to `east`."""
    document = build_policy(
        {
            "east": {"url": east.url, "auth": {"basic": {"realm": "users"}}},
            "west": {
                "url": west.url,
                "auth": {"basic": {"realm": "users"}},
                "names": [{"front": "drycc/", "backend": "acme/"}],
            },
        },
        rule_of("drycc", ["west", "east"]),
        rule_of("one", ["east"]),
        front={"auth": "upstream"},
    )
    return start_envoy(hedged_late(document))


# fmt: off
BASIC_CHALLENGES: list[tuple[list[str | bytes], list[str], str]] = [
    (['Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com"'], BASIC, "Amazon's names its host"),
    (["basic realm=Registry"], BASIC, "case, unquoted"),
    (['Basic realm="x", charset="UTF-8"'], ['Basic realm="registry.test",charset="UTF-8"'], "the charset stays"),
    (['Negotiate, Basic realm="x"'], [*BASIC, "Negotiate"], "a line each"),
    (['Basic realm="'], BASIC, "broken"),
]
# What clients can do nothing with: a 401 gets the front's own, another status nothing.
USELESS: list[tuple[list[str | bytes], str]] = [
    (['Bearer realm="https://up.example/t"'], "Bearer is not made into Basic"),
    ([], "nothing at all"),
]
# fmt: on


@pytest.mark.parametrize(
    ("sent", "expected", "_why"), BASIC_CHALLENGES, ids=[row[2] for row in BASIC_CHALLENGES]
)
@pytest.mark.parametrize("status", [401, 403])
def test_basic_challenge(
    basic: Envoy, east: Scripted, sent: list[str | bytes], expected: list[str], status: int, _why: str
) -> None:
    east.answer(refusal(*sent, status=status))
    answer = basic.request("GET", "/v2/one/app/manifests/v1")
    assert (answer.status, told(answer)) == (status, expected)


@pytest.mark.parametrize(("sent", "_why"), USELESS, ids=[row[1] for row in USELESS])
@pytest.mark.parametrize("target", ["/v2/one/app/manifests/v1", "/v2/"])
def test_basic_401(basic: Envoy, east: Scripted, sent: list[str | bytes], target: str, _why: str) -> None:
    for status, expected in ((401, BASIC), (403, [])):
        east.answer(refusal(*sent, status=status))
        answer = basic.request("GET", target, [("Authorization", ALICE.basic)])
        assert (answer.status, told(answer)) == (status, expected)


def test_basic_ping(basic: Envoy, east: Scripted, west: Scripted) -> None:
    """Without a password the front answers; a password is looked at by whom it is for."""
    for registry in (east, west):
        registry.answer(Answer(200))
    answer = basic.request("GET", "/v2/")
    assert (answer.status, told(answer), east.seen) == (401, BASIC, [])
    assert basic.request("GET", "/v2/", [("Authorization", ALICE.basic)]).status == 200
    assert east.last().all("authorization") == [ALICE.basic.encode()]
    east.answer(refusal('Basic realm="https://ecr.example/"'))
    answer = basic.request("GET", "/v2/", [("Authorization", ALICE.but_wrong().basic)])
    assert (answer.status, told(answer), west.seen) == (401, BASIC, [])


def test_basic_passwords_go_only_to_their_operator(basic: Envoy, east: Scripted, west: Scripted) -> None:
    west.answer(Answer(404))
    east.answer(Answer(200))
    target = f"/v2/drycc/app/blobs/{DIGEST}"
    assert basic.request("GET", target, [("Authorization", ALICE.basic)]).status == 200
    for registry in (east, west):
        assert registry.last().all("authorization") == [ALICE.basic.encode()]
        registry.forget()
    assert basic.request("GET", target, [("Authorization", "Bearer x")]).status == 200
    for registry in (east, west):
        assert registry.last().all("authorization") == []


def test_basic_has_no_token_endpoint(basic: Envoy) -> None:
    assert basic.request("GET", "/portolan/token?scope=repository:one/app:pull").status == 404


# --- what cannot work is refused before traffic


def test_one_rule_has_one_operator(operators: Operators, tmp_path: Path) -> None:
    """several clients read no challenge but the first, and could not answer the second operator's."""
    document = operators.policy()
    document["rules"][0]["chains"]["default"] = ["acme", "hub"]
    done = portolan.run("check", write_policy(document, tmp_path))
    assert done.returncode != 0
    assert "rules[0].chains.default" in done.stderr and "auth: managed" in done.stderr


def test_one_front_has_one_kind(operators: Operators, tmp_path: Path) -> None:
    document = operators.policy()
    document["backends"]["open"]["auth"] = "basic"
    done = portolan.run("check", write_policy(document, tmp_path))
    assert done.returncode != 0
    assert "with tokens" in done.stderr and "with a password" in done.stderr
