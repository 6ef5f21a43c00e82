"""Rules that are for the clients of some fronts only: what one front shows is not there for the others.

Real Envoy, scripted registries. Sees every request that a registry gets, so also what must not come to it.
"""

import json
from collections.abc import Callable, Iterator

import pytest

from harness import raw
from harness.digest import sha256
from harness.envoy import Envoy, Policy
from harness.policies import build_policy
from harness.scripted import Answer, Scripted, Seen
from harness.signing import Signer
from harness.two_operators import Operators, two_operators

BODY = b'{"schemaVersion":2}'
DIGEST = sha256(BODY)


def rule(name: str, glob: str, backend: str, **more: object) -> Policy:
    """A rule of one backend."""
    return {"name": name, "repositories": [glob], "chains": {"default": [backend]}, **more}


@pytest.fixture(scope="module")
def envoy(east: Scripted, west: Scripted, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """`inside` sees all of `east` and pushes there; `outside` sees what is public of `west`; `library/` is for both."""
    return start_envoy(
        build_policy(
            {"east": east.url, "west": west.url},
            fronts={
                "inside": {"hosts": ["in.test"], "say_backend": True},
                "outside": {"hosts": ["out.test"]},
            },
            rules=[
                rule("inside", "acme/**", "east", fronts=["inside"], owner="east"),
                rule("outside", "acme/public/**", "west", fronts=["outside"]),
                rule("all", "library/**", "west", owner="west"),
            ],
        )
    )


# fmt: off
READS = [
    ("in.test", "acme/app", "east", "inside"),
    ("in.test", "acme/public/app", "east", "inside"),
    ("out.test", "acme/public/app", "west", "outside"),
    ("out.test", "acme/app", None, None),
    ("in.test", "library/app", "west", "all"),
    ("out.test", "library/app", "west", "all"),
]
# fmt: on


@pytest.mark.parametrize(("host", "name", "place", "expected"), READS)
def test_a_front_shows_what_its_rules_say(
    envoy: Envoy, east: Scripted, west: Scripted, host: str, name: str, place: str | None, expected: str | None
) -> None:
    for registry in (east, west):
        registry.answer(Answer(200, [], BODY))
    envoy.forget_log()
    answer = envoy.request("GET", f"/v2/{name}/manifests/{DIGEST}", host=host)
    assert {"east": len(east.seen), "west": len(west.seen)} == {
        which: int(which == place) for which in ("east", "west")
    }
    (entry,) = envoy.log_entries(1)
    assert entry["rule"] == expected
    assert answer.one("x-portolan-backend") == (place if host == "in.test" else None), "one front says who served"
    if place is None:
        assert (answer.status, code(answer)) == (404, "NAME_UNKNOWN")
    else:
        assert (answer.status, answer.body) == (200, BODY)


@pytest.mark.parametrize(("host", "status"), [("in.test", 201), ("out.test", 405)])
def test_pushes(envoy: Envoy, east: Scripted, west: Scripted, host: str, status: int) -> None:
    for registry in (east, west):
        registry.answer(Answer(201))
    answer = envoy.request("PUT", "/v2/acme/public/app/manifests/v1", body=BODY, host=host)
    assert answer.status == status
    assert (len(east.seen), len(west.seen)) == (int(status == 201), 0)


def test_nothing_is_mounted_from_what_a_front_does_not_show(
    envoy: Envoy, east: Scripted, west: Scripted
) -> None:
    """`west` has both; but clients of `outside` may not see `acme/app`, and not whether it has a blob either."""
    for host, source, kept in (
        ("out.test", "library/other", True),
        ("out.test", "acme/app", False),
        ("in.test", "library/other", True),
    ):
        west.answer(Answer(202, [("Location", "/v2/library/app/blobs/uploads/1")]))
        target = f"/v2/library/app/blobs/uploads/?mount={DIGEST}&from={source}"
        assert envoy.request("POST", target, host=host, body=b"").status == 202
        assert (b"from=" in west.last().target) == kept, (host, source)
    assert east.seen == []


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operators]:
    """Two registries, each with a token service of its own."""
    with two_operators(Signer(tmp_path_factory.mktemp("signer"))) as operators:
        yield operators


def test_a_chain_of_two_operators_beside_a_front_whose_clients_log_in(
    operators: Operators, start_envoy: Callable[[Policy], Envoy]
) -> None:
    """At `pulls` the proxy holds the tokens, so a chain may go over both; at `main` clients do, and it may not."""
    for registry, repository in ((operators.acme, "acme"), (operators.hub, "both")):
        registry.script = wants_a_token(repository)
    document = operators.policy()
    document["fronts"]["pulls"] = {"hosts": ["pulls.test"]}
    document["rules"].append(rule("both", "both/**", "acme", fronts=["pulls"]))
    document["rules"][-1] |= {"chains": {"default": ["acme", "hub"]}}
    for other in document["rules"][:-1]:
        other["fronts"] = ["main"]
    envoy = start_envoy(document)
    target = f"/v2/both/app/manifests/{DIGEST}"
    answer = envoy.request("GET", target, host="pulls.test")
    assert (answer.status, answer.body) == (200, BODY), "the first has not that name, the second has"
    scopes = {scope for service in operators.services for asked in service.requests for scope in asked.scopes}
    assert scopes == {"repository:both/app:pull"}
    assert {asked.authorization for service in operators.services for asked in service.requests} == {None}
    answer = envoy.request("GET", target)
    assert (answer.status, code(answer)) == (404, "NAME_UNKNOWN"), "clients who log in do not see it"
    assert envoy.request("GET", "/v2/drycc/app/manifests/v1", host="pulls.test").status == 404


def wants_a_token(repository: str) -> Callable[[Seen], Answer]:
    """Has a repository, for who shows a token."""

    def answer(seen: Seen) -> Answer:
        if not seen.all("authorization"):
            return Answer(401)
        return Answer(200, [], BODY) if f"/v2/{repository}/".encode() in seen.target else Answer(404)

    return answer


def code(answer: raw.Response) -> str:
    """The code of an OCI error."""
    found: str = json.loads(answer.body)["errors"][0]["code"]
    return found
