"""The policy changes under load, and no request notices.

`PORTOLAN_LONG_CHANGES` makes it the whole test: 50 changes, blobs of a minute, a push of five. Without it there are
fewer of each.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.files_envoy import FilesEnvoy
from harness.load import HOST, Load
from harness.recording import Blobs, Recording

IS_LONG = bool(os.environ.get("PORTOLAN_LONG_CHANGES"))
CHANGES, SECONDS_APART = (50, 2.0) if IS_LONG else (5, 0.0)
SLOW_BLOBS, BLOB_SECONDS = (20, 60.0) if IS_LONG else (6, 8.0)
PUSH_SECONDS = 300.0 if IS_LONG else 8.0

Policy = dict[str, Any]


@pytest.fixture(scope="module")
def blobs() -> Blobs:
    """What the registries have."""
    return Blobs()


@pytest.fixture(scope="module")
def registries(blobs: Blobs) -> Iterator[dict[str, Recording]]:
    """Registries, each with a password of its own but `home`, which takes pushes."""
    all_ = {name: Recording(name, blobs, name == "b", f"secret-{name}") for name in "abcd"}
    all_["home"] = Recording("home", blobs)
    yield all_
    for registry in all_.values():
        registry.close()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, registries: dict[str, Recording]) -> Path:
    """A directory with the file of each registry's credential."""
    place = tmp_path_factory.mktemp("changing")
    for name, registry in registries.items():
        if registry.credential:
            (place / f"credential-{name}").write_text(registry.credential)
    return place


class Policies:
    """Policies that differ in everything that a change is likely to be about."""

    def __init__(self, registries: dict[str, Recording], place: Path) -> None:
        self._registries, self._place = registries, place

    def policy(self, number: int) -> Policy:
        """One of six, with rules of a name of its own."""
        # Which registry each backend is, in the order of the chain; how names are mapped.
        backends, variant = [
            ({"near": "a", "far": "b"}, ""),
            ({"far": "b", "near": "a"}, ""),
            ({"near": "b", "far": "a"}, ""),
            ({"third": "c", "near": "a", "far": "b"}, "-alt"),
            ({"near": "d", "far": "b"}, "-alt"),
            ({"far": "b"}, ""),
        ][number % 6]
        own = {
            name: {
                "url": self._registries[of].url,
                "names": [{"front": "acme/", "backend": self._registries[of].prefix(variant)}],
                "auth": "basic",
                # One name, and in each policy another secret.
                "credential": f"robot-{name}",
            }
            for name, of in backends.items()
        }
        home = self._registries["home"]
        names = [{"front": "push/", "backend": home.prefix()}]
        return {
            "version": 1,
            "fronts": {"main": {"hosts": [HOST], "health": True}},
            "credentials": {
                f"robot-{name}": {"file": str(self._place / f"credential-{of}")}
                for name, of in backends.items()
            },
            "backends": {**own, "home": {"url": home.url, "names": names}},
            "regions": {"default": {}},
            "rules": [
                {
                    "name": f"pulls-{number}",
                    "repositories": ["acme/**"],
                    "readers": "anyone",
                    "chains": {"default": list(backends)},
                },
                {
                    "name": f"pushes-{number}",
                    "repositories": ["push/**"],
                    "chains": {"default": ["home"]},
                    "owner": "home",
                },
            ],
        }


@pytest.fixture(scope="module")
def policies(registries: dict[str, Recording], work: Path) -> Policies:
    """The policies."""
    return Policies(registries, work)


@pytest.fixture
def envoy(policies: Policies, tmp_path: Path) -> Iterator[FilesEnvoy]:
    """An Envoy with the first of them."""
    started = FilesEnvoy(policies.policy(0), tmp_path)
    started.wait_until_healthy()
    yield started
    crashes = started.crashes()
    started.stop()
    assert not crashes


def test_changes_under_load_are_not_noticed(
    envoy: FilesEnvoy, policies: Policies, registries: dict[str, Recording], blobs: Blobs, tmp_path: Path
) -> None:
    load = Load(envoy.port, blobs, tmp_path)
    load.pull()
    load.pull_over_http2()
    load.push_slowly(PUSH_SECONDS)
    slow = blobs.slow(BLOB_SECONDS)
    load.pull_slowly(slow, SLOW_BLOBS)
    for number in range(1, CHANGES + 1):
        begun = time.monotonic()
        envoy.apply(policies.policy(number), "--no-validate")
        load.pull_slowly(slow, 1)
        time.sleep(max(0.0, SECONDS_APART - (time.monotonic() - begun)))
    load.join(PUSH_SECONDS + BLOB_SECONDS + 60)
    assert load.failures == []
    assert [wrong for registry in registries.values() for wrong in registry.wrong] == []
    assert load.blobs_done == SLOW_BLOBS + CHANGES, "every slow blob is whole"
    assert load.done > 100 and all(registry.count for registry in registries.values()), "there was load"
    assert registries["home"].received >= 4096 * 5 * (PUSH_SECONDS - 1)


def test_what_is_in_force_is_said(envoy: FilesEnvoy, policies: Policies) -> None:
    said = envoy.apply(policies.policy(1), "--no-validate")
    policy = said.split()[1]
    assert f"policy {policy} is in force at 127.0.0.1:{envoy.admin_port}" in said
    status = envoy.run("status").splitlines()
    assert status[0] == f"127.0.0.1:{envoy.admin_port}: policy {policy}"
    assert status[1].startswith(f"{envoy.files}: policy {policy} since 20")
    assert len(status) == 3, "and the one before"
    envoy.request("GET", "/v2/acme/app/blobs/x", host=HOST)
    assert [entry["policy"] for entry in envoy.new_log_entries()] == [policy]
