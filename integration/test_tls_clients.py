"""Real clients at a front with TLS: they verify its certificate, log in, pull and push.

The front is the one of test_auth_clients whose clients log in to registries with token services, so every URL that a
client is sent to (the realm, an upload's Location) has to be `https` as well, or the client fails.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import fronts
from harness.clients.client import Client, ClientFailed, Pusher
from harness.clients.workshop import NAMES, Workshop
from harness.envoy import Policy
from harness.fronts import ALICE, Place, front_at_its_port
from harness.image import Image, build
from harness.tls import Authority

# Docker takes whatever certificate a registry at a loopback address has.
VERIFYING = tuple(name for name in NAMES if name != "docker")
UNKNOWN = "(?i)unknown authority|certificate"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, app: Image) -> Iterator[Place]:
    with fronts.place(tmp_path_factory.mktemp("place"), app) as place:
        yield place


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def front(place: Place, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where clients reach the front."""
    shown = authority.issue("127.0.0.1")

    def policy(place: Place, port: int) -> Policy:
        document = fronts.upstream_tokens(place, port)
        files = {"certificate_file": str(shown.certificate), "key_file": str(shown.key)}
        document["fronts"]["main"]["tls"] = files
        return document

    with front_at_its_port(place, policy, tmp_path_factory.mktemp("front")) as port:
        yield f"127.0.0.1:{port}"


def workshop(directory: Path, front: str, authority: Authority) -> Workshop:
    """Clients that trust an authority and nobody else."""
    hosts = directory / "certs.d"
    (hosts / front).mkdir(parents=True)
    at = f'"https://{front}"'
    (hosts / front / "hosts.toml").write_text(f'server = {at}\n[host.{at}]\n  ca = "{authority.certificate}"\n')
    return Workshop(directory / "clients", authority.certificate, hosts)


@pytest.fixture(scope="module")
def trusting(
    front: str, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workshop]:
    made = workshop(tmp_path_factory.mktemp("trusting"), front, authority)
    yield made
    made.close()


@pytest.fixture(scope="module")
def doubting(front: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Clients that trust somebody else."""
    directory = tmp_path_factory.mktemp("doubting")
    made = workshop(directory, front, Authority(directory / "authority"))
    yield made
    made.close()


@pytest.fixture(params=NAMES)
def client(request: pytest.FixtureRequest, trusting: Workshop) -> Iterator[Client]:
    client = trusting.client(request.param)
    yield client
    client.stop()


def test_a_client_pulls_logs_in_and_pushes(client: Client, front: str, place: Place, app: Image) -> None:
    place.reset()
    assert client.pull(f"{front}/drycc/public/app:v1") in app.contents
    assert client.pull(f"{front}/hub/app:v1") in app.contents, "another operator's"
    client.login(front, ALICE)
    assert client.pull(f"{front}/drycc/private/app:v1") in app.contents
    if not isinstance(client, Pusher):
        return
    name = f"private/tls-{client.name}"
    image = build(name, layers=2)
    reference = f"{front}/drycc/{name}:v2"
    client.load(image, reference)
    client.push(reference)
    assert place.home.inside.has_manifest(f"acme/{name}", "v2")
    client.pull(reference)


@pytest.mark.parametrize("name", VERIFYING)
def test_a_client_that_does_not_trust_the_certificate_gets_nothing(
    doubting: Workshop, front: str, name: str
) -> None:
    client = doubting.client(name)
    with pytest.raises(ClientFailed, match=UNKNOWN):
        client.pull(f"{front}/drycc/public/app:v1")
    client.stop()
