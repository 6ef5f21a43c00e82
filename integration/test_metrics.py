"""Each request and each attempt is counted once, and the sums agree with what was sent and what registries saw.

Real Envoy, scripted registries and a CDN. Sees what a scrape says after pulls, failovers, refusals, redirects and
clients that leave, and that no client makes a series of its own. Cannot see what Prometheus makes of it; test_alerts does.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import cdn as cdns
from harness import ports, raw
from harness.bootstrap import Bootstrap
from harness.delivery import DIGEST, FOLLOWED, Delivery
from harness.delivery import policy as delivery_policy
from harness.envoy import Envoy, Policy, render
from harness.faults import hang
from harness.metrics import Scrape
from harness.policies import LATE, build_policy, rule_of
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually
from test_times import shorter

MISSING = Answer(404, [("Content-Type", "application/json")], b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
CONTENT = b"0123456789"
FOUND = Answer(200, [], CONTENT)

# What the first registry answers to a digest that ends so.
ANSWERS = {"1": FOUND, "2": Answer(503), "3": MISSING, "4": MISSING, "5": Answer(429), "6": Answer(500)}
# And the second one.
OTHER_ANSWERS = {"1": FOUND, "2": FOUND, "3": FOUND, "4": MISSING, "5": Answer(429), "6": Answer(500)}


@dataclass(frozen=True)
class Site:
    """An Envoy, and where its metrics are."""

    envoy: Envoy
    port: int

    def scrape(self) -> Scrape:
        """What it says now."""
        return Scrape(self.port)

    def counted(self, requests: int) -> Scrape:
        """What it says as soon as so many requests have been counted, which happens when they have ended."""

        def enough() -> Scrape | None:
            scrape = self.scrape()
            found = scrape.sum("portolan_requests_total")
            assert found >= requests, f"{found} of {requests} requests"
            return scrape

        return eventually(enough)


def digest(end: str) -> str:
    """A digest."""
    return "sha256:" + 63 * "0" + end


def blob(name: str, end: str) -> str:
    """The path of a blob."""
    return f"/v2/{name}/app/blobs/{digest(end)}"


def policy(east: str, west: str) -> Policy:
    """`team` is in both registries, `alone` in one; `dead` begins at one that is not there, where `lost` is alone."""
    chains = {"default": ["east", "west"]}
    return build_policy(
        {
            "east": {
                "url": east,
                "attempt_timeouts": {"manifests": "500ms", "blobs": "500ms"},
                "hedge_after": LATE,
            },
            "west": west,
            "gone": f"http://127.0.0.1:{ports.dead()}",
        },
        rule_of("team", chains, replicas=["east", "west"]),
        rule_of("alone", ["east"]),
        rule_of("dead", ["gone", "west"]),
        rule_of("lost", ["gone"]),
        rule_of("sent", ["east"], client_redirects={"classes": ["blobs"]}),
        fronts={
            "main": {"hosts": ["registry.test"]},
            "other": {"hosts": ["other.test"], "metrics": {"networks": ["monitoring"]}},
        },
        networks={"monitoring": ["192.0.2.0/24"]},
        clients={"trusted_hops": 1},
    )


def by_end(answers: dict[str, Answer]) -> Callable[[Seen], Answer]:
    """Answers by the last character of the digest; what ends in `h` hangs."""

    def script(seen: Seen) -> Answer:
        end = chr(seen.target[-1])
        return hang(seen) if end == "7" else answers.get(end, FOUND)

    return script


def start_site(
    start: Callable[..., Envoy],
    directory: Path,
    document: Policy,
    prepare: Callable[[Bootstrap], Bootstrap] = lambda bootstrap: bootstrap,
) -> Site:
    """Starts an Envoy that counts."""
    port = ports.free()
    bootstrap = render(document, directory, admin=f"127.0.0.1:{ports.free()}", metrics=f"127.0.0.1:{port}")
    return Site(start(prepare(bootstrap)), port)


@pytest.fixture(scope="module")
def site(
    start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory, east: Scripted, west: Scripted
) -> Site:
    """With two registries, and one that is not there."""
    east.script, west.script = by_end(ANSWERS), by_end(OTHER_ANSWERS)
    document = policy(east.url, west.url)
    site = start_site(start, tmp_path_factory.mktemp("policy"), document)
    site.envoy.wait_until_down(document["backends"]["gone"]["url"])
    return site


# What is asked, and as what it is counted: class, outcome.
REQUESTS = [
    ("GET", blob("team", "1"), "read_blob", "nearest"),
    ("HEAD", blob("team", "1"), "read_blob", "nearest"),
    ("GET", "/v2/team/app/manifests/" + digest("1"), "read_manifest", "nearest"),
    ("GET", blob("alone", "1"), "read_blob", "nearest"),
    ("GET", blob("team", "2"), "read_blob", "fallback"),
    ("GET", blob("team", "3"), "read_blob", "fallback"),
    ("GET", blob("team", "7"), "read_blob", "failed"),
    ("GET", blob("dead", "1"), "read_blob", "fallback"),
    ("GET", blob("team", "4"), "read_blob", "missing"),
    ("GET", blob("alone", "4"), "read_blob", "missing"),
    ("GET", blob("team", "6"), "read_blob", "failed"),
    ("GET", blob("alone", "6"), "read_blob", "failed"),
    ("GET", blob("lost", "1"), "read_blob", "failed"),
    ("GET", blob("sent", "1"), "read_blob", "redirected"),
    ("GET", blob("nobodys", "1"), "read_blob", "refused"),
    ("PUT", "/v2/team/app/manifests/v1", "write", "refused"),
    ("POST", "/v2/team/app/blobs/uploads/", "upload", "refused"),
    ("GET", "/v2/", "ping", "front"),
    ("GET", "/v2/_catalog", "catalog", "refused"),
    ("GET", "/v2/team/app/tags/list", "tags", "nearest"),
    ("GET", "/somewhere/else", "other", "refused"),
    # The last one: who answers 429 is not asked first for a while.
    ("GET", blob("team", "5"), "read_blob", "limited"),
]


def test_the_sums_agree_with_what_was_sent_and_what_registries_saw(site: Site, east: Scripted, west: Scripted) -> None:
    west.script = lambda seen: Answer(503) if seen.target.endswith(b"7") else by_end(OTHER_ANSWERS)(seen)
    east.forget()
    west.forget()
    before = site.scrape().sum("portolan_requests_total")
    assert before == 0, "a scrape is no request"
    bodies = [site.envoy.request(method, target).body for method, target, _, _ in REQUESTS]
    scrape = site.counted(len(REQUESTS))

    assert scrape.by("portolan_requests_total", "front", "region", "class", "outcome") == Counter(
        ("main", "default", kind, outcome) for _, _, kind, outcome in REQUESTS
    )
    attempts = scrape.by("portolan_attempts_total", "backend", "result")
    saw = {"east": len(east.seen), "west": len(west.seen)}
    for name, count in saw.items():
        assert sum(found for (backend, _), found in attempts.items() if backend == name) == count, attempts
    # It is tried a second time, since it has certainly seen nothing.
    assert attempts["gone", "unreachable"] == 2
    assert attempts["east", "timeout"] == 1, attempts
    assert {backend for backend, _ in attempts} == {"east", "west", "gone"}
    assert set(scrape.by("portolan_attempts_total", "way")) == {("carried",)}

    fallbacks = scrape.by("portolan_fallbacks_total", "from", "to", "why")
    assert fallbacks == {
        ("east", "west", "failed"): 1,
        ("east", "west", "missing"): 1,
        ("gone", "west", "skipped"): 1,
    }
    outcomes = scrape.by("portolan_requests_total", "outcome")
    assert sum(fallbacks.values()) == outcomes["fallback",]
    assert scrape.by("portolan_redirects_total", "target", "region") == {("east", "default"): 1}
    codes = scrape.by("portolan_refusals_total", "front", "code")
    assert codes == {
        ("main", "NAME_UNKNOWN"): 1,
        ("main", "UNSUPPORTED"): 4,
        ("main", "TOOMANYREQUESTS"): 1,
        ("main", "UNAVAILABLE"): 2,
    }
    for histogram in ("first_byte", "request"):
        name = f"portolan_{histogram}_milliseconds_count"
        assert eventually(lambda name=name: site.scrape().sum(name) == len(REQUESTS), what=name)
    assert scrape.sum("portolan_sent_bytes_total") == sum(len(body) for body in bodies)
    assert scrape.by("portolan_sent_bytes_total", "backend", "way")["east", "carried"] == 4 * len(CONTENT) + len(MISSING.body)


def test_requests_that_envoy_refuses_are_counted_once(site: Site) -> None:
    before = site.scrape()
    rows = [
        b"NONSENSE\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nHost: registry.test\r\nContent-Length: x\r\n\r\n",
    ]
    for row in rows:
        with raw.Connection(site.envoy.port) as connection:
            connection.send(row)
            assert connection.receive().status == 400
    after = site.counted(int(before.sum("portolan_requests_total")) + len(rows))
    found = after.by("portolan_requests_total", "front", "region", "class", "outcome")
    assert found["", "", "", "refused"] == len(rows)
    assert after.by("portolan_attempts_total") == before.by("portolan_attempts_total")


def test_a_client_that_leaves_is_counted_once(site: Site, east: Scripted) -> None:
    before = site.scrape()
    east.forget()
    connection = raw.Connection(site.envoy.port)
    connection.send(raw.head("GET", "/v2/alone/app/manifests/" + digest("7"), [("Host", "registry.test")]))
    eventually(lambda: east.seen)
    connection.close()
    after = site.counted(int(before.sum("portolan_requests_total")) + 1)
    found = after.by("portolan_requests_total", "outcome") - before.by("portolan_requests_total", "outcome")
    assert found == {("gone",): 1}
    attempts = after.by("portolan_attempts_total", "backend", "result")
    assert attempts - before.by("portolan_attempts_total", "backend", "result") == {("east", "gone"): 1}


def test_an_answer_that_breaks_off_or_stands_still_has_failed(
    start: Callable[..., Envoy], tmp_path: Path, east: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 s without a byte are 2 s here."""
    # The other tests' registry answers as before afterwards.
    monkeypatch.setattr(east, "script", east.script)

    def cut() -> Iterator[bytes]:
        yield b"its half"
        raise ConnectionAbortedError

    document = build_policy({"east": {"url": east.url, "idle_timeout": "400s"}}, rule_of("alone", ["east"]))
    site = start_site(start, tmp_path, document, prepare=shorter)
    for number, rest in enumerate((cut, lambda: [b"its half"]), 1):
        east.answer(Answer(200, [("Content-Length", "16")], rest=rest))
        with pytest.raises(raw.Cut, match="its half"):
            site.envoy.request("GET", blob("alone", "1"))
        scrape = site.counted(number)
        assert scrape.by("portolan_requests_total", "outcome") == {("failed",): number}
    # To Envoy an attempt whose body stands still has ended as one of a client that leaves does.
    assert scrape.by("portolan_attempts_total", "result")["reset",] == 1


# Two headers, and how many more requests the registry takes, of how many.
LIMITS: list[tuple[list[raw.Header], float, float]] = [
    ([("RateLimit-Limit", "100;w=21600"), ("RateLimit-Remaining", "76;w=21600")], 76, 100),
    ([("X-RateLimit-Limit", "5000"), ("X-RateLimit-Remaining", "4999")], 4999, 5000),
    ([("RateLimit-Remaining", "0;w=21600")], 0, 5000),
    ([("RateLimit-Remaining", "many"), ("RateLimit-Limit", "<b>")], 0, 5000),
]


def test_metrics_of_a_registrys_rate_limit(site: Site, west: Scripted) -> None:
    before = west.script
    for headers, remaining, allowed in LIMITS:
        west.script = lambda _seen, headers=headers: Answer(200, headers, CONTENT)
        site.envoy.request("GET", blob("dead", "1"))
        names = ("portolan_upstream_remaining_requests", "portolan_upstream_allowed_requests")
        found = eventually(lambda: [site.scrape().sum(name, backend="west") for name in names] == [remaining, allowed])
        assert found, headers
    west.script = before
    assert site.scrape().values("backend", "portolan_upstream") == {"west"}


# Labels and the values that they can have besides the names of the policy.
NAMES = {"main", "other", "default", "east", "west", "gone", ""}
LISTED = re.compile(r"`([^`]+)`")


def test_no_client_makes_a_series(site: Site) -> None:
    evil = 'x"}\\n{evil="1'
    for host in (evil, "evil.example", "registry.test:1", "", "[::1]", "main"):
        for target in ("/v2/", f"/v2/{evil}/manifests/{evil}", "/evil", blob("team", "1") + "?evil=1"):
            for method in ("GET", "EVIL", "OPTIONS"):
                headers = [(f"x-portolan-{name}", "evil") for name in ("cluster", "front", "region", "class", "go-on")]
                try:
                    site.envoy.request(method, target, [*headers, ("User-Agent", evil), ("X-Request-Id", evil)], host=host)
                except ConnectionError:
                    continue
    scrape = site.scrape()
    assert "evil" not in scrape.text.lower()
    for label in ("front", "region", "backend", "from", "to", "target"):
        assert scrape.values(label) <= NAMES, label
    documentation = (Path(__file__).parent.parent / "docs/metrics.md").read_text()
    for label in ("class", "outcome", "way", "result", "why", "code"):
        (row,) = (line for line in documentation.splitlines() if line.startswith(f"| `{label}` |"))
        assert scrape.values(label) <= {*LISTED.findall(row), ""}, label


def test_a_front_is_scraped_by_its_networks_alone(site: Site) -> None:
    inside: raw.Header = ("X-Forwarded-For", "192.0.2.7")
    outside: raw.Header = ("X-Forwarded-For", "203.0.113.7")
    requests = site.scrape().sum("portolan_requests_total")
    site.envoy.request("GET", blob("team", "1"))
    before = site.counted(int(requests) + 1)
    rows = [
        ("GET", "/metrics", "other.test", inside, 200),
        ("GET", "/metrics", "other.test", outside, 404),
        ("GET", "/metrics", "registry.test", inside, 404),
        ("HEAD", "/metrics", "other.test", inside, 404),
        ("GET", "/stats/prometheus", "other.test", inside, 404),
        ("GET", "/metrics/../clusters", "other.test", inside, 400),
    ]
    answers = [site.envoy.request(method, target, [client], host=host) for method, target, host, client, _ in rows]
    assert [answer.status for answer in answers] == [status for *_, status in rows]
    (told, *_) = answers
    assert told.one("content-type") == "text/plain; version=0.0.4"
    text = told.body.decode()
    own = {line.partition(" ")[0] for line in site.scrape().text.splitlines() if line.startswith("portolan_policy_info")}
    assert own and all(line in text for line in own), "it says which policy is served"
    for name in ("portolan_attempts_total{", "envoy_cluster_membership_healthy{", "envoy_server_memory_allocated"):
        assert name in text, name
    after = site.counted(int(before.sum("portolan_requests_total")) + len(rows))
    found = after.by("portolan_requests_total", "front", "class", "outcome")
    found.subtract(before.by("portolan_requests_total", "front", "class", "outcome"))
    assert +found == {
        ("other", "other", "front"): 1,
        ("other", "other", "refused"): 4,
        ("main", "other", "refused"): 1,
    }
    assert after.by("portolan_attempts_total") == before.by("portolan_attempts_total"), "no backend is asked"


def test_a_list_has_no_series_but_those_of_its_filters(site: Site) -> None:
    """A policy may have many more lists than backends, and a scrape is to grow with the backends."""
    scrape = site.scrape()
    of_clusters = [each for each in scrape.samples if "envoy_cluster_name" in each.labels]
    of_lists = {each.name for each in of_clusters if "+" in each.labels["envoy_cluster_name"]}
    assert any(each.name == "envoy_cluster_membership_total" for each in of_clusters)
    assert of_lists <= {"envoy_cluster_wasmcustom_portolan_module_panics"}


def test_a_scrape_is_small_and_names_the_policy(site: Site, work: Path) -> None:
    site.envoy.request("GET", blob("team", "1"))
    scrape = eventually(lambda: (found := site.scrape()).values("hash") and found)
    hashes = scrape.by("portolan_policy_info", "hash")
    assert len(hashes) == 1 and re.fullmatch("[0-9a-f]{16}", next(iter(hashes))[0])
    of_backends = [line for line in scrape.text.splitlines() if 'backend="' in line or "envoy_cluster_name" in line]
    assert sum(len(line) + 1 for line in of_backends) < 20_000 * 3
    assert str(work.parent) not in scrape.text, "no path of a file is in a name"
    assert scrape.by("envoy_cluster_membership_healthy", "envoy_cluster_name")["east",] == 1


def test_a_followed_redirect_is_one_request_and_two_attempts(
    start: Callable[..., Envoy], tmp_path: Path, east: Scripted, delivery: Delivery
) -> None:
    document = delivery_policy({"east": {"url": east.url, **delivery.follow()}})
    site = start_site(start, tmp_path, document, delivery.prepare)
    east.answer(cdns.redirect(delivery.blob))
    answer = site.envoy.request("GET", f"/v2/team/app/blobs/{DIGEST}", [FOLLOWED])
    assert answer.status == 200
    scrape = site.counted(1)
    assert scrape.by("portolan_requests_total", "front", "region", "class", "outcome") == {
        ("main", "far", "read_blob", "nearest"): 1
    }
    assert scrape.by("portolan_attempts_total", "backend", "way", "result") == {
        ("east", "carried", "redirected"): 1,
        ("east", "followed", "ok"): 1,
    }
    assert scrape.by("portolan_sent_bytes_total", "region", "backend", "way") == {
        ("far", "east", "followed"): len(answer.body)
    }
