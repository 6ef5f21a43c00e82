"""Real clients through each kind of front, to real registries with token services or passwords.

What works is noted in a table, which `make clients` puts into docs/clients.md; every run checks that what
stands there is still so. Where a client fails it must fail without Portolan too, or the test does. Sees what
clients end with, and what is in the registries then. Cannot see everything that is sent to whom;
test_auth_operators does.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from harness import fronts, raw
from harness.accounts import Account
from harness.client_table import CANNOT, REFUSED, WORKS, Table, is_to_be_written
from harness.clients.buildx import Buildx
from harness.clients.client import Client, ClientFailed, Pusher
from harness.clients.go_clients import Oras
from harness.clients.helm import Helm
from harness.clients.needs import need
from harness.clients.workshop import NAMES, Workshop
from harness.digest import sha256
from harness.fronts import ALICE, Front, Place, front_at_its_port
from harness.image import ACCEPT, Image, build
from harness.private_registry import PrivateRegistry
from harness.relay import Relay
from harness.scripted import Seen
from harness.signing import claims_of
from harness.token_service import REGISTRY_LEEWAY_SECONDS

TOKENS = "Clients log in to registries that have token services"
PASSWORDS = "Clients log in to a registry that wants a password"
MANAGED = "Clients need nothing: the proxy holds the tokens"
GUARDED = "Clients log in to the front: the proxy holds the tokens"

PUBLIC = "pulls what is public, without a login"
OTHERS = "pulls what is public at another operator's"
OTHERS_LOGGED_IN = "then pulls what is public at another operator's"
PRIVATE = "pulls what is private, without a login"
PROXYS = "pulls what only the proxy may see"
LOGIN = "logs in, pulls what is private"
CACHED = "the same, after an open registry that lacks it"
WRONG = "logs in with a wrong password"
PUSH = "pushes"
PULL_PUSHED = "pulls what it pushed"
ARTIFACT = "attaches an artifact to an image, finds and pulls it"
BUILD = "logs in, builds on what is private, pushes what it built"
CHART = "logs in, pushes a chart and pulls it"
EXPIRED = "has a token that is not good any more"
EXPIRES = "has a token that expires during a pull"
PROXYS_EXPIRES = "pulls while the proxy's token expires"
DIES = "pulls while the near registry dies between two answers"
CUT = "pulls while the near registry dies within a layer"

REFUSALS = (
    "(?i)unauthorized|denied|authorization failed|authentication required|invalid username|no basic auth"
    "|credential not found|too many 401"
)
LIVES = 2.0
# More than the manifests of the image, and less than they and one layer.
WITHIN_A_LAYER = 60_000

# Who cannot do what, and why.
NO_RESUMING = (
    "It does not resume a layer that was cut off. It fails in the same way without Portolan, at a registry that "
    "loses one connection and is well otherwise. Trying again helps."
)
NO_RENEWING = (
    "containerd 1.6 sends the expired token a second time and then gives up. It fails in the same way without "
    "Portolan. Trying again helps."
)
GIVING_UP = (
    "regctl gives up when a token that it holds is refused within a pull. It fails in the same way without Portolan. "
    "Trying again helps."
)
LIMITS = {(CUT, name): NO_RESUMING for name in ("podman", "buildah", "skopeo", "crane", "oras")}
LIMITS |= {(EXPIRES, name): NO_RENEWING for name in ("ctr", "cri")}
LIMITS |= {(EXPIRES, "regctl"): GIVING_UP}


@pytest.fixture(scope="module")
def the_place(tmp_path_factory: pytest.TempPathFactory, app: Image) -> Iterator[Place]:
    with fronts.place(tmp_path_factory.mktemp("place"), app) as place:
        yield place


@pytest.fixture
def place(the_place: Place) -> Place:
    """Everybody in good order, asked nothing yet."""
    the_place.reset()
    return the_place


@pytest.fixture(scope="module")
def tokens(the_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front_at_its_port(the_place, fronts.upstream_tokens, tmp_path_factory.mktemp("tokens")) as port:
        yield Front(TOKENS, f"127.0.0.1:{port}")


@pytest.fixture(scope="module")
def passwords(the_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front_at_its_port(
        the_place, fronts.upstream_passwords, tmp_path_factory.mktemp("passwords")
    ) as port:
        yield Front(PASSWORDS, f"127.0.0.1:{port}")


@pytest.fixture(scope="module")
def port_of_the_proxy(the_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One Envoy with two fronts."""
    with front_at_its_port(the_place, fronts.of_the_proxy, tmp_path_factory.mktemp("proxy")) as port:
        yield port


@pytest.fixture
def managed(port_of_the_proxy: int) -> Front:
    return Front(MANAGED, f"127.0.0.1:{port_of_the_proxy}")


@pytest.fixture
def guarded(port_of_the_proxy: int) -> Front:
    return Front(GUARDED, f"localhost:{port_of_the_proxy}")


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """The table, which is written in the end if all is as it should be."""
    table = Table()
    yield table
    if is_to_be_written() and not request.session.testsfailed:
        table.write()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path_factory.mktemp("clients"))
    yield workshop
    workshop.close()


@pytest.fixture(params=NAMES)
def client(request: pytest.FixtureRequest, workshop: Workshop) -> Iterator[Client]:
    """Each client, logged in nowhere."""
    client = workshop.client(request.param)
    yield client
    client.stop()


@dataclass
class Trial:
    """What one client does at one front; noted in the table."""

    client: Client
    table: Table
    front: Front

    def reference(self, repository: str, tag: str = "v1") -> str:
        """The name of an image at the front."""
        return f"{self.front.authority}/{repository}:{tag}"

    def login(self, account: Account) -> None:
        """Logs in."""
        self.client.login(self.front.authority, account)

    def pulls(self, row: str, repository: str, expected: set[str], tag: str = "v1") -> None:
        """A pull that ends with the image, whose digests the client has checked, and we compare."""
        assert self.client.pull(self.reference(repository, tag)) in expected
        self._note(row, WORKS)

    def is_refused(self, row: str, repository: str) -> None:
        """A pull that does not."""
        with pytest.raises(ClientFailed, match=REFUSALS):
            self.client.pull(self.reference(repository))
        self._note(row, REFUSED)

    def is_refused_as(self, row: str, account: Account, repository: str) -> None:
        """At the login already, if the client asks anybody then."""
        with pytest.raises(ClientFailed, match=REFUSALS):
            self.login(account)
            assert not self.client.asks_at_login, "it asks at login and should have been refused"
            self.client.pull(self.reference(repository))
        self._note(row, REFUSED)

    def pulls_as_far_as_it_can(
        self, row: str, repository: str, expected: set[str], directly: Callable[[], object]
    ) -> None:
        """A pull that ends with the image; or one that fails, as it does directly, and can be repeated."""
        why = LIMITS.get((row, self.client.name))
        if why is None:
            self.pulls(row, repository, expected)
            return
        with pytest.raises(ClientFailed):
            self.client.pull(self.reference(repository))
        assert self.client.pull(self.reference(repository)) in expected, "trying again helps"
        with pytest.raises(ClientFailed):
            directly()
        self._note(row, CANNOT, why)

    def pushes_and_pulls(self, repository: str, registry: PrivateRegistry, at: str) -> None:
        """Pushes, if it can, to the registry, which calls the repository `at`, and pulls that again."""
        if not isinstance(self.client, Pusher):
            return
        mine = f"of-{self.client.name}"
        reference = self.reference(repository + mine, "v2")
        self.client.load(build(f"{mine} {self.front.name}", layers=1), reference)
        self.client.push(reference)
        self._note(PUSH, WORKS)
        self.pulls(PULL_PUSHED, repository + mine, digests(registry, at + mine, "v2"), "v2")

    def _note(self, row: str, outcome: str, why: str = "") -> None:
        self.table.note(self.front.name, row, self.client.name, outcome, why)


MakeTrial = Callable[[Front], Trial]


@pytest.fixture
def trial(client: Client, table: Table) -> MakeTrial:
    """The client at a front."""
    return lambda front: Trial(client, table, front)


def digests(registry: PrivateRegistry, repository: str, reference: str) -> set[str]:
    """All that an image consists of at a registry: manifests, configurations, layers."""
    target = f"/v2/{repository}/manifests/{reference}"
    answer = raw.request(registry.inside.port, "GET", target, [("Accept", ACCEPT)])
    assert answer.status == 200, f"{registry.name} has no {repository}:{reference}"
    document = json.loads(answer.body)
    found = {sha256(answer.body)}
    for child in document.get("manifests", []):
        found |= digests(registry, repository, child["digest"])
    parts = [document["config"], *document["layers"]] if "config" in document else []
    return found | {part["digest"] for part in parts}


# --- clients log in to registries that have token services


def test_tokens_without_a_login(trial: MakeTrial, tokens: Front, place: Place, app: Image) -> None:
    one = trial(tokens)
    one.pulls(PUBLIC, "drycc/public/app", set(app.contents))
    assert place.near.seen and {asked.authorization for asked in place.acme_tokens.requests} == {None}
    one.pulls(OTHERS, "hub/app", set(app.contents))
    scopes = {scope for asked in place.hub_tokens.requests for scope in asked.scopes}
    assert scopes == {"repository:library/app:pull"}
    one.is_refused(PRIVATE, "drycc/private/app")


def test_tokens_with_a_login(trial: MakeTrial, tokens: Front, place: Place, app: Image) -> None:
    one = trial(tokens)
    one.login(ALICE)
    one.pulls(LOGIN, "drycc/private/app", set(app.contents))
    assert place.acme_tokens.saw(ALICE.password)
    one.pulls(OTHERS_LOGGED_IN, "hub/app", set(app.contents))
    assert {(asked.method, asked.authorization) for asked in place.hub_tokens.requests} == {("GET", None)}
    assert not place.hub_tokens.saw(ALICE.password) and not place.hub_tokens.saw(ALICE.user)
    one.pushes_and_pulls("drycc/private/", place.home, "acme/private/")
    pushed = f"copies/private/of-{one.client.name}"
    assert not place.near_registry.inside.has_manifest(pushed, "v2"), "it is the owner's"


def test_tokens_behind_a_cache(trial: MakeTrial, tokens: Front, place: Place, app: Image) -> None:
    """Clients that do not ping begin without a token: a miss elsewhere must not hide the challenge."""
    before = len(place.cache.requests())
    one = trial(tokens)
    one.login(ALICE)
    one.pulls(CACHED, "cached/app", set(app.contents))
    assert any("/v2/cached/app/" in request for request in place.cache.requests()[before:])


def test_tokens_artifact(workshop: Workshop, tokens: Front, table: Table) -> None:
    """Registries of this age have no list of what refers to an image; oras then makes a tag of its digest."""
    oras = workshop.client("oras")
    assert isinstance(oras, Oras)
    oras.login(tokens.authority, ALICE)
    subject = f"{tokens.authority}/drycc/private/subject:v1"
    oras.load(build("subject", layers=1), subject)
    oras.push(subject)
    digest = oras.attach(subject, b"a list of parts", "application/vnd.example.parts")
    assert oras.referrers(subject) == [digest]
    assert oras.artifact(f"{tokens.authority}/drycc/private/subject@{digest}") == b"a list of parts"
    table.note(TOKENS, ARTIFACT, oras.name, WORKS)


def test_tokens_build(tokens: Front, place: Place, table: Table, tmp_path: Path) -> None:
    builds(tokens, "drycc/private/app", "drycc/private/built", table, tmp_path)
    assert place.home.inside.has_manifest("acme/private/built", "v1")


def builds(front: Front, base: str, repository: str, table: Table, directory: Path) -> None:
    """BuildKit has the layers of its base from the front, and pushes them with its own."""
    need("buildx")
    buildx = Buildx(directory)
    buildx.login(front.authority, ALICE)
    try:
        buildx.build(f"{front.authority}/{base}:v1", f"{front.authority}/{repository}:v1")
    finally:
        buildx.stop()
    table.note(front.name, BUILD, buildx.name, WORKS)


def test_tokens_chart(tokens: Front, place: Place, table: Table, tmp_path: Path) -> None:
    chart_goes_and_comes(tokens, "drycc/private/charts", "acme/private/charts", place.home, table, tmp_path)


def chart_goes_and_comes(
    front: Front, repository: str, at: str, registry: PrivateRegistry, table: Table, directory: Path
) -> None:
    """Helm pushes a chart, which its owner then has, and pulls the same bytes."""
    need("helm")
    helm = Helm(directory)
    chart = helm.package("web", "1.0.0")
    helm.login(front.authority, ALICE)
    helm.push(chart, f"{front.authority}/{repository}")
    assert registry.inside.has_manifest(f"{at}/web", "1.0.0")
    assert helm.pull(f"{front.authority}/{repository}/web", "1.0.0") == chart.read_bytes()
    table.note(front.name, CHART, helm.name, WORKS)


def test_tokens_wrong_password(trial: MakeTrial, tokens: Front, place: Place) -> None:
    trial(tokens).is_refused_as(WRONG, ALICE.but_wrong(), "drycc/private/app")
    assert place.acme_tokens.saw(ALICE.but_wrong().password), "it was refused for another reason"
    assert not place.hub_tokens.requests


def test_tokens_expired(trial: MakeTrial, tokens: Front, place: Place) -> None:
    """A client that believes in its token asks a few times, and not for ever."""
    one = trial(tokens)
    one.login(ALICE)
    place.acme_tokens.habits.refused_after = -10
    one.is_refused(EXPIRED, "drycc/private/app")
    assert 0 < len(place.near.seen) < 30


def test_tokens_expire(trial: MakeTrial, tokens: Front, place: Place, app: Image) -> None:
    one = trial(tokens)
    one.login(ALICE)

    def directly() -> object:
        place.reset()
        one.client.login(place.near.authority, ALICE)
        expire_at_a_manifest(place, one.client)
        return one.client.pull(f"{place.near.authority}/copies/private/app:v1")

    expire_at_a_manifest(place, one.client)
    one.pulls_as_far_as_it_can(EXPIRES, "drycc/private/app", set(app.contents), directly)
    assert place.near.after is None, "there was a token, and it expired"


def expire_at_a_manifest(place: Place, client: Client) -> None:
    """The near registry sends the first manifest when the token that it was asked with has just expired.

    docker keeps manifests for a while after the images are gone, and may only ask about one.
    """
    methods = ("GET", "HEAD") if client.name == "docker" else ("GET",)
    place.acme_tokens.age(LIVES)

    def hold(seen: Seen) -> None:
        values = seen.all("authorization")
        if seen.method not in methods or b"/manifests/" not in seen.target or not values:
            return
        place.near.after = None
        expires = float(str(claims_of(values[0].decode().split()[1])["exp"])) + REGISTRY_LEEWAY_SECONDS
        time.sleep(min(max(0.0, expires + 0.1 - time.time()), LIVES + 1))
        place.acme_tokens.behave()

    place.near.after = hold


# --- clients log in to a registry that wants a password


@pytest.mark.usefixtures("place")
def test_passwords(trial: MakeTrial, passwords: Front, the_place: Place, app: Image) -> None:
    one = trial(passwords)
    one.is_refused(PRIVATE, "drycc/private/app")
    one.is_refused_as(WRONG, ALICE.but_wrong(), "drycc/private/app")
    one.login(ALICE)
    one.pulls(LOGIN, "drycc/private/app", set(app.contents))
    one.pushes_and_pulls("drycc/private/", the_place.passwords, "acme/private/")


# --- the proxy holds the tokens


def test_managed(trial: MakeTrial, managed: Front, place: Place, app: Image) -> None:
    one = trial(managed)
    one.pulls(PUBLIC, "drycc/public/app", set(app.contents))
    one.pulls(PROXYS, "drycc/private/app", set(app.contents))
    assert not place.acme_tokens.saw(ALICE.password)


def test_managed_expires(trial: MakeTrial, place: Place, app: Image, tmp_path: Path) -> None:
    """The proxy's, of which the client knows nothing; with an Envoy that has none yet."""
    with front_at_its_port(place, fronts.of_the_proxy, tmp_path) as port:
        one = trial(Front(MANAGED, f"127.0.0.1:{port}"))
        expire_at_a_manifest(place, one.client)
        one.pulls(PROXYS_EXPIRES, "drycc/private/app", set(app.contents))
    assert place.near.after is None, "there was a token, and it expired"


def test_managed_has_no_token_endpoint(managed: Front) -> None:
    port = int(managed.authority.rpartition(":")[2])
    for method in ("GET", "POST"):
        answer = raw.request(port, method, "/portolan/token", host=managed.authority)
        assert answer.status == 404


# --- the near registry dies


@pytest.fixture(scope="module")
def deaths(
    the_place: Place, workshop: Workshop, table: Table, app: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """All clients at once, as most of it is waiting; each has Envoys and a near registry of its own."""
    the_place.reset()
    clients = [client for name in NAMES if (client := available(workshop, name))]
    with ThreadPoolExecutor(len(NAMES)) as pool:
        directory = tmp_path_factory.mktemp("deaths")
        yield {
            client.name: pool.submit(die_for, client, table, the_place, app, directory / client.name)
            for client in clients
        }
    for client in clients:
        client.stop()


def available(workshop: Workshop, name: str) -> Client | None:
    """A client, if this machine can run it; the test of its name says what becomes of one that it cannot."""
    try:
        return workshop.client(name)
    except (pytest.skip.Exception, pytest.fail.Exception):
        return None


def die_for(client: Client, table: Table, the_place: Place, app: Image, directory: Path) -> None:
    """Pulls from a near registry that dies, in each way, at each kind of front."""
    place = replace(the_place, near=Relay(the_place.near_registry.port))
    for name, policy in ((TOKENS, fronts.upstream_tokens), (MANAGED, fronts.of_the_proxy)):
        for row, kill in ((DIES, die_at_the_first_blob), (CUT, die_within_a_layer)):
            with front_at_its_port(place, policy, directory / f"{name}-{row}".replace(" ", "-")) as port:
                one = Trial(client, table, Front(name, f"127.0.0.1:{port}"))
                if name == TOKENS:
                    one.login(ALICE)
                kill(place.near)
                directly = partial(cut_directly, one, place.near)
                one.pulls_as_far_as_it_can(row, "drycc/private/app", set(app.contents), directly)
            assert place.near.is_dead or (row, client.name) in LIMITS
            place.near.revive()
    place.near.close()


def die_at_the_first_blob(near: Relay) -> None:
    """It is gone as soon as it is asked for a blob."""

    def die(seen: Seen) -> None:
        if b"/blobs/" in seen.target:
            near.kill()
            raise ConnectionAbortedError

    near.before = die


def die_within_a_layer(near: Relay) -> None:
    """It is gone as soon as it has sent a part of one."""
    near.cut_after(WITHIN_A_LAYER)


def cut_directly(one: Trial, near: Relay) -> object:
    """The same pull from the registry itself, which loses one connection and no more."""
    near.revive()
    one.client.login(near.authority, ALICE)
    near.cut_after(WITHIN_A_LAYER, dies=False)
    return one.client.pull(f"{near.authority}/copies/private/app:v1")


@pytest.mark.parametrize("name", NAMES)
def test_near_dies(name: str, deaths: dict[str, Future[None]]) -> None:
    need(name)
    deaths[name].result()


# --- clients log in to the front


def test_guarded(trial: MakeTrial, guarded: Front, place: Place, app: Image) -> None:
    one = trial(guarded)
    one.is_refused(PRIVATE, "own/private/app")
    one.is_refused_as(WRONG, ALICE.but_wrong(), "own/private/app")
    one.login(ALICE)
    one.pulls(LOGIN, "own/private/app", set(app.contents))
    one.pushes_and_pulls("own/guarded/", place.home, "acme/guarded/")
    assert not place.acme_tokens.saw(ALICE.password) and not place.acme_tokens.saw(ALICE.user)


def test_guarded_build(guarded: Front, place: Place, table: Table, tmp_path: Path) -> None:
    builds(guarded, "own/private/app", "own/guarded/built", table, tmp_path)
    assert place.home.inside.has_manifest("acme/guarded/built", "v1")


def test_guarded_chart(guarded: Front, place: Place, table: Table, tmp_path: Path) -> None:
    chart_goes_and_comes(guarded, "own/guarded/charts", "acme/guarded/charts", place.home, table, tmp_path)


# --- the page


def test_the_page_says_so(table: Table) -> None:
    """Last, when all the others have noted what they found."""
    assert is_to_be_written() or not table.differences()
