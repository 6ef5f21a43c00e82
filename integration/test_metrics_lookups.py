"""What the front asks other services for itself is counted by how it ended, and it is said until when a token is good.

Real Envoy, scripted registries, token services and blob stores that answer in every way that is told apart. Sees a scrape.
Cannot see what Prometheus makes of it. It holds for the filter in WebAssembly and for the native module.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import ports
from harness.blob_store import BlobStore
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.faults import Fault, answers, down, hang
from harness.metrics import Scrape
from harness.policies import build_policy
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually

LIFE = 300
GIVEN = Answer(200, [], json.dumps({"token": "a-token", "expires_in": LIFE}).encode())
ELSEWHERE = Answer(401, [("WWW-Authenticate", 'Bearer realm="http://elsewhere.test/token"')], b"{}")
BODY = b"content"
DIGEST = sha256(BODY)


# What a token service does, by the name of its backend, and as what that is counted.
SERVICES: dict[str, tuple[Fault | Answer, str]] = {
    "good": (GIVEN, "ok"),
    "wrong": (Answer(401), "credential_refused"),
    "closed": (Answer(403), "refused"),
    "busy": (Answer(429), "limited"),
    "ill": (Answer(500), "failed"),
    # What Envoy answers where there is nobody, by the service itself.
    "down": (Answer(503), "failed"),
    "late": (Answer(504), "failed"),
    "odd": (Answer(200, [], b"junk"), "unreadable"),
    "hangs": (hang, "timeout"),
    "breaks": (down, "unreachable"),
}
# What a blob store does, and as what that is counted.
STORES: list[tuple[Fault | None, str]] = [
    (None, "present"),
    (answers(404), "absent"),
    (answers(403), "unclear"),
    (answers(429), "limited"),
    (answers(500), "failed"),
    (answers(503), "failed"),
    (hang, "timeout"),
    (down, "unreachable"),
]


@pytest.fixture(scope="module")
def service() -> Iterator[Scripted]:
    """All token services: each has a path."""
    service = Scripted()

    def script(seen: Seen) -> Answer:
        does = SERVICES[seen.target.decode().split("?")[0].strip("/")][0]
        answer = does if isinstance(does, Answer) else does(seen)
        assert answer, "a fault that tells the truth"
        return answer

    service.script = script
    yield service
    service.close()


@pytest.fixture(scope="module")
def registry() -> Iterator[Scripted]:
    """It has everything, and names a token service of somebody else's."""
    registry = Scripted()
    registry.script = lambda seen: ELSEWHERE if seen.target == b"/v2/" else Answer(200, [], BODY)
    yield registry
    registry.close()


@pytest.fixture(scope="module")
def stores() -> Iterator[list[BlobStore]]:
    """The blob stores, in their order."""
    stores = [BlobStore(DIGEST) for _ in STORES]
    for store, (fault, _) in zip(stores, STORES, strict=True):
        store.fault = fault
    yield stores
    for store in stores:
        store.close()


def policy(registry: Scripted, service: Scripted, stores: list[BlobStore], directory: Path) -> Policy:
    """A rule for each backend and for each store, by its name."""
    secret = directory / "robot"
    secret.write_text("cm9ib3Q6d3Jvbmc=")

    def token(url: str) -> Policy:
        return {"url": registry.url, "auth": {"token": {"realm": url, "service": "registry"}}, "credential": "robot"}

    backends = {name: token(f"{service.url}/{name}") for name in SERVICES}
    backends["gone"] = token(f"http://127.0.0.1:{ports.dead()}/token")
    backends["astray"] = {"url": registry.url, "auth": "token", "credential": "robot"}
    rules: list[Policy] = [
        {"name": name, "repositories": [f"{name}/**"], "chains": {"default": [name]}, "readers": "anyone"}
        for name in backends
    ]
    backends["open"] = {"url": registry.url}
    named = {f"store-{number}": {"url": store.url} for number, store in enumerate(stores)}
    named["store-gone"] = {"url": f"http://127.0.0.1:{ports.dead()}/{{digest}}"}
    rules += [
        {
            "name": name,
            "repositories": [f"{name}/**"],
            "chains": {"default": ["open"]},
            "client_redirects": {"classes": ["blobs"], "stores": {"default": name}},
        }
        for name in named
    ]
    return build_policy(
        backends, credentials={"robot": {"file": str(secret)}}, blob_stores=named, rules=rules
    )


@pytest.fixture(scope="module")
def site(
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
    registry: Scripted,
    service: Scripted,
    stores: list[BlobStore],
) -> tuple[Envoy, int]:
    """An Envoy that counts, and where its numbers are."""
    directory, port = tmp_path_factory.mktemp("policy"), ports.free()
    document = policy(registry, service, stores, directory)
    bootstrap = render(document, directory, admin=f"127.0.0.1:{ports.free()}", metrics=f"127.0.0.1:{port}")
    return start(bootstrap), port


def counted(port: int, name: str, label: str, expected: dict[tuple[str, ...], int]) -> Scrape:
    """What a scrape says as soon as so much has been counted."""

    def enough() -> Scrape:
        scrape = Scrape(port)
        assert scrape.by(name, label, "result") == expected
        return scrape

    return eventually(enough)


def test_fetches_of_tokens_are_counted_by_how_they_ended(site: tuple[Envoy, int]) -> None:
    envoy, port = site
    before = time.time()
    for name in [*SERVICES, "gone", "astray"]:
        envoy.request("GET", f"/v2/{name}/app/manifests/v1")
    expected = {(name, result): 1 for name, (_, result) in SERVICES.items()}
    expected |= {("gone", "unreachable"): 1, ("astray", "astray"): 1}
    scrape = counted(port, "portolan_token_fetches_total", "backend", expected)
    ends = scrape.by("portolan_token_expires_timestamp_seconds", "backend")
    assert set(ends) == {("good",)}, "there is no other token"
    assert before + LIFE - 1 <= ends["good",] <= time.time() + LIFE
    envoy.request("GET", "/v2/good/app/manifests/v2")
    assert Scrape(port).by("portolan_token_fetches_total", "backend")["good",] == 1, "the token is kept"


def test_questions_to_blob_stores_are_counted_by_how_they_ended(site: tuple[Envoy, int]) -> None:
    envoy, port = site
    names = [f"store-{number}" for number in range(len(STORES))]
    for name in [*names, "store-gone"]:
        envoy.request("GET", f"/v2/{name}/app/blobs/{DIGEST}")
    expected = {(name, result): 1 for name, (_, result) in zip(names, STORES, strict=True)}
    expected["store-gone", "unreachable"] = 1
    counted(port, "portolan_blob_probes_total", "store", expected)


def test_the_labels_are_the_policys_alone(site: tuple[Envoy, int]) -> None:
    """They stand in the names in Envoy, which neither a cluster nor the machine of the filter may add to."""
    _, port = site
    scrape = Scrape(port)
    prefixes = ("portolan_token_", "portolan_blob_probes")
    samples = [each for each in scrape.samples if each.name.startswith(prefixes)]
    assert samples
    for each in samples:
        labels = {name for name, value in each.labels.items() if value}
        assert labels <= {"backend", "store", "result"}, each
    wrong = [line for line in scrape.text.splitlines() if "token_fetches" in line and not line.startswith(("#", "portolan_"))]
    assert not wrong
