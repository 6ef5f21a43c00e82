"""Read near, write home: the example `envoy/gitlab-geo` with two real registries and a token service elsewhere.

Sees who served what, and what each site holds afterwards.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from harness import image, own_port, paths, raw, skopeo
from harness.accounts import Account
from harness.clients.client import ClientFailed
from harness.clients.skopeo import Skopeo
from harness.envoy import Envoy, Policy, render
from harness.policies import client, hedged_late
from harness.private_registry import PrivateRegistry
from harness.registry import SERVED_BY
from harness.signing import Signer
from harness.token_service import TokenService

ALICE = Account("alice", "alice's password")
IMAGE = image.build("geo")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenService]:
    """The primary's token service."""
    signer = Signer(tmp_path_factory.mktemp("signer"))
    service = TokenService(signer, [ALICE], service="container_registry", path="/jwt/auth")
    service.habits.public = ()
    yield service
    service.close()


@pytest.fixture(scope="module")
def sites(service: TokenService, work: Path) -> Iterator[dict[str, PrivateRegistry]]:
    """Both sites. Replication is behind for ever, until a test copies something."""
    settings = service.registry_settings()
    sites = {name: PrivateRegistry(name, work / "geo", settings) for name in ("primary", "secondary")}
    yield sites
    for site in sites.values():
        site.stop()


@pytest.fixture(scope="module")
def front(
    sites: dict[str, PrivateRegistry],
    service: TokenService,
    geo_database: Path,
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Envoy:
    """The example as it is, but for where things are, and for what a busy machine would change."""
    policy: Policy = yaml.safe_load((paths.EXAMPLES / "gitlab-geo/portolan.yaml").read_text())
    port = own_port.reserve()
    policy["fronts"]["main"]["hosts"].append(f"127.0.0.1:{port}")
    policy["clients"]["geo"]["database"] = str(geo_database)
    # The clients of this machine are near the secondary; others are where a header puts them.
    policy["regions"]["apac"]["networks"] = ["127.0.0.0/8"]
    for name, backend in policy["backends"].items():
        backend["url"] = sites[name].url
        backend["auth"]["token"]["realm"] = service.realm
    return start(render(hedged_late(policy), tmp_path_factory.mktemp("geo"), port))


@pytest.fixture
def alice(tmp_path: Path, front: Envoy) -> Iterator[Skopeo]:
    """A client near the secondary, logged in through the front."""
    client = Skopeo(tmp_path)
    client.login(f"127.0.0.1:{front.port}", ALICE)
    yield client
    client.stop()


def token(front: Envoy, scope: str) -> raw.Header:
    """A token, by the front's own endpoint."""
    target = f"/portolan/token?service=registry.example.com&scope={scope}"
    answer = front.request("GET", target, [("Authorization", ALICE.basic)], host="registry.example.com")
    assert answer.status == 200, answer
    return "Authorization", f"Bearer {json.loads(answer.body)['token']}"


def ask(front: Envoy, target: str, place: str | None = None) -> tuple[int, str | None]:
    """The status, and which site answered a client: near the secondary, or somewhere."""
    headers = [token(front, "repository:team/app:pull"), ("Accept", image.ACCEPT)]
    headers += client(place) if place else []
    answer = front.request("GET", target, headers, host="registry.example.com")
    return answer.status, answer.one(SERVED_BY)


def replicate(sites: dict[str, PrivateRegistry], reference: str, directory: Path) -> None:
    """What GitLab does in the background."""
    origin, copy = (f"{sites[name].inside.authority}/{reference}" for name in ("primary", "secondary"))
    mover = Skopeo(directory / "mover")
    output = directory / "moved"
    skopeo.pull(origin, output)
    mover.load(IMAGE, copy)
    mover.push(copy)


def test_a_push_goes_home_and_is_read_at_once(
    front: Envoy, sites: dict[str, PrivateRegistry], alice: Skopeo, service: TokenService
) -> None:
    reference = f"127.0.0.1:{front.port}/team/app:v1"
    alice.load(IMAGE, reference)
    alice.push(reference)
    home, near = sites["primary"].inside, sites["secondary"].inside
    assert home.has_manifest("team/app", "v1") and not near.has_manifest("team/app", "v1")
    assert all(home.has_blob("team/app", digest) for digest in IMAGE.blobs)
    assert alice.pull(reference) == IMAGE.digest, "though the near site has nothing yet"
    assert ask(front, "/v2/team/app/manifests/v1") == (200, "primary")
    assert service.saw(ALICE.password), "the login is the primary's token service's"


def test_after_replication_reads_are_near(
    front: Envoy, sites: dict[str, PrivateRegistry], alice: Skopeo, tmp_path: Path
) -> None:
    replicate(sites, "team/app:v1", tmp_path)
    for digest in IMAGE.blobs:
        assert ask(front, f"/v2/team/app/blobs/{digest}") == (200, "secondary")
        assert ask(front, f"/v2/team/app/blobs/{digest}", "DE") == (200, "primary")
    assert ask(front, f"/v2/team/app/manifests/{IMAGE.digest}") == (200, "secondary")
    assert ask(front, "/v2/team/app/manifests/v1") == (200, "primary"), "there was a push just now"
    assert alice.pull(f"127.0.0.1:{front.port}/team/app:v1") == IMAGE.digest


def test_content_that_only_the_near_site_has_is_pushed(
    front: Envoy, sites: dict[str, PrivateRegistry], alice: Skopeo, tmp_path: Path
) -> None:
    """A push skips what an existence check finds; here the near site has everything, and home nothing."""
    near = Skopeo(tmp_path / "near")
    seeded = f"{sites['secondary'].inside.authority}/team/other:v1"
    near.load(IMAGE, seeded)
    near.push(seeded)
    reference = f"127.0.0.1:{front.port}/team/other:v1"
    alice.load(IMAGE, reference)
    alice.push(reference)
    home = sites["primary"].inside
    assert home.has_manifest("team/other", "v1")
    assert all(home.has_blob("team/other", digest) for digest in IMAGE.blobs)


def test_a_miss_is_final_only_at_home(front: Envoy, sites: dict[str, PrivateRegistry]) -> None:
    assert ask(front, "/v2/team/app/manifests/nothing") == (404, "primary")


def test_a_wrong_password_is_refused(front: Envoy, tmp_path: Path) -> None:
    stranger = Skopeo(tmp_path)
    with pytest.raises(ClientFailed):
        stranger.login(f"127.0.0.1:{front.port}", ALICE.but_wrong())
    form = b"grant_type=password&username=alice&password=wrong&service=x&scope=repository:team/app:pull"
    content_type: list[raw.Header] = [("Content-Type", "application/x-www-form-urlencoded")]
    answer = front.request("POST", "/portolan/token", content_type, form, host="registry.example.com")
    assert answer.status == 401
    right = form.replace(b"wrong", ALICE.password.replace(" ", "+").replace("'", "%27").encode())
    accepted = front.request("POST", "/portolan/token", content_type, right, host="registry.example.com")
    assert accepted.status == 200


def test_home_is_down(front: Envoy, sites: dict[str, PrivateRegistry], alice: Skopeo) -> None:
    """Last, because it does not come back."""
    sites["primary"].server.stop()
    for digest in IMAGE.blobs:
        assert ask(front, f"/v2/team/app/blobs/{digest}") == (200, "secondary")
    status, _ = ask(front, f"/v2/team/app/blobs/sha256:{'0' * 64}")
    assert status == 503, "an outage is no miss"
    answer = front.request(
        "POST",
        "/v2/team/app/blobs/uploads/",
        [token(front, "repository:team/app:pull,push")],
        host="registry.example.com",
    )
    assert (answer.status, answer.one("retry-after")) in {(503, "5"), (503, "2")}
