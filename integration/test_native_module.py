"""The filter as a native module, where it differs from the one in WebAssembly: it has no sandbox, and one memory.

Real Envoy, whatever PORTOLAN_FILTER says. Sees that a failing hook costs one request and nobody else anything, that another
build of Envoy is refused, and that all workers share what is looked up. Cannot see what a wild pointer would do: the interface
is bound with unsafe code, in few places.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import bootstrap, paths, ports
from harness.accounts import Account
from harness.bootstrap import Bootstrap
from harness.envoy import Envoy, Policy, render, validate
from harness.guarded import Guarded
from harness.metrics import Scrape
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted
from harness.signing import Signer
from harness.tenants import OURS, policy
from harness.token_service import TokenService

# Where a build with the feature `panics` fails (filter/dynamic-module/src/panics.rs).
PANICS = "/v2/ours/app/manifests/portolan-panics"
WORKERS = 4


@pytest.fixture(autouse=True)
def _native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "FILTER", "module")


@pytest.fixture(scope="module")
def failing_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build that fails where it is asked to."""
    file = tmp_path_factory.mktemp("module") / "failing.so"
    subprocess.run([paths.ROOT / "scripts/build-module", "panics", file], check=True, timeout=1800)
    return file


def use_module(document: Bootstrap, path: Path) -> None:
    """Loads the module from a file."""
    text = json.dumps(document).replace(str(paths.module()), str(path))
    document.update(json.loads(text))


@pytest.fixture
def failing(failing_module: Path, east: Scripted, west: Scripted, tmp_path: Path) -> Iterator[tuple[Envoy, int]]:
    """An Envoy with it, and the port of its metrics. What fails is wanted, so that it is none of `start`'s."""
    admin, metrics = (f"127.0.0.1:{ports.free()}" for _ in range(2))
    document = render(policy(west.url, east.url), tmp_path / "policy", admin=admin, metrics=metrics)
    use_module(document, failing_module)
    envoy = Envoy(document, tmp_path / "envoy", workers=2)
    yield envoy, int(metrics.rpartition(":")[2])
    envoy.stop()


@pytest.mark.usefixtures("both_answer")
def test_a_panic_costs_one_request(failing: tuple[Envoy, int], west: Scripted) -> None:
    envoy, metrics = failing
    count = 5
    for _ in range(count):
        refused = envoy.request("GET", PANICS)
        assert refused.status == 503, refused
        (error,) = json.loads(refused.body)["errors"]
        assert error["code"] == "UNKNOWN"
        assert envoy.request("GET", OURS).status == 200
    assert [seen.target.decode() for seen in west.seen] == count * [OURS], "what failed was sent nowhere"
    assert envoy.server.is_alive() and envoy.is_ready()
    assert sum(envoy.stats(r"portolan_module_panics$").values()) == count
    assert envoy.error_log().count("the filter failed: panicked at") == count
    details = [entry["details"] for entry in envoy.log_entries(2 * count)]
    assert details.count("portolan_failed:UNKNOWN") == count
    scrape = Scrape(metrics)
    assert scrape.by("portolan_requests_total", "outcome") == {("nearest",): count, ("failed",): count}
    assert scrape.sum("portolan_module_panics") == count


def test_another_envoy_is_refused_with_what_to_do(
    east: Scripted, west: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = render(policy(west.url, east.url), tmp_path / "policy")
    assert validate(document, tmp_path / "same")[0] == 0
    build = bytes.fromhex(_build_id())
    other = tmp_path / "envoy"
    shutil.copyfile(paths.envoy(), other)
    with other.open("r+b") as file:
        # The note is near the beginning of the file.
        place = file.read(1 << 16).index(build)
        file.seek(place)
        file.write(bytes(len(build)))
    other.chmod(0o755)
    monkeypatch.setattr(paths, "ENVOY", other)
    status, said = validate(document, tmp_path / "other")
    assert status != 0
    assert "the native module is only for the official builds of Envoy 1.40.0" in said
    assert f"this Envoy is another build, {'00' * len(build)}; run one of them, or render with `--filter wasm`" in said


def _build_id() -> str:
    """The commit that Envoy was built from, which is its build id too."""
    said = subprocess.run([paths.envoy(), "--version"], capture_output=True, text=True, timeout=60, check=True)
    return said.stdout.partition("version: ")[2].partition("/")[0]


def test_an_envoy_with_a_wrong_policy_does_not_start(east: Scripted, west: Scripted, tmp_path: Path) -> None:
    document = render(policy(west.url, east.url), tmp_path / "policy")
    bootstrap.use_policy(document, '{"version": 1}')
    status, said = validate(document, tmp_path)
    assert status != 0
    assert "portolan: policy: `fronts` is missing" in said


def test_all_workers_share_a_token(backends: list[Scripted], tmp_path: Path) -> None:
    robot = Account("robot", "the robot's password")
    service = TokenService(Signer(tmp_path), [robot], service="service-a")
    service.habits.public = ("team/",)
    guarded = Guarded(backends[0], "team/app", service=service)
    token: Policy = {"realm": service.realm, "service": service.service}
    document: Policy = build_policy(
        {"a": {"url": guarded.upstream.url, "auth": {"token": token}}},
        rule_of("all", ["a"], repositories=["team/**"], readers="anyone"),
    )
    envoy = Envoy(render(document, tmp_path / "policy"), tmp_path / "envoy", workers=WORKERS)
    # Every request is on a connection of its own, and the kernel spreads these over the workers.
    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(lambda _: envoy.request("GET", "/v2/team/app/manifests/v1").status, range(200)))
    assert set(statuses) == {200}
    assert len(service.requests) == 1
    crashes = envoy.crashes()
    envoy.stop()
    service.close()
    assert not crashes
