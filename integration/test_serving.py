"""`portolan serve` with a real Envoy: a policy that is changed while it runs, and how it ends.

What Docker makes of it (a file that is mounted alone, `docker stop`) is for the suite of `make test-compose`.
"""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import paths, portolan, ports, raw
from harness.envoy import write_policy
from harness.policies import build_policy, rule_of
from harness.processes import Server
from harness.recording import Blobs, Recording
from harness.scripted import Answer, Scripted
from harness.waiting import eventually, stays

HOST = "registry.test"
MANIFEST = "/v2/acme/app/manifests/v1"


def policy(url: str) -> dict[str, object]:
    """One backend, whose names of repositories are those of the front."""
    return build_policy(
        {"quay": url},
        rule_of("all", ["quay"], repositories=["acme/**"]),
        fronts={"main": {"hosts": [HOST], "health": True}},
    )


class Serving:
    """A running `portolan serve`."""

    def __init__(self, file: Path, directory: Path) -> None:
        self.port, self.admin = ports.free(), ports.free()
        command: list[str | Path] = [
            *(paths.portolan(), "serve", file, "--directory", directory / "run"),
            *("--envoy-program", paths.envoy(), *paths.filter_options()),
            *("--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin}"),
            *("--", "--concurrency", "1"),
        ]
        self.server = Server("serve", command, directory)
        self.server.wait_until(lambda: self.is_ready() or None, "it is ready")

    def is_ready(self) -> bool:
        """In the words of `portolan ready`."""
        return portolan.run("ready", "--admin", f"127.0.0.1:{self.admin}").returncode == 0

    def status(self, target: str = MANIFEST) -> int:
        """The status of a request."""
        return raw.request(self.port, "GET", target, host=HOST).status

    @property
    def said(self) -> str:
        """The standard error so far: of this program, and of Envoy."""
        return self.server.log.read_text()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[list[Serving]]:
    """What was started; it is stopped at the end."""
    started: list[Serving] = []
    yield started
    for serving in started:
        serving.server.stop()


def test_a_policy_that_changes_is_put_in_force_and_a_wrong_one_is_not(
    start: list[Serving], east: Scripted, west: Scripted, tmp_path: Path
) -> None:
    east.answer(Answer(200, [], b"{}"))
    west.answer(Answer(404, [], b"{}"))
    file = write_policy(policy(east.url), tmp_path)
    serving = Serving(file, tmp_path)
    start.append(serving)
    assert serving.status() == 200
    before = serving.server.pid

    # Wrong: the words of `portolan check`, and nothing else.
    good = file.read_text()
    file.write_text(good.replace("acme/**", "acme/**/"))
    words = portolan.run("check", file).stderr.strip()
    assert "rules[0].repositories[0]" in words
    eventually(lambda: words in serving.said, what="it says why the policy is refused")
    stays(lambda: serving.status() == 200, for_=0.5)

    # As an editor saves: another file under the name.
    (tmp_path / "new").write_text(good.replace(east.url, west.url))
    (tmp_path / "new").rename(file)
    eventually(lambda: serving.status() == 404, what="the new policy is in force")
    eventually(lambda: f"is in force at 127.0.0.1:{serving.admin}" in serving.said)

    # As a shell writes: the same file with another content.
    file.write_text(good)
    eventually(lambda: serving.status() == 200, what="the old policy is in force again")
    assert serving.server.pid == before and serving.server.is_alive()


def test_a_configmap_that_is_replaced_is_put_in_force(
    start: list[Serving], east: Scripted, west: Scripted, tmp_path: Path
) -> None:
    """As the kubelet mounts it: links to a directory of this moment."""
    east.answer(Answer(200, [], b"{}"))
    west.answer(Answer(404, [], b"{}"))
    mount = tmp_path / "mount"
    for version, url in (("..1", east.url), ("..2", west.url)):
        (mount / version).mkdir(parents=True)
        write_policy(policy(url), mount / version)
    name = next((mount / "..1").iterdir()).name
    (mount / "..data").symlink_to("..1")
    (mount / name).symlink_to(f"..data/{name}")
    serving = Serving(mount / name, tmp_path)
    start.append(serving)
    assert serving.status() == 200
    (mount / "..data_tmp").symlink_to("..2")
    (mount / "..data_tmp").rename(mount / "..data")
    eventually(lambda: serving.status() == 404, what="the new policy is in force")


BLOB_SECONDS = 4.0


def test_sigterm_lets_requests_end_and_a_second_one_does_not(start: list[Serving], tmp_path: Path) -> None:
    blobs = Blobs()
    registry = Recording("acme", blobs)
    for signals, is_whole in ((1, True), (2, False)):
        place = tmp_path / str(signals)
        serving = Serving(write_policy(policy(registry.url), place), place)
        start.append(serving)
        digest = blobs.slow(BLOB_SECONDS)
        asked, got = registry.count, []

        def pull(port: int = serving.port, digest: str = digest, got: list[bytes] = got) -> None:
            try:
                got.append(raw.request(port, "GET", f"/v2/acme/app/blobs/{digest}", host=HOST).body)
            except (raw.Closed, ConnectionError):
                got.append(b"")

        thread = threading.Thread(target=pull)
        thread.start()
        eventually(lambda asked=asked: registry.count > asked)  # type: ignore[misc]
        for number in range(signals):
            os.kill(serving.server.pid, signal.SIGTERM)
            if number == 0:
                eventually(lambda serving=serving: "ending: " in serving.said)  # type: ignore[misc]
        assert serving.server.wait(BLOB_SECONDS + 60) == 0
        thread.join()
        assert (got == [blobs.content(digest)]) == is_whole
    registry.close()


def test_envoy_does_not_outlive_it(start: list[Serving], east: Scripted, tmp_path: Path) -> None:
    serving = Serving(write_policy(policy(east.url), tmp_path), tmp_path)
    start.append(serving)
    os.kill(serving.server.pid, signal.SIGKILL)
    eventually(lambda: not serving.is_ready(), what="Envoy has ended")
