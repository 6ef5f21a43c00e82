"""Clients, programs and images that the policy refuses: what they get, and that no registry hears of them.

Real Envoy, clients at addresses that a trusted proxy says, and skopeo as a client that prints the reason.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import mmdb, portolan, raw, skopeo
from harness.envoy import Envoy, Policy
from harness.errors import error_of
from harness.policies import build_policy, rule_for_all
from harness.scripted import Answer, Scripted

DIGEST = "sha256:" + "5" * 64
SCANS = "scans of this registry have to be agreed on"
ROBOTS = "this client is too old"
HOLE = "has a hole; use team/app:2.0"
GUESTS = "not from the network of the guests"


@pytest.fixture(scope="module")
def envoy(east: Scripted, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """Of each kind one, and one that is two kinds at once."""
    return start_envoy(
        build_policy(
            {"a": east.url},
            rule_for_all(["a"], owner="a"),
            front={"default": True},
            networks={"scanners": ["203.0.113.0/24", "2001:db8:bad::/48"], "guests": ["198.51.100.0/24"]},
            clients={
                "trusted_hops": 1,
                "refused": [
                    {"networks": ["scanners"], "reason": SCANS},
                    {"user_agents": ["*BadBot*"], "reason": ROBOTS},
                    {"images": ["team/app:1.*", f"**@{DIGEST}"], "reason": HOLE},
                    {"networks": ["guests"], "images": ["internal/**"], "reason": GUESTS},
                ],
            },
        )
    )


@pytest.fixture(autouse=True)
def _answers_are_good(east: Scripted) -> None:
    east.answer(Answer(200, [], b"{}"))


def ask(
    envoy: Envoy, target: str, client: str = "192.0.2.1", agent: str = "docker/29", method: str = "GET"
) -> raw.Response:
    return envoy.request(method, target, [("x-forwarded-for", client), ("user-agent", agent)])


REFUSED = [
    ("/v2/team/app/manifests/v1", "203.0.113.9", "docker/29", "GET", SCANS),
    ("/v2/team/app/manifests/v1", "2001:db8:bad::1", "docker/29", "GET", SCANS),
    ("/v2/team/app/blobs/uploads/", "203.0.113.9", "docker/29", "POST", SCANS),
    ("/v2/", "203.0.113.9", "docker/29", "GET", SCANS),
    ("/v2/team/app/manifests/v1", "192.0.2.1", "badbot/2 (x)", "GET", ROBOTS),
    ("/v2/team/app/manifests/1.7", "192.0.2.1", "docker/29", "GET", HOLE),
    ("/v2/team/app/manifests/1.7", "192.0.2.1", "docker/29", "PUT", HOLE),
    (f"/v2/team/other/manifests/{DIGEST}", "192.0.2.1", "docker/29", "GET", HOLE),
    (f"/v2/team/other/blobs/{DIGEST}", "192.0.2.1", "docker/29", "GET", HOLE),
    ("/v2/internal/tool/tags/list", "198.51.100.7", "docker/29", "GET", GUESTS),
]


@pytest.mark.parametrize(("target", "client", "agent", "method", "reason"), REFUSED)
def test_a_refused_client_or_image_gets_the_reason(
    envoy: Envoy, east: Scripted, target: str, client: str, agent: str, method: str, reason: str
) -> None:
    answer = ask(envoy, target, client, agent, method)
    assert answer.status == 403
    assert json.loads(answer.body)["errors"] == [error_of(answer, "DENIED", reason)]
    assert not east.seen


@pytest.mark.parametrize(
    ("target", "client", "agent"),
    [
        ("/v2/team/app/manifests/v1", "192.0.2.1", "docker/29"),
        ("/v2/team/app/manifests/2.0", "192.0.2.1", ""),
        ("/v2/team/app/tags/list", "198.51.100.7", "docker/29"),
        ("/v2/internal/tool/tags/list", "192.0.2.1", "docker/29"),
    ],
)
def test_everything_else_is_served(envoy: Envoy, target: str, client: str, agent: str) -> None:
    assert ask(envoy, target, client, agent).status == 200


def test_a_client_prints_the_reason(envoy: Envoy, tmp_path: Path) -> None:
    with pytest.raises(skopeo.SkopeoFailed, match=HOLE):
        skopeo.pull(f"127.0.0.1:{envoy.port}/team/app:1.3", tmp_path / "pulled")


@pytest.mark.parametrize("form", ["table", "database"])
def test_an_autonomous_system_is_refused_or_has_a_region(
    east: Scripted, west: Scripted, start_envoy: Callable[[Policy], Envoy], tmp_path: Path, form: str
) -> None:
    systems = {"203.0.113.0/24": 64496, "2001:db8:bad::/48": 64496, "198.51.100.0/25": 64497, "198.51.100.128/25": 64498}
    if form == "table":
        file = tmp_path / "ip2asn.csv"
        file.write_text("".join(f"{prefix},{number},SOMEBODY\n" for prefix, number in systems.items()))
        day = ["--date", "2026-11-01"]
    else:
        file = tmp_path / "asn.mmdb"
        records = {
            prefix: {"autonomous_system_number": mmdb.Unsigned(number)} for prefix, number in systems.items()
        }
        file.write_bytes(mmdb.write(records))
        day = []
    networks = tmp_path / "asns.yaml"
    networks.write_text(portolan.output("networks", "asn", file, "AS64496", "64497", *day))
    west.answer(Answer(200, [], b"west"))
    envoy = start_envoy(
        build_policy(
            {"a": east.url, "b": west.url},
            rule_for_all({"partner": ["b", "a"], "default": ["a", "b"]}),
            front={"default": True},
            regions={"partner": {"labels": ["asn:64497"]}, "default": {}},
            network_files=[str(networks)],
            clients={"trusted_hops": 1, "refused": [{"networks": ["asn:64496"], "reason": SCANS}]},
        )
    )
    target = f"/v2/team/app/blobs/{DIGEST}"
    for client in ("203.0.113.9", "2001:db8:bad::1"):
        answer = ask(envoy, target, client)
        assert json.loads(answer.body)["errors"] == [error_of(answer, "DENIED", SCANS)]
    served = {client: ask(envoy, target, client).body for client in ("198.51.100.1", "198.51.100.200", "192.0.2.1")}
    # The second one's system was not asked for, and the last one is in none.
    assert served == {"198.51.100.1": b"west", "198.51.100.200": b"{}", "192.0.2.1": b"{}"}
