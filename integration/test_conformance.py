"""The conformance suite of the OCI distribution spec, straight at a registry and through fronts of it.

No registry passes all of it, so what counts is the difference: whatever passes straight at the registry must pass through
a front, and nothing more may be skipped. Sees what the suite looks at (statuses, headers, bodies of pulls, pushes, lists, deletions). Cannot see what
clients make of it.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import conformance, paths, raw
from harness.digest import sha256
from harness.envoy import Envoy, Policy
from harness.policies import build_policy, rule_of
from harness.processes import Server
from harness.registry import Registry

REFERRERS_REGISTRY = paths.ROOT / ".tools/bin/referrers-registry"
# Repositories of the suite's own: for pushes, and for mounts from the first.
REPOSITORY, OTHER = "drycc/conformance/app", "drycc/conformance/other"


@pytest.fixture(scope="module", autouse=True)
def _program() -> None:
    """Skips on somebody's desk; `make test-all` has to have it."""
    if conformance.PROGRAM.is_file():
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


def policy(home: str, near: str, chain: list[str]) -> Policy:
    """`drycc/` is `acme/` at `home` and `copies/` at `near`; pushes go to `home`."""
    return build_policy(
        {
            "home": {"url": home, "names": [{"front": "drycc/", "backend": "acme/"}]},
            "near": {"url": near, "names": [{"front": "drycc/", "backend": "copies/"}]},
        },
        rule_of("all", chain, repositories=["drycc/**"], owner="home", tags_from="owner"),
        front={"default": True},
    )


CHAINS = pytest.mark.parametrize(
    "chain", [["home"], ["near", "home"]], ids=["one registry", "a near one that has nothing"]
)


@CHAINS
def test_the_same_through_a_front(
    registries: list[Registry], start_envoy: Callable[[Policy], Envoy], tmp_path: Path, chain: list[str]
) -> None:
    home, near = registries
    envoy = start_envoy(policy(home.url, near.url, chain))
    compare(home.url, envoy, tmp_path)
    assert not [request for request in near.requests() if not request.startswith(("GET", "HEAD"))]


@pytest.fixture
def knows_referrers(tmp_path: Path) -> Iterator[str]:
    """The URL of a registry with a referrers API."""
    server = Server("referrers-registry", [REFERRERS_REGISTRY], tmp_path)
    address = server.wait_until(lambda: server.out.read_text().strip() or None, "it listens")
    yield f"http://{address}"
    server.stop()


@CHAINS
def test_the_same_with_what_refers_to_a_manifest(
    knows_referrers: str,
    registries: list[Registry],
    start_envoy: Callable[[Policy], Envoy],
    tmp_path: Path,
    chain: list[str],
) -> None:
    _, near = registries
    envoy = start_envoy(policy(knows_referrers, near.url, chain))
    compare(knows_referrers, envoy, tmp_path)
    attached, listed = attach(envoy)
    assert listed == [attached]


def compare(home: str, envoy: Envoy, directory: Path) -> None:
    """Runs the suite at the registry and through the front."""
    directly = conformance.outcomes(home, "direct/app", "direct/other", directory / "directly")
    envoy.wait_until_healthy()
    through = conformance.outcomes(f"http://127.0.0.1:{envoy.port}", REPOSITORY, OTHER, directory / "through")
    assert not conformance.differences(directly, through)


def attach(envoy: Envoy) -> tuple[object, list[str]]:
    """The digest of what was attached to a manifest through the front, and those that it then lists."""
    config = push_blob(envoy, b"{}")
    subject = put(envoy, {"config": config, "layers": []})
    attached = put(envoy, {"config": config, "layers": [], "subject": subject})
    answer = envoy.request("GET", f"/v2/{REPOSITORY}/referrers/{subject['digest']}")
    assert answer.status == 200, answer
    return attached["digest"], [entry["digest"] for entry in json.loads(answer.body)["manifests"]]


def push_blob(envoy: Envoy, content: bytes) -> dict[str, object]:
    """Pushes a blob; its descriptor."""
    start = envoy.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/", body=b"")
    place = start.one("location") or ""
    digest = sha256(content)
    joint = "&" if "?" in place else "?"
    octets: list[raw.Header] = [("Content-Type", "application/octet-stream")]
    assert envoy.request("PUT", f"{place}{joint}digest={digest}", octets, content).status == 201
    return {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(content)}


def put(envoy: Envoy, manifest: dict[str, object]) -> dict[str, object]:
    """Pushes a manifest; its descriptor."""
    kind = "application/vnd.oci.image.manifest.v1+json"
    content = json.dumps({"schemaVersion": 2, "mediaType": kind, **manifest}).encode()
    digest = sha256(content)
    target = f"/v2/{REPOSITORY}/manifests/{digest}"
    answer = envoy.request("PUT", target, [("Content-Type", kind)], content)
    assert answer.status == 201, answer
    return {"mediaType": kind, "digest": digest, "size": len(content)}
