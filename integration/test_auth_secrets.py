"""Where secrets are, and above all where they are not: a known one is planted, and everything is searched.

What the proxy holds (credentials, and the tokens that it got with them) must be nowhere but in its file and in
the request that it belongs to, also with Envoy at its debug level. What clients send is shown by Envoy itself
at that level, in the headers that it reads; at the ordinary one it must be nowhere either.
"""

import base64
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from harness import faults, raw
from harness.accounts import Account, write_htpasswd
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.guarded import CONTENT, Guarded
from harness.policies import build_policy, rule_of
from harness.scripted import Scripted
from harness.signing import Signer
from harness.token_service import TokenService
from harness.verifier import Verifier

DIGEST = sha256(CONTENT)
ROBOT = Account("robot", "planted-robot-secret")
PUSHER = Account("pusher", "planted-pusher-secret")
ALICE = Account("alice", "planted-alice-secret")
# Everything that the admin interface shows.
ADMIN = [
    *("/config_dump?include_eds", "/stats", "/stats?format=prometheus", "/clusters", "/server_info"),
    *("/certs", "/listeners", "/runtime", "/contention", "/init_dump", "/memory"),
]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[TokenService]:
    """A token service that knows the robot."""
    service = TokenService(Signer(tmp_path / "signer"), [ROBOT, ALICE], service="upstream")
    service.habits.public = ()
    yield service
    service.close()


def encodings(secret: str) -> list[bytes]:
    """How a secret could be written."""
    return [
        secret.encode(),
        quote(secret, safe="").encode(),
        base64.b64encode(secret.encode()).rstrip(b"=")[:-1],
    ]


def of_account(account: Account) -> list[bytes]:
    """How a name and a password could be written."""
    return [*encodings(account.password), account.basic.removeprefix("Basic ").rstrip("=").encode()[:-1]]


def found_in(content: bytes, secrets: list[bytes]) -> list[bytes]:
    """The secrets that are in it."""
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    return [secret for secret in secrets if secret in content]


def policy(token: Guarded, basic: Guarded, directory: Path, auth: object) -> Policy:
    """A registry with tokens and one with passwords."""
    assert token.service
    directory.mkdir()
    for name, account in (("robot", ROBOT), ("pusher", PUSHER)):
        (directory / name).write_text(account.basic.removeprefix("Basic ") + "\n")
    realm = {"realm": token.service.realm, "service": token.service.service}
    chains = {"default": ["token", "basic"]}
    return build_policy(
        {
            "token": {"url": token.upstream.url, "auth": {"token": realm}, "credential": "robot"},
            "basic": {"url": basic.upstream.url, "auth": "basic", "credential": "pusher"},
        },
        rule_of("team", chains, readers="anyone"),
        rule_of("only", ["basic"], readers="anyone"),
        front={"auth": auth},
        credentials={name: {"file": str(directory / name)} for name in ("robot", "pusher")},
    )


@pytest.mark.parametrize("kind", ["managed", "basic"])
def test_secrets_of_the_proxy_are_in_no_output(
    backends: list[Scripted],
    service: TokenService,
    tmp_path: Path,
    kind: str,
) -> None:
    token = Guarded(backends[0], "team/app", service=service)
    basic = Guarded(backends[1], "team/app", basic=PUSHER.basic)
    users = write_htpasswd(tmp_path / "htpasswd", [ALICE])
    verifier = Verifier(users, tmp_path / "verifier")
    auth: object = "managed" if kind == "managed" else {"basic": {"verifier": verifier.url}}
    document = policy(token, basic, tmp_path / "credentials", auth)
    rendered = render(document, tmp_path / "rendered")
    envoy = Envoy(rendered, tmp_path / "envoy", log_level="debug")
    bodies = b"".join(run(envoy, token, basic, service))
    assert set(token.tokens) and set(basic.tokens) == {PUSHER.basic}, "they arrived where they belong"
    assert {asked.account for asked in service.requests} == {ROBOT}
    secrets = [*of_account(ROBOT), *of_account(PUSHER)]
    secrets += [sent.encode() for sent in set(token.tokens) if sent]
    assert not found_in(bodies, secrets), "the answers to clients"
    for page in ADMIN:
        assert not found_in(envoy.admin(page), secrets), page
    envoy.stop()
    verifier.stop()
    log = envoy.server.log.read_bytes()
    assert found_in(log, [ALICE.basic.encode()]), "it is the log at debug, and would show it"
    assert not found_in(log, secrets), "Envoy's log at debug"
    assert not found_in(envoy.server.out.read_bytes(), secrets), "the access log"
    for path in (tmp_path / "rendered").rglob("*"):
        assert path.is_dir() or not found_in(path.read_bytes(), secrets), path
    assert not any(secret in seen for secret in of_account(PUSHER) for seen in every_byte(token.upstream))
    assert not any(secret in seen for secret in of_account(ROBOT) for seen in every_byte(basic.upstream))


def run(envoy: Envoy, token: Guarded, basic: Guarded, service: TokenService) -> Iterator[bytes]:
    """Everything that might print a secret: success, failure of each kind, rotation."""
    blob = f"/v2/team/app/blobs/{DIGEST}"
    clients: list[raw.Header] = [("Authorization", ALICE.basic)]
    for _ in range(3):
        yield envoy.request("GET", blob, clients).body
    yield envoy.request("GET", blob).body
    token.revokes_all = True
    yield envoy.request("GET", blob).body
    service.habits.fault = faults.answers(500, body=b"who are you, " + ROBOT.basic.encode() + b"?")
    yield envoy.request("GET", "/v2/team/other/manifests/v1").body
    service.habits.fault = faults.junk
    yield envoy.request("GET", "/v2/team/more/manifests/v1").body
    basic.repository = "only/app"
    yield envoy.request("GET", f"/v2/only/app/blobs/{DIGEST}").body
    basic.repository = "team/app"
    service.habits.fault = None
    token.revokes_all = False
    yield envoy.request("GET", "/v2/../" + "x" * 100).body


def every_byte(upstream: Scripted) -> Iterator[bytes]:
    """All that an upstream was sent."""
    for seen in upstream.seen:
        yield seen.target + seen.body + b"".join(value for _, value in seen.headers)


def test_credentials_of_clients_are_not_logged(
    backends: list[Scripted], service: TokenService, tmp_path: Path, start: Callable[..., Envoy]
) -> None:
    """At the ordinary level: passwords by header, query and form, and the tokens that came of them."""
    token = Guarded(backends[0], "team/app", service=service)
    document = policy(token, Guarded(backends[1], "team/app"), tmp_path / "credentials", "upstream")
    del document["rules"][1], document["backends"]["basic"], document["credentials"]
    document["backends"]["token"].pop("credential")
    document["rules"][0]["chains"] = {"default": ["token"]}
    document["rules"][0].pop("readers")
    envoy = start(render(document, tmp_path / "rendered"))
    scope = "scope=repository:team/app:pull"
    headers: list[raw.Header] = [("Authorization", ALICE.basic)]
    answer = envoy.request("GET", f"/portolan/token?{scope}&password={ALICE.password}", headers)
    assert answer.status == 200
    form = f"grant_type=password&username=alice&password={quote(ALICE.password)}&{scope}".encode()
    content_type: list[raw.Header] = [("Content-Type", "application/x-www-form-urlencoded")]
    assert envoy.request("POST", "/portolan/token", content_type, form).status == 200
    wrong = form.replace(b"planted", b"wrongly-planted")
    assert envoy.request("POST", "/portolan/token", content_type, wrong).status == 401
    minted = service.token("alice", ["repository:team/app:pull"])
    pulled = envoy.request("GET", f"/v2/team/app/blobs/{DIGEST}", [("Authorization", f"Bearer {minted}")])
    assert pulled.status == 200
    secrets = [*of_account(ALICE), minted.encode(), *(sent.encode() for sent in set(token.tokens) if sent)]
    for page in ADMIN:
        assert not found_in(envoy.admin(page), secrets), page
    envoy.forget_log()
    assert not found_in(envoy.server.log.read_bytes(), secrets), "Envoy's log"
    assert not found_in(envoy.server.out.read_bytes(), secrets), "the access log"


def test_a_credential_is_replaced_without_a_restart(
    backends: list[Scripted], service: TokenService, tmp_path: Path, start: Callable[..., Envoy]
) -> None:
    fresh = Account("pusher", "the next one")
    basic = Guarded(backends[1], "only/app", basic=PUSHER.basic)
    token = Guarded(backends[0], "team/app", service=service)
    document = policy(token, basic, tmp_path / "credentials", "managed")
    envoy = start(render(document, tmp_path / "rendered"))
    blob = f"/v2/only/app/blobs/{DIGEST}"
    assert envoy.request("GET", blob).status == 200
    basic.basic = fresh.basic
    assert envoy.request("GET", blob).status == 403
    file = tmp_path / "credentials" / "pusher"
    (tmp_path / "next").write_text(fresh.basic.removeprefix("Basic "))
    (tmp_path / "next").rename(file)
    rotated = envoy.server.wait_until(
        lambda: envoy.request("GET", blob).status == 200 or None, "the new credential is used"
    )
    assert rotated
