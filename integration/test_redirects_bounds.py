"""Redirects in real Envoy: where the proxy never goes, and what becomes of those who wanted it there.

Scripted registries, a CDN over TLS, and a name server. Sees every connection that is made to any of
them. Cannot see addresses that are not this machine's: nothing of a test may go there.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import cdn as cdns
from harness import faults, raw
from harness.cdn import Behaviour
from harness.delivery import CONTENT, DIGEST, FOLLOWED, PASSED, Delivery, policy
from harness.envoy import Envoy, render
from harness.name_server import call_loopback_public
from harness.scripted import Answer, Scripted
from harness.tls import Authority, Tls

BLOB = f"/v2/team/app/blobs/{DIGEST}"


@pytest.fixture(scope="module")
def envoy(
    the_delivery: Delivery,
    east: Scripted,
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Envoy:
    """`east` is followed for clients that are far; other hosts than its front's are served as well."""
    document = policy({"east": {"url": east.url, **the_delivery.follow()}})
    document["fronts"]["main"]["default"] = True
    document["backends"]["east"]["attempt_timeouts"] = {"blobs": "1s"}
    return start(the_delivery.prepare(render(document, tmp_path_factory.mktemp("policy"))))


@pytest.fixture
def redirecting(east: Scripted, delivery: Delivery) -> Scripted:
    """`east`, which keeps its blobs at the CDN."""
    east.answer(cdns.redirect(delivery.blob))
    return east


def pull(envoy: Envoy, *headers: raw.Header) -> raw.Response:
    """A pull of a client that is far away."""
    return envoy.request("GET", BLOB, [FOLLOWED, *headers])


def is_refused(answer: raw.Response, *secrets: str) -> None:
    """It is an error of the distribution spec that says nothing of what is behind the front."""
    assert (answer.status, answer.one("content-type")) == (502, "application/json")
    assert b'"code":"UNAVAILABLE"' in answer.body
    assert answer.all("location") == []
    assert answer.all("www-authenticate") == []
    for secret in ("cdn", "test", *secrets):
        assert secret.encode() not in answer.body.lower()


# Where to, and what the operator is told.
ASTRAY = {
    "https://other.test/blob": "`other.test`, which is not in the backend's `followed_redirects.hosts`",
    "https://cdn.test/blob": "`cdn.test`, which is not in",
    "https://cdn.test.evil.test/blob": "`cdn.test.evil.test`, which is not in",
    "https://store.test:{store}/blob": "`store.test:",
    "https://169.254.169.254/latest/meta-data/": "`169.254.169.254`, which is not in",
    "https://127.0.0.1:{port}/blob": "`127.0.0.1:",
    "https://[::1]:{port}/blob": "`[::1]:",
    # Other ways to write loopback, of which a resolver makes it.
    "https://2130706433/blob": "`2130706433`, which is not in",
    "https://0x7f.1/blob": "`0x7f.1`, which is not in",
    "https://0177.0.0.1/blob": "`0177.0.0.1`, which is not in",
    "https://127.1/blob": "`127.1`, which is not in",
    "https://[::ffff:127.0.0.1]:{port}/blob": "`[::ffff:127.0.0.1]:",
    "/blob": "`127.0.0.1:",
    "ftp://{host}/blob": "a URL that is not `https`",
    "https://user:secret@{host}/blob": "has no `Location` that is a URL",
    "https://{host}@other.test/blob": "has no `Location` that is a URL",
    "https://{host}\\@other.test/blob": "has no `Location` that is a URL",
    "https://cdn%2etest/blob": "has no `Location` that is a URL",
    "javascript:alert(1)": "a URL that is not `https`",
    "https:{host}/blob": "has no `Location` that is a URL",
    "": "has no `Location` that is a URL",
}


@pytest.mark.parametrize("location", ASTRAY)
def test_a_redirect_to_where_the_policy_does_not_lead_is_refused(envoy: Envoy, redirecting: Scripted, delivery: Delivery, location: str) -> None:
    ports = {"port": delivery.tls.port, "store": delivery.store.port}
    url = location.format(host=delivery.host, **ports)
    redirecting.answer(cdns.redirect(url))
    connections = len(delivery.tls.names)
    envoy.forget_log()
    is_refused(pull(envoy), "169.254", "127.0.0.1")
    assert delivery.cdn.seen == [] and len(delivery.tls.names) == connections
    (entry,) = envoy.new_log_entries()
    assert (entry["status"], entry["backend"], entry["path"]) == (502, "east", BLOB)
    assert "its redirect leads where the policy does not" in entry["reason"]
    assert "a redirect of the backend `east`" in envoy.error_log()
    assert ASTRAY[location] in envoy.error_log()
    # To clients that follow by themselves it is nobody's business where to, but the registry's own host is
    # none that they can ask.
    if url == "/blob":
        assert envoy.request("GET", BLOB, [PASSED]).status == 502
    elif url:
        passed = envoy.request("GET", BLOB, [PASSED])
        assert (passed.status, passed.one("location")) == (307, url if "//" in url else passed.one("location"))


def test_a_redirect_without_a_location_is_refused(envoy: Envoy, redirecting: Scripted) -> None:
    redirecting.answer(Answer(302))
    is_refused(pull(envoy))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_without_tls_only_where_the_policy_lets_it(
    redirecting: Scripted, delivery: Delivery, start: Callable[..., Envoy], tmp_path: Path, scheme: str
) -> None:
    """A registry over TLS never sends the proxy to where there is none; one without, only at home."""
    plain = f"127.0.0.1:{delivery.cdn.port}"
    tls = Tls(redirecting.port, delivery.authority.issue("127.0.0.1"))
    backends: dict[str, dict[str, Any]] = {
        "http": {"url": redirecting.url},
        "https": {
            "url": f"https://127.0.0.1:{tls.port}",
            "tls": {"ca_file": str(delivery.authority.certificate)},
        },
    }
    document = policy({"east": {**backends[scheme], **delivery.follow(hosts=[plain])}})
    envoy = start(delivery.prepare(render(document, tmp_path)))
    redirecting.answer(cdns.redirect(f"http://{plain}/blob"))
    answer = pull(envoy)
    tls.close()
    if scheme == "http":
        assert answer.body == CONTENT
    else:
        is_refused(answer)
        assert delivery.cdn.seen == []


@pytest.mark.parametrize("status", [300, 400, 401, 403, 404, 405, 407, 410, 429, 500, 502, 503, 504])
@pytest.mark.usefixtures("redirecting")
def test_the_cdn_refuses(envoy: Envoy, delivery: Delivery, status: int) -> None:
    """Whatever it says is about a URL that the client never saw; there is nobody to go on to."""
    own = [("WWW-Authenticate", 'Bearer realm="https://evil.test/"'), ("Location", "https://evil.test/")]
    delivery.cdn.behave(lambda _: Answer(status, own, b"<Error>of cdn.test</Error>"))
    envoy.forget_log()
    is_refused(pull(envoy))
    (entry,) = envoy.new_log_entries()
    assert entry["reason"].endswith(f"; {status} where it was redirected to")
    assert entry["upstream_authority"] == delivery.host


def behaviours(envoy: Envoy, delivery: Delivery) -> dict[str, Behaviour]:
    """Ways in which a CDN sends the proxy to where it may not go."""
    return {
        "astray": lambda _: cdns.redirect("https://other.test/"),
        "without TLS": lambda _: cdns.redirect(f"http://{delivery.host}/"),
        "without a place": lambda _: Answer(302),
        "by itself": lambda _: Answer(
            307,
            [
                ("Location", "https://other.test/"),
                ("X-Portolan-Cluster", envoy.cluster_named("east@redirects")),
                ("X-Forwarded-Proto", "https"),
            ],
        ),
    }


@pytest.mark.parametrize("how", ["astray", "without TLS", "without a place", "by itself"])
@pytest.mark.usefixtures("redirecting")
def test_a_second_redirect_to_where_the_policy_does_not_lead_is_refused(envoy: Envoy, delivery: Delivery, how: str) -> None:
    delivery.cdn.behave(behaviours(envoy, delivery)[how])
    is_refused(pull(envoy))
    assert len(delivery.cdn.seen) == 1


@pytest.mark.parametrize("host", ["nx.store.test", "empty.store.test"])
def test_a_redirect_to_a_name_without_an_address_is_refused(envoy: Envoy, redirecting: Scripted, delivery: Delivery, host: str) -> None:
    delivery.names.names["empty.store.test"] = []
    redirecting.answer(cdns.redirect(f"https://{host}:{delivery.store.port}/blob"))
    is_refused(pull(envoy))
    assert delivery.cdn.seen == []


def test_a_cdn_is_verified(
    redirecting: Scripted, delivery: Delivery, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    """Nobody, one with the certificate of another host, and one that nobody vouches for."""
    closed = Scripted()
    closed.close()
    others = Tls(delivery.cdn.port, delivery.authority.issue("other.test"))
    strangers = Tls(delivery.cdn.port, Authority(tmp_path / "stranger").issue("cdn.test"))
    hosts = {f"cdn.test:{one.port}": "CERTIFICATE_VERIFY_FAILED" for one in (others, strangers)}
    hosts[f"cdn.test:{closed.port}"] = "Connection_refused"
    document = policy({"east": {"url": redirecting.url, **delivery.follow(hosts=list(hosts))}})
    envoy = start(delivery.prepare(render(document, tmp_path)))
    for host, failure in hosts.items():
        redirecting.answer(cdns.redirect(f"https://{host}/blob"))
        envoy.forget_log()
        is_refused(pull(envoy))
        (entry,) = envoy.new_log_entries()
        assert failure in entry["upstream_failure"]
    assert delivery.cdn.seen == []
    others.close()
    strangers.close()


@pytest.mark.usefixtures("redirecting")
def test_a_cdn_that_hangs_has_the_time_of_an_attempt(envoy: Envoy, delivery: Delivery) -> None:
    """It has the time that an attempt at its backend has, a second, and that perhaps twice; untold it would be ten."""
    delivery.cdn.behave(faults.hang)
    answer, took = envoy.seconds_of(lambda: pull(envoy))
    is_refused(answer)
    assert 0.9 <= took < 5


@pytest.fixture(scope="module")
def cautious(
    the_delivery: Delivery,
    east: Scripted,
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Envoy:
    """An Envoy that goes to public addresses only."""
    document = policy({"east": {"url": east.url, **the_delivery.follow(private_addresses=False)}})
    return start(the_delivery.prepare(render(document, tmp_path_factory.mktemp("policy"))))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"]
)
def test_a_cdn_with_a_private_address_is_refused(
    cautious: Envoy, redirecting: Scripted, delivery: Delivery, address: str
) -> None:
    """Whoever writes the name server's answers does not choose what the proxy talks to (DNS rebinding)."""
    name = f"is-{address.replace(':', '-').replace('.', '-')}.store.test"
    delivery.names.names[name] = [address]
    redirecting.answer(cdns.redirect(f"https://{name}:{delivery.store.port}/blob"))
    connections = len(delivery.store.names)
    before = sum(cautious.stats("dns_address_filter").values())
    answer, took = cautious.seconds_of(lambda: pull(cautious))
    is_refused(answer)
    assert took < 2, "something was waited for"
    assert len(delivery.store.names) == connections
    assert name in delivery.names.asked
    assert sum(cautious.stats("dns_address_filter").values()) > before


def test_a_cdn_with_a_public_address_is_used(
    redirecting: Scripted, delivery: Delivery, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    """The test above fails for no other reason; of several addresses only the public ones are taken."""
    delivery.names.names["a.store.test"] = ["10.1.2.3", "127.0.0.1"]
    document = delivery.prepare(
        render(
            policy({"east": {"url": redirecting.url, **delivery.follow(private_addresses=False)}}), tmp_path
        )
    )
    call_loopback_public(document)
    envoy = start(document)
    redirecting.answer(cdns.redirect(f"https://a.store.test:{delivery.store.port}/blob"))
    assert pull(envoy).body == CONTENT


def hop_headers(envoy: Envoy) -> list[raw.Header]:
    """What Envoy and the filter say to each other where a redirect is followed."""
    return [
        ("X-Portolan-Cluster", envoy.cluster_named("east@redirects")),
        ("X-Forwarded-Proto", "https"),
        ("X-Envoy-Original-Url", "http://registry.test/v2/"),
        ("X-Envoy-Internal", "true"),
    ]


@pytest.mark.parametrize("host", ["{host}", "{upper}", "x.store.test:{store}", "{host}."])
@pytest.mark.parametrize("target", ["/blob", "/v2/", BLOB])
@pytest.mark.parametrize("is_forged", [False, True])
def test_a_client_cannot_reach_a_delivery_network_through_the_proxy(
    envoy: Envoy, redirecting: Scripted, delivery: Delivery, host: str, target: str, is_forged: bool
) -> None:
    """Not even though hosts that no front declares are served; a host of the CDN is none of them."""
    name = host.format(host=delivery.host, upper=delivery.host.upper(), store=delivery.store.port)
    redirecting.answer(Answer(200, [], b"from the registry"))
    headers = hop_headers(envoy) if is_forged else []
    answer = envoy.request("GET", target, [FOLLOWED, *headers], host=name)
    if host != "{host}.":
        assert answer.status == 404
        assert b'"errors"' in answer.body
        assert redirecting.seen == []
    assert delivery.cdn.seen == []


def test_internal_headers_in_a_registrys_answer_are_ignored(
    envoy: Envoy, redirecting: Scripted, delivery: Delivery
) -> None:
    """Neither can it have the proxy follow for clients that follow by themselves, nor choose how."""
    forged = [("Location", delivery.blob), *hop_headers(envoy)]
    redirecting.answer(Answer(307, forged))
    answer = envoy.request("GET", BLOB, [PASSED])
    assert (answer.status, answer.one("location")) == (307, delivery.blob)
    assert delivery.cdn.seen == []
    forged = [
        ("Location", delivery.blob),
        ("X-Portolan-Cluster", envoy.cluster_named("east")),
        ("Authorization", "Basic Zm9yZ2Vk"),
    ]
    redirecting.answer(Answer(307, forged))
    assert pull(envoy).body == CONTENT
    assert "authorization" not in delivery.cdn.seen[0].names
