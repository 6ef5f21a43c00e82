"""A followed redirect that fails, in real Envoy: the next registry of the list is asked.

Scripted registries and a CDN over TLS that refuses, fails or hangs. Sees who was asked for what, with which host
and path. Cannot see a CDN whose name does not resolve: Envoy answers before it has a cluster (docs/following-redirects.md).
"""

import threading
from collections.abc import Callable

import pytest

from harness import cdn as cdns
from harness import ports
from harness.delivery import CONTENT, DIGEST, FOLLOWED, Delivery, policy
from harness.envoy import Envoy, render
from harness.scripted import Answer, Scripted, Seen

BLOB = f"/v2/team/app/blobs/{DIGEST}"
FOUND = Answer(200, [("Docker-Content-Digest", DIGEST)], CONTENT)
MISSING = Answer(404, body=b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
PREFIXES = ("team/", "only/", "turned/")
NOBODY = f"cdn.test:{ports.dead()}"


@pytest.fixture(scope="module")
def envoy(
    the_delivery: Delivery,
    east: Scripted,
    west: Scripted,
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Envoy:
    """Both are followed; each knows the repositories under a prefix of its own."""
    follow = the_delivery.follow(hosts=[*the_delivery.hosts, NOBODY])
    backends = {
        name: {
            "url": upstream.url,
            "names": [{"front": part, "backend": f"{name}-{part}"} for part in PREFIXES],
            "attempt_timeouts": {"manifests": "1s", "blobs": "1s"},
            **follow,
        }
        for name, upstream in (("east", east), ("west", west))
    }
    document = policy(backends, replicas=["east", "west"])
    only = {"name": "only", "repositories": ["only/**"], "chains": {"default": ["east"]}}
    turned = {"name": "turned", "repositories": ["turned/**"], "chains": {"default": ["west", "east"]}}
    document["rules"] = [only, turned, *document["rules"]]
    return start(the_delivery.prepare(render(document, tmp_path_factory.mktemp("policy"))))


def pull(envoy: Envoy, target: str = BLOB, method: str = "GET") -> tuple[int, bytes]:
    """A pull of a client that is far away."""
    answer = envoy.request(method, target, [FOLLOWED, ("Authorization", "Bearer the-clients")])
    assert answer.all("x-portolan-go-on") == []
    return answer.status, answer.body


# What is no content, and what answers nothing that was asked, among them.
STATUSES = [201, 202, 204, 206, 226, 304, 400, 401, 403, 404, 407, 410, 429, 500, 502, 503, 504, 520, 600]


@pytest.mark.parametrize("status", STATUSES)
def test_content_that_the_cdn_refuses_comes_from_the_next_registry(
    envoy: Envoy, east: Scripted, west: Scripted, delivery: Delivery, status: int
) -> None:
    delivery.cdn.behave(lambda _seen: Answer(status))
    east.answer(cdns.redirect(delivery.blob))
    west.answer(FOUND)
    for target in (BLOB, f"/v2/team/app/manifests/{DIGEST}"):
        west.forget()
        assert pull(envoy, target) == (200, CONTENT)
        seen = west.last()
        assert seen.authority == west.authority
        assert seen.target.decode() == target.replace("/v2/", "/v2/west-")
        assert "authorization" not in seen.names


def test_a_cdn_that_refuses_connections_or_hangs_is_left(
    envoy: Envoy, east: Scripted, west: Scripted, delivery: Delivery
) -> None:
    west.answer(FOUND)
    east.answer(cdns.redirect(f"https://{NOBODY}/blob"))
    assert pull(envoy) == (200, CONTENT)
    over = threading.Event()

    def hang(_seen: Seen) -> None:
        over.wait()

    delivery.cdn.behave(hang)
    east.answer(cdns.redirect(delivery.blob))
    try:
        assert pull(envoy) == (200, CONTENT)
    finally:
        over.set()


def test_after_the_second_registrys_redirect_no_registry_is_asked_twice(
    envoy: Envoy, east: Scripted, west: Scripted, delivery: Delivery
) -> None:
    """`west` lacks it, `east` redirects to a CDN that fails: nobody is asked a second time."""
    delivery.cdn.behave(lambda _seen: Answer(503))
    target = BLOB.replace("team", "turned")
    west.answer(MISSING)
    east.answer(cdns.redirect(delivery.blob))
    assert pull(envoy, target)[0] in (502, 503)
    assert (len(west.seen), len(east.seen)) == (1, 1)


def test_a_cdn_that_leads_round_and_round_is_left(envoy: Envoy, east: Scripted, west: Scripted, delivery: Delivery) -> None:
    """Five redirects of one registry are followed; the next registry has as many, but not if it leads there as well."""
    delivery.cdn.behave(delivery.cdn.loop)
    east.answer(cdns.redirect(delivery.blob))
    west.answer(FOUND)
    assert pull(envoy) == (200, CONTENT)
    assert len(delivery.cdn.seen) == 5
    delivery.cdn.behave(lambda seen: delivery.cdn.loop(seen) if b"round" in seen.target else None)
    east.answer(cdns.redirect(f"{delivery.cdn.base}/round"))
    west.answer(cdns.redirect(delivery.blob))
    assert pull(envoy) == (200, CONTENT)
    delivery.cdn.behave(delivery.cdn.loop)
    west.answer(cdns.redirect(delivery.blob))
    delivery.cdn.forget()
    assert pull(envoy)[0] == 502
    assert len(delivery.cdn.seen) <= 10


def test_both_cdns_failing_is_an_error_of_the_registry(
    envoy: Envoy, east: Scripted, west: Scripted, delivery: Delivery
) -> None:
    delivery.cdn.behave(lambda _seen: Answer(403))
    for upstream in (east, west):
        upstream.answer(cdns.redirect(delivery.blob))
    status, body = pull(envoy)
    assert status == 502
    assert b"UNAVAILABLE" in body
    assert (len(east.seen), len(west.seen), len(delivery.cdn.seen)) == (1, 1, 2)


def test_the_redirect_of_the_next_registry_is_followed_too(
    envoy: Envoy, east: Scripted, west: Scripted, delivery: Delivery
) -> None:
    east.answer(cdns.redirect(f"https://{NOBODY}/blob"))
    west.answer(cdns.redirect(delivery.blob))
    assert pull(envoy) == (200, CONTENT)
    assert delivery.cdn.seen[-1].authority == delivery.host


def test_the_redirect_of_an_only_registry_has_no_fallback(
    envoy: Envoy, east: Scripted, west: Scripted, delivery: Delivery
) -> None:
    delivery.cdn.behave(lambda _seen: Answer(403))
    east.answer(cdns.redirect(delivery.blob))
    west.answer(FOUND)
    assert pull(envoy, BLOB.replace("team", "only"))[0] == 502
    assert west.seen == []
    assert len(delivery.cdn.seen) == 1
