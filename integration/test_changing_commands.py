"""What the commands that change a policy say and do, and what an Envoy that is told to end does.

Whether changes are noticed under load is for test_changing.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import paths, portolan, raw
from harness.digest import sha256
from harness.envoy import Policy, write_policy
from harness.files_envoy import FilesEnvoy
from harness.load import Load
from harness.processes import Server
from harness.recording import Blobs, Recording
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually

HOST = "registry.test"
CONTENT = b"content"
BLOB = f"/v2/acme/app/blobs/{sha256(CONTENT)}"


def policy(url: str, **more: object) -> Policy:
    """One backend, `quay`."""
    return {
        "version": 1,
        "fronts": {"main": {"hosts": [HOST], "health": True}},
        "backends": {"quay": {"url": url, **more}},
        "regions": {"default": {}},
        "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["quay"]}}],
    }


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[Policy], FilesEnvoy]]:
    """Starts an Envoy with a policy."""
    started: list[FilesEnvoy] = []

    def start(first: Policy) -> FilesEnvoy:
        started.append(FilesEnvoy(first, tmp_path))
        return started[-1]

    yield start
    for envoy in started:
        envoy.stop()


def asked(envoy: FilesEnvoy) -> int:
    """The status of a pull."""
    return envoy.request("GET", BLOB, host=HOST).status


def policy_of(envoy: FilesEnvoy) -> str:
    """The fingerprint of the policy in force."""
    return envoy.run("status").splitlines()[0].rpartition(" ")[2]


def test_a_policy_with_mistakes_changes_nothing(
    run: Callable[[Policy], FilesEnvoy], east: Scripted, west: Scripted
) -> None:
    envoy = run(policy(east.url))
    before = policy_of(envoy)
    done = envoy.try_to_apply({**policy(west.url), "rules": []})
    assert done.returncode == 1 and "rules" in done.stderr
    # `envoy --mode validate` says what the command cannot know.
    missing = {**policy(west.url), "clients": {"geo": {"database": "/nowhere/geoip.mmdb"}}}
    done = envoy.try_to_apply(missing, "--envoy-program", paths.envoy())
    assert done.returncode == 1 and "geoip.mmdb" in done.stderr
    # And a running Envoy refuses it where nothing has looked at it before.
    done = envoy.try_to_apply(missing, "--no-validate")
    assert done.returncode == 1 and "refuses the filter `envoy.filters.http.geoip`" in done.stderr
    assert "still" in done.stderr
    assert policy_of(envoy) == before and asked(envoy) == 200
    assert not west.seen
    refused = envoy.stats(r"extension_config_discovery.*\.(update_rejected|config_fail)$")
    assert sum(refused.values()) > 0, "there is an alert for this"
    # What the files say is what is in force: an Envoy that starts now has the same policy.
    assert "stopped in its midst" in envoy.run("status") or len(envoy.run("status").splitlines()) == 2
    envoy.apply(policy(west.url), "--no-validate")
    assert asked(envoy) == 200 and west.seen


def test_a_filter_that_does_not_read_the_policy_keeps_the_old_one(
    run: Callable[[Policy], FilesEnvoy], east: Scripted
) -> None:
    """As an older filter with a newer policy would: it knows no field of the name."""
    envoy = run(policy(east.url))
    file = envoy.files / "filters/envoy.filters.http.wasm.json"
    resources = json.loads(file.read_text())
    configuration = resources["resources"][0]["typed_config"]["config"]["configuration"]
    newer = {**json.loads(configuration["value"]), "field_of_a_newer_release": True}
    configuration["value"] = json.dumps(newer)
    (file.parent / "new").write_text(json.dumps(resources))
    (file.parent / "new").rename(file)
    refused = r"http_filter.envoy.filters.http.wasm.(update_rejected|config_fail)$"
    eventually(lambda: sum(envoy.stats(refused).values()))
    assert asked(envoy) == 200
    assert "field_of_a_newer_release" in envoy.error_log()


def test_going_back(run: Callable[[Policy], FilesEnvoy], east: Scripted, west: Scripted) -> None:
    envoy = run(policy(east.url))
    first = policy_of(envoy)
    assert portolan.run("rollback", envoy.files).returncode == 2, "there is none before"
    envoy.apply(policy(west.url), "--no-validate")
    second = policy_of(envoy)
    envoy.run("rollback")
    assert policy_of(envoy) == first
    east.forget()
    assert asked(envoy) == 200 and east.seen
    envoy.run("rollback", "--to", second[:6])
    assert policy_of(envoy) == second


def test_looking_first(run: Callable[[Policy], FilesEnvoy], east: Scripted, west: Scripted) -> None:
    envoy = run(policy(east.url))
    before = policy_of(envoy)
    said = envoy.apply(policy(west.url), "--dry-run", "--no-validate")
    assert f"~ backend quay {east.url} -> {west.url}" in said
    assert "3 of 3 requests are answered otherwise" in said or "2 of 3 requests" in said
    assert policy_of(envoy) == before
    requests = envoy.place / "requests.jsonl"
    requests.write_text(json.dumps({"method": "GET", "target": "/v2/", "authority": HOST}) + "\n")
    said = envoy.apply(policy(west.url), "--diff", "--no-validate", "--requests", requests)
    assert "0 of 1 requests are answered otherwise" in said
    assert policy_of(envoy) != before


def test_stopped_at_any_point_it_goes_on(
    run: Callable[[Policy], FilesEnvoy], tmp_path: Path
) -> None:
    blobs = Blobs()
    registries = [Recording(name, blobs) for name in "ab"]

    def of(registry: Recording) -> Policy:
        names = [{"front": "acme/", "backend": registry.prefix()}]
        return policy(registry.url, names=names)

    envoy = run(of(registries[0]))
    envoy.wait_until_healthy()
    load = Load(envoy.port, blobs, tmp_path)
    load.pull()
    for number, milliseconds in enumerate([10, 60, 150, 300, 600, 1000]):
        file = write_policy(of(registries[(number + 1) % 2]), tmp_path)
        command = [paths.portolan(), "apply", file, envoy.files, "--no-validate", "--settle", "0.3"]
        stopped = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
        time.sleep(milliseconds / 1000)
        stopped.kill()
        stopped.wait()
    envoy.apply(of(registries[0]), "--no-validate")
    load.join(30)
    assert load.failures == [] and load.done
    assert [wrong for registry in registries for wrong in registry.wrong] == []
    assert len(envoy.run("status").splitlines()) >= 2
    assert "stopped in its midst" not in envoy.run("status")
    for registry in registries:
        registry.close()


def test_a_configmap_is_followed(
    run: Callable[[Policy], FilesEnvoy], east: Scripted, west: Scripted, tmp_path: Path
) -> None:
    envoy = run(policy(east.url))
    mount = tmp_path / "mount"

    def mounted(version: str, content: Policy) -> None:
        """As the kubelet replaces a ConfigMap."""
        write_policy(content, mount / version)
        (mount / "..tmp").symlink_to(version)
        (mount / "..tmp").rename(mount / "..data")

    mounted("..1", policy(east.url))
    (mount / "portolan.yaml").symlink_to("..data/portolan.yaml")
    watch = Server(
        "watch",
        [paths.portolan(), "apply", mount / "portolan.yaml", envoy.files, "--watch", "--no-validate"],
        tmp_path,
    )
    eventually(lambda: "is in force" in watch.out.read_text())
    before = policy_of(envoy)
    mounted("..2", {**policy(west.url), "rules": []})
    eventually(lambda: "error" in watch.log.read_text() or "rules" in watch.log.read_text())
    assert policy_of(envoy) == before and watch.is_alive()
    mounted("..3", policy(west.url))
    eventually(lambda: policy_of(envoy) != before)
    assert asked(envoy) == 200 and west.seen
    watch.stop()


class Issuing:
    """A registry that wants a token of its own, which its own token service gives."""

    def __init__(self, upstream: Scripted, name: str) -> None:
        self.upstream, self.token = upstream, f"token-of-{name}"
        upstream.forget()
        upstream.script = self._answer

    def _answer(self, seen: Seen) -> Answer:
        if seen.target.startswith(b"/token"):
            return Answer(body=json.dumps({"token": self.token, "expires_in": 3600}).encode())
        if seen.all("authorization") == [f"Bearer {self.token}".encode()]:
            return Answer(body=CONTENT)
        challenge = f'Bearer realm="{self.upstream.url}/token",service="s"'
        return Answer(401, [("WWW-Authenticate", challenge)])

    @property
    def was_shown(self) -> set[bytes]:
        """Every credential that arrived."""
        return {value for seen in self.upstream.seen for value in seen.all("authorization")}


def test_a_token_stays_with_the_url_that_it_was_for(
    run: Callable[[Policy], FilesEnvoy], east: Scripted, west: Scripted
) -> None:
    old, new = Issuing(east, "old"), Issuing(west, "new")
    envoy = run(policy(east.url, auth="token"))
    for _ in range(4):
        assert asked(envoy) == 200
    envoy.apply(policy(west.url, auth="token"), "--no-validate")
    for _ in range(4):
        assert asked(envoy) == 200
    assert old.was_shown == {f"Bearer {old.token}".encode()}
    assert new.was_shown == {f"Bearer {new.token}".encode()}
    # And back: what was held of the old one may be shown to it, and nothing else.
    envoy.apply(policy(east.url, auth="token"), "--no-validate")
    assert asked(envoy) == 200
    assert old.was_shown == {f"Bearer {old.token}".encode()}


def test_health_says_which_policy(run: Callable[[Policy], FilesEnvoy], east: Scripted) -> None:
    envoy = run(policy(east.url))
    said = json.loads(envoy.request("GET", "/healthcheck", host=HOST).body)
    assert said["policy"] == policy_of(envoy)


@pytest.mark.parametrize("drains", [True, False])
def test_an_envoy_that_drains_cuts_nothing(
    run: Callable[[Policy], FilesEnvoy], tmp_path: Path, drains: bool
) -> None:
    blobs = Blobs()
    registry = Recording("a", blobs)
    envoy = run(policy(registry.url, names=[{"front": "acme/", "backend": registry.prefix()}]))
    envoy.wait_until_healthy()
    load = Load(envoy.port, blobs, tmp_path)
    load.pull_slowly(blobs.slow(4.0), 3)
    eventually(lambda: registry.count == 3)
    if drains:
        admin = ["--admin", f"127.0.0.1:{envoy.admin_port}"]
        drain = [*map(str, [paths.portolan(), "drain", *admin, "--grace", "1", "--quit"])]
        draining = subprocess.Popen(drain, stdout=subprocess.PIPE, text=True)
        eventually(lambda: envoy.request("GET", "/readyz", host=HOST).status == 503)
        answer = envoy.request("GET", "/v2/", host=HOST)
        assert answer.status == 200 and answer.all("connection") == ["close"], "it serves still"
        said, _ = draining.communicate(timeout=60)
        assert draining.returncode == 0 and "no request is under way" in said
        eventually(lambda: not envoy.server.is_alive())
    else:
        os.kill(envoy.server.pid, signal.SIGTERM)
    load.join(30)
    assert (load.blobs_done, len(load.failures)) == ((3, 0) if drains else (0, 3))
    registry.close()


def test_two_envoys_in_turn(run: Callable[[Policy], FilesEnvoy], tmp_path: Path) -> None:
    """The second listens at the same address (SO_REUSEPORT) before the first drains."""
    blobs = Blobs()
    registry = Recording("a", blobs)
    envoy = run(policy(registry.url, names=[{"front": "acme/", "backend": registry.prefix()}]))
    envoy.wait_until_healthy()
    load = Reconnecting(envoy.port, blobs, tmp_path)
    load.pull()
    load.pull_slowly(blobs.slow(4.0), 3)
    eventually(lambda: load.done > 20)
    same = json.loads(envoy.policy_file.read_text())
    successor = FilesEnvoy(same, tmp_path / "second", port=envoy.port)
    successor.wait_until_healthy()
    admin = ("--admin", f"127.0.0.1:{envoy.admin_port}")
    portolan.output("drain", *admin, "--grace", "1", "--quit")
    eventually(lambda: not envoy.server.is_alive())
    before = load.done
    eventually(lambda: load.done > before + 20)
    load.join(30)
    assert load.failures == [] and load.blobs_done == 3
    successor.stop()
    registry.close()


def test_a_hot_restart(tmp_path: Path) -> None:
    """The second takes over the sockets of the first, which drains."""
    blobs = Blobs()
    registry = Recording("a", blobs)
    content = policy(registry.url, names=[{"front": "acme/", "backend": registry.prefix()}])
    envoy = FilesEnvoy(content, tmp_path, base_id=os.getpid() % 100_000)
    envoy.wait_until_healthy()
    load = Reconnecting(envoy.port, blobs, tmp_path)
    load.pull()
    load.pull_slowly(blobs.slow(6.0), 3)
    eventually(lambda: load.done > 20)
    first = envoy.restart_hot()
    before = load.done
    eventually(lambda: load.done > before + 20)
    load.join(30)
    assert load.failures == [] and load.blobs_done == 3
    envoy.apply({**content, "rules": [{**content["rules"][0], "name": "renamed"}]}, "--no-validate")
    first.stop()
    envoy.stop()
    registry.close()


class Reconnecting(Load):
    """Clients that open another connection where they are told to, or where one was closed while it was idle."""

    def _pull(self) -> None:
        digest = self._blobs.small
        while not self._end.is_set():
            with raw.Connection(self._port) as connection:
                while not self._end.is_set():
                    answer = raw.exchange(connection, "GET", f"{self._repository}/blobs/{digest}", host=HOST)
                    if answer.status != 200:
                        self.failures.append(f"{answer.status} {answer.body[:200]!r}")
                    self.done += 1
                    if answer.all("connection") == ["close"]:
                        break
