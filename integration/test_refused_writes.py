"""Pushes that are refused for a while: what clients print, and that pulls go on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import skopeo
from harness.envoy import Envoy, Policy
from harness.errors import error_of
from harness.image import Image
from harness.policies import build_policy
from harness.scripted import Answer, Scripted

REASON = "the registry is being upgraded until 14:00 UTC"


@pytest.fixture(scope="module")
def envoy(east: Scripted, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """A front for two rules, one of which takes no writes."""
    rule = {"owner": "a", "chains": {"default": ["a"]}}
    return start_envoy(
        build_policy(
            {"a": east.url},
            {"name": "team", "repositories": ["team/**"], **rule, "writes": {"refused": REASON}},
            {"name": "rest", "repositories": ["**"], **rule},
            front={"default": True},
        )
    )


def test_a_push_is_refused_with_the_reason_and_no_registry_hears_of_it(envoy: Envoy, east: Scripted) -> None:
    east.answer(Answer(200, [], b"{}"))
    for method, target in (("PUT", "manifests/v1"), ("POST", "blobs/uploads/"), ("DELETE", "manifests/v1")):
        answer = envoy.request(method, f"/v2/team/app/{target}", body=b"")
        assert answer.status == 403, method
        assert json.loads(answer.body)["errors"] == [error_of(answer, "DENIED", REASON)]
    assert not east.seen
    assert envoy.request("GET", "/v2/team/app/manifests/v1").status == 200
    assert envoy.request("PUT", "/v2/other/app/manifests/v1", body=b"").status == 200
    assert [seen.method for seen in east.seen] == ["GET", "PUT"]


def test_clients_print_the_reason(envoy: Envoy, east: Scripted, app: Image, tmp_path: Path) -> None:
    # Nothing is there yet, as at a registry that a client pushes to for the first time.
    east.answer(Answer(404, [], b'{"errors":[{"code":"BLOB_UNKNOWN","message":"unknown"}]}'))
    app.write_layout(tmp_path / "layout", "v1")
    with pytest.raises(skopeo.SkopeoFailed, match=REASON):
        skopeo.push(tmp_path / "layout", "v1", f"127.0.0.1:{envoy.port}/team/app:v1")
