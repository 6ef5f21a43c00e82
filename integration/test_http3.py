"""HTTP/3: the same answers by QUIC, and the refusals that matter.

Real Envoy, and ngtcp2's client, which frames correctly; `test_hostile_http3.py` does not.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import http3, own_port
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted
from harness.tls import Authority, Credentials

BLOB = bytes(range(256)) * 8192
DIGEST = f"sha256:{hashlib.sha256(BLOB).hexdigest()}"


@dataclass
class Site:
    """An Envoy, and its port of TCP and UDP."""

    envoy: Envoy
    port: int


def policy(port: int, upstream: Scripted, shown: Credentials) -> Policy:
    """One front with a certificate, one backend that takes pushes."""
    tls = {"certificate_file": str(shown.certificate), "key_file": str(shown.key)}
    return build_policy(
        {"a": upstream.url},
        rule_of("team", ["a"], owner="a"),
        fronts={"main": {"hosts": [f"localhost:{port}"], "tls": tls}},
        clients={"refused": [{"images": ["team/old"], "reason": "a hole is mended in team/new"}]},
    )


@pytest.fixture(scope="module")
def upstream() -> Iterator[Scripted]:
    registry = Scripted()
    yield registry
    registry.close()


@pytest.fixture(scope="module")
def site(upstream: Scripted, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory) -> Site:
    shown = Authority(tmp_path_factory.mktemp("authority")).issue("localhost")
    port = own_port.reserve()
    document = render(policy(port, upstream, shown), tmp_path_factory.mktemp("policy"), port, more=["--http3"])
    return Site(start(document, workers=2), port)


def test_a_blob_comes_whole_and_says_that_http3_is_there(site: Site, upstream: Scripted, tmp_path: Path) -> None:
    upstream.answer(Answer(200, [("Docker-Content-Digest", DIGEST)], BLOB))
    answer = http3.ask(site.port, f"/v2/team/app/blobs/{DIGEST}", tmp_path)
    assert (answer.status, answer.headers["docker-content-digest"]) == (200, DIGEST)
    assert answer.body == BLOB
    assert answer.headers["alt-svc"] == f'h3=":{site.port}"; ma=86400'


def test_the_log_says_which_protocol_it_was(site: Site, upstream: Scripted, tmp_path: Path) -> None:
    upstream.answer(Answer(200, [], b"{}"))
    http3.ask(site.port, "/v2/team/logged/tags/list", tmp_path)

    def logged() -> list[str]:
        lines = [line for line in site.envoy.all_lines() if line.get("path") == "/v2/team/logged/tags/list"]
        return [f"{line['protocol']} {line['front']} {line['backend']} {line['status']}" for line in lines]

    assert site.envoy.server.wait_until(lambda: logged() or None, "its line") == ["HTTP/3 main a 200"]


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/v2/team/../other/manifests/v1", 400, "NAME_INVALID"),
        ("GET", "/v2/team%2Fapp/manifests/v1", 400, "NAME_INVALID"),
        ("GET", "/v2/team//app/manifests/v1", 400, "NAME_INVALID"),
        ("GET", "/v2/other/app/manifests/v1", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/_catalog", 404, "UNSUPPORTED"),
        ("GET", "/admin", 404, "UNSUPPORTED"),
        ("TRACE", "/v2/team/app/manifests/v1", 405, "UNSUPPORTED"),
        ("GET", "/v2/team/old/tags/list", 403, "DENIED"),
    ],
)
def test_refusals_over_http3_are_those_over_tcp(
    site: Site, upstream: Scripted, tmp_path: Path, method: str, target: str, status: int, code: str
) -> None:
    upstream.answer(Answer(200, [], b"{}"))
    answer = http3.ask(site.port, target, tmp_path, method)
    assert answer.status == status
    assert json.loads(answer.body)["errors"][0]["code"] == code
    assert not upstream.seen


def test_a_host_of_no_front_is_refused(site: Site, upstream: Scripted, tmp_path: Path) -> None:
    upstream.answer(Answer(200, [], b"{}"))
    answer = http3.ask(site.port, "/v2/team/app/manifests/v1", tmp_path, host="evil.test")
    assert answer.status == 404
    assert not upstream.seen


def test_answers_by_tcp_tell_of_it_and_own_answers_do(site: Site, tmp_path: Path) -> None:
    answer = http3.ask(site.port, "/v2/", tmp_path)
    assert (answer.status, answer.headers["alt-svc"]) == (200, f'h3=":{site.port}"; ma=86400')
