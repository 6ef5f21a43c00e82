"""`portolan copy` into a real store that speaks S3's API, which a real front then sends clients to."""

import os
from collections.abc import Iterator

import pytest

from harness import skopeo
from harness.copying import PUBLIC, Place, blobs_of, copy, fetch, variables
from harness.scripted import Answer, Scripted
from harness.source import Source, damaged
from harness.versity import KEY, Versity, have
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(not have(), reason="there is no Versity S3 Gateway; run scripts/setup s3")
ENVIRONMENT = variables(KEY)
IN_PARTS = ["--multipart-above", "6MiB", "--part-size", "5MiB"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versity]:
    """The store."""
    store = Versity(tmp_path_factory.mktemp("versity"))
    yield store
    store.stop()


def test_clients_are_sent_to_what_was_copied(store: Versity, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = Place(tmp_path_factory.mktemp("place"), store.url)
    wanted = blobs_of(place.image, "amd64")
    arguments = [place.policy, f"{PUBLIC}:v1", "--to", "bucket"]
    done = copy(*arguments, environment=ENVIRONMENT)
    assert (done.status, done.blobs("copied"), done.report["is_public"]) == (0, wanted, True), done
    for digest in wanted:
        location = eventually(lambda digest=digest: place.location(digest))
        assert fetch(location) == place.image.blobs[digest]
    asked = len(place.blobs_asked())
    skopeo.pull_platform(f"{place.authority}/{PUBLIC}:v1", "amd64", place.directory / "pulled")
    again = copy(*arguments, environment=ENVIRONMENT)
    assert (again.status, again.blobs("present")) == (0, wanted)
    assert len(place.blobs_asked()) == asked, "neither the client nor the second run asked the registry"
    place.stop()


@pytest.mark.parametrize("size", [1 << 20, 12 << 20], ids=["at-once", "in-parts"])
def test_nothing_whole_and_wrong_is_left(store: Versity, east: Scripted, size: int) -> None:
    layer = os.urandom(size)
    source = Source(east, layer)
    source.serve = lambda: damaged(layer)
    wrong = copy(east.url, "team/app", "--to", store.url, *IN_PARTS, environment=ENVIRONMENT)
    assert (wrong.status, wrong.blobs("failed"), store.blob(source.digest)) == (1, {source.digest}, None)
    assert b"<UploadId>" not in store.uploads()
    source.serve = lambda: Answer(200, [], layer)
    done = copy(east.url, "team/app", "--to", store.url, *IN_PARTS, environment=ENVIRONMENT)
    assert (done.status, store.blob(source.digest) == layer) == (0, True), done
    assert b"<UploadId>" not in store.uploads()


def test_the_store_itself_checks(store: Versity) -> None:
    """What `portolan copy` builds on: a payload other than the signed one is refused, and a `PUT` on what is there."""
    target = f"/images/{os.urandom(4).hex()}"
    headers = [("If-None-Match", "*")]
    assert store.request("PUT", target, b"sent", headers, signed=b"said").status == 400
    assert store.request("GET", target).status == 404
    assert store.request("PUT", target, b"first", headers).status == 200
    assert store.request("PUT", target, b"second", headers).status == 412
    assert store.request("GET", target).body == b"first"
