"""`portolan warm`: a list of images through a real front, past a registry that is dead."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import image, portolan, ports, skopeo
from harness.envoy import Envoy, render
from harness.image import Image
from harness.policies import build_policy, rule_of
from harness.registry import Registry
from harness.scripted import Answer, Scripted


@dataclass(frozen=True)
class Place:
    """A front with a dead registry before the one that has the images."""

    envoy: Envoy
    registry: Registry
    image: Image


@pytest.fixture(scope="module")
def place(start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """`team/app:v1` and `team/base:latest` are there."""
    directory = tmp_path_factory.mktemp("warm")
    registry = Registry("east", directory)
    content = image.build("app")
    content.write_layout(directory / "app", "v1")
    for name in ("team/app:v1", "team/base:latest"):
        skopeo.push(directory / "app", "v1", f"{registry.authority}/{name}")
    policy = build_policy(
        {"dead": f"http://127.0.0.1:{ports.dead()}", "east": registry.url},
        rule_of("team", ["dead", "east"], replicas=["dead", "east"]),
        front={"default": True},
    )
    yield Place(start(render(policy, directory)), registry, content)
    registry.stop()


def test_a_list_is_pulled_whole(place: Place) -> None:
    url = f"http://127.0.0.1:{place.envoy.port}"
    names = f"# ours\nteam/app:v1\n127.0.0.1:{place.envoy.port}/team/base\n"
    platforms = [part for platform in image.PLATFORMS for part in ("--platform", f"linux/{platform}")]
    done = portolan.run("warm", url, "-", "-o", "json", "--parallel", "3", *platforms, stdin=names)
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert (report["kind"], report["version"], report["status"], report["url"]) == ("portolan.warm", 1, "ok", url)
    assert [one["image"] for one in report["images"]] == [
        name for name in ("team/app:v1", "team/base:latest") for _ in image.PLATFORMS
    ]
    assert {one["digest"] for one in report["images"]} == {place.image.digest}
    asked = place.registry.requests()
    for one in report["images"]:
        assert one["blobs"] > 1 and one["bytes"] > 0, one
    blobs = [request for request in asked if request.startswith("GET") and "/blobs/" in request]
    assert blobs and len(blobs) == len(set(blobs)), "each blob of a repository once"


def test_missing_images_are_named_and_the_others_are_pulled(place: Place) -> None:
    url = f"http://127.0.0.1:{place.envoy.port}"
    done = portolan.run("warm", url, "team/app:v1", "team/app:none")
    assert done.returncode == 1, done
    lines = done.stdout.splitlines()
    assert lines[0].startswith("pulled  team/app:v1 (linux/amd64): sha256:")
    assert lines[1].startswith("failed  team/app:none (linux/amd64): ")
    assert "503" in lines[1], "nobody knows whether the dead one has it"


def test_damaged_content_is_no_success(east: Scripted) -> None:
    """A registry that has the manifest, and other bytes under the digests that it names."""
    content = image.build("damaged")
    manifest = content.manifests[content.children()[0]["digest"]]

    def script(seen: object) -> Answer:
        target = getattr(seen, "target").decode()
        if "/manifests/" in target:
            kind = [("Content-Type", "application/vnd.oci.image.manifest.v1+json")]
            return Answer(200, kind, manifest)
        return Answer(200, [], b"damaged")

    east.script = script
    done = portolan.run("warm", east.url, "team/app:v1")
    assert done.returncode == 1
    assert done.stdout.startswith("failed  team/app:v1") and "damaged" in done.stdout, done


def test_usage(tmp_path: Path) -> None:
    for arguments, said in (
        (["http://a b", "team/app"], "is no URL of a front"),
        (["https://r.example", "Team/App"], "write a repository"),
        (["https://r.example", "team/app", "--username", "robot"], "there is no password for robot"),
        ([str(tmp_path / "none.yaml"), "team/app"], "cannot be read"),
    ):
        done = portolan.run("warm", *arguments)
        assert (done.returncode, said in done.stderr) == (2, True), done
