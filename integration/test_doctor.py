"""`portolan doctor`: real registries that are well, and servers that each have one thing wrong.

Nothing runs between the command and the servers, as nothing will between Envoy and them.
"""

import email.utils
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
from harness.tls import Authority, Tls
from harness.token_service import TokenService

ROBOT = Account("robot", "the robot's password")
HOUR = 3600.0


@dataclass(frozen=True)
class Place:
    """Two registries behind TLS: `same` is one image in both, `moved` another one in each."""

    authority: Authority
    registry: Registry
    east: Tls
    west: Tls


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Both are filled, and have certificates for three months."""
    directory = tmp_path_factory.mktemp("doctor")
    authority = Authority(directory / "authority")
    good = authority.issue("localhost", days=90)
    registries = [Registry("east", directory), Registry("west", directory)]
    for name in ("old", "new"):
        image.build(name).write_layout(directory / name, "v1")
    for layout, registry, tag in (("old", 0, "same"), ("old", 1, "same"), ("old", 0, "moved"), ("new", 1, "moved")):
        skopeo.push(directory / layout, "v1", f"{registries[registry].authority}/app/web:{tag}")
    ends = [Tls(registry.port, good) for registry in registries]
    yield Place(authority, registries[0], ends[0], ends[1])
    for end in ends:
        end.close()
    for registry in registries:
        registry.stop()


def backend(place: Place, port: int) -> Policy:
    """A backend of this machine whose certificate is the authority's."""
    return {"url": f"https://localhost:{port}", "tls": {"ca_file": str(place.authority.certificate)}}


def document(backends: dict[str, Policy]) -> Policy:
    """All of them are replicas of `app`."""
    return build_policy(backends, rule_of("app", list(backends), replicas=list(backends), readers="anyone"))


def doctor(policy: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the JSON."""
    done = portolan.run("doctor", policy, *arguments, "-o", "json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def found(report: dict[str, Any], subject: str) -> dict[str, tuple[str, str]]:
    """State and message of each check of a subject."""
    of_it = [one for one in report["findings"] if one["subject"] == subject]
    return {one["check"]: (one["state"], one["message"]) for one in of_it}


def test_all_is_well(place: Place, tmp_path: Path) -> None:
    backends = {"east": backend(place, place.east.port), "west": backend(place, place.west.port)}
    policy = write_policy(document(backends), tmp_path)
    status, report = doctor(policy, "app/web:same")
    assert (status, report["status"], report["kind"], report["version"]) == (0, "ok", "portolan.doctor", 1), report
    for name in backends:
        checks = found(report, f"backend {name}")
        assert {check: state for check, (state, _) in checks.items()} == {
            "reachable": "ok",
            "certificate": "ok",
            "clock": "ok",
        }
        assert "days from now" in checks["certificate"][1]
    assert found(report, "image app/web:same")["replicas"] == ("ok", "east, west has the same")

    told = portolan.run("doctor", policy)
    assert (told.returncode, told.stderr) == (0, "")
    assert "backend east  reachable" in told.stdout and "0 failed" in told.stdout


def test_each_thing_that_can_be_wrong(place: Place, east: Scripted, tmp_path: Path) -> None:
    expired = Tls(place.registry.port, place.authority.issue("localhost", days=-1))
    soon = Tls(place.registry.port, place.authority.issue("localhost", days=5))
    ahead = email.utils.formatdate(time.time() + 2 * HOUR, usegmt=True)
    east.answer(Answer(200, [("Date", ahead)], b"{}"))
    lost = Scripted()
    lost.answer(Answer(404))
    backends = {
        "well": backend(place, place.east.port),
        "dead": {"url": f"http://127.0.0.1:{ports.dead()}"},
        "expired": backend(place, expired.port),
        "soon": backend(place, soon.port),
        "untrusted": {"url": f"https://localhost:{place.east.port}"},
        "fast": {"url": east.url},
        "lost": {"url": lost.url},
        "moved": backend(place, place.west.port),
    }
    policy = write_policy(document(backends), tmp_path)
    try:
        status, report = doctor(policy, "app/web:moved")
    finally:
        expired.close()
        soon.close()
        lost.close()
    assert (status, report["status"]) == (1, "failed")
    checks = {name: found(report, f"backend {name}") for name in backends}
    assert {state for state, _ in checks["well"].values()} == {"ok"}
    assert checks["dead"]["reachable"][0] == "failed"
    assert checks["expired"]["reachable"][0] == "failed"
    assert checks["expired"]["certificate"][0] == "failed" and "has expired on" in checks["expired"]["certificate"][1]
    assert checks["soon"]["certificate"][0] == "warning" and "renew it" in checks["soon"]["certificate"][1]
    assert checks["untrusted"]["reachable"][0] == "failed" and checks["untrusted"]["certificate"][0] == "ok"
    assert checks["fast"]["clock"][0] == "failed" and "ahead of this machine's" in checks["fast"]["clock"][1]
    assert checks["lost"]["reachable"][0] == "failed" and "no registry" in checks["lost"]["reachable"][1]
    state, message = found(report, "image app/web:moved")["replicas"]
    assert state == "failed" and "moved" in message.split("has another")[0], message


def test_credentials_and_token_services(east: Scripted, west: Scripted, tmp_path: Path) -> None:
    service = TokenService(Signer(tmp_path / "signer"), [ROBOT], service="east")
    Guarded(east, "app/web", service=service)
    Guarded(west, "app/web", basic=ROBOT.basic)
    file = tmp_path / "robot"
    policy = document(
        {
            "token": {
                "url": east.url,
                "credential": "robot",
                "auth": {"token": {"realm": service.realm, "service": "east"}},
            },
            "basic": {"url": west.url, "credential": "robot", "auth": "basic"},
        }
    )
    policy["credentials"] = {"robot": {"file": str(file)}}
    written = write_policy(policy, tmp_path)
    try:
        file.write_text(ROBOT.basic.removeprefix("Basic "))
        _, report = doctor(written)
        assert found(report, "backend token")["token service"][0] == "ok"
        assert found(report, "backend token")["credential"] == ("ok", "`robot` is accepted")
        file.write_text(ROBOT.but_wrong().basic.removeprefix("Basic "))
        status, report = doctor(written)
        assert status == 1
        for name in ("token", "basic"):
            assert found(report, f"backend {name}")["credential"][0] == "failed", report
        assert ROBOT.password not in json.dumps(report)
        # The registry's own token service is elsewhere, and the policy names none.
        policy["backends"]["token"]["url"] = east.url.replace("127.0.0.1", "localhost")
        policy["backends"]["token"]["auth"] = "token"
        _, report = doctor(write_policy(policy, tmp_path / "other"))
        said = [one["message"] for one in report["findings"] if one["check"] == "token service"]
        assert any("which the policy does not name" in message for message in said), report
    finally:
        service.close()


def test_files_and_usage(place: Place, tmp_path: Path) -> None:
    backends = {"east": backend(place, place.east.port)}
    policy = document(backends) | {"clients": {"geo": {"database": str(tmp_path / "none.mmdb")}}}
    status, report = doctor(write_policy(policy, tmp_path))
    assert status == 1
    assert found(report, "policy")["files"][0] == "failed"
    done = portolan.run("doctor", write_policy(document(backends), tmp_path / "b"), "other/web:v1")
    assert (done.returncode, "no rule is for other/web" in done.stderr) == (2, True)
