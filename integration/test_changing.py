"""The policy changes under load, Envoy itself is replaced under load, and no request notices.

`scripts/test-all changes` makes it the whole test: 50 changes, blobs of a minute, a push of five, a rolling replacement
under the same load, and 200 changes after which memory is measured. Otherwise there are five changes.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import paths
from harness.files_envoy import FilesEnvoy
from harness.load import HOST, Load, Reconnecting
from harness.long import IS_LONG, only_long
from harness.migrating import need_migration
from harness.policies import build_policy, rule_of
from harness.processes import resident_bytes
from harness.recording import Blobs, Recording
from harness.waiting import eventually

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
        return build_policy(
            {**own, "home": {"url": home.url, "names": names}},
            rule_of(f"pulls-{number}", list(backends), repositories=["acme/**"], readers="anyone"),
            rule_of(f"pushes-{number}", ["home"], repositories=["push/**"], owner="home"),
            fronts={"main": {"hosts": [HOST], "health": True}},
            credentials={
                f"robot-{name}": {"file": str(self._place / f"credential-{of}")}
                for name, of in backends.items()
            },
        )


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
    judge(load, registries, f"{CHANGES} changes", SLOW_BLOBS + CHANGES)


def judge(load: Load, registries: dict[str, Recording], what: str, slow_blobs: int) -> None:
    """Nothing failed, nothing was cut, nothing came to a registry that was not for it; and there was load."""
    wrong = [line for registry in registries.values() for line in registry.wrong]
    counts = ", ".join(f"{name} {registry.count}" for name, registry in registries.items())
    print(
        f"\n{what}: {load.done} requests, {load.blobs_done} of {slow_blobs} blobs of {BLOB_SECONDS:g} s whole, a push of "
        f"{PUSH_SECONDS:g} s; {len(load.failures)} failed, {len(wrong)} came to the wrong registry (asked: {counts})"
    )
    assert load.failures == []
    assert wrong == []
    assert load.blobs_done == slow_blobs, "every slow blob is whole"
    assert load.done > 100 and all(registry.count for registry in registries.values()), "there was load"
    assert registries["home"].received >= 4096 * 5 * (PUSH_SECONDS - 1)


REPLACEMENTS = 5


@only_long
def test_a_rolling_replacement_under_load_is_not_noticed(
    policies: Policies, registries: dict[str, Recording], blobs: Blobs, tmp_path: Path
) -> None:
    """Each Envoy is followed by another with another policy, at the same address, and drains."""
    need_migration()
    registries["home"].received = 0
    envoy = FilesEnvoy(policies.policy(0), tmp_path / "0")
    envoy.wait_until_healthy()
    load = Reconnecting(envoy.port, blobs, tmp_path)
    load.pull()
    load.pull_over_http2()
    load.push_slowly(PUSH_SECONDS)
    slow = blobs.slow(BLOB_SECONDS)
    load.pull_slowly(slow, SLOW_BLOBS)
    envoys, draining = [envoy], []
    for number in range(1, REPLACEMENTS + 1):
        envoys.append(FilesEnvoy(policies.policy(number), tmp_path / str(number), port=envoy.port))
        envoys[-1].wait_until_healthy()
        admin = ("--admin", f"127.0.0.1:{envoys[-2].admin_port}", "--grace", "2", "--quit")
        draining.append(subprocess.Popen([*map(str, (paths.portolan(), "drain", *admin))]))
        load.pull_slowly(slow, 4)
        # Load on each Envoy for a while, before the next one takes over.
        time.sleep(5)
    load.join(PUSH_SECONDS + BLOB_SECONDS + 60)
    assert [each.wait(60) for each in draining] == [0] * REPLACEMENTS
    judge(load, registries, f"{REPLACEMENTS} replacements", SLOW_BLOBS + 4 * REPLACEMENTS)
    eventually(lambda: not any(each.server.is_alive() for each in envoys[:-1]), what="those before have ended")
    assert envoys[-1].server.is_alive()
    envoys[-1].stop()


@only_long
def test_memory_is_returned(
    envoy: FilesEnvoy, policies: Policies, blobs: Blobs, tmp_path: Path
) -> None:
    """Each of 200 policies has a backend that no other has, so that every change makes clusters anew."""
    load = Load(envoy.port, blobs, tmp_path)
    load.pull(1)
    sizes = {}
    for number in range(1, 201):
        policy = policies.policy(number)
        policy["backends"]["extra"] = {"url": f"http://127.0.0.1:9/{number}"}
        policy["rules"][0]["chains"]["default"].append("extra")
        envoy.apply(policy, "--no-validate")
        if number in (20, 110, 200):
            sizes[number] = resident_bytes(envoy.server.pid)
    load.join(60)
    said = ", ".join(f"{size / 1e6:.1f} MB after {number}" for number, size in sizes.items())
    print(f"\nmemory of Envoy: {said} changes; {load.done} requests, {len(load.failures)} failed")
    assert sizes[200] < 1.1 * sizes[20], said
    assert sizes[200] - sizes[110] < 0.05 * sizes[20], said
