"""`portolan copy`: from a real registry, through a real front, into a store that checks every signature and hash."""

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness import paths, skopeo
from harness.copying import PRIVATE, PUBLIC, Copied, Place, blobs_of, copy, fetch, variables
from harness.dav import Dav
from harness.s3 import BUCKET, KEY, S3, knows_no_conditions
from harness.scripted import Answer, Scripted
from harness.source import Source, cut, damaged, too_long
from harness.waiting import eventually

ENVIRONMENT = variables(KEY)


@pytest.fixture
def s3() -> Iterator[S3]:
    """An empty store."""
    store = S3()
    yield store
    store.close()


@pytest.fixture(scope="module")
def bucket() -> Iterator[S3]:
    """The store of the policy."""
    store = S3()
    yield store
    store.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, bucket: S3) -> Iterator[Place]:
    """A registry, and a front that sends clients to the store."""
    place = Place(tmp_path_factory.mktemp("copy"), bucket.by_path)
    yield place
    place.stop()


@pytest.fixture
def filled(place: Place, bucket: S3) -> Copied:
    """The store of the policy with the public image; nobody was asked anything since."""
    copied = copy(place.policy, f"{PUBLIC}:v1", "--to", "bucket", environment=ENVIRONMENT)
    assert copied.status == 0, copied
    bucket.forget()
    return copied


def test_clients_are_redirected_to_the_copied_blobs(place: Place, bucket: S3, filled: Copied) -> None:
    wanted = blobs_of(place.image, "amd64")
    assert filled.complaints == ""
    assert filled.report["kind"] == "portolan.copy" and filled.report["is_public"] is True
    assert filled.blobs("copied") | filled.blobs("present") == wanted
    assert {digest: bucket.blob(digest) for digest in wanted} == {digest: place.image.blobs[digest] for digest in wanted}

    for digest in wanted:
        location = eventually(lambda digest=digest: place.location(digest))
        assert location.startswith(f"http://127.0.0.1:{bucket.port}/{BUCKET}/blobs/")
        assert fetch(location) == place.image.blobs[digest]
    bucket.forget()
    asked = len(place.blobs_asked())
    skopeo.pull_platform(f"{place.authority}/{PUBLIC}:v1", "amd64", place.directory / f"pulled-{os.urandom(4).hex()}")
    gets = {seen.target.rpartition("/")[2] for seen in bucket.of("GET")}
    assert gets == wanted, "a real client gets all of it there"
    assert len(place.blobs_asked()) == asked


def test_blobs_in_the_store_are_neither_read_nor_sent_again(place: Place, bucket: S3, filled: Copied) -> None:
    asked = len(place.blobs_asked())
    again = copy(place.policy, f"{PUBLIC}:v1", "--to", "bucket", environment=ENVIRONMENT)
    wanted = blobs_of(place.image, "amd64")
    assert (again.status, again.blobs("present")) == (0, wanted)
    assert {seen.method for seen in bucket.seen} == {"HEAD"}
    assert len(place.blobs_asked()) == asked
    assert again.report["present"]["bytes"] == sum(len(place.image.blobs[digest]) for digest in wanted)


@pytest.mark.parametrize("by", ["by_path", "by_host"])
def test_both_forms_of_address(place: Place, s3: S3, by: str) -> None:
    platforms = ["--platform", "linux/amd64", "--platform", "linux/arm64"]
    to = getattr(s3, by)
    dry = copy(place.registry.url, f"{PUBLIC}:v1", "--to", to, *platforms, "--dry-run", environment=ENVIRONMENT)
    wanted = blobs_of(place.image, "amd64", "arm64")
    assert (dry.status, dry.blobs("would_copy"), s3.objects) == (0, wanted, {})
    done = copy(place.registry.url, f"{PUBLIC}:v1", "--to", to, *platforms, environment=ENVIRONMENT)
    assert (done.status, done.blobs("copied")) == (0, wanted)
    assert {digest: s3.blob(digest) for digest in wanted} == {digest: place.image.blobs[digest] for digest in wanted}
    assert done.report["copied"]["bytes"] == sum(len(place.image.blobs[digest]) for digest in wanted)


def test_private_content_does_not_become_public(place: Place, bucket: S3) -> None:
    copied = copy(place.policy, f"{PRIVATE}:v1", f"{PUBLIC}:v1", "--to", "bucket", environment=ENVIRONMENT)
    assert copied.status == 1
    private, public = copied.report["images"]
    assert "the rule private sends nobody to the store bucket" in private["error"]
    assert public["error"] is None
    assert not any(bucket.blob(digest) for digest in blobs_of(place.private, "amd64"))


def test_blobs_of_an_access_log_are_copied(place: Place, tmp_path: Path) -> None:
    """The front's own log, with content that the policy sends nobody to the store for."""
    place.envoy.forget_log()
    wanted, private = blobs_of(place.image, "arm64"), blobs_of(place.private, "arm64")
    for name, digests in ((PUBLIC, sorted(wanted)), (PRIVATE, sorted(private)), (PUBLIC, sorted(wanted)[:1])):
        for digest in digests:
            place.envoy.request("GET", f"/v2/{name}/blobs/{digest}", host=place.authority)
    log = tmp_path / "access.log"
    log.write_text("".join(json.dumps(entry) + "\n" for entry in place.envoy.new_log_entries()))
    arguments = [place.policy, "--log", log, "--to", "bucket"]
    often = copy(*arguments, "--at-least", "2", "--dry-run", environment=ENVIRONMENT)
    assert {blob["digest"] for blob in often.report["blobs"]} == {min(wanted)}
    copied = copy(*arguments, environment=ENVIRONMENT)
    assert (copied.status, copied.blobs("copied") | copied.blobs("present")) == (0, wanted)
    assert copied.report["left_out"] == len(private)
    assert copied.report["blobs"][0]["digest"] == min(wanted), "the most wanted comes first"


LAYER = os.urandom(1 << 20)
# More than two parts of the least size.
LARGE = os.urandom(12 << 20)
IN_PARTS = ["--multipart-above", "6MiB", "--part-size", "5MiB"]


@pytest.mark.parametrize("layer", [LAYER, LARGE], ids=["at-once", "in-parts"])
@pytest.mark.parametrize("fault", [damaged, cut, too_long], ids=lambda fault: fault.__name__)
def test_nothing_whole_and_wrong_is_left(east: Scripted, s3: S3, fault: Callable[[bytes], Answer], layer: bytes) -> None:
    source = Source(east, layer)
    source.serve = lambda: fault(layer)
    copied = copy(east.url, "team/app", "--to", s3.by_path, *IN_PARTS, environment=ENVIRONMENT)
    assert (copied.status, copied.blobs("failed")) == (1, {source.digest}), copied
    assert source.reads() == 3, "it is tried three times"
    assert (s3.blob(source.digest), s3.uploads) == (None, {})
    assert all(seen.received < len(layer) for seen in s3.of("PUT"))
    source.serve = lambda: Answer(200, [], layer)
    again = copy(east.url, "team/app", "--to", s3.by_path, *IN_PARTS, environment=ENVIRONMENT)
    assert (again.status, again.blobs("copied")) == (0, {source.digest})
    assert s3.blob(source.digest) == layer


def test_a_source_that_recovers(east: Scripted, s3: S3) -> None:
    source = Source(east, LAYER)
    answers = iter([damaged(LAYER), Answer(503), Answer(200, [], LAYER)])
    source.serve = lambda: next(answers)
    copied = copy(east.url, "team/app", "--to", s3.by_path, environment=ENVIRONMENT)
    assert (copied.status, s3.blob(source.digest) == LAYER) == (0, True)


def test_parts(east: Scripted, s3: S3) -> None:
    source = Source(east, LARGE)
    copied = copy(east.url, "team/app", "--to", s3.by_path, *IN_PARTS, environment=ENVIRONMENT)
    assert (copied.status, s3.blob(source.digest) == LARGE, s3.uploads) == (0, True, {})
    parts = [seen.received for seen in s3.of("PUT") if "partNumber" in seen.target]
    assert parts == [5 << 20, 5 << 20, 2 << 20]


def test_somebody_else_is_faster(east: Scripted, s3: S3) -> None:
    """What comes while the store was asked is not sent over; large content is not even begun."""
    for layer, more in ((LAYER, []), (LARGE, IN_PARTS)):
        source = Source(east, layer)
        key = f"blobs/{source.digest}"
        s3.meanwhile = lambda found, key=key: s3.objects.update({key: b"theirs"}) if found == key else None
        copied = copy(east.url, "team/app", "--to", s3.by_path, *more, environment=ENVIRONMENT)
        assert copied.status == 0, copied
        assert source.digest in copied.blobs("present")
        assert (s3.objects[key], s3.uploads) == (b"theirs", {})
    puts = [seen for seen in s3.of("PUT") if seen.target.endswith(hashlib.sha256(LAYER).hexdigest())]
    assert [(seen.status, seen.received) for seen in puts] == [(412, 0)]


def test_a_store_without_conditions(east: Scripted, s3: S3) -> None:
    for layer, more in ((LAYER, []), (LARGE, IN_PARTS)):
        source = Source(east, layer)
        s3.fault = knows_no_conditions
        copied = copy(east.url, "team/app", "--to", s3.by_path, *more, environment=ENVIRONMENT)
        assert (copied.status, s3.blob(source.digest) == layer, s3.uploads) == (0, True, {}), copied


def test_something_else_under_the_digest(east: Scripted, s3: S3) -> None:
    source = Source(east, LAYER)
    s3.objects[f"blobs/{source.digest}"] = b"short"
    copied = copy(east.url, "team/app", "--to", s3.by_path, environment=ENVIRONMENT)
    assert copied.status == 1
    assert "the store has 5 bytes under" in copied.errors()[0] and "delete what is there" in copied.errors()[0]


def test_a_store_that_refuses_is_asked_once(east: Scripted, s3: S3) -> None:
    source = Source(east, LAYER)
    for key, said in (
        (replace(KEY, secret="other"), "SignatureDoesNotMatch"),
        (replace(KEY, region="us-east-1"), f"its region is {KEY.region}: see `--region`"),
    ):
        s3.forget()
        run = copy(east.url, "team/app", "--to", s3.by_path, "--parallel", "1", environment=variables(key))
        assert run.status == 1
        assert run.errors() and all(said in error for error in run.errors()), run.errors()
        assert (source.reads() <= 1, s3.objects) == (True, {})
        assert len(s3.seen) <= 2, "a HEAD and at most one PUT for all blobs"


def test_a_store_that_clients_cannot_read_is_reported(east: Scripted) -> None:
    store = S3(public=False)
    Source(east, LAYER)
    copied = copy(east.url, "team/app", "--to", store.by_path, environment=ENVIRONMENT)
    store.close()
    assert (copied.status, copied.report["is_public"]) == (0, False)
    assert "answers 403 to clients without credentials" in copied.complaints


def test_a_plain_server(east: Scripted, tmp_path: Path) -> None:
    dav = Dav(tmp_path / "dav")
    source = Source(east, LAYER)
    header = tmp_path / "headers"
    header.write_text(f"Authorization: {dav.authorization}\n")
    plain = [east.url, "team/app", "--to", dav.url, "--api", "put"]
    refused = copy(*plain, environment={})
    assert refused.status == 1 and "401" in refused.errors()[0]
    source.serve = lambda: damaged(LAYER)
    wrong = copy(*plain, "--header-file", header, environment={})
    assert (wrong.status, dav.blob(source.digest)) == (1, None) and "damaged" in wrong.errors()[0], wrong
    source.serve = lambda: Answer(200, [], LAYER)
    done = copy(*plain, "--header-file", header, environment={})
    assert (done.status, dav.blob(source.digest) == LAYER) == (0, True), done
    again = copy(*plain, "--header-file", header, environment={})
    assert (again.status, len(again.blobs("present"))) == (0, 2)
    dav.stop()


def test_a_run_that_was_killed_is_continued(east: Scripted, s3: S3) -> None:
    source = Source(east, LAYER)
    hangs = iter([True])

    def serve() -> Answer:
        if not next(hangs, False):
            return Answer(200, [], LAYER)

        def rest() -> Iterator[bytes]:
            yield LAYER[:-1]
            eventually(lambda: process.poll() is not None)
            raise OSError

        return Answer(200, [("Content-Length", str(len(LAYER)))], rest=rest)

    source.serve = serve
    command = [paths.portolan(), "copy", east.url, "team/app", "--to", s3.by_path, "--parallel", "1"]
    process = subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.DEVNULL)
    eventually(lambda: source.reads() == 1)
    process.kill()
    process.wait()
    assert s3.blob(source.digest) is None
    done = copy(east.url, "team/app", "--to", s3.by_path, environment=ENVIRONMENT)
    assert (done.status, s3.blob(source.digest) == LAYER) == (0, True)
    assert len(done.blobs("present")) == 1, "the configuration was there"


def test_memory_does_not_grow_with_blobs(east: Scripted, s3: S3) -> None:
    """A blob that is 127 MiB larger takes less than a sixth of that more."""
    peaks = []
    for layer in (os.urandom(1 << 20), os.urandom(128 << 20)):
        Source(east, layer)
        command = [str(paths.portolan()), "copy", east.url, "team/app", "--to", s3.by_path]
        process = subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peaks.append(usage.ru_maxrss)
    assert peaks[1] < peaks[0] + 20_000, f"kilobytes: {peaks}"


def test_usage(tmp_path: Path, place: Place) -> None:
    nobody = {**dict.fromkeys(ENVIRONMENT, ""), "HOME": str(tmp_path)}
    url = "https://b.example/{digest}"
    none = tmp_path / "none"
    base = base64.b64encode(b"secret").decode()
    none.write_text(base)
    for arguments, environment, said in (
        (["https://r.example", "a/b", "--to", url], nobody, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (["https://r.example", "a/b", "--to", "east"], ENVIRONMENT, "can be found in a policy alone"),
        ([place.policy, "a/b", "--to", "east"], ENVIRONMENT, "the policy has no blob store east; it has bucket"),
        (["https://r.example", "a/b", "--to", url, "--api", "put", "--header-file", none], nobody, "write `Name: value`"),
        (["https://r.example", "--log", none, "--to", url], ENVIRONMENT, "line 1: this is no line of the access log"),
        (["https://r.example", "--log", tmp_path / "x", "--to", url], ENVIRONMENT, "No such file"),
    ):
        found = copy(*arguments, environment=environment)
        assert (found.status, said in found.complaints) == (2, True), found
        assert base not in found.complaints or said.startswith("line"), "a secret is not printed"
