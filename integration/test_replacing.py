"""An Envoy ends, or another takes its place: what is cut, and what is not.

A rolling replacement under the whole load is for test_changing. What takes long runs in `scripts/test-all changes` only.
"""

import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import paths, portolan
from harness.envoy import Policy
from harness.files_envoy import DRAIN_SECONDS, FilesEnvoy
from harness.load import HOST, Load, Reconnecting
from harness.long import only_long
from harness.migrating import need_migration
from harness.policies import build_policy, rule_for_all
from harness.recording import Blobs, Recording
from harness.waiting import eventually

BLOB_SECONDS = 4.0
SLOW_BLOBS = 3


@dataclass
class Site:
    """A registry, and the policy of a front before it."""

    blobs: Blobs
    registry: Recording
    policy: Policy


@pytest.fixture
def site() -> Iterator[Site]:
    """The registry `a`."""
    blobs = Blobs()
    registry = Recording("a", blobs)
    policy = build_policy(
        {"a": {"url": registry.url, "names": [{"front": "acme/", "backend": registry.prefix()}]}},
        rule_for_all(["a"]),
        fronts={"main": {"hosts": [HOST], "health": True}},
    )
    yield Site(blobs, registry, policy)
    registry.close()


@pytest.fixture
def envoy(site: Site, tmp_path: Path) -> Iterator[FilesEnvoy]:
    """An Envoy that serves it."""
    started = FilesEnvoy(site.policy, tmp_path)
    started.wait_until_healthy()
    yield started
    started.stop()


def drain(envoy: FilesEnvoy, grace: str = "1") -> subprocess.Popen[str]:
    """`portolan drain` for this Envoy, with so many seconds in which it takes connections still."""
    admin = ("--admin", f"127.0.0.1:{envoy.admin_port}")
    command = [paths.portolan(), "drain", *admin, "--grace", grace, "--quit"]
    return subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True)


def test_an_envoy_that_drains_cuts_nothing(envoy: FilesEnvoy, site: Site, tmp_path: Path) -> None:
    load = Load(envoy.port, site.blobs, tmp_path)
    load.pull_slowly(site.blobs.slow(BLOB_SECONDS), SLOW_BLOBS)
    eventually(lambda: site.registry.count == SLOW_BLOBS)
    draining = drain(envoy, grace="3")
    eventually(lambda: envoy.request("GET", "/readyz", host=HOST).status == 503)
    answer = envoy.request("GET", "/v2/", host=HOST)
    assert answer.status == 200 and answer.all("connection") == ["close"], "new requests are served still"
    said, _ = draining.communicate(timeout=60)
    assert draining.returncode == 0 and "no request is under way" in said
    eventually(lambda: not envoy.server.is_alive())
    load.join(30)
    assert (load.blobs_done, load.failures) == (SLOW_BLOBS, [])


@only_long
def test_sigterm_cuts_what_streams(envoy: FilesEnvoy, site: Site, tmp_path: Path) -> None:
    """Why there is `portolan drain`."""
    load = Load(envoy.port, site.blobs, tmp_path)
    load.pull_slowly(site.blobs.slow(BLOB_SECONDS), SLOW_BLOBS)
    eventually(lambda: site.registry.count == SLOW_BLOBS)
    os.kill(envoy.server.pid, signal.SIGTERM)
    load.join(30)
    assert (load.blobs_done, len(load.failures)) == (0, SLOW_BLOBS)


@only_long
def test_two_envoys_in_turn(envoy: FilesEnvoy, site: Site, tmp_path: Path) -> None:
    """The second listens at the same address (SO_REUSEPORT) before the first drains."""
    need_migration()
    load = Reconnecting(envoy.port, site.blobs, tmp_path)
    load.pull()
    load.pull_over_http2()
    load.pull_slowly(site.blobs.slow(BLOB_SECONDS), SLOW_BLOBS)
    eventually(lambda: load.done > 20)
    successor = FilesEnvoy(site.policy, tmp_path / "second", port=envoy.port)
    successor.wait_until_healthy()
    said = portolan.run("history", successor.files)
    assert "another process takes some of the new connections" in said.stderr
    draining = drain(envoy)
    eventually(lambda: not envoy.server.is_alive())
    assert draining.wait(60) == 0
    before = load.done
    eventually(lambda: load.done > before + 20)
    load.join(30)
    assert (load.blobs_done, load.failures) == (SLOW_BLOBS, [])
    assert "another process" not in portolan.run("history", successor.files).stderr
    successor.stop()


@only_long
def test_an_exclusive_port_has_one_envoy(site: Site, tmp_path: Path) -> None:
    """The second runs, and no client ever reaches it; its log says why."""
    first = FilesEnvoy(site.policy, tmp_path / "first", options=["--exclusive-port"])
    first.wait_until_healthy()
    second = FilesEnvoy(
        site.policy, tmp_path / "second", port=first.port, options=["--exclusive-port"], waits=False
    )
    eventually(lambda: "Address already in use" in second.error_log(), within=120)
    for _ in range(20):
        assert first.request("GET", f"/v2/acme/app/blobs/{site.blobs.small}", host=HOST).status == 200
    assert len([entry for entry in first.new_log_entries() if entry["status"] == 200]) == 20
    second.stop()
    first.stop()


@only_long
def test_a_hot_restart(site: Site, tmp_path: Path) -> None:
    """The second takes over the sockets of the first, which drains and ends by itself.

    Envoy counts `--parent-shutdown-time-s` from before the second compiles the filter: docs/upgrading.md says to let it be
    longer than that takes and the longest transfer together.
    """
    begun = time.monotonic()
    envoy = FilesEnvoy(site.policy, tmp_path, base_id=os.getpid() % 100_000)
    start_seconds = time.monotonic() - begun
    envoy.wait_until_healthy()
    envoy.parent_seconds = math.ceil(3 * start_seconds + BLOB_SECONDS + DRAIN_SECONDS)
    load = Reconnecting(envoy.port, site.blobs, tmp_path)
    load.pull()
    load.pull_over_http2()
    load.pull_slowly(site.blobs.slow(BLOB_SECONDS), SLOW_BLOBS)
    eventually(lambda: load.done > 20)
    first = envoy.restart_hot()
    before = load.done
    eventually(lambda: load.done > before + 20)
    eventually(lambda: not first.is_alive(), within=envoy.parent_seconds + 60)
    before = load.done
    eventually(lambda: load.done > before + 20)
    load.join(60)
    assert (load.blobs_done, load.failures) == (SLOW_BLOBS, [])
    renamed = json.loads(json.dumps(site.policy).replace('"name": "all"', '"name": "renamed"'))
    assert "is in force" in envoy.apply(renamed, "--no-validate"), "the second reads the files"
    envoy.stop()
