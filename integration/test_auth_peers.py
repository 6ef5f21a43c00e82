"""The peers of authentication, without Portolan between them.

Real clients meet real registries, our token service, our CDN and our verifier directly. What fails here is
a fault of the peers or of this machine; what works here and fails through a front is ours. It says
nothing about Portolan.
"""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import faults, raw, skopeo
from harness.accounts import Account, write_htpasswd
from harness.cdn import UNTIDY, Cdn, refuse
from harness.clients.client import Client, ClientFailed, Pusher
from harness.clients.go_clients import Oras
from harness.clients.workshop import NAMES, Workshop
from harness.image import Image, build
from harness.private_registry import PrivateRegistry, htpasswd_settings
from harness.signing import Signer, claims_of
from harness.tls import Authority, Credentials, Tls
from harness.token_service import Habits, TokenService, User
from harness.verifier import Verifier

ALICE = Account("alice", "s3cret: with a colon & more")
ROBOT = Account("robot", "may only read")
PUBLIC, PRIVATE = "public/app", "private/app"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("peers")


@pytest.fixture(scope="module")
def signer(place: Path) -> Signer:
    return Signer(place / "signer")


@pytest.fixture(scope="module")
def the_service(signer: Signer) -> Iterator[TokenService]:
    # crane refuses a realm on a private address, unless it is the registry's own host and port.
    service = TokenService(signer, hostname="localhost")
    yield service
    service.close()


@pytest.fixture
def service(the_service: TokenService) -> TokenService:
    """The token service in good order, asked nothing yet."""
    the_service.habits = Habits(
        {ALICE.user: User(ALICE.password), ROBOT.user: User(ROBOT.password, frozenset({"pull"}))}
    )
    the_service.forget()
    return the_service


@pytest.fixture(scope="module")
def filled(place: Path, app: Image) -> Callable[[PrivateRegistry], PrivateRegistry]:
    """Puts the image into a registry, where everybody and where nobody may see it."""
    layout = place / "layout"
    app.write_layout(layout, "app")

    def fill(registry: PrivateRegistry) -> PrivateRegistry:
        for repository in (PUBLIC, PRIVATE):
            skopeo.push(layout, "app", f"{registry.inside.authority}/{repository}:v1")
        return registry

    return fill


Filled = Callable[[PrivateRegistry], PrivateRegistry]


@pytest.fixture(scope="module")
def tokens(place: Path, the_service: TokenService, filled: Filled) -> Iterator[PrivateRegistry]:
    """A registry that wants tokens of the service."""
    registry = filled(PrivateRegistry("tokens", place / "tokens", the_service.registry_settings()))
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def passwords(place: Path, filled: Filled) -> Iterator[PrivateRegistry]:
    """A registry that wants a user and a password."""
    file = write_htpasswd(place / "htpasswd", [ALICE])
    registry = filled(PrivateRegistry("passwords", place / "passwords", htpasswd_settings(file)))
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def workshop(place: Path) -> Iterator[Workshop]:
    workshop = Workshop(place / "clients")
    yield workshop
    workshop.close()


@pytest.fixture(params=NAMES)
def client(request: pytest.FixtureRequest, workshop: Workshop) -> Iterator[Client]:
    """Each client, logged in nowhere."""
    client = workshop.client(request.param)
    yield client
    client.stop()


def refused(client: Client, registry: PrivateRegistry, account: Account) -> None:
    """Logs in, and pulls if the login did not fail already: one of both must."""
    with pytest.raises(ClientFailed):
        client.login(registry.authority, account)
        assert not client.asks_at_login, "it asks at login and should have been refused"
        client.pull(f"{registry.authority}/{PRIVATE}:v1")


def push(client: Client, registry: PrivateRegistry) -> None:
    """Pushes an image of its own, if the client can push at all, and looks for it inside."""
    if isinstance(client, Pusher):
        repository = f"private/of-{client.name}"
        reference = f"{registry.authority}/{repository}:v2"
        client.load(build(f"of {client.name}", layers=1), reference)
        client.push(reference)
        assert registry.inside.has_manifest(repository, "v2")


# --- real clients and a registry that wants tokens


def test_anonymous_pull(client: Client, service: TokenService, tokens: PrivateRegistry, app: Image) -> None:
    assert client.pull(f"{tokens.authority}/{PUBLIC}:v1") in app.contents
    assert service.requests
    assert {asked.authorization for asked in service.requests} == {None}
    assert {scope for asked in service.requests for scope in asked.scopes} == {f"repository:{PUBLIC}:pull"}


@pytest.mark.usefixtures("service")
def test_private_is_refused_without_login(client: Client, tokens: PrivateRegistry) -> None:
    with pytest.raises(ClientFailed, match="(?i)unauthorized|denied|authorization failed"):
        client.pull(f"{tokens.authority}/{PRIVATE}:v1")


def test_login_pull_push(client: Client, service: TokenService, tokens: PrivateRegistry, app: Image) -> None:
    client.login(tokens.authority, ALICE)
    assert client.pull(f"{tokens.authority}/{PRIVATE}:v1") in app.contents
    push(client, tokens)
    assert service.saw(ALICE.password)


def test_wrong_password(client: Client, service: TokenService, tokens: PrivateRegistry) -> None:
    refused(client, tokens, ALICE.but_wrong())
    assert service.saw(ALICE.but_wrong().password), "it was refused for another reason"


def test_expired_token(client: Client, service: TokenService, tokens: PrivateRegistry) -> None:
    client.login(tokens.authority, ALICE)
    service.habits.refused_after = -10
    with pytest.raises(ClientFailed, match="(?i)unauthorized|authorization failed"):
        client.pull(f"{tokens.authority}/{PRIVATE}:v1")


def test_service_without_post(
    client: Client, service: TokenService, tokens: PrivateRegistry, app: Image
) -> None:
    """docs/spec/auth/oauth.md: a client that gets 404 falls back to GET."""
    service.habits.takes_post = False
    client.login(tokens.authority, ALICE)
    assert client.pull(f"{tokens.authority}/{PRIVATE}:v1") in app.contents
    assert "GET" in {asked.method for asked in service.requests}


def test_docker_keeps_a_refresh_token_and_no_password(
    workshop: Workshop, service: TokenService, tokens: PrivateRegistry, app: Image
) -> None:
    docker = workshop.client("docker")
    docker.login(tokens.authority, ALICE)
    assert [asked.one("offline_token") for asked in service.requests] == ["true"]
    service.forget()
    assert docker.pull(f"{tokens.authority}/{PRIVATE}:v1") in app.contents
    assert [(asked.method, asked.one("grant_type")) for asked in service.requests] == [
        ("POST", "refresh_token")
    ]
    assert not service.saw(ALICE.password)


@pytest.mark.usefixtures("service")
def test_oras_artifact(workshop: Workshop, tokens: PrivateRegistry) -> None:
    oras = workshop.client("oras")
    assert isinstance(oras, Oras)
    oras.login(tokens.authority, ALICE)
    subject = f"{tokens.authority}/{PRIVATE}:v1"
    digest = oras.attach(subject, b"a list of parts", "application/vnd.example.parts")
    assert oras.referrers(subject) == [digest]
    assert oras.artifact(f"{tokens.authority}/{PRIVATE}@{digest}") == b"a list of parts"


# --- real clients and a registry that wants a password


def test_htpasswd_login_pull_push(client: Client, passwords: PrivateRegistry, app: Image) -> None:
    client.login(passwords.authority, ALICE)
    assert client.pull(f"{passwords.authority}/{PRIVATE}:v1") in app.contents
    push(client, passwords)


def test_htpasswd_refuses(client: Client, passwords: PrivateRegistry) -> None:
    with pytest.raises(ClientFailed):
        client.pull(f"{passwords.authority}/{PUBLIC}:v1")
    refused(client, passwords, ALICE.but_wrong())


# --- real clients and a CDN


@pytest.fixture(scope="module")
def redirecting(
    place: Path, the_service: TokenService, filled: Filled
) -> Iterator[tuple[PrivateRegistry, Cdn]]:
    """A registry that sends clients to a CDN, which has its storage."""
    storage = place / "redirecting" / "redirecting-inside" / "storage"
    cdn = Cdn(storage)
    # To clients another name is another host.
    cdn.base = f"http://localhost:{cdn.port}"
    auth = the_service.registry_settings()
    registry = filled(PrivateRegistry("redirecting", place / "redirecting", auth, blobs_at=cdn.base))
    assert registry.storage == storage
    yield registry, cdn
    registry.stop()
    cdn.close()


@pytest.mark.usefixtures("service")
def test_blobs_from_a_cdn(client: Client, redirecting: tuple[PrivateRegistry, Cdn], app: Image) -> None:
    registry, cdn = redirecting
    cdn.behave()
    cdn.forget()
    client.login(registry.authority, ALICE)
    assert client.pull(f"{registry.authority}/{PRIVATE}:v1") in app.contents
    assert cdn.seen
    assert not [seen for seen in cdn.seen if "authorization" in seen.names]


@pytest.mark.parametrize("name", ["docker", "crane", "oras"])
@pytest.mark.usefixtures("service")
def test_blobs_at_signed_urls(
    name: str, workshop: Workshop, redirecting: tuple[PrivateRegistry, Cdn], app: Image
) -> None:
    """The CDN redirects once more, to a URL that it refuses if anything was tidied on the way.

    Debian's other clients are built with a Go that sends Authorization again after the second
    redirect (CVE-2024-45336); as object stores do, the CDN refuses that.
    """
    registry, cdn = redirecting
    cdn.behave(cdn.signing)
    cdn.forget()
    client = workshop.client(name)
    client.login(registry.authority, ALICE)
    assert client.pull(f"{registry.authority}/{PRIVATE}:v1") in app.contents
    assert [seen for seen in cdn.seen if UNTIDY.encode() in seen.target]


# --- the token service by itself


@pytest.mark.parametrize(
    ("user", "scopes", "granted"),
    [
        ("", ["repository:public/a:pull"], [("public/a", ["pull"])]),
        # A subset is no error (token.md).
        ("", ["repository:public/a:pull,push"], [("public/a", ["pull"])]),
        ("", ["repository:private/a:pull"], []),
        ("alice", ["repository:private/a:pull,push"], [("private/a", ["pull", "push"])]),
        ("robot", ["repository:private/a:pull,push"], [("private/a", ["pull"])]),
        ("alice", ["registry:catalog:*"], [("catalog", ["*"])]),
        # A name with a port in it.
        ("alice", ["repository:host:5000/a:pull"], [("host:5000/a", ["pull"])]),
        ("alice", ["repository:a:pull repository:b:pull"], [("a", ["pull"]), ("b", ["pull"])]),
        ("alice", ["repository:a:pull", "repository:b:pull"], [("a", ["pull"]), ("b", ["pull"])]),
        # docker login asks for none.
        ("alice", [], []),
    ],
)
def test_grants(service: TokenService, user: str, scopes: list[str], granted: object) -> None:
    document = ask(service, scopes, {"alice": ALICE, "robot": ROBOT}.get(user))
    claims = claims_of(str(document["token"]))
    assert claims["sub"] == user
    access = claims["access"]
    assert isinstance(access, list)
    assert [(entry["name"], entry["actions"]) for entry in access] == granted


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("grant_type=password&username=robot&password=may+only+read", 200),
        ("grant_type=password&username=robot&password=may+not", 401),
        ("grant_type=password&username=nobody&password=may+only+read", 401),
        ("grant_type=refresh_token&refresh_token=GIVEN", 200),
        ("grant_type=refresh_token&refresh_token=made+up", 401),
        ("", 401),
    ],
)
def test_post(service: TokenService, form: str, status: int) -> None:
    given = ask(service, [], ALICE, "&offline_token=true")["refresh_token"]
    body = form.replace("GIVEN", str(given)).encode()
    assert raw.request(service.port, "POST", "/token", (), body).status == status
    service.habits.takes_post = False
    assert raw.request(service.port, "POST", "/token", (), body).status == 404


def test_habits(service: TokenService) -> None:
    habits = service.habits
    habits.token_fields, habits.lifetime = ("access_token",), 60
    document = ask(service, ["repository:private/a:pull"], None)
    assert (document.get("token"), document["expires_in"]) == (None, 60)
    claims = claims_of(str(document["access_token"]))
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 60
    habits.refuses_empty_grants = True
    assert raw.request(service.port, "GET", "/token?scope=repository:private/a:pull").status == 403
    assert raw.request(service.port, "GET", "/token?scope=repository:public/a:pull").status == 200


def test_realm_below_v2(signer: Signer) -> None:
    """Quay's is /v2/auth."""
    quay = TokenService(signer, path="/v2/auth")
    assert quay.realm == f"http://127.0.0.1:{quay.port}/v2/auth"
    assert raw.request(quay.port, "GET", "/v2/auth?service=quay").status == 200
    assert raw.request(quay.port, "GET", "/token?service=quay").status == 404
    quay.close()


def test_the_fake_token_service_keeps_its_requests(service: TokenService) -> None:
    ask(service, ["repository:a:pull"], ALICE)
    form = b"grant_type=password&username=robot&password=may+only+read&service=registry.test"
    raw.request(service.port, "POST", "/token", [("Content-Type", "application/x-www-form-urlencoded")], form)
    first, second = service.requests
    assert (first.method, first.account, first.scopes) == ("GET", ALICE, ["repository:a:pull"])
    assert (second.method, second.account, second.authorization) == ("POST", ROBOT, None)
    # As the header's base64, and as a form writes spaces.
    assert [first.holds(ALICE.password), first.holds(ROBOT.password)] == [True, False]
    assert [second.holds(ALICE.password), second.holds(ROBOT.password)] == [False, True]


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (faults.answers(500), 500, b"out of order"),
        (faults.answers(429, body=b"slower"), 429, b"slower"),
        (faults.junk, 200, b"<html>"),
        (faults.slow(0.2), 200, b'"token"'),
    ],
)
def test_faults(service: TokenService, fault: faults.Fault, status: int, body: bytes) -> None:
    service.habits.fault = fault
    answer = raw.request(service.port, "GET", "/token")
    assert answer.status == status
    assert body in answer.body
    service.habits.fault = None
    assert raw.request(service.port, "GET", "/token").status == 200
    assert len(service.requests) == 2


def test_down(service: TokenService) -> None:
    service.habits.fault = faults.down
    with pytest.raises(raw.Closed):
        raw.request(service.port, "GET", "/token")


def ask(
    service: TokenService, scopes: list[str], account: Account | None, more: str = ""
) -> dict[str, object]:
    """Asks for a token by GET, each scope in a parameter of its own."""
    query = "&".join(["service=registry.test", *(f"scope={scope.replace(' ', '+')}" for scope in scopes)])
    headers = [("Authorization", account.basic)] if account else []
    answer = raw.request(service.port, "GET", f"/token?{query}{more}", headers)
    assert answer.status == 200, answer
    document: dict[str, object] = json.loads(answer.body)
    return document


# --- the CDN by itself

CONTENT = bytes(range(100))


@pytest.fixture
def cdn(tmp_path: Path) -> Iterator[Cdn]:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs/data").write_bytes(CONTENT)
    cdn = Cdn(tmp_path / "blobs")
    yield cdn
    cdn.close()


@pytest.mark.parametrize(
    ("wanted", "status", "part", "body"),
    [
        (None, 200, None, CONTENT),
        ("bytes=10-19", 206, "bytes 10-19/100", CONTENT[10:20]),
        ("bytes=90-", 206, "bytes 90-99/100", CONTENT[90:]),
        ("bytes=-5", 206, "bytes 95-99/100", CONTENT[95:]),
        ("bytes=90-1000", 206, "bytes 90-99/100", CONTENT[90:]),
        ("bytes=100-", 416, "bytes */100", b""),
        # Several at once may be ignored (RFC 9110 section 14.2).
        ("bytes=0-1,3-4", 200, None, CONTENT),
    ],
)
def test_cdn_ranges(cdn: Cdn, wanted: str | None, status: int, part: str | None, body: bytes) -> None:
    headers = [("Range", wanted)] if wanted else []
    answer = raw.request(cdn.port, "GET", "/data", headers)
    assert (answer.status, answer.one("content-range"), answer.body) == (status, part, body)
    head = raw.request(cdn.port, "HEAD", "/data", headers)
    assert (head.status, head.one("content-length"), head.body) == (status, str(len(body)), b"")


def test_cdn_misbehaves(cdn: Cdn) -> None:
    def get(target: str, *headers: tuple[str, str]) -> tuple[int, str | None]:
        answer = raw.request(cdn.port, "GET", target, headers)
        return answer.status, answer.one("location")

    assert [get("/none")[0], get("/../data")[0], get("/data/../../cdn")[0]] == [404, 404, 404]
    cdn.behave(cdn.loop)
    assert get("/data?a") == (307, cdn.base + "/data?a")
    cdn.behave(cdn.chain(2, 302))
    assert get("/data") == (302, cdn.base + "/data?hop=1")
    assert get("/data?hop=1") == (302, cdn.base + "/data?hop=2")
    assert get("/data?hop=2") == (200, None)
    cdn.behave(refuse(403))
    assert get("/data") == (403, None)
    cdn.behave(cdn.signing)
    signed = cdn.signed("/data").removeprefix(cdn.base)
    assert get("/data") == (307, cdn.base + signed)
    assert get(signed) == (200, None)
    assert get(signed.replace("%2f", "%2F")) == (403, None)
    assert get(signed, ("Authorization", "Bearer of the registry")) == (400, None)


# --- the verifier by itself


def test_verifier(tmp_path: Path) -> None:
    """bcrypt, and a file that is replaced while it runs."""
    file = write_htpasswd(tmp_path / "htpasswd", [ALICE])
    verifier = Verifier(file, tmp_path / "verifier")

    def status(account: Account | None) -> int:
        headers = [("Authorization", account.basic)] if account else []
        return raw.request(verifier.port, "GET", "/v2/", headers).status

    assert file.read_text().startswith("alice:$2y$")
    assert [status(ALICE), status(ALICE.but_wrong()), status(ROBOT), status(None)] == [204, 401, 401, 401]
    write_htpasswd(file, [ROBOT], cost=10)
    assert [status(ALICE), status(ROBOT)] == [401, 204]
    users = [user for _, _, user, _ in verifier.requests(6)]
    assert users == ["alice", "alice", "robot", "", "alice", "robot"]
    verifier.stop()


# --- TLS by itself


def test_tls(cdn: Cdn, tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    tls = Tls(cdn.port, ours.issue("cdn.test"), clients=theirs)
    client = theirs.issue("client")
    assert CONTENT in https(tls.port, "cdn.test", ours, client)
    assert tls.names == ["cdn.test"]
    for name, trusted, shown in [
        ("other.test", ours, client),
        ("cdn.test", theirs, client),
        ("cdn.test", ours, None),
        ("cdn.test", ours, ours.issue("stranger")),
    ]:
        # Who does not trust the other says so in an alert, which a reset may overtake.
        with pytest.raises(OSError):
            https(tls.port, name, trusted, shown)
    tls.close()


def https(port: int, name: str, trusted: Authority, shown: Credentials | None) -> bytes:
    """What `/data` is answered with, to a client that verifies and may have a certificate itself."""
    context = ssl.create_default_context(cafile=str(trusted.certificate))
    if shown is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    with socket.create_connection(("127.0.0.1", port), raw.SECONDS) as plain:
        with context.wrap_socket(plain, server_hostname=name) as tls:
            tls.sendall(raw.head("GET", "/data", [("Host", name)]))
            return receive(tls)


def receive(connection: ssl.SSLSocket) -> bytes:
    """Reads until the content has come, or the other side complains."""
    received = b""
    while CONTENT not in received:
        more = connection.recv(4096)
        if not more:
            raise ConnectionError(f"closed after {received!r}")
        received += more
    return received
