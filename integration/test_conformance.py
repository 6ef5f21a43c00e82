"""The conformance suite of the OCI distribution spec, straight at a registry and through fronts of it.

No registry passes all of it, so what counts is the difference: whatever passes straight at the registry must pass through
a front, and nothing more may be skipped. Sees what the suite looks at (statuses, headers, bodies of pulls, pushes, lists, deletions). Cannot see what
clients make of it.
"""

import os
import shutil
import subprocess
import xml.etree.ElementTree as xml
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import paths
from harness.envoy import Envoy, Policy
from harness.registry import Registry

PROGRAM = paths.ROOT / ".tools/bin/conformance"
SECONDS = 120
# Repositories of the suite's own: for pushes, and for mounts from the first.
REPOSITORY, OTHER = "drycc/conformance/app", "drycc/conformance/other"


@pytest.fixture(scope="module", autouse=True)
def _program() -> None:
    """Skips on somebody's desk; `make test-all` has to have it."""
    if PROGRAM.is_file():
        return
    reason = "there is no conformance suite. Run: scripts/setup conformance"
    if os.environ.get("PORTOLAN_ALL_CLIENTS"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[list[Registry]]:
    """Two, with nothing in them."""
    both = [Registry(name, tmp_path) for name in ("home", "near")]
    yield both
    for registry in both:
        registry.stop()


def outcomes(url: str, repository: str, other: str, directory: Path) -> dict[str, str]:
    """What becomes of each test."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    tests = ("PULL", "PUSH", "CONTENT_DISCOVERY", "CONTENT_MANAGEMENT")
    settings = {
        "OCI_ROOT_URL": url,
        "OCI_NAMESPACE": repository,
        "OCI_CROSSMOUNT_NAMESPACE": other,
        "OCI_AUTOMATIC_CROSSMOUNT": "0",
        "OCI_REPORT_DIR": str(directory),
        **{f"OCI_TEST_{test}": "1" for test in tests},
    }
    subprocess.run(
        [PROGRAM], env={**os.environ, **settings}, cwd=directory, capture_output=True, timeout=SECONDS, check=False
    )
    report = xml.parse(directory / "junit.xml").getroot()
    return {str(case.get("name")): str(case.get("status")) for case in report.iter("testcase")}


def policy(home: Registry, near: Registry, chain: list[str]) -> Policy:
    """`drycc/` is `acme/` at `home` and `copies/` at `near`; pushes go to `home`."""
    return {
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.test"], "default": True}},
        "backends": {
            "home": {"url": home.url, "names": [{"front": "drycc/", "backend": "acme/"}]},
            "near": {"url": near.url, "names": [{"front": "drycc/", "backend": "copies/"}]},
        },
        "regions": {"default": {}},
        "rules": [
            {
                "name": "all",
                "repositories": ["drycc/**"],
                "chains": {"default": chain},
                "owner": "home",
                "tags_from": "owner",
            }
        ],
    }


@pytest.mark.parametrize("chain", [["home"], ["near", "home"]], ids=["one registry", "a near one that has nothing"])
def test_the_same_through_a_front(
    registries: list[Registry], start_envoy: Callable[[Policy], Envoy], tmp_path: Path, chain: list[str]
) -> None:
    home, near = registries
    directly = outcomes(home.url, "direct/app", "direct/other", tmp_path / "directly")
    envoy = start_envoy(policy(home, near, chain))
    envoy.wait_until_healthy()
    through = outcomes(f"http://127.0.0.1:{envoy.port}", REPOSITORY, OTHER, tmp_path / "through")
    passed = [name for name, outcome in directly.items() if outcome == "passed"]
    assert len(passed) >= 50, f"the suite did not run: {directly}"
    worse = {name: through.get(name) for name in passed if through.get(name) != "passed"}
    assert not worse, "they pass straight at the registry"
    skipped = {name for name, outcome in directly.items() if outcome == "skipped"}
    assert {name for name, outcome in through.items() if outcome == "skipped"} == skipped
    assert through.keys() == directly.keys()
    assert not [request for request in near.requests() if not request.startswith(("GET", "HEAD"))]
