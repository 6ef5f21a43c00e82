"""Hostile answers: what a registry, or whom it redirects to, may not do to the front and its clients.

Scripted registries and a CDN over TLS. Sees what reaches clients, what Envoy makes of it for the next
request, and that nothing crashes. Cannot see what a real Envoy before a registry sends; the headers here
are the ones that Envoy's documents name.
"""

from collections.abc import Callable

import pytest

from harness import cdn as cdns
from harness import ports, raw
from harness.delivery import CONTENT, DIGEST, FOLLOWED, Delivery, policy
from harness.envoy import Envoy, render
from harness.policies import hedged_late
from harness.scripted import Answer, Scripted, Seen


@pytest.fixture(scope="module")
def envoy(
    the_delivery: Delivery,
    east: Scripted,
    west: Scripted,
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Envoy:
    """`own/**` is one backend's, which also owns it, `two/**` is a list's; all are followed from afar."""
    follow = the_delivery.follow()
    document = policy(
        {
            "east": {"url": east.url, **follow},
            # An answer that forges a header names a cluster that is there.
            "west": {"url": west.url, "cluster": "west", **follow},
        }
    )
    document["fronts"]["main"]["health"] = True
    both = ["east", "west"]
    document["rules"] = [
        {"name": "own", "repositories": ["own/**"], "chains": {"default": ["east"]}, "owner": "east"},
        {"name": "two", "repositories": ["two/**"], "chains": {"default": both}, "replicas": both},
    ]
    admin = f"127.0.0.1:{ports.free()}"
    rendered = render(hedged_late(document), tmp_path_factory.mktemp("policy"), admin=admin)
    started = start(the_delivery.prepare(rendered))
    started.wait_until_healthy()
    return started


# In what Envoy, the filter and the geoip filter speak to each other.
# fmt: off
SPOKEN_IN_OUR_NAME: list[raw.Header] = [
    ("x-envoy-immediate-health-check-fail", "true"),
    ("X-Envoy-Immediate-Health-Check-Fail", "true"),
    ("x-envoy-overloaded", "true"),
    ("x-envoy-degraded", "true"),
    ("x-envoy-ratelimited", "true"),
    ("x-envoy-upstream-service-time", "1"),
    ("x-envoy-upstream-healthchecked-cluster", "registry"),
    ("x-envoy-retry-on", "5xx"),
    ("x-portolan-cluster", "west"),
    ("x-portolan-credential", "robot"),
    ("X-Portolan-Mark", "go on"),
    ("x-geo-country", "CN"),
]
# fmt: on


def check_nothing_of_ours(answer: raw.Response) -> None:
    """No header of the answer speaks in our name."""
    ours = [name for name, _ in answer.headers if name.startswith(("x-envoy-", "x-portolan-", "x-geo-"))]
    assert not ours


def check_all_are_well(envoy: Envoy) -> None:
    """Envoy takes every backend for as well as it was."""
    lines = envoy.admin("/clusters").decode().splitlines()
    flags = {line for line in lines if "::health_flags::" in line and not line.endswith("::healthy")}
    assert not flags


@pytest.mark.parametrize("target", ["/v2/own/app/manifests/v1", f"/v2/two/app/blobs/{DIGEST}"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_does_not_speak_in_our_name(
    envoy: Envoy, east: Scripted, west: Scripted, status: int, method: str, target: str
) -> None:
    if method == "PUT" and "/blobs/" in target:
        pytest.skip("there is no such request")
    for upstream in (east, west):
        upstream.answer(Answer(status, [*SPOKEN_IN_OUR_NAME, ("X-Registry", "1")], b"{}"))
    for _ in range(2):
        answer = envoy.request(method, target, body=b"{}" if method == "PUT" else None)
        assert (answer.status, answer.one("x-registry")) == (status, "1")
        check_nothing_of_ours(answer)
    asked = len(east.seen), len(west.seen)
    assert asked == ((2, 2) if status == 404 and "/two/" in target else (2, 0)), "a backend was left out"
    check_all_are_well(envoy)


def test_a_redirect_target_sets_no_headers_of_the_front(
    envoy: Envoy, east: Scripted, delivery: Delivery
) -> None:
    east.answer(cdns.redirect(delivery.blob))

    def deliver(_seen: Seen) -> Answer:
        return Answer(200, SPOKEN_IN_OUR_NAME, CONTENT)

    delivery.cdn.behave(deliver)
    for name in ("own", "two"):
        answer = envoy.request("GET", f"/v2/{name}/app/blobs/{DIGEST}", [FOLLOWED])
        assert (answer.status, answer.body) == (200, CONTENT)
        check_nothing_of_ours(answer)
    assert len(delivery.cdn.seen) == 2
    check_all_are_well(envoy)


def test_an_answer_without_a_way_on_does_not_speak_in_our_name(envoy: Envoy, east: Scripted) -> None:
    """Statuses of which Envoy makes something, in a list of one and of a write."""
    for status in (401, 403, 429, 500, 503):
        east.answer(Answer(status, SPOKEN_IN_OUR_NAME, b"{}"))
        for method in ("GET", "DELETE"):
            check_nothing_of_ours(envoy.request(method, "/v2/own/app/manifests/v1"))
    check_all_are_well(envoy)


def test_the_readiness_of_the_front_is_its_own(envoy: Envoy) -> None:
    assert envoy.request("GET", "/readyz").status == 200
    raw.request(envoy.admin_port, "POST", "/healthcheck/fail")
    try:
        draining = envoy.request("GET", "/readyz")
        assert draining.status == 503
        assert draining.one("x-envoy-immediate-health-check-fail") == "true"
    finally:
        raw.request(envoy.admin_port, "POST", "/healthcheck/ok")
