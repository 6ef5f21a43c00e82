"""`portolan status`: who sees its JSON alone can name the broken backend, the regions and since when.

Cannot see: how it looks on a terminal; the unit tests have the tables. Faults that only requests show take minutes and are part
of `make test-all` (`PORTOLAN_LONG_OBSERVING`).
"""

import itertools
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import faults, paths, portolan, ports
from harness.bootstrap import Bootstrap
from harness.envoy import Envoy, Policy, render, write_policy
from harness.policies import build_policy, rule_for_all
from harness.scripted import Answer, Script, Scripted
from harness.waiting import eventually
from harness.watching import Report, Status, moment

# What is injected and what is named must not lie further apart.
ONSET_SECONDS = 15.0
# A state that pauses for less goes on, and keeps its beginning (docs/status.md).
PAUSE_SECONDS = 10.0


def document(east: str, west: str) -> Policy:
    """Two registries with the same content; `east` is nearest to China."""
    check = {"interval": "500ms", "timeout": "500ms"}
    timeouts = {"manifests": "1s", "blobs": "1s"}
    return build_policy(
        {
            "east": {"url": east, "health_check": check, "attempt_timeouts": timeouts},
            "west": {"url": west, "health_check": check, "attempt_timeouts": timeouts},
        },
        rule_for_all({"cn": ["east", "west"], "default": ["west", "east"]}, replicas=["east", "west"]),
        front={"default": True},
        regions={"cn": {"labels": ["office"]}, "default": {}},
        networks={"office": ["192.0.2.0/24"]},
        clients={"trusted_hops": 1},
    )


@dataclass(frozen=True)
class Scene:
    """An Envoy with numbers, and the command that watches it."""

    envoy: Envoy
    address: str
    policy: Path
    status: Status


@pytest.fixture(scope="module")
def scene(
    east: Scripted, west: Scripted, start: Callable[[Bootstrap], Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Both registries are well."""
    directory = tmp_path_factory.mktemp("status")
    policy = write_policy(document(east.url, west.url), directory)
    address = f"127.0.0.1:{ports.free()}"
    bootstrap = render(policy, directory, admin=f"127.0.0.1:{ports.free()}", metrics=address)
    envoy = start(bootstrap)
    ready = portolan.run("status", address, "--policy", policy, "--wait", "ready")
    assert ready.returncode == 0, ready.stdout + ready.stderr
    status = Status([address], directory, "--policy", policy, "--slow", "0.3")
    yield Scene(envoy, address, policy, status)
    status.stop()


def once(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """The exit status and the JSON of one look."""
    done = portolan.run("status", *arguments, "--once", "--interval", "1", "-o", "json")
    return done.returncode, json.loads(done.stdout)


def test_all_is_well(scene: Scene) -> None:
    status, report = once(scene.address, "--policy", scene.policy)
    assert (status, report["version"], report["status"], report["problems"]) == (0, 1, "ok", [])
    assert [backend["state"] for backend in report["backends"]] == ["up", "up"]
    assert [instance["state"] for instance in report["instances"]] == ["ready"]
    nearest = {region["name"]: region["nearest"] for region in report["regions"]}
    assert nearest == {"cn": ["east"], "default": ["west"]}


def test_the_admin_interface_says_the_same(scene: Scene) -> None:
    status, report = once(f"127.0.0.1:{scene.envoy.admin_port}")
    assert (status, report["status"]) == (0, "ok")
    assert {backend["name"]: backend["state"] for backend in report["backends"]} == {"east": "up", "west": "up"}


def test_a_registry_that_fails_its_checks_is_named(scene: Scene, east: Scripted) -> None:
    assert scene.status.last()["status"] == "ok"
    begun = time.time()
    east.health = 503
    try:
        problem = eventually(lambda: scene.status.last()["problems"])[0]
        assert (problem["kind"], problem["backend"], problem["regions"]) == ("backend-down", "east", ["cn"])
        assert abs(moment(problem["since"]) - begun) <= ONSET_SECONDS
        assert (paths.ROOT / problem["page"].partition("#")[0]).is_file()
        assert once(scene.address)[0] == 1
        waited = portolan.run("status", scene.address, "--wait", "ready", "--timeout", "1")
        assert waited.returncode == 1, waited.stdout
    finally:
        east.health = 200
    eventually(lambda: scene.status.last()["status"] == "ok")
    (backend,) = [one for one in scene.status.last()["backends"] if one["name"] == "east"]
    assert backend["since"] is not None, "it is known since when it is well again"


def test_an_envoy_that_does_not_answer_is_named() -> None:
    address = f"127.0.0.1:{ports.dead()}"
    status, report = once(address)
    assert (status, report["status"]) == (1, "unknown")
    (problem,) = report["problems"]
    assert (problem["kind"], problem["instance"]) == ("instance-unreachable", address)


def test_text_for_a_pipe_has_no_colours(scene: Scene) -> None:
    done = portolan.run("status", scene.address, "--once", "--interval", "1")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[0].split()[1] == "ok"
    assert "\x1b" not in done.stdout


def test_a_closed_pipe_ends_the_command(scene: Scene) -> None:
    command = f"'{paths.portolan()}' status {scene.address} -o json --interval 1 | head -n 2"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["ok", "ok"]


def late(seconds: float) -> Script:
    """An answer that takes its time."""

    def script(_seen: object) -> Answer:
        time.sleep(seconds)
        return Answer()

    return script


def reset(_seen: object) -> Answer:
    """The connection ends without an answer."""
    raise ConnectionAbortedError


# What the registry that is nearest to China does, and what that is called. Its health checks pass.
FAULTS: list[tuple[str, Script, set[str]]] = [
    ("503", lambda _: Answer(503), {"backend-failing"}),
    ("500", lambda _: Answer(500), {"backend-failing"}),
    ("429", lambda _: Answer(429), {"backend-limits"}),
    ("401", lambda _: Answer(401), {"backend-refuses"}),
    ("403", lambda _: Answer(403), {"backend-refuses"}),
    ("late", late(0.6), {"backend-slow"}),
    # Requests without an answer take it out after three in a row.
    ("hangs", faults.hang, {"backend-failing", "backend-down"}),
    ("resets", reset, {"backend-failing", "backend-down"}),
]


@pytest.fixture
def clients(scene: Scene) -> Iterator[None]:
    """One in China and one elsewhere, who ask again and again."""
    stop = threading.Event()

    def ask(address: str) -> None:
        while not stop.wait(0.1):
            scene.envoy.request("GET", "/v2/a/manifests/latest", [("X-Forwarded-For", address)])

    threads = [threading.Thread(target=ask, args=(address,)) for address in ("192.0.2.5", "198.51.100.5")]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()


def named(report: Report, kinds: set[str]) -> list[dict[str, Any]]:
    """All problems, once one of them is of a kind."""
    problems: list[dict[str, Any]] = report["problems"]
    return problems if any(problem["kind"] in kinds for problem in problems) else []


def ok_seconds(reports: list[Report]) -> float:
    """For how long all has been well, up to the last report."""
    well = list(itertools.takewhile(lambda report: report["status"] == "ok", reversed(reports)))
    return moment(well[0]["at"]) - moment(well[-1]["at"]) if well else 0.0


@pytest.mark.skipif("PORTOLAN_LONG_OBSERVING" not in os.environ, reason="takes minutes; see make test-all")
@pytest.mark.usefixtures("clients")
@pytest.mark.parametrize(("name", "script", "kinds"), FAULTS, ids=[row[0] for row in FAULTS])
def test_faults_that_only_requests_show_are_named(
    scene: Scene, east: Scripted, name: str, script: Script, kinds: set[str]
) -> None:
    # Or it would be the fault before that goes on.
    eventually(lambda: ok_seconds(scene.status.reports()) > PAUSE_SECONDS + 1, what=f"all is well before {name}")
    healthy, begun = east.script, time.time()
    east.script = script
    try:
        problems = eventually(lambda: named(scene.status.last(), kinds))
        assert {(problem["backend"], *problem["regions"]) for problem in problems} == {("east", "cn")}
        (problem,) = [problem for problem in problems if problem["kind"] in kinds]
        assert 0 <= moment(problem["since"]) + 1 - begun <= ONSET_SECONDS
    finally:
        east.script = healthy
