"""Web pages that use a registry: what a browser asks before, and what it needs in answers.

Scripted registries and the requests of a browser (Fetch standard, "HTTP-CORS protocol"), byte for byte. Cannot
see a real browser.
"""

from collections.abc import Callable

import pytest

from harness import raw
from harness.envoy import Envoy, Policy
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted

PAGE = "https://ui.example.com"
MANIFEST = "/v2/one/app/manifests/v1"


@pytest.fixture(scope="module")
def envoy(east: Scripted, west: Scripted, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """`registry.test` leaves it to its registries, `pages.test` answers itself; `west` owns what `east` serves."""
    cors = {"origins": [PAGE, "http://localhost:8081"], "credentials": True}
    started = start_envoy(
        build_policy(
            {"east": east.url, "west": west.url},
            rule_of("one", ["east"], owner="west", replicas=["east"]),
            fronts={
                "main": {"hosts": ["registry.test"]},
                "pages": {"hosts": ["pages.test", "pages.test:5000"], "cors": cors},
            },
        )
    )
    started.wait_until_healthy()
    return started


@pytest.fixture(autouse=True)
def _registries_are_set_up_for_pages(east: Scripted, west: Scripted) -> None:
    allow = [("Access-Control-Allow-Origin", "https://set.up"), ("Access-Control-Allow-Methods", "GET")]
    for upstream in (east, west):
        upstream.answer(Answer(200, allow, b"{}"))


def preflight(envoy: Envoy, target: str, method: str, host: str, origin: str = PAGE) -> raw.Response:
    """What a browser asks before a request of a page."""
    asks: list[raw.Header] = [
        ("Origin", origin),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", "authorization"),
    ]
    return envoy.request("OPTIONS", target, asks, host=host)


@pytest.mark.parametrize(
    ("method", "target", "owner"),
    [
        ("GET", MANIFEST, False),
        ("GET", "/v2/one/app/tags/list", False),
        ("DELETE", MANIFEST, True),
        ("PUT", MANIFEST, True),
        ("POST", "/v2/one/app/blobs/uploads/", True),
    ],
)
def test_a_registry_is_asked_that_would_serve_the_request(
    envoy: Envoy, east: Scripted, west: Scripted, method: str, target: str, owner: bool
) -> None:
    found = preflight(envoy, target, method, "registry.test")
    assert found.status == 200
    assert found.one("access-control-allow-origin") == "https://set.up"
    asked, other = (west, east) if owner else (east, west)
    seen = asked.last()
    assert (seen.method, seen.target.decode()) == ("OPTIONS", target)
    assert seen.all("access-control-request-method") == [method.encode()]
    assert not other.seen


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (MANIFEST, [], 405),
        (MANIFEST, [("Origin", PAGE)], 405),
        (MANIFEST, [("Access-Control-Request-Method", "GET")], 405),
        (MANIFEST, [("Origin", PAGE), ("Access-Control-Request-Method", "PATCH")], 405),
        (MANIFEST, [("Origin", PAGE), ("Access-Control-Request-Method", "TRACE")], 405),
        ("/v2/", [("Origin", PAGE), ("Access-Control-Request-Method", "GET")], 405),
        ("/v2/other/app/manifests/v1", [("Origin", PAGE), ("Access-Control-Request-Method", "GET")], 404),
        ("/v2/a%2Fb/manifests/v1", [("Origin", PAGE), ("Access-Control-Request-Method", "GET")], 400),
    ],
)
def test_a_preflight_for_a_path_that_is_not_served_reaches_no_backend(
    envoy: Envoy, east: Scripted, west: Scripted, target: str, headers: list[raw.Header], status: int
) -> None:
    assert envoy.request("OPTIONS", target, headers).status == status
    assert not east.seen and not west.seen


@pytest.mark.parametrize("host", ["pages.test", "pages.test:443", "PAGES.test:80", "pages.test:5000"])
@pytest.mark.parametrize("target", ["/v2/", MANIFEST])
@pytest.mark.parametrize("origin", [PAGE, "http://localhost:8081"])
def test_a_front_with_pages_answers_itself(
    envoy: Envoy, east: Scripted, west: Scripted, origin: str, target: str, host: str
) -> None:
    found = preflight(envoy, target, "GET", host, origin)
    assert found.status == 200
    assert found.one("access-control-allow-origin") == origin
    assert found.one("access-control-allow-credentials") == "true"
    assert "authorization" in (found.one("access-control-allow-headers") or "")
    assert not east.seen and not west.seen
    answer = envoy.request("GET", target, [("Origin", origin)], host=host)
    assert (answer.status, answer.one("access-control-allow-origin")) == (200, origin)
    exposed = answer.one("access-control-expose-headers") or ""
    assert {"docker-content-digest", "link", "www-authenticate"} <= set(exposed.split(", "))


def test_a_page_can_read_a_refusal(envoy: Envoy) -> None:
    found = envoy.request("GET", "/v2/other/x/tags/list", [("Origin", PAGE)], host="pages.test")
    assert (found.status, found.one("access-control-allow-origin")) == (404, PAGE)


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("told", [[], [("Content-Security-Policy", "script-src *")]], ids=["nothing", "its own"])
def test_content_is_a_page_of_nobody(envoy: Envoy, east: Scripted, told: list[raw.Header], status: int) -> None:
    """A browser that shows it runs no script, and has no part in what it keeps for the front."""
    east.answer(Answer(status, [("Content-Type", "text/html"), *told], b"<script>alert(1)</script>"))
    for host in ("registry.test", "pages.test"):
        answer = envoy.request("GET", MANIFEST, host=host)
        assert (answer.status, answer.all("content-security-policy")) == (status, ["sandbox"])


def test_another_page_gets_nothing_of_the_front(envoy: Envoy, east: Scripted) -> None:
    for origin in ("https://evil.example", "null", f"{PAGE}.evil.example", PAGE.upper()):
        east.forget()
        found = preflight(envoy, "/v2/", "GET", "pages.test", origin)
        assert (found.status, found.one("access-control-allow-origin")) == (405, None)
        answer = envoy.request("GET", "/v2/", [("Origin", origin)], host="pages.test")
        assert (answer.status, answer.one("access-control-allow-origin")) == (200, None)
    assert envoy.request("GET", "/v2/", [("Origin", PAGE)]).one("access-control-allow-origin") is None
