"""One front for several registries: by host, by `ns`, by the start of a name, by nothing.

Scripted registries see the bytes that each backend is asked, and say what backends say; a token service of each stands
beside them. Sees what no real client does: queries byte for byte, conflicting values, hosts in disguise. What real
clients make of it is for test_naming_clients.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import portolan, raw
from harness.envoy import Envoy, Policy, write_policy
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted
from harness.signing import Signer
from harness.token_service import TokenService

DIGEST = "sha256:" + "0" * 64
MIRROR, BY_HOST = "registry.test", "docker.registry.test"
NOT_HERE = Answer(404, [("Content-Type", "application/json")], b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')


def policy(east: Scripted, west: Scripted) -> Policy:
    """`east` is Docker Hub; `west` has GHCR's names below a base path and a prefix of its own."""
    return build_policy(
        {
            "hub": {"url": east.url, "names": [{"front": "docker.io/", "backend": ""}]},
            "ghcr": {"url": f"{west.url}/base", "names": [{"front": "ghcr.io/", "backend": "copies/"}]},
        },
        rule_of("hub", ["hub"], repositories=["docker.io/**"]),
        rule_of("ghcr", ["ghcr"], repositories=["ghcr.io/team/**"], owner="ghcr"),
        fronts={
            "mirror": {
                "hosts": [MIRROR],
                "upstreams": {
                    "docker.io": {
                        "library": True,
                        "hosts": [BY_HOST],
                        "ns": ["docker.io", "index.docker.io", "registry-1.docker.io"],
                    },
                    "ghcr.io": {"hosts": ["ghcr.registry.test"]},
                },
                "default_upstream": "docker.io",
            }
        },
    )


@pytest.fixture(scope="module")
def front(start_envoy: Callable[[Policy], Envoy], east: Scripted, west: Scripted) -> Envoy:
    """An Envoy with that policy."""
    front = start_envoy(policy(east, west))
    front.wait_until_healthy()
    return front


@pytest.fixture(autouse=True)
def _nothing_is_there(east: Scripted, west: Scripted) -> None:
    for upstream in (east, west):
        upstream.answer(Answer(200, [], b"{}"))


def get(front: Envoy, target: str, host: str = MIRROR, method: str = "GET") -> raw.Response:
    """A request as it stands in the table; DIGEST is one."""
    return front.request(method, target.replace("DIGEST", DIGEST), host=host)


# --- what backends are asked

NGINX = "/v2/library/nginx/manifests/v1"
ASKED = [
    (MIRROR, "/v2/nginx/manifests/v1", "east", NGINX),
    (MIRROR, "/v2/library/nginx/manifests/v1", "east", NGINX),
    (MIRROR, "/v2/docker.io/nginx/manifests/v1", "east", NGINX),
    (MIRROR, "/v2/docker.io/library/nginx/manifests/v1", "east", NGINX),
    (MIRROR, "/v2/nginx/manifests/v1?ns=docker.io", "east", NGINX),
    (MIRROR, "/v2/nginx/manifests/v1?ns=Registry-1.Docker.IO%3A443", "east", NGINX),
    (MIRROR, "/v2/docker.io/nginx/manifests/v1?ns=index.docker.io", "east", NGINX),
    (BY_HOST, "/v2/nginx/manifests/v1", "east", NGINX),
    ("DOCKER.registry.test.:80", "/v2/nginx/manifests/v1", "east", NGINX),
    (BY_HOST, "/v2/nginx/manifests/v1?ns=ghcr.io", "east", NGINX),
    (BY_HOST, "/v2/nginx/manifests/v1?ns=evil.example", "east", NGINX),
    (BY_HOST, "/v2/docker.io/x/manifests/v1", "east", "/v2/docker.io/x/manifests/v1"),
    (
        MIRROR,
        "/v2/a/b/tags/list?n=5&ns=docker.io&&last=a%2fB+c==",
        "east",
        "/v2/a/b/tags/list?n=5&&last=a%2fB+c==",
    ),
    (MIRROR, "/v2/a/b/blobs/DIGEST?%6es=docker.io", "east", "/v2/a/b/blobs/DIGEST"),
    (MIRROR, "/v2/team/app/manifests/v1?ns=ghcr.io", "west", "/base/v2/copies/team/app/manifests/v1"),
    (MIRROR, "/v2/ghcr.io/team/app/blobs/DIGEST?x", "west", "/base/v2/copies/team/app/blobs/DIGEST?x"),
    ("ghcr.registry.test", "/v2/team/app/manifests/v1", "west", "/base/v2/copies/team/app/manifests/v1"),
]


@pytest.mark.parametrize(("host", "target", "upstream", "expected"), ASKED)
def test_the_target_at_each_backend(
    front: Envoy, request: pytest.FixtureRequest, host: str, target: str, upstream: str, expected: str
) -> None:
    front.forget_log()
    answer = get(front, target, host)
    assert answer.status == 200
    seen = request.getfixturevalue(upstream).last()
    assert seen.target.decode() == expected.replace("DIGEST", DIGEST)
    other = request.getfixturevalue({"east": "west", "west": "east"}[upstream])
    assert not other.seen
    (entry,) = front.new_log_entries()
    assert entry["registry"] == {"east": "docker.io", "west": "ghcr.io"}[upstream]


def test_explain_says_the_same(east: Scripted, west: Scripted, tmp_path: Path) -> None:
    file = write_policy(policy(east, west), tmp_path)
    lines = [
        {"method": "GET", "target": target.replace("DIGEST", DIGEST), "authority": host}
        for host, target, _, _ in ASKED
    ]
    said = portolan.output("explain", file, "--batch", stdin="\n".join(map(json.dumps, lines)))
    answers = [json.loads(line) for line in said.splitlines()]
    assert [answer["path"] for answer in answers] == [row[3].replace("DIGEST", DIGEST) for row in ASKED]
    assert {answer["registry"] for answer in answers} == {"docker.io", "ghcr.io"}
    assert answers[0]["repository"] == "docker.io/library/nginx"
    words = portolan.output("explain", file, "GET", f"//{MIRROR}/v2/nginx/manifests/v1?ns=docker.io")
    assert "registry    docker.io\n" in words and "repository  docker.io/library/nginx\n" in words


@pytest.mark.parametrize(
    ("host", "target", "namespace"),
    [
        (MIRROR, "/v2/nginx/manifests/v1?ns=INDEX.docker.io", "index.docker.io"),
        (MIRROR, "/v2/?ns=docker.io", "docker.io"),
        (MIRROR, "/v2/other/app/manifests/v1?ns=ghcr.io", "ghcr.io"),
        (MIRROR, "/v2/nginx/manifests/v1", None),
        (MIRROR, "/v2/docker.io/nginx/manifests/v1", None),
        (BY_HOST, "/v2/nginx/manifests/v1?ns=docker.io", None),
    ],
)
def test_ns_is_answered_where_it_was_used(
    front: Envoy, host: str, target: str, namespace: str | None
) -> None:
    assert get(front, target, host).one("oci-namespace") == namespace


def test_an_oci_namespace_of_a_backend_is_not_passed_on(front: Envoy, east: Scripted) -> None:
    east.answer(Answer(200, [("OCI-Namespace", "evil.example")], b"{}"))
    assert get(front, "/v2/nginx/manifests/v1?ns=docker.io").all("oci-namespace") == ["docker.io"]


# --- what is not served

REFUSED = [
    (MIRROR, "/v2/a/b/manifests/v1?ns=evil.example", 404, "NAME_UNKNOWN"),
    (MIRROR, "/v2/a/b/manifests/v1?ns=169.254.169.254", 404, "NAME_UNKNOWN"),
    (MIRROR, "/v2/a/b/manifests/v1?ns=127.0.0.1%3A5000", 404, "NAME_UNKNOWN"),
    (MIRROR, "/v2/a/b/manifests/v1?ns=docker.io%2F", 404, "NAME_UNKNOWN"),
    (MIRROR, "/v2/a/b/manifests/v1?ns=http%3A%2F%2Fdocker.io", 404, "NAME_UNKNOWN"),
    (MIRROR, "/v2/a/b/manifests/v1?ns=docker.io%0d%0ax:y", 404, "NAME_UNKNOWN"),
    (MIRROR, "/v2/other/app/manifests/v1?ns=ghcr.io", 404, "NAME_UNKNOWN"),
    (MIRROR, "/v2/?ns=evil.example", 404, "NAME_UNKNOWN"),
    (MIRROR, "/v2/a/b/manifests/v1?ns=docker.io&ns=ghcr.io", 400, "NAME_INVALID"),
    (MIRROR, "/v2/a/b/manifests/v1?ns=docker.io&n%73=ghcr.io", 400, "NAME_INVALID"),
    (MIRROR, "/v2/a/b/manifests/v1?ns=%zz", 400, "NAME_INVALID"),
    (BY_HOST, "/v2/a/b/manifests/v1?ns=a&ns=b", 400, "NAME_INVALID"),
    ("evil.example", "/v2/a/b/manifests/v1?ns=docker.io", 404, "NAME_UNKNOWN"),
    ("x.docker.registry.test", "/v2/a/b/manifests/v1", 404, "NAME_UNKNOWN"),
    (MIRROR, "/v2/_catalog?ns=docker.io", 404, "UNSUPPORTED"),
    (MIRROR, f"/v2/{'a' * 248}/manifests/v1", 400, "NAME_INVALID"),
]


@pytest.mark.parametrize(("host", "target", "status", "code"), REFUSED)
def test_a_registry_that_the_policy_does_not_name_is_never_dialled(
    front: Envoy, east: Scripted, west: Scripted, host: str, target: str, status: int, code: str
) -> None:
    answer = get(front, target, host)
    assert (answer.status, json.loads(answer.body)["errors"][0]["code"]) == (status, code)
    assert get(front, target, host, "HEAD").status == status
    assert not east.seen and not west.seen


def test_ping_needs_no_name(front: Envoy) -> None:
    for host in (MIRROR, BY_HOST, "ghcr.registry.test"):
        answer = get(front, "/v2/", host)
        assert (answer.status, answer.one("docker-distribution-api-version")) == (200, "registry/2.0")


# --- what clients are told


@pytest.mark.parametrize(
    ("host", "name", "query", "expected"),
    [
        (MIRROR, "nginx", "", "/v2/nginx/manifests/DIGEST?a=%2f"),
        (MIRROR, "library/nginx", "", "/v2/library/nginx/manifests/DIGEST?a=%2f"),
        (MIRROR, "docker.io/nginx", "", "/v2/docker.io/nginx/manifests/DIGEST?a=%2f"),
        (MIRROR, "nginx", "?ns=docker.io", "/v2/nginx/manifests/DIGEST?a=%2f&ns=docker.io"),
        (BY_HOST, "nginx", "?ns=docker.io", "/v2/nginx/manifests/DIGEST?a=%2f"),
    ],
)
def test_locations_keep_the_clients_name(
    front: Envoy, east: Scripted, host: str, name: str, query: str, expected: str
) -> None:
    location = f"{east.url}/v2/library/nginx/manifests/{DIGEST}?a=%2f"
    east.answer(Answer(307, [("Location", location)]))
    answer = get(front, f"/v2/{name}/manifests/v1{query}", host)
    assert answer.one("location") == expected.replace("DIGEST", DIGEST)


def test_an_upload_stays_with_the_registry_that_ns_named(front: Envoy, west: Scripted) -> None:
    """A client follows a `Location` as it is, and adds no `ns` to it."""
    state = "_state=a%2Fb+c==&x"
    session = f"/base/v2/copies/team/app/blobs/uploads/1?{state}"
    west.answer(Answer(202, [("Location", session)]))
    started = get(front, "/v2/team/app/blobs/uploads/?ns=ghcr.io", method="POST")
    assert west.last().target == b"/base/v2/copies/team/app/blobs/uploads/"
    for method in ("PATCH", "PUT"):
        west.forget()
        location = started.one("location")
        assert location is not None
        answer = front.request(method, location, body=b"content")
        assert west.last().target.decode() == session
        assert answer.one("location") == location == f"/v2/team/app/blobs/uploads/1?{state}&ns=ghcr.io"


def test_pages_of_tags_are_of_one_registry(front: Envoy, east: Scripted) -> None:
    link = '</v2/library/nginx/tags/list?n=2&last=b>; rel="next"'
    east.answer(Answer(200, [("Link", link)], b"{}"))
    first = get(front, "/v2/nginx/tags/list?n=2&ns=docker.io").one("link")
    assert first == '</v2/nginx/tags/list?n=2&last=b&ns=docker.io>; rel="next"'
    east.forget()
    get(front, first.partition(">")[0].removeprefix("<"))
    assert east.last().target == b"/v2/library/nginx/tags/list?n=2&last=b"


def test_a_mount_is_asked_for_by_the_owners_names(front: Envoy, west: Scripted) -> None:
    rows = {
        "team%2Fbase": "copies%2Fteam%2Fbase",
        "ghcr.io/team/base": "copies%2Fteam%2Fbase",
        "docker.io/library/nginx": None,
    }
    host = "ghcr.registry.test"
    for source, expected in rows.items():
        west.forget()
        name, where = ("ghcr.io/team/app", MIRROR) if "." in source else ("team/app", host)
        front.request("POST", f"/v2/{name}/blobs/uploads/?mount={DIGEST}&from={source}&z", host=where)
        query = f"mount={DIGEST}&from={expected}&z" if expected else "z"
        assert west.last().target.decode() == f"/base/v2/copies/team/app/blobs/uploads/?{query}"


# --- tokens of clients


@pytest.fixture(scope="module")
def services(work: Path) -> Iterator[dict[str, TokenService]]:
    """The token services of both registries; all that begins with `library/` or `copies/` is public."""
    signer = Signer(work / "naming-signer")
    services = {name: TokenService(signer, service=f"{name}.svc") for name in ("hub", "ghcr")}
    for service in services.values():
        service.habits.public = ("library/", "copies/")
    yield services
    for service in services.values():
        service.close()


@pytest.fixture(scope="module")
def with_tokens(
    start_envoy: Callable[[Policy], Envoy], east: Scripted, west: Scripted, services: dict[str, TokenService]
) -> Envoy:
    """The same front, whose clients have tokens of the registries."""
    document = policy(east, west)
    document["fronts"]["mirror"]["auth"] = {"upstream": {"login": "hub"}}
    for name, service in services.items():
        document["backends"][name]["auth"] = {"token": {"realm": service.realm, "service": service.service}}
    return start_envoy(document)


TOKENS = [
    (MIRROR, "nginx", "", "hub", f"http://{MIRROR}/portolan/token", "nginx"),
    (MIRROR, "docker.io/nginx", "", "hub", f"http://{MIRROR}/portolan/token", "docker.io/nginx"),
    (MIRROR, "nginx", "?ns=docker.io", "hub", f"http://{MIRROR}/portolan/token/docker.io", "nginx"),
    (MIRROR, "team/app", "?ns=ghcr.io", "ghcr", f"http://{MIRROR}/portolan/token/ghcr.io", "team/app"),
    (
        "ghcr.registry.test",
        "team/app",
        "",
        "ghcr",
        "http://ghcr.registry.test/portolan/token",
        "team/app",
    ),
]
REAL_NAMES = {"hub": "library/nginx", "ghcr": "copies/team/app"}


@pytest.mark.parametrize("form", [False, True], ids=["GET", "POST"])
@pytest.mark.parametrize(("host", "name", "query", "registry", "realm", "scope"), TOKENS)
def test_a_challenge_leads_to_the_registry_that_is_meant(
    with_tokens: Envoy,
    east: Scripted,
    west: Scripted,
    services: dict[str, TokenService],
    host: str,
    name: str,
    query: str,
    registry: str,
    realm: str,
    scope: str,
    form: bool,
) -> None:
    """From the 401 to the token to the content, as a client goes."""
    upstream, service = (east, west)[registry == "ghcr"], services[registry]
    real = f"repository:{REAL_NAMES[registry]}:pull"
    challenge = f'Bearer realm="{service.realm}",service="{service.service}",scope="{real}"'
    upstream.answer(Answer(401, [("WWW-Authenticate", challenge)]))
    target = f"/v2/{name}/manifests/v1{query}"
    told = get(with_tokens, target, host).one("www-authenticate")
    scopes = f"repository:{scope}:pull"
    assert told == f'Bearer realm="{realm}",service="{MIRROR}",scope="{scopes}"'

    for each in services.values():
        each.forget()
    path = realm.removeprefix(f"http://{host}")
    if form:
        body = f"grant_type=password&username=u&password=p&service={MIRROR}&scope={scopes}".encode()
        headers = [("Content-Type", "application/x-www-form-urlencoded")]
        answer = with_tokens.request("POST", path, headers, body, host=host)
    else:
        answer = with_tokens.request("GET", f"{path}?service={MIRROR}&scope={scopes}", host=host)
    asked = [(name, each.scopes) for name, service in services.items() for each in service.requests]
    # A name and a password are for whom clients log in to, which is the hub: its service knows no such user.
    assert asked == [(registry, [real])]
    assert answer.status == (401 if form and registry == "hub" else 200)
    if answer.status == 200:
        token = json.loads(answer.body)["token"]
        upstream.answer(Answer(200, [], b"{}"))
        headers = [("Authorization", f"Bearer {token}")]
        assert with_tokens.request("GET", target, headers, host=host).status == 200
        assert upstream.last().all("authorization") == [b"Bearer " + token.rpartition("~")[2].encode()]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", ["evil.example", "index.docker.io", "", "docker.io/x", "DOCKER.IO"])
def test_a_token_of_an_unknown_registry_is_asked_of_nobody(
    with_tokens: Envoy, services: dict[str, TokenService], method: str, name: str
) -> None:
    for service in services.values():
        service.forget()
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    body = b"grant_type=password&username=u&password=p" if method == "POST" else None
    answer = with_tokens.request(method, f"/portolan/token/{name}", headers, body)
    assert answer.status == 404
    assert not [each for service in services.values() for each in service.requests]
