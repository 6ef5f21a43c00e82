"""Which Envoy loads what: has Envoys validate a policy for each feature, and every example.

    scripts/envoy-versions [CONFIGURATION...]

calls this with the binaries of the versions in scripts/versions, and prints the table of docs/upgrading.md, or the rows that
are named. Why a configuration is refused goes to the standard error.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from harness import bootstrap, paths, portolan
from harness.bootstrap import Bootstrap
from harness.envoy import Policy, render
from harness.examples import EXAMPLES, with_secrets
from harness.policies import build_policy, rule_for_all
from harness.tls import Authority, Credentials

SECONDS = 600
# Every other configuration has everything that this one has.
SIMPLEST = "one backend"


def policy(backend: dict[str, Any] | None = None, front: dict[str, Any] | None = None, **more: object) -> Policy:
    """Two backends in a list."""
    return build_policy(
        {"a": {"url": "https://a.test", **(backend or {})}, "b": "https://b.test"},
        rule_for_all({"default": ["a", "b"], "cn": ["b"]}),
        front={**(front or {})},
        regions={"cn": {"countries": ["CN"]}, "default": {}},
        **more,
    )


def features(database: Path, certificate: Credentials) -> dict[str, Policy]:
    """A policy for each feature."""
    tls = {"certificate_file": str(certificate.certificate), "key_file": str(certificate.key)}
    passwords = {"basic": {"verifier": "http://127.0.0.1:9"}}
    rate = {"requests": 600, "per": "1m"}
    (rule,) = policy()["rules"]
    redirect = {"classes": ["manifests", "blobs"], "stores": "bucket"}
    redirecting = policy(
        blob_stores={"bucket": {"url": "https://bucket.test/{digest}"}},
        rules=[{**rule, "readers": "anyone", "client_redirects": redirect}],
    )
    follow = {"redirect_handling": "follow", "followed_redirects": {"hosts": ["cdn.test"]}}
    inside = {"redirect_handling": "follow", "followed_redirects": {"hosts": ["cdn.test"], "private_addresses": True}}
    return {
        SIMPLEST: policy(rules=[{"name": "a", "repositories": ["**"], "chains": {"default": ["a"]}}]),
        "lists that fail over": policy(),
        "regions by a database": policy(clients={"geo": {"database": str(database)}}),
        "tokens that the proxy holds": policy({"auth": "token"}),
        "passwords of a front": policy(front={"auth": passwords}),
        "TLS towards clients": policy(front={"tls": tls}),
        "health": policy(front={"health": True}),
        "clients that are redirected": redirecting,
        "web pages": policy(front={"cors": {"origins": ["https://ui.test"]}}),
        "limits of networks": policy(clients={"limits": {"networks": [rate], "except": ["10.0.0.0/8"]}}),
        "budgets": policy(clients={"limits": {"budgets": [{**rate, "classes": ["read_blob"], "each": ["client"]}]}}),
        "a proxy that is asked to connect": policy({"connect_proxy": "http://127.0.0.1:9"}),
        "redirects followed, private addresses too": policy(inside),
        "redirects followed, public addresses only": policy(follow),
    }


def configurations(place: Path) -> Iterator[tuple[str, Bootstrap]]:
    """What the Envoys validate, by name: the features, then the examples."""
    database = portolan.build_geo_database(place / "geo.mmdb")
    certificate = Authority(place / "authority").issue("registry.test")
    wanted = features(database, certificate)
    for name, document in wanted.items():
        yield name, render(document, place, admin="127.0.0.1:9901")
    listeners = ("--http3", "--http-redirect=127.0.0.1:8081")
    yield "HTTP/3, and http to https", render(wanted["TLS towards clients"], place, 8443, "127.0.0.1:9901", more=listeners)
    yield "metrics of requests", render(policy(), place, admin="127.0.0.1:9901", metrics="127.0.0.1:9902")
    for name in EXAMPLES:
        directory = place / name
        directory.mkdir()
        document = yaml.safe_load(with_secrets(name, directory))
        bootstrap.use_wasm(document, paths.wasm())
        bootstrap.use_geo_database(document, database)
        yield f"`envoy/{name}`", document


def is_loaded(envoy: Path, document: Bootstrap, place: Path) -> bool:
    """Whether an Envoy takes a configuration."""
    file = place / "envoy.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    command = [str(envoy), "--mode", "validate", "--disable-hot-restart", "-c", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line]
        print(f"{version_of(envoy)}: {' '.join(lines)[:400]}", file=sys.stderr)
    return done.returncode == 0


def oldest(loaded: dict[str, bool]) -> str:
    """The first version that loads a configuration, and after which every later one does; the versions are in their order."""
    found = "none"
    for version, is_good in reversed(loaded.items()):
        if not is_good:
            break
        found = version
    return found


def version_of(envoy: Path) -> str:
    """What a binary says of itself."""
    said = subprocess.run([str(envoy), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"/(\d+\.\d+\.\d+)", said)
    assert found, said
    return found[1]


def main() -> None:
    """Prints the table."""
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    envoys = {version_of(Path(path)): Path(path) for path in sys.argv[1:end]}
    rows = sys.argv[end + 1 :]
    hopeless: set[str] = set()
    print(f"| configuration | oldest Envoy | {' | '.join(envoys)} |")
    print("| --- | --- |" + " --- |" * len(envoys))
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        for name, document in configurations(place):
            if rows and name not in rows:
                continue
            loaded: dict[str, bool] = {}
            for version, envoy in envoys.items():
                loaded[version] = version not in hopeless and is_loaded(envoy, document, place)
                if name == SIMPLEST and not loaded[version]:
                    hopeless.add(version)
            words = ["yes" if good else "no" for good in loaded.values()]
            print(f"| {name} | {oldest(loaded)} | {' | '.join(words)} |", flush=True)


if __name__ == "__main__":
    main()
