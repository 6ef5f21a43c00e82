"""`portolan nearest`: a real registry twice, one of them behind somebody who takes his time; and one that is not there."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import image, portolan, ports, skopeo
from harness.registry import Registry
from harness.relay import Relay
from harness.scripted import Seen

# Long beside what a busy machine adds, and beside the tenth that counts as noise.
SLOWLY = 0.3

POLICY = """\
version: 1
fronts: {{main: {{hosts: [registry.test]}}}}
backends:
  near: {{url: "{near}"}}
  far: {{url: "{far}"}}  # behind the sea
regions:
  eu: {{continents: [EU]}}
  default: {{}}
clients: {{geo: {{database: /etc/portolan/geoip.mmdb}}}}
rules:
- name: app
  repositories: ["app/**"]
  replicas: [near, far]
  chains:
    eu: [far, near]  # as somebody thought
    default: [near, far]
"""


@dataclass(frozen=True)
class Place:
    """`far` is the same registry as `near`, and each of its answers is late."""

    near: Registry
    far: Relay

    def policy(self, directory: Path, far: str | None = None) -> Path:
        """The policy, in a file."""
        directory.mkdir(exist_ok=True)
        file = directory / "portolan.yaml"
        file.write_text(POLICY.format(near=f"http://{self.near.authority}", far=far or self.far.url))
        return file


def late(_: Seen) -> None:
    """As an answer over a long way is."""
    time.sleep(SLOWLY)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The registry has `app/web:v1`."""
    directory = tmp_path_factory.mktemp("nearest")
    near = Registry("near", directory)
    image.build("app").write_layout(directory / "app", "v1")
    skopeo.push(directory / "app", "v1", f"{near.authority}/app/web:v1")
    far = Relay(near.port)
    far.before = late
    yield Place(near, far)
    far.close()
    near.stop()


def nearest(policy: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the JSON."""
    done = portolan.run("nearest", policy, "-o", "json", "--rounds", "3", *arguments)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("what", [[], ["app/web:v1"]], ids=["ping", "image"])
def test_the_far_one_is_named_and_the_chain_mended(place: Place, tmp_path: Path, what: list[str]) -> None:
    policy = place.policy(tmp_path)
    status, report = nearest(policy, *what, "--region", "eu")
    assert status == 1
    times = {one["backend"]: one for one in report["backends"]}
    assert times["far"]["ping"] >= SLOWLY > times["near"]["ping"]
    assert all((one["manifest"] is not None) == bool(what) for one in times.values())
    if what:
        assert times["far"]["manifest"] >= SLOWLY and times["far"]["first_bytes"] >= SLOWLY
    chain = report["chains"][0]
    assert (chain["path"], chain["state"]) == ("rules[0].chains.eu", "wrong")
    assert (chain["is"], chain["should_be"]) == (["far", "near"], ["near", "far"])
    assert "+    eu: [near, far]  # as somebody thought\n" in report["diff"]


def test_the_diff_is_one_that_patch_takes(place: Place, tmp_path: Path) -> None:
    policy = place.policy(tmp_path)
    before = policy.read_text()
    done = portolan.run("nearest", policy, "--region", "eu", "--rounds", "1", "-o", "diff")
    assert done.returncode == 1
    subprocess.run(["patch", "--quiet", policy], input=done.stdout, text=True, check=True, timeout=10)
    assert policy.read_text() == before.replace("eu: [far, near]", "eu: [near, far]")
    status, report = nearest(policy, "--region", "eu")
    assert (status, report["chains"][0]["state"], report["diff"]) == (0, "as-measured", "")


def test_a_wrong_chain_has_a_number(place: Place, tmp_path: Path) -> None:
    policy = place.policy(tmp_path)
    for region, is_wrong in (("eu", 1), ("default", 0)):
        done = portolan.run("nearest", policy, "--region", region, "--rounds", "3", "-o", "prometheus")
        assert done.returncode == is_wrong
        assert f'portolan_chain_order_wrong{{region="{region}",rule="app"}} {is_wrong}\n' in done.stdout
        assert f'portolan_nearest_seconds{{region="{region}",backend="far",part="ping"}} 0.' in done.stdout


def test_other_regions_are_left_alone(place: Place, tmp_path: Path) -> None:
    status, report = nearest(place.policy(tmp_path), "--region", "default")
    assert (status, report["chains"][0]["state"]) == (0, "as-measured")


def test_a_backend_that_is_down_is_not_called_far(place: Place, tmp_path: Path) -> None:
    policy = place.policy(tmp_path, far=f"http://127.0.0.1:{ports.free()}")
    done = portolan.run("nearest", policy, "--region", "eu", "--rounds", "1")
    assert done.returncode == 1
    assert "nothing is said of their order" in done.stdout and "refused" in done.stdout
    assert "---" not in done.stdout


def test_the_region_has_to_be_named(place: Place, tmp_path: Path) -> None:
    done = portolan.run("nearest", place.policy(tmp_path))
    assert done.returncode == 2
    assert done.stderr == "error: name the region that this machine is in: `--region` with one of eu, default\n"
