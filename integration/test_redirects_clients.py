"""Real clients and a real registry that keeps its blobs at a CDN, which only the proxy reaches.

The CDN's name and authority are known to nobody but the proxy: a client that is sent there fails. Sees that
what is pulled is what was pushed, and whom the CDN was asked by. Cannot see refusals: test_redirects_bounds.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import raw, skopeo
from harness.clients.client import ClientFailed, Pusher
from harness.clients.workshop import NAMES, Workshop
from harness.delivery import Delivery, policy
from harness.envoy import Envoy, render
from harness.image import ACCEPT, Image, build
from harness.private_registry import PrivateRegistry
from harness.signing import Signer
from harness.token_service import TokenService

REPOSITORY = "team/app"


class Stage:
    """A registry whose blobs are at the CDN, and an Envoy for each way to treat redirects."""

    def __init__(self, directory: Path, start: Callable[..., Envoy], service: TokenService | None) -> None:
        self._directory = directory
        self._start = start
        self._service = service
        storage = directory / "redirecting" / "redirecting-inside" / "storage"
        self.delivery = Delivery(directory / "delivery", storage)
        auth = service.registry_settings() if service else {}
        self.registry = PrivateRegistry(
            "redirecting", directory / "redirecting", auth, blobs_at=self.delivery.cdn.base
        )
        assert self.registry.storage == storage

    def envoy(self, redirects: str) -> Envoy:
        """An Envoy that passes or follows redirects for everybody."""
        backend: dict[str, Any] = {"url": self.registry.url}
        if redirects == "follow":
            backend |= self.delivery.follow() | {"redirect_handling": "follow"}
        if self._service:
            token = {"realm": self._service.realm, "service": self._service.service}
            backend["auth"] = {"token": token}
        # Only who brings nothing to prove may push without a credential of the proxy's.
        owner = {} if self._service else {"owner": "redirecting"}
        document = policy({"redirecting": backend}, **owner)
        document["fronts"]["main"]["default"] = True
        place = self._directory / redirects
        return self._start(self.delivery.prepare(render(document, place)))

    def stop(self) -> None:
        """Stops everything but the Envoys."""
        self.registry.stop()
        self.delivery.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("redirects")


@pytest.fixture(scope="module")
def guarded(place: Path, start: Callable[..., Envoy], app: Image) -> Iterator[Stage]:
    """The registry wants a token, which the proxy fetches; the image is there."""
    service = TokenService(Signer(place / "signer"))
    service.habits.public = ("team/",)
    stage = Stage(place / "guarded", start, service)
    layout = place / "layout"
    app.write_layout(layout, "app")
    skopeo.push(layout, "app", f"{stage.registry.inside.authority}/{REPOSITORY}:v1")
    yield stage
    stage.stop()
    service.close()


@pytest.fixture(scope="module")
def following(guarded: Stage) -> Envoy:
    return guarded.envoy("follow")


@pytest.fixture(scope="module")
def passing(guarded: Stage) -> Envoy:
    return guarded.envoy("pass")


@pytest.fixture(scope="module")
def workshop(place: Path) -> Iterator[Workshop]:
    workshop = Workshop(place / "clients")
    yield workshop
    workshop.close()


@pytest.mark.parametrize("name", NAMES)
def test_clients_pull_through_followed_redirects(
    name: str, workshop: Workshop, guarded: Stage, following: Envoy, passing: Envoy, app: Image
) -> None:
    client = workshop.client(name)
    cdn = guarded.delivery.cdn
    cdn.forget()
    assert client.pull(f"127.0.0.1:{following.port}/{REPOSITORY}:v1") in app.contents
    assert cdn.seen
    for seen in cdn.seen:
        assert seen.names.isdisjoint({"authorization", "cookie", "x-forwarded-for", "x-envoy-original-url"})
    with pytest.raises(ClientFailed):
        client.pull(f"127.0.0.1:{passing.port}/{REPOSITORY}:v1")
    client.stop()


def test_every_blob_is_whole_through_followed_redirects(guarded: Stage, following: Envoy, passing: Envoy, app: Image) -> None:
    """Size and bytes by GET, HEAD and Range, and the redirect that a client gets where none is followed."""
    guarded.delivery.cdn.forget()
    for digest, content in app.blobs.items():
        target = f"/v2/{REPOSITORY}/blobs/{digest}"
        whole = following.request("GET", target)
        assert (whole.status, whole.body) == (200, content)
        head = following.request("HEAD", target)
        assert (head.status, head.one("content-length")) == (200, str(len(content)))
        part = following.request("GET", target, [("Range", "bytes=1-3")])
        assert (part.status, part.body) == (206, content[1:4])
        passed = passing.request("GET", target)
        assert passed.status == 307
        assert str(passed.one("location")).startswith(guarded.delivery.cdn.base)
    assert following.request("GET", f"/v2/{REPOSITORY}/blobs/sha256:{'0' * 64}").status == 404
    manifest = following.request("GET", f"/v2/{REPOSITORY}/manifests/v1", [("Accept", ACCEPT)])
    assert manifest.status == 200, "it is not redirected"


@pytest.fixture(scope="module")
def open_stage(place: Path, start: Callable[..., Envoy]) -> Iterator[Stage]:
    stage = Stage(place / "open", start, None)
    yield stage
    stage.stop()


@pytest.mark.parametrize("name", ["skopeo", "ctr", "docker", "crane"])
def test_clients_pull_what_they_have_pushed(name: str, workshop: Workshop, open_stage: Stage) -> None:
    """Where an upload goes on the registry says, with the scheme by which it thinks that it is reached."""
    envoy = open_stage.envoy("follow")
    client = workshop.client(name)
    assert isinstance(client, Pusher)
    image = build(f"of {name}", layers=2)
    reference = f"127.0.0.1:{envoy.port}/team/of-{name}:v1"
    client.load(image, reference)
    client.push(reference)
    assert open_stage.registry.inside.has_manifest(f"team/of-{name}", "v1")
    open_stage.delivery.cdn.forget()
    # docker and crane make other manifests of it.
    pulled = client.pull(reference)
    assert pulled in image.contents or name in ("docker", "crane")
    assert open_stage.delivery.cdn.seen
    begun = envoy.request("POST", "/v2/team/begun/blobs/uploads/", body=b"")
    assert begun.status == 202
    direct = raw.request(
        open_stage.registry.port,
        "POST",
        "/v2/team/begun/blobs/uploads/",
        body=b"",
        host=open_stage.registry.authority,
    )
    assert str(direct.one("location")).startswith(open_stage.registry.url)
    assert str(begun.one("location")).startswith("/v2/team/begun/blobs/uploads/")
    client.stop()
