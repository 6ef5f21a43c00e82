"""`portolan drift`: real registries with the same image, another, and none; and one that wants the proxy's token.

Nothing runs between the command and the registries: that clients get the same through a front is for the other suites.
"""

import calendar
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import image, portolan, ports, skopeo
from harness.accounts import Account
from harness.envoy import Policy, write_policy
from harness.guarded import Guarded
from harness.policies import build_policy, rule_of
from harness.registry import Registry
from harness.scripted import Answer, Scripted
from harness.signing import Signer
from harness.token_service import TokenService
from harness.waiting import eventually

ROBOT = Account("robot", "the robot's password")


@dataclass(frozen=True)
class Place:
    """Two registries; `west` calls `app/` by another name. `same` is in both, `moved` is another there, `new` only in east."""

    east: Registry
    west: Registry
    old: image.Image
    new: image.Image


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Both are filled."""
    directory = tmp_path_factory.mktemp("drift")
    found = Place(Registry("east", directory), Registry("west", directory), image.build("old"), image.build("new"))
    for name, content in (("old", found.old), ("new", found.new)):
        content.write_layout(directory / name, "v1")
    for layout, there in (
        ("old", f"{found.east.authority}/app/web:same"),
        ("old", f"{found.west.authority}/mirror/app/web:same"),
        ("new", f"{found.east.authority}/app/web:moved"),
        ("old", f"{found.west.authority}/mirror/app/web:moved"),
        ("new", f"{found.east.authority}/app/web:new"),
    ):
        skopeo.push(directory / layout, "v1", there)
    yield found
    found.east.stop()
    found.west.stop()


def document(east: str, west: str) -> Policy:
    """Both may answer for tags; `east` is the owner."""
    return build_policy(
        {"east": east, "west": {"url": west, "names": [{"front": "app/", "backend": "mirror/app/"}]}},
        rule_of("app", ["west", "east"], owner="east", replicas=["east", "west"]),
    )


def drift(policy: Path, *images: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the JSON."""
    done = portolan.run("drift", policy, *images, "-o", "json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def states(report: dict[str, Any]) -> list[dict[str, str]]:
    """Of each image, the state of each replica."""
    return [{one["backend"]: one["state"] for one in found["replicas"]} for found in report["images"]]


def test_replicas_that_are_the_same_and_that_are_not(place: Place, tmp_path: Path) -> None:
    policy = write_policy(document(place.east.url, place.west.url), tmp_path)
    status, report = drift(policy, "app/web:same")
    assert (status, report["status"]) == (0, "same")
    (found,) = report["images"]
    assert found["digest"] == place.old.digest
    assert [one["name"] for one in found["replicas"]] == ["app/web:same", "mirror/app/web:same"]

    status, report = drift(policy, "app/web:same", "app/web:moved", "app/web:new")
    assert (status, report["status"]) == (1, "differs")
    assert states(report) == [
        {"east": "same", "west": "same"},
        {"east": "same", "west": "differs"},
        {"east": "same", "west": "missing"},
    ]
    assert report["images"][1]["digest"] == place.new.digest, "the owner's counts"


def test_images_by_a_pipe_and_numbers_for_prometheus(place: Place, tmp_path: Path) -> None:
    policy = write_policy(document(place.east.url, place.west.url), tmp_path)
    done = portolan.run("drift", policy, "-", "-o", "prometheus", stdin="app/web:same\n\napp/web:moved\n")
    assert done.returncode == 1
    assert 'portolan_replica_same{image="app/web:same",rule="app",backend="west"} 1' in done.stdout
    assert 'portolan_replica_same{image="app/web:moved",rule="app",backend="west"} 0' in done.stdout


def test_since_when_a_replica_differs_is_kept_between_two_looks(place: Place, tmp_path: Path) -> None:
    policy = write_policy(document(place.east.url, place.west.url), tmp_path)
    remembered = ("--remember", str(tmp_path / "drift.json"))
    begun = time.time()
    first = drift(policy, "app/web:same", "app/web:moved", *remembered)[1]
    same, moved = ({one["backend"]: one["since"] for one in each["replicas"]} for each in first["images"])
    assert same == {"east": None, "west": None} and moved["east"] is None
    since = calendar.timegm(time.strptime(moved["west"], "%Y-%m-%dT%H:%M:%SZ"))
    assert begun - 1 <= since <= time.time()
    # The second look comes in another second, and is about the same difference, also where nobody answers.
    eventually(lambda: time.time() > since + 1)
    again = portolan.run("drift", policy, "app/web:moved", "-o", "prometheus", *remembered)
    labels = 'image="app/web:moved",rule="app",backend="west"'
    assert f"portolan_replica_differs_since_timestamp_seconds{{{labels}}} {since}\n" in again.stdout
    gone = write_policy(document(place.east.url, f"http://127.0.0.1:{ports.dead()}"), tmp_path / "gone")
    said = portolan.run("drift", gone, "app/web:moved", *remembered).stdout
    assert f"app/web:moved at west: not the same since {moved['west']} or earlier" in said
    # It has caught up: `same` has the old image in both.
    Path(remembered[1]).write_text((tmp_path / "drift.json").read_text().replace(":moved", ":same"))
    caught_up = drift(policy, "app/web:same", *remembered)[1]["images"][0]["replicas"]
    assert [one["since"] for one in caught_up] == [None, None]
    assert ":same" not in Path(remembered[1]).read_text()


def test_a_backend_that_does_not_answer_is_not_reported_as_drift(place: Place, tmp_path: Path) -> None:
    policy = write_policy(document(place.east.url, f"http://127.0.0.1:{ports.dead()}"), tmp_path)
    status, report = drift(policy, "app/web:same")
    assert (status, report["status"], states(report)) == (1, "unknown", [{"east": "same", "west": "unknown"}])


def test_an_image_of_no_rule(place: Place, tmp_path: Path) -> None:
    policy = write_policy(document(place.east.url, place.west.url), tmp_path)
    done = portolan.run("drift", policy, "other/web:v1")
    assert done.returncode == 2
    assert "no rule is for other/web" in done.stderr


def test_the_proxys_credential_is_used(east: Scripted, tmp_path: Path) -> None:
    service = TokenService(Signer(tmp_path / "signer"), [ROBOT], service="east")
    challenge = f'Bearer realm="{service.realm}",service="east",scope="repository:app/web:pull"'
    Guarded(east, "app/web", service=service, refusal=Answer(401, [("WWW-Authenticate", challenge)]))
    file = tmp_path / "robot"
    policy = document(east.url, f"http://127.0.0.1:{ports.dead()}")
    policy["backends"]["east"] |= {"credential": "robot", "auth": {"token": {"realm": service.realm, "service": "east"}}}
    policy["credentials"] = {"robot": {"file": str(file)}}
    policy["rules"][0]["readers"] = "anyone"
    # Without an owner: nobody pushes with the credential.
    del policy["rules"][0]["owner"]
    written = write_policy(policy, tmp_path)
    try:
        file.write_text(ROBOT.basic.removeprefix("Basic "))
        _, report = drift(written, "app/web:v1")
        assert states(report)[0]["east"] == "same", report["images"][0]["replicas"]
        file.write_text("no credential")
        _, report = drift(written, "app/web:v1")
        assert states(report)[0]["east"] == "unknown"
        (found,) = [one for one in report["images"][0]["replicas"] if one["backend"] == "east"]
        assert "is not the base64" in found["error"]
    finally:
        service.close()
