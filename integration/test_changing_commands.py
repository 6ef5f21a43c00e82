"""What the commands that change a policy say and do. All have one Envoy, with two workers.

Whether changes are noticed under load is for test_changing, what is kept for test_changing_kept, the end of an Envoy for
test_replacing.
"""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import paths, portolan
from harness.changing import CONTENT, HOST, asked, policy, policy_of
from harness.envoy import Policy, write_policy
from harness.files_envoy import FilesEnvoy
from harness.load import Load
from harness.processes import Server
from harness.recording import Blobs, Recording
from harness.scripted import Answer, Scripted
from harness.waiting import eventually


@pytest.fixture(scope="module")
def the_envoy(tmp_path_factory: pytest.TempPathFactory, east: Scripted) -> Iterator[FilesEnvoy]:
    """The Envoy."""
    started = FilesEnvoy(policy(east.url), tmp_path_factory.mktemp("files"))
    yield started
    started.stop()


@pytest.fixture
def envoy(the_envoy: FilesEnvoy, east: Scripted, west: Scripted) -> FilesEnvoy:
    """The same, with `east` alone."""
    for registry in (east, west):
        registry.answer(Answer(body=CONTENT))
    the_envoy.apply(policy(east.url), "--no-validate")
    return the_envoy


def test_a_policy_with_mistakes_changes_nothing(
    envoy: FilesEnvoy, east: Scripted, west: Scripted
) -> None:
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
    assert "stopped in its midst" not in envoy.run("history")
    envoy.apply(policy(west.url), "--no-validate")
    assert asked(envoy) == 200 and west.seen


# What the policy has, and what the filter says of it, of which an operator sees that the filter is too old for it.
NEWER = [
    ({"field_of_a_newer_release": True}, "field_of_a_newer_release"),
    ({"version": 2}, "version"),
]


@pytest.mark.parametrize(("newer", "said"), NEWER, ids=lambda row: str(row))
def test_a_filter_that_does_not_read_the_policy_keeps_the_old_one(
    envoy: FilesEnvoy, newer: Policy, said: str
) -> None:
    """As an older filter with a newer policy would: it knows no such field, or not the version."""
    file = envoy.files / "filters/envoy.filters.http.wasm.json"
    resources = json.loads(file.read_text())
    configuration = resources["resources"][0]["typed_config"]["config"]["configuration"]
    configuration["value"] = json.dumps({**json.loads(configuration["value"]), **newer})
    refused = r"http_filter.envoy.filters.http.wasm.(update_rejected|config_fail)$"
    before = sum(envoy.stats(refused).values())
    (file.parent / "new").write_text(json.dumps(resources))
    (file.parent / "new").rename(file)
    eventually(lambda: sum(envoy.stats(refused).values()) > before)
    assert asked(envoy) == 200
    assert any("portolan: policy: " in line and said in line for line in envoy.error_log().splitlines())


def test_going_back(envoy: FilesEnvoy, east: Scripted, west: Scripted, tmp_path: Path) -> None:
    first = policy_of(envoy)
    portolan.output("render", envoy.policy_file, tmp_path, "--target", "files")
    done = portolan.run("rollback", tmp_path)
    assert done.returncode == 2 and "no policy before this one" in done.stderr
    envoy.apply(policy(west.url), "--no-validate")
    second = policy_of(envoy)
    envoy.run("rollback")
    assert policy_of(envoy) == first
    east.forget()
    assert asked(envoy) == 200 and east.seen
    envoy.run("rollback", "--to", second[:6])
    assert policy_of(envoy) == second


def test_looking_first(envoy: FilesEnvoy, east: Scripted, west: Scripted) -> None:
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


def test_stopped_at_any_point_it_goes_on(envoy: FilesEnvoy, tmp_path: Path) -> None:
    blobs = Blobs()
    registries = [Recording(name, blobs) for name in "ab"]

    def of(registry: Recording) -> Policy:
        names = [{"front": "acme/", "backend": registry.prefix()}]
        return policy(registry.url, names=names)

    envoy.apply(of(registries[0]), "--no-validate")
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
    assert len(envoy.run("history").splitlines()) >= 2
    assert "stopped in its midst" not in envoy.run("history")
    for registry in registries:
        registry.close()


def test_a_configmap_is_followed(
    envoy: FilesEnvoy, east: Scripted, west: Scripted, tmp_path: Path
) -> None:
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


def test_apply_prints_the_policy_in_force(envoy: FilesEnvoy, west: Scripted) -> None:
    before = policy_of(envoy)
    said = envoy.apply(policy(west.url), "--no-validate")
    now = said.split()[1]
    assert f"policy {now} is in force at 127.0.0.1:{envoy.admin_port}" in said
    history = envoy.run("history").splitlines()
    assert history[0] == f"127.0.0.1:{envoy.admin_port}: policy {now}"
    assert history[1].startswith(f"{envoy.files}: policy {now} since 20")
    assert history[2].startswith(f"before: policy {before} since 20")
    assert json.loads(envoy.request("GET", "/healthcheck", host=HOST).body)["policy"] == now
    assert f"portolan: policy {now} of" in envoy.error_log()
    envoy.forget_log()
    assert asked(envoy) == 200
    assert {entry["policy"] for entry in envoy.new_log_entries()} == {now}


def test_a_second_listener_at_the_address_is_warned_of(envoy: FilesEnvoy) -> None:
    warning = "another process takes some of the new connections"
    assert warning not in portolan.run("history", envoy.files).stderr
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", envoy.port))
        other.listen(0)
        said = portolan.run("history", envoy.files).stderr
    assert f"3 sockets listen at 127.0.0.1:{envoy.port}" in said and warning in said

