"""What several suites share. Everything is stopped when the session ends, however it ends."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import image, paths, portolan, processes
from harness.bootstrap import Bootstrap
from harness.cache_tier import Store, Tier, start_tier
from harness.comparison import Comparison
from harness.delivery import Delivery
from harness.doors import KINDS, Door, opened
from harness.envoy import Envoy, Policy, render
from harness.scripted import Answer, Scripted
from harness.signing import Signer
from harness.tenants import policy as policy_of_tenants
from harness.two_operators import Operators, two_operators

# Suites about Envoy's configuration, commands and clients, in which it does not matter what runs the filter: they have the
# native module. Envoy compiles the WebAssembly at each start, for seconds of processor time, and these start some hundred.
# scripts/test-all runs every suite with either form.
NATIVE_SUITES = """
    alerts auth_clients auth_operators auth_peers balancers browsers budgets cache_clients client_limits
    combined_registry copy copy_s3 doctor drift geography gitlab_geo hostile_clients hostile_framing
    hostile_http2 hostile_http3 hostile_load hostile_registries http3 http_redirect limited
    locality measuring naming_clients observing rate_limit_service redirecting redirecting_clients
    redirects_clients refused_clients refused_writes rules_of_fronts status times
    tls_clients tls_front tracing warm
""".split()


@pytest.fixture(scope="module", autouse=True)
def _form_of_the_filter(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whether a suite has the filter in WebAssembly or as a module; PORTOLAN_FILTER says it for all."""
    before = paths.FILTER
    if "PORTOLAN_FILTER" not in os.environ and request.path.stem.removeprefix("test_") in NATIVE_SUITES:
        paths.FILTER = "module"
    yield
    paths.FILTER = before


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    processes.stop_all_at_exit()
    yield
    processes.stop_all()


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for the whole session; logs of servers are in it."""
    return tmp_path_factory.mktemp("portolan")


@pytest.fixture(scope="session")
def geo_database(work: Path) -> Path:
    """The synthetic database, as the command line builds it."""
    return portolan.build_geo_database(work / "synthetic.mmdb")


@pytest.fixture(scope="session")
def app() -> image.Image:
    """The image that most pulls are about."""
    return image.build("app")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Scripted]:
    """A registry with one repository, which has no tags; it answers everything so."""
    registry = Scripted()
    registry.answer(Answer(200, [], b'{"name": "app", "tags": []}'))
    yield registry
    registry.close()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Envoy]]:
    """Starts an Envoy; nothing of it may have crashed when it is stopped, at the end of the module."""
    started: list[Envoy] = []

    def start_one(document: Bootstrap, workers: int = 1) -> Envoy:
        started.append(Envoy(document, tmp_path_factory.mktemp("envoy"), workers))
        return started[-1]

    yield start_one
    crashes = [crash for envoy in started for crash in envoy.crashes()]
    for envoy in started:
        envoy.stop()
    assert not crashes


@pytest.fixture(scope="module")
def start_envoy(
    start: Callable[[Bootstrap], Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Policy], Envoy]:
    """Starts an Envoy with what is rendered of a policy."""
    return lambda policy: start(render(policy, tmp_path_factory.mktemp("policy")))


@pytest.fixture(scope="module")
def east() -> Iterator[Scripted]:
    """A scripted upstream."""
    upstream = Scripted()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def west() -> Iterator[Scripted]:
    """Another scripted upstream."""
    upstream = Scripted()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def service() -> Iterator[Scripted]:
    """A service that the proxy asks: for tokens, or about passwords."""
    server = Scripted()
    yield server
    server.close()


@pytest.fixture(scope="module")
def store(east: Scripted, west: Scripted) -> Store:
    """Both registries have it."""
    store = Store()
    east.script = west.script = store.serve
    return store


@pytest.fixture(scope="module")
def tier(
    east: Scripted, west: Scripted, store: Store, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tier]:
    """Two nodes, filled from the same Envoy."""
    tier = start_tier(tmp_path_factory.mktemp("tier"), (east, west), start)
    yield tier
    tier.stop()


@pytest.fixture
def nobody_was_asked(east: Scripted, west: Scripted, store: Store) -> None:
    """Both registries have what is in the store, and no test before has asked them for it."""
    east.script = west.script = store.serve
    east.forget()
    west.forget()


@pytest.fixture(scope="module", params=KINDS)
def door(
    request: pytest.FixtureRequest,
    east: Scripted,
    west: Scripted,
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Door:
    """A front of two tenants, without TLS and with it; `west` is our registry, `east` the other tenant's."""
    policy = policy_of_tenants(west.url, east.url)
    return opened(request.param, policy, start, tmp_path_factory.mktemp("door"))


@pytest.fixture
def both_answer(east: Scripted, west: Scripted) -> None:
    """Both registries answer with 200, and forget what they saw before."""
    for upstream in (east, west):
        upstream.answer(Answer(200, [], b"{}"))


@pytest.fixture
def backends() -> Iterator[list[Scripted]]:
    """Three registries."""
    upstreams = [Scripted() for _ in range(3)]
    yield upstreams
    for upstream in upstreams:
        upstream.close()


@pytest.fixture
def compare(start: Callable[[Bootstrap], Envoy], tmp_path: Path) -> Comparison:
    """Starts Envoys to compare."""
    return Comparison(start, tmp_path)


@pytest.fixture(scope="module")
def the_delivery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    """A CDN."""
    delivery = Delivery(tmp_path_factory.mktemp("delivery"))
    yield delivery
    delivery.close()


@pytest.fixture
def delivery(the_delivery: Delivery) -> Delivery:
    """The CDN in good order, asked nothing yet."""
    the_delivery.cdn.behave()
    the_delivery.cdn.forget()
    return the_delivery


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """What signs the tokens of a suite's token services."""
    return Signer(tmp_path_factory.mktemp("signer"))


@pytest.fixture(scope="module")
def the_operators(signer: Signer) -> Iterator[Operators]:
    """Registries of two operators, each with its token service, for a whole suite."""
    with two_operators(signer) as operators:
        yield operators


@pytest.fixture
def operators(the_operators: Operators) -> Operators:
    """The registries of two operators, all up, with no requests yet."""
    the_operators.reset()
    return the_operators
