"""Private and public behind one name: the example `envoy/docker-combined-registry` with real registries.

A pull-through cache in front of a stand-in for Docker Hub, and a hosted registry. Sees who holds what and who was
asked; kills each of them.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from harness import image, paths, ports, raw, skopeo
from harness.bootstrap import Bootstrap
from harness.envoy import ASKED, Envoy, Policy, render
from harness.pull_through import PullThrough
from harness.registry import SERVED_BY, Registry

PUBLIC = image.build("public")
PRIVATE = image.build("private")
SHADOW = image.build("shadow")
ACCEPT = [("Accept", image.ACCEPT)]


@pytest.fixture(scope="module")
def hub(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Stands in for Docker Hub. Somebody has put an image there under the name of a private one."""
    hub = Registry("hub", work / "combined")
    for content, name in [(PUBLIC, "library/public"), (PUBLIC, "a/b/c/d/deep"), (SHADOW, "own/app")]:
        layout = tmp_path_factory.mktemp("layout") / "image"
        content.write_layout(layout, "image")
        skopeo.push(layout, "image", f"{hub.authority}/{name}:v1")
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def cache(hub: Registry, work: Path) -> Iterator[PullThrough]:
    """registry:2 in proxy mode."""
    cache = PullThrough("cache", work / "combined", hub.url)
    yield cache
    cache.stop()


@pytest.fixture(scope="module")
def hosted(work: Path) -> Iterator[Registry]:
    """Where what is one's own is."""
    hosted = Registry("hosted", work / "combined")
    yield hosted
    hosted.stop()


def example(cache: PullThrough, hosted: Registry, directory: Path) -> Bootstrap:
    """The example as it is, but for where things are."""
    policy: Policy = yaml.safe_load((paths.EXAMPLES / "docker-combined-registry/portolan.yaml").read_text())
    policy["fronts"]["main"]["default"] = True
    policy["backends"]["cache"]["url"] = cache.url
    policy["backends"]["hosted"]["url"] = hosted.url
    for backend in policy["backends"].values():
        backend["health_check"] = {"interval": "1s", "timeout": "1s"}
    admin = f"127.0.0.1:{ports.free()}"
    metrics = f"127.0.0.1:{ports.free()}"
    return render(policy, directory, admin=admin, metrics=metrics)


@pytest.fixture(scope="module")
def front(
    cache: PullThrough, hosted: Registry, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Envoy:
    return start(example(cache, hosted, tmp_path_factory.mktemp("combined")))


def test_public_images_come_through_the_cache(front: Envoy, hosted: Registry, tmp_path: Path) -> None:
    for name in ("library/public", "a/b/c/d/deep"):
        assert skopeo.pull(f"127.0.0.1:{front.port}/{name}:v1", tmp_path / name.replace("/", "-")) == PUBLIC.digest
        assert not hosted.has_manifest(name, "v1")


def test_a_push_goes_to_the_hosted_one(front: Envoy, hosted: Registry, tmp_path: Path) -> None:
    PRIVATE.write_layout(tmp_path / "layout", "image")
    skopeo.push(tmp_path / "layout", "image", f"127.0.0.1:{front.port}/own/app:v1")
    assert hosted.has_manifest("own/app", PRIVATE.digest)
    pulled = skopeo.pull(f"127.0.0.1:{front.port}/own/app:v1", tmp_path / "pulled")
    assert pulled == PRIVATE.digest, "the public one of that name shadows nothing"


def test_content_that_the_cache_lacks_comes_from_the_hosted_registry(
    front: Envoy, hosted: Registry, tmp_path: Path
) -> None:
    """Outside of the declared namespaces too: what was put there before, say."""
    PRIVATE.write_layout(tmp_path / "layout", "image")
    skopeo.push(tmp_path / "layout", "image", f"{hosted.authority}/old/app:v1")
    assert skopeo.pull(f"127.0.0.1:{front.port}/old/app:v1", tmp_path / "pulled") == PRIVATE.digest


def test_undeclared_names_are_not_pushed(front: Envoy) -> None:
    answer = front.request("POST", "/v2/library/public/blobs/uploads/")
    assert (answer.status, answer.one("allow")) == (405, "GET, HEAD")


def test_lists(front: Envoy) -> None:
    answer = front.request("GET", "/v2/own/app/tags/list")
    assert json.loads(answer.body)["tags"] == ["v1"]
    answer = front.request("GET", "/v2/library/public/tags/list")
    assert json.loads(answer.body)["tags"] == ["v1"]
    answer = front.request("GET", "/v2/_catalog?n=1")
    assert (answer.status, answer.one(SERVED_BY)) == (200, "hosted")
    following = answer.one("link") or ""
    assert following.startswith("</v2/_catalog?"), "the next page is here"
    page = front.request("GET", following.partition(">")[0].removeprefix("<"))
    assert (page.status, page.one(SERVED_BY)) == (200, "hosted")


def test_head_and_ranges(front: Envoy) -> None:
    digest = PUBLIC.layers()[0]
    target = f"/v2/library/public/blobs/{digest}"
    head = front.request("HEAD", target)
    assert (head.status, head.one("content-length")) == (200, str(len(PUBLIC.blobs[digest])))
    sha512 = f"/v2/own/app/blobs/sha512:{'0' * 128}"
    assert front.request("HEAD", sha512).status == 404
    part = front.request("GET", target, [("Range", "bytes=1-3")])
    assert (part.status, part.body) == (206, PUBLIC.blobs[digest][1:4])
    assert front.request("GET", f"/v2/own/app/referrers/{PRIVATE.digest}").status == 404, "it knows none"


def status(front: Envoy) -> tuple[int, dict[str, object]]:
    """What the front says of its backends, besides which policy it serves."""
    answer = front.request("GET", "/healthcheck")
    document: dict[str, object] = json.loads(answer.body)
    assert len(str(document.pop("policy"))) == 16
    return answer.status, document


def until(front: Envoy, wanted: str) -> tuple[int, dict[str, object]]:
    """Waits until the front says that word."""
    return front.server.wait_until(lambda: found if (found := status(front))[1]["status"] == wanted else None, wanted)


def test_a_burst_of_pings_before_anything_is_known(
    cache: PullThrough, hosted: Registry, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    """All backends are up, and whoever asks first is told so as well as who asks later."""
    front = start(example(cache, hosted, tmp_path))
    front.wait_until_healthy()
    connections = [raw.Connection(front.port) for _ in range(100)]
    for connection in connections:
        connection.send(b"GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n")
    statuses = [connection.receive().status for connection in connections]
    for connection in connections:
        connection.close()
    assert statuses == [200] * len(connections)


def test_health_is_told_and_asked_once_a_second(front: Envoy) -> None:
    assert status(front) == (200, {"status": "ok", "backends": {"cache": "up", "hosted": "up"}})
    assert front.request("GET", "/v2/").status == 200
    assert front.request("GET", "/livez").status == front.request("GET", "/readyz").status == 200
    (before,) = front.stats(ASKED).values()
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: front.request("GET", "/healthcheck").status, range(300)))
    took = time.monotonic() - started
    (after,) = front.stats(ASKED).values()
    assert set(answers) == {200}
    assert after - before <= took + 8, "no probe per request"


def test_only_one_question_gets_through(front: Envoy) -> None:
    """Nothing of the admin interface is on the front, nor on the listener for metrics."""
    for target in ("/clusters?format=json", "/quitquitquit", "/config_dump", "/stats", "/metrics"):
        assert front.request("GET", target).status == 404
    listeners = json.loads(front.admin("/listeners?format=json"))["listener_statuses"]
    places = {each["name"]: each["local_address"] for each in listeners}
    if paths.is_native():
        assert "portolan-admin" not in places, "the module asks by itself"
    else:
        assert "envoy_internal_address" in json.dumps(places["portolan-admin"]), "no port leads to it"
    port = places["portolan-metrics"]["socket_address"]["port_value"]
    metrics = raw.request(port, "GET", "/metrics")
    assert metrics.status == 200 and b"envoy_cluster_upstream_rq_total" in metrics.body
    for method, target in [("GET", "/config_dump"), ("POST", "/quitquitquit"), ("POST", "/metrics"), ("GET", "/")]:
        assert raw.request(port, method, target).status == 404


def test_one_is_down_and_then_both(front: Envoy, cache: PullThrough, hosted: Registry) -> None:
    """Last, because they do not come back."""
    cache.stop()
    assert until(front, "degraded")[0] == 200
    assert front.request("GET", "/v2/").status == 503, "it says that all is well only if it is"
    assert front.request("GET", "/v2/own/app/manifests/v1", ACCEPT).status == 200
    answer = front.request("GET", "/v2/library/nothing/manifests/v1", ACCEPT)
    assert answer.status == 503, "an outage is no miss"
    hosted.stop()
    assert until(front, "down")[0] == 503
    assert front.request("GET", "/livez").status == 200
