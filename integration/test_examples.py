"""The examples in envoy/: they are current, Envoy takes them, and `portolan explain` tells the truth.

Each example runs in real Envoy as it is checked in, but for ports, the places of files, and its
upstreams: one server on this machine stands behind every cluster, and says what it was asked.
What it was asked must be what `portolan explain` had said. Cannot see TLS and DNS towards the
real registries.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import bootstrap, paths, portolan, raw
from harness.bootstrap import Bootstrap
from harness.envoy import Envoy, validate
from harness.examples import EXAMPLES, RENDERED, WITH_NODES, folder, read, with_secrets
from harness.generated import Generator, Request
from harness.scripted import Answer, Scripted, Seen

REQUESTS = 500


def test_no_example_is_forgotten() -> None:
    assert {path.parent.name for path in paths.EXAMPLES.glob("*/portolan.yaml")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_policy_is_good(name: str) -> None:
    portolan.output("check", folder(name) / "portolan.yaml")


@pytest.mark.parametrize("name", RENDERED)
def test_the_examples_in_the_tree_are_rendered_from_their_policies(name: str) -> None:
    rendered = portolan.output("render", folder(name) / "portolan.yaml")
    assert rendered == (folder(name) / "envoy.yaml").read_text()


@pytest.mark.parametrize("name", WITH_NODES)
def test_the_nodes_that_are_checked_in_are_what_is_rendered(name: str, tmp_path: Path) -> None:
    portolan.output("render", folder(name) / "portolan.yaml", tmp_path, "--target", "cache-node")
    rendered, found = ({str(file.relative_to(place)): file.read_text() for file in place.glob("*/*")} for place in (tmp_path, folder(name) / "nodes"))
    assert rendered == found
    assert rendered


def test_the_bootstrap_by_hand_has_the_policy_beside_it() -> None:
    expected = portolan.output("render", folder("by-hand") / "portolan.yaml", "--filter-configuration")
    found = bootstrap.policy_of(read(folder("by-hand") / "envoy.yaml"))
    assert json.loads(found) == json.loads(expected)


@pytest.mark.parametrize("name", EXAMPLES)
def test_envoy_takes_it(name: str, geo_database: Path, tmp_path: Path) -> None:
    text = with_secrets(name, tmp_path)
    document = yaml.safe_load(text)
    bootstrap.use_wasm(document, paths.wasm())
    bootstrap.hedge_late(document)
    bootstrap.use_geo_database(document, geo_database)
    status, said = validate(document, tmp_path)
    assert status == 0, said


@pytest.fixture(scope="module")
def upstream() -> Iterator[Scripted]:
    """Stands for every registry of every example."""
    server = Scripted()
    server.answer(Answer(200, [], b"{}"))
    yield server
    server.close()


# What `explain` cannot know: tags are read elsewhere after a push; a ping depends on the backends; registries want
# tokens; what a repository has. These have suites of their own.
STATEFUL = ["gitlab-geo", "docker-combined-registry", "drycc", "cache"]


@pytest.fixture(scope="module", params=[name for name in EXAMPLES if name not in STATEFUL])
def example(
    request: pytest.FixtureRequest,
    upstream: Scripted,
    geo_database: Path,
    start: Callable[[Bootstrap], Envoy],
) -> tuple[str, Envoy]:
    """An example in real Envoy."""
    document = read(folder(request.param) / "envoy.yaml")
    localise(document, geo_database, upstream)
    return request.param, start(document)


def localise(document: Bootstrap, database: Path, upstream: Scripted) -> None:
    """Has an example run on this machine."""
    bootstrap.use_free_ports(document)
    bootstrap.use_wasm(document, paths.wasm())
    bootstrap.use_geo_database(document, database)
    bootstrap.use_upstream(document, upstream.port)
    bootstrap.trust_one_hop(document)
    bootstrap.add_access_log(document)


@dataclass(frozen=True)
class Happened:
    """What became of a request in Envoy."""

    status: int
    code: str | None
    location: str | None
    asked: tuple[str, str, str] | None
    log: dict[str, Any]


def test_explain_agrees_with_envoy(example: tuple[str, Envoy], upstream: Scripted) -> None:
    name, envoy = example
    policy = folder(name) / "portolan.yaml"
    generator = Generator(read(policy), seed=20260601)
    requests = [generator.request() for _ in range(REQUESTS)]
    lines = "\n".join(json.dumps(request.as_line()) for request in requests)
    explained = [
        json.loads(line) for line in portolan.output("explain", policy, "--batch", stdin=lines).splitlines()
    ]
    assert len(explained) == REQUESTS

    envoy.forget_log()
    sent = [send(envoy, upstream, request) for request in requests]
    happened = [
        Happened(*answer, entry) for answer, entry in zip(sent, envoy.log_entries(REQUESTS), strict=True)
    ]

    differences = [
        f"{request}\n  explain: {said}\n  envoy: {found}"
        for request, said, found in zip(requests, explained, happened, strict=True)
        if not agree(request, said, found)
    ]
    assert not differences, f"{len(differences)} of {REQUESTS}:\n" + "\n".join(differences[:5])
    check_variety(explained, read(policy))


def send(
    envoy: Envoy, upstream: Scripted, request: Request
) -> tuple[int, str | None, str | None, tuple[str, str, str] | None]:
    """Sends a request: the status, the OCI code of a refusal, where it redirects, what the upstream was asked."""
    upstream.forget()
    body = b"" if request.method in ("POST", "PUT", "PATCH") else None
    headers: list[raw.Header] = [("X-Forwarded-For", request.address)]
    answer = envoy.request(request.method, request.target, headers, body=body, host=request.authority)
    code = json.loads(answer.body)["errors"][0]["code"] if b'"errors"' in answer.body else None
    location = answer.one("location")
    carried = [seen for seen in upstream.seen if not is_question(seen)]
    if not carried:
        return answer.status, code, location, None
    (seen,) = carried
    return answer.status, code, location, (seen.method, seen.target.decode(), seen.authority)


def is_question(seen: Seen) -> bool:
    """Whether it was the filter that asked: a blob store, which has everything here, or how the clusters are."""
    return seen.all("user-agent") == [b"portolan"] or seen.authority == "admin"


def agree(request: Request, said: dict[str, Any], found: Happened) -> bool:
    """Whether explain and Envoy say the same."""
    said = outcome(said)
    noted = all(found.log[field] == said[field] for field in ("region", "rule", "reason"))
    if "backend" in said:
        cluster = found.log.get("cluster", said["cluster"])
        backend = found.log.get("backend", said["backend"])
        forwarded = found.asked == (request.method, said["path"], said["authority"]) and found.status == 200
        return noted and forwarded and (cluster, backend) == (said["cluster"], said["backend"])
    answered = found.asked is None and found.status == said["status"]
    if said["code"] in ("redirect", "page"):
        return noted and answered and found.location == said["headers"]["location"]
    code = found.code if found.code or request.method == "HEAD" else "ok"
    return noted and answered and code in (None, said["code"])


def outcome(said: dict[str, Any]) -> dict[str, Any]:
    """What becomes of a request, where it depends on a blob store: here they have everything."""
    present: dict[str, Any] = said.get("present", said)
    return present


def check_variety(explained: list[dict[str, Any]], policy: dict[str, Any]) -> None:
    """The requests were not all of one kind."""
    explained = [outcome(line) for line in explained]
    served = [line for line in explained if "backend" in line or "sent_to" in line]
    assert REQUESTS * 0.25 < len(served) < REQUESTS * 0.75, f"{len(served)} served"
    assert len({line.get("backend", line.get("sent_to")) for line in served}) > 1
    has_owner = any("owner" in rule for rule in policy.get("rules", []))
    is_sent = any("client_redirects" in rule for rule in policy.get("rules", []))
    choices = 3 if has_owner or is_sent else 2
    assert len({line["reason"].rpartition("; ")[2] for line in served}) >= choices
    assert {line["status"] for line in explained if "status" in line} >= {200, 400, 404, 405}
