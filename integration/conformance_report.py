"""Runs the conformance suite at a registry and through every kind of front, and writes docs/conformance.md: `make conformance`.

    python integration/conformance_report.py COMMIT DATE
"""

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import conformance, own_port, paths, ports, processes
from harness.accounts import Account, write_htpasswd
from harness.cache_node import start_nodes
from harness.envoy import Envoy, Policy, render, write_policy
from harness.policies import build_policy
from harness.private_registry import PrivateRegistry
from harness.registry import Registry
from harness.signing import Signer
from harness.token_service import TokenService
from harness.verifier import Verifier

PAGE = paths.ROOT / "docs/conformance.md"
MODULES = paths.ROOT / "integration/conformance/go.mod"
ALICE = Account("alice", "alice's password")
ROBOT = Account("robot", "the robot's password")

MOUNT = "OCI Distribution Conformance Tests Push Cross-Repository Blob Mount"
# The proxy's token is for the repository of the push alone (docs/authentication.md), so that nobody mounts with it what they may not read.
NO_MOUNT = (
    "With a token of the proxy's nothing is mounted. \"If a registry does not support cross-repository mounting or is unable to"
    " mount the requested blob, it SHOULD return a 202\" (Mounting a blob from another repository); the suite runs this test"
    " only after a 201."
)
# Differences that the specification allows, by the name of the test.
ALLOWED: dict[str, str] = {
    f"{MOUNT} Cross-mounting without from, and automatic content discovery disabled should return a 202": NO_MOUNT,
    f"{MOUNT} GET request to test digest within cross-mount namespace should return 200": NO_MOUNT,
}


@dataclass(frozen=True)
class Place:
    """The registries behind the fronts, and who knows passwords and tokens."""

    directory: Path
    home: PrivateRegistry
    near: Registry
    tokens: TokenService
    verifier: Verifier


@contextmanager
def place(directory: Path) -> Iterator[Place]:
    """`home` wants a token at its door and none inside; `near` has nothing."""
    tokens = TokenService(Signer(directory / "signer"), [ROBOT], "home")
    htpasswd = write_htpasswd(directory / "htpasswd", [ALICE])
    (directory / "robot").write_text(ROBOT.basic.removeprefix("Basic "))
    home = PrivateRegistry("home", directory, tokens.registry_settings())
    yield Place(directory, home, Registry("near", directory), tokens, Verifier(htpasswd, directory / "nginx"))
    processes.stop_all()
    tokens.close()


@dataclass(frozen=True)
class Front:
    """A kind of front: what it is called, its policy, and as whom and under which name the suite comes.

    `port` is where it is reached, if that matters; `node` is the port of the node of its cache, where it has one.
    """

    name: str
    policy: Policy
    prefix: str = "drycc/"
    account: Account | None = None
    port: int = 0
    node: int | None = None


def _policy(front: Policy, backends: Policy, rule: Policy, **more: object) -> Policy:
    chains = rule.pop("chain", ["home"])
    base = {"name": "all", "chains": {"default": chains}, "owner": "home"}
    return build_policy(backends, {**base, **rule}, front={"default": True, **front}, **more)


def fronts(place: Place) -> list[Front]:
    """Every kind of front that takes pushes."""
    home = {"url": place.home.inside.url}
    named = [{"front": "drycc/", "backend": "acme/"}]
    drycc = {"repositories": ["drycc/**"]}
    token = {"realm": place.tokens.realm, "service": place.tokens.service}
    guarded = {"url": place.home.url, "auth": {"token": token}, "credential": "robot", "names": named}
    # Clients are told where to log in, by the name of the front.
    port = own_port.reserve()
    reached = {"hosts": [f"127.0.0.1:{port}"]}
    authenticated = {"readers": "authenticated", "writers": "authenticated"}
    return [
        Front("one namespace", _policy({}, {"home": {**home, "names": named}}, {**drycc})),
        Front(
            "a chain, whose first registry has nothing",
            _policy(
                {},
                {"home": {**home, "names": named}, "near": {"url": place.near.url}},
                {**drycc, "chain": ["near", "home"], "tags_from": "owner"},
            ),
        ),
        Front(
            "registries by prefix",
            _policy({"upstreams": {"local": {}}}, {"home": {**home, "names": [{"front": "local/", "backend": "under/"}]}}, {"repositories": ["local/**"]}),
            prefix="local/",
        ),
        Front(
            "managed tokens, passwords of the front",
            _policy(
                {"auth": {"basic": {"verifier": place.verifier.url}}},
                {"home": guarded},
                {**drycc, **authenticated},
                credentials={"robot": {"file": str(place.directory / "robot")}},
            ),
            account=ALICE,
        ),
        Front(
            "clients that log in to the registry",
            _policy({**reached, "auth": {"upstream": {"login": "home"}}}, {"home": {"url": place.home.url, "auth": {"token": token}}}, {**drycc}),
            account=ROBOT,
            port=port,
        ),
        _with_cache({"home": {**home, "names": named}, "near": {"url": place.near.url}}),
    ]


def _with_cache(backends: Policy) -> Front:
    """A cache is asked first, then a registry that has nothing."""
    node = ports.free()
    rule = {
        "repositories": ["drycc/**"],
        "chain": ["cache@eu", "near", "home"],
        "tags_from": "owner",
        "readers": "anyone",
    }
    caches = {"eu": {"nodes": [f"http://127.0.0.1:{node}"]}}
    return Front("a chain with a cache", _policy({}, backends, rule, caches=caches), node=node)


@contextmanager
def cached(front: Front, directory: Path) -> Iterator[list[str]]:
    """The node of the cache of a front, if it has one, with nothing in it; the options of `render` that it needs."""
    if front.node is None:
        yield []
        return
    fill = f"127.0.0.1:{ports.free()}"
    (node,) = start_nodes(write_policy(front.policy, directory / "policy"), directory, fill, [front.node])
    yield ["--cache-fill", fill]
    node.stop()


# The two forms of the filter, and what stands behind the name of a front for each.
FILTERS = {"wasm": "", "module": ", native module"}


def through(front: Front, directory: Path, form: str) -> conformance.Outcomes:
    """The outcomes of the suite through a front, with a form of the filter; Envoy must have come through as well."""
    paths.FILTER = form
    with cached(front, directory / "cache") as more:
        envoy = Envoy(render(front.policy, directory / "policy", front.port, more=more), directory / "envoy")
        envoy.wait_until_healthy()
        url = f"http://127.0.0.1:{envoy.port}"
        repository, other = f"{front.prefix}conformance/app", f"{front.prefix}conformance/other"
        found = conformance.outcomes(url, repository, other, directory / "suite", front.account)
        crashes = envoy.crashes()
        envoy.stop()
    assert not crashes, crashes
    return found


def version() -> str:
    """The version of the suite, from its pin."""
    found = re.search(r"distribution-spec/conformance (\S+)", MODULES.read_text())
    assert found, MODULES
    return found.group(1)


def counted(outcomes: conformance.Outcomes) -> str:
    """The three numbers of a row."""
    counts = Counter(outcomes.values())
    return " | ".join(str(counts[outcome]) for outcome in ("passed", "failed", "skipped"))


def page(commit: str, date: str, directly: conformance.Outcomes, runs: dict[str, conformance.Outcomes]) -> tuple[str, bool]:
    """The page, and whether no test is lost."""
    lines = [
        "# Conformance with the OCI distribution spec\n",
        "Written by `make conformance`; do not edit.\n",
        f"The conformance suite of the specification ({version()}; pull, push, content discovery, content management) at a"
        " docker-registry, and through fronts of it in real Envoy. No registry passes all of it; what counts is that a front loses nothing.\n",
        f"{date}, commit `{commit}`.\n",
        "| | passed | failed | skipped | lost without a clause that allows it |",
        "| --- | --- | --- | --- | --- |",
        f"| the registry itself | {counted(directly)} | |",
    ]
    lost: list[str] = []
    for name, outcomes in runs.items():
        found = conformance.differences(directly, outcomes)
        unexplained = [test for test in found if test not in ALLOWED or outcomes.get(test) != "skipped"]
        lines.append(f"| {name} | {counted(outcomes)} | {len(unexplained)} |")
        lost += [f"* {name}: {test}: {found[test]}. {'**Not explained.**' if test in unexplained else ALLOWED[test]}" for test in sorted(found)]
    lines += ["", *(["Differences:\n", *lost] if lost else ["No test is lost through any of them, and none is skipped that runs directly."])]
    return "\n".join(lines) + "\n", "**Not explained.**" not in "".join(lost)


def main() -> None:
    """Runs everything, and writes the page also if something is lost."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if not conformance.PROGRAM.is_file():
        sys.exit("conformance: there is no conformance suite. Run: scripts/setup conformance")
    processes.stop_all_at_exit()
    with tempfile.TemporaryDirectory(prefix="portolan-conformance") as name, place(Path(name)) as here:
        directly = conformance.outcomes(here.home.inside.url, "direct/app", "direct/other", here.directory / "directly")
        runs = {}
        for number, front in enumerate(fronts(here)):
            for form, suffix in FILTERS.items():
                print(f"conformance: {front.name}{suffix}", flush=True)
                runs[front.name + suffix] = through(front, here.directory / f"front-{number}-{form}", form)
    text, is_good = page(sys.argv[1], sys.argv[2], directly, runs)
    PAGE.write_text(text)
    print(f"conformance: docs/conformance.md; {'no test is lost' if is_good else 'tests are lost'}")
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
