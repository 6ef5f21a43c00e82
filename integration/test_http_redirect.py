"""The listener without TLS: what it leads to https, and what it refuses.

Real Envoy, and skopeo as a client that is told to take a registry without TLS. The other clients are Go programs that follow
redirects alike; they are not run here.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import own_port, ports, raw, skopeo
from harness.envoy import Envoy, Policy, render
from harness.image import Image
from harness.policies import build_policy, rule_for_all
from harness.registry import Registry
from harness.tls import Authority
from harness.waiting import eventually


@dataclass
class Site:
    """Where clients connect with TLS, and where without."""

    envoy: Envoy
    https: int
    http: int

    def ask(self, method: str, target: str, *headers: raw.Header, host: str = "one.test") -> raw.Response:
        """A request to the listener without TLS."""
        return raw.request(self.http, method, target, headers, host=host)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, app: Image) -> Iterator[Registry]:
    """A registry with an image."""
    running = Registry("registry", tmp_path_factory.mktemp("registry"))
    layout = tmp_path_factory.mktemp("layout")
    app.write_layout(layout, "v1")
    skopeo.push(layout, "v1", f"{running.authority}/team/app:v1")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def site(registry: Registry, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two fronts, one of which clients reach at a port of its own."""
    shown = Authority(tmp_path_factory.mktemp("authority")).issue("127.0.0.1")
    tls = {"certificate_file": str(shown.certificate), "key_file": str(shown.key)}
    https, http = own_port.reserve(), own_port.reserve()
    policy: Policy = build_policy(
        {"registry": registry.url},
        rule_for_all(["registry"], owner="registry"),
        fronts={
            "one": {"hosts": ["one.test"], "tls": tls, "health": True},
            "two": {"hosts": [f"two.test:{https}", f"127.0.0.1:{https}"], "tls": tls},
        },
    )
    directory = tmp_path_factory.mktemp("policy")
    more = ("--http-redirect", f"127.0.0.1:{http}")
    document = render(policy, directory, https, admin=f"127.0.0.1:{ports.free()}", more=more)
    return Site(start(document), https, http)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reads_are_led_to_https_with_path_and_query(site: Site, method: str) -> None:
    answer = site.ask(method, "/v2/team/app/tags/list?n=3&last=v%2F1", host="one.test:8080")
    assert answer.status == 308
    assert answer.all("location") == ["https://one.test/v2/team/app/tags/list?n=3&last=v%2F1"]
    assert not answer.body


def test_where_the_policy_names_a_port_that_is_where_it_leads(site: Site) -> None:
    answer = site.ask("GET", "/v2/", host="two.test")
    assert answer.all("location") == [f"https://two.test:{site.https}/v2/"]


def test_a_host_of_no_front_is_not_redirected(site: Site) -> None:
    answer = site.ask("GET", "/v2/", host="evil.test")
    assert (answer.status, answer.all("location")) == (404, [])
    assert json.loads(answer.body)["errors"][0]["code"] == "NAME_UNKNOWN"


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/v2/", [("Authorization", "Basic YWxpY2U6c2VjcmV0")]),
        ("GET", "/v2/team/app/manifests/v1", [("authorization", "Bearer x")]),
        ("PUT", "/v2/team/app/manifests/v1", []),
        ("POST", "/v2/team/app/blobs/uploads/", []),
        ("POST", "/token", []),
        ("DELETE", "/v2/team/app/manifests/v1", []),
        ("OPTIONS", "/v2/", []),
    ],
    ids=["password", "token", "manifest", "upload", "form", "deletion", "question of a browser"],
)
def test_credentials_and_writes_are_refused_and_told_why(
    site: Site, method: str, target: str, headers: list[raw.Header]
) -> None:
    answer = site.ask(method, target, *headers)
    assert (answer.status, answer.all("location")) == (403, [])
    (error,) = json.loads(answer.body)["errors"]
    assert error["code"] == "DENIED"
    assert "in the open" in error["message"]
    assert answer.all("docker-distribution-api-version") == ["registry/2.0"]
    assert answer.all("content-type") == ["application/json"]
    assert answer.all("cache-control") == ["no-store"]


def test_a_balancer_can_ask_whether_it_is_ready(site: Site) -> None:
    assert site.ask("GET", "/readyz").status == 200


def test_a_client_that_begins_with_http_pulls_by_https(site: Site, app: Image, tmp_path: Path) -> None:
    assert skopeo.pull(f"127.0.0.1:{site.http}/team/app:v1", tmp_path / "pulled") == app.digest

    def served() -> set[str]:
        lines = site.envoy.all_lines()
        blobs = [line for line in lines if line.get("status") == 200 and "/blobs/" in line["path"]]
        return {line["authority"] for line in blobs}

    assert eventually(served, what="blobs in the log") == {f"127.0.0.1:{site.https}"}


def test_a_client_that_would_log_in_by_http_is_stopped(site: Site, app: Image, tmp_path: Path) -> None:
    app.write_layout(tmp_path / "layout", "v2")
    with pytest.raises(skopeo.SkopeoFailed, match="(?i)in the open"):
        skopeo.push(tmp_path / "layout", "v2", f"127.0.0.1:{site.http}/team/app:v2")
