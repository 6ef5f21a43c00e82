"""TLS between Envoy and the nodes of a cache, both ways: who shows no certificate of the cache's authority gets nothing.

Real Envoy with real nodes (Apache Traffic Server), scripted registries. All of them are on one machine here, so that one certificate
serves for all; that each machine has its own is not seen.
"""

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import portolan, ports, raw
from harness.cache_node import have, start_nodes
from harness.cache_tier import Store, Tier, asked, digest_of, get, policy, start_tier
from harness.envoy import Envoy, render, write_policy
from harness.scripted import Scripted
from harness.tls import Authority, Credentials
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(not have(), reason="there is no Traffic Server; run scripts/setup cache")

HERE = "127.0.0.1"
NOTHING = None


def files(authority: Authority, own: Credentials) -> dict[str, str]:
    """The field `tls` of a cache."""
    return {"ca_file": str(authority.certificate), "certificate_file": str(own.certificate), "key_file": str(own.key)}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> Credentials:
    return authority.issue(HERE)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> dict[str, str]:
    """Who trusts the cache's authority, and has a certificate of another one."""
    return files(authority, Authority(tmp_path_factory.mktemp("foreign"), "foreign").issue(HERE))


@pytest.fixture(scope="module")
def store() -> Store:
    return Store()


@pytest.fixture(scope="module")
def registries(store: Store) -> Iterator[tuple[Scripted, Scripted]]:
    both = (Scripted(), Scripted())
    for each in both:
        each.script = store.serve
    yield both
    for each in both:
        each.close()


@pytest.fixture(scope="module")
def tier(
    tmp_path_factory: pytest.TempPathFactory,
    registries: tuple[Scripted, Scripted],
    start: Callable[..., Envoy],
    authority: Authority,
    own: Credentials,
) -> Iterator[Tier]:
    tier = start_tier(tmp_path_factory.mktemp("tier"), registries, start, tls=files(authority, own))
    yield tier
    tier.stop()


def ask(port: int, target: str, trusted: Authority, shown: dict[str, str] | None) -> raw.Response | None:
    """A request over TLS, with a certificate or without; `None` if the other end closes the connection."""
    context = ssl.create_default_context(cafile=str(trusted.certificate))
    if shown:
        context.load_cert_chain(shown["certificate_file"], shown["key_file"])
    try:
        with raw.Connection(port) as connection:
            connection.secure(context, HERE)
            return raw.exchange(connection, "GET", target, [], None, "cache.internal")
    except OSError:
        return NOTHING


def test_content_goes_through_nodes_that_are_asked_and_filled_over_tls(
    tier: Tier, store: Store, registries: tuple[Scripted, Scripted]
) -> None:
    tier.envoy.forget_log()
    path, body = store.fresh("team/app")
    for _ in range(3):
        answer = get(tier.envoy, path)
        assert (answer.status, answer.body) == (200, body)
    assert asked(registries[0], "GET", path) == 1
    lines = [line for line in tier.envoy.log_entries(3) if line.get("event") is None]
    assert [line["cache_use"] for line in lines] == ["miss", "hit", "hit"]


def test_a_node_refuses_peers_without_a_certificate_of_the_authority(
    tier: Tier, store: Store, authority: Authority, own: Credentials, foreign: dict[str, str]
) -> None:
    path, body = store.fresh("team/app")
    assert get(tier.envoy, path).body == body
    node = next(node for node in tier.nodes if node.holds(path))
    port = node.port - 1
    assert ask(port, path, authority, None) is NOTHING
    assert ask(port, path, authority, foreign) is NOTHING
    answer = ask(port, path, authority, files(authority, own))
    assert answer and (answer.status, answer.body) == (200, body)
    with pytest.raises(OSError):
        raw.request(port, "GET", path, host="cache.internal")


def test_the_fill_listener_refuses_peers_without_a_certificate_of_the_authority(
    tier: Tier, store: Store, authority: Authority, own: Credentials, foreign: dict[str, str]
) -> None:
    """Its own machine may ask without TLS, as the filter does."""
    path, body = store.fresh("team/app")
    target = f"{path}?front=main&region=default"
    assert ask(tier.fill, target, authority, None) is NOTHING
    assert ask(tier.fill, target, authority, foreign) is NOTHING
    for found in (ask(tier.fill, target, authority, files(authority, own)), raw.request(tier.fill, "GET", target, host="cache.internal")):
        assert found and (found.status, found.body) == (200, body)


def test_a_node_with_a_foreign_certificate_is_filled_with_nothing(
    tier: Tier, store: Store, registries: tuple[Scripted, Scripted], foreign: dict[str, str], tmp_path: Path
) -> None:
    port = ports.free_with_the_next()
    document = policy(*registries, [f"https://{HERE}:{port}"])
    document["caches"]["eu"]["tls"] = foreign
    path = write_policy(document, tmp_path / "policy")
    (node,) = start_nodes(path, tmp_path, f"{HERE}:{tier.fill}", [port + 1])
    wanted, body = store.fresh("team/app")
    target = f"{wanted}?front=main&region=default"
    assert raw.request(node.port, "GET", target, host="cache.internal").status >= 500
    assert asked(registries[0], "GET", wanted) == 0
    assert raw.request(tier.nodes[0].port, "GET", target, host="cache.internal").body == body, "of the cache's authority"
    node.stop()


def test_an_envoy_with_a_foreign_certificate_goes_on_to_the_registries(
    tier: Tier,
    store: Store,
    registries: tuple[Scripted, Scripted],
    start: Callable[..., Envoy],
    foreign: dict[str, str],
    tmp_path: Path,
) -> None:
    document = policy(*registries, [f"https://{HERE}:{node.port - 1}" for node in tier.nodes])
    document["caches"]["eu"]["tls"] = foreign
    envoy = start(render(document, tmp_path / "policy", more=["--cache-fill", f"{HERE}:{ports.free()}"]), workers=1)
    path, body = store.fresh("team/app")
    for _ in range(2):
        answer = get(envoy, path)
        assert (answer.status, answer.body) == (200, body)
    assert asked(registries[0], "GET", path) == 2
    assert not any(node.holds(path) for node in tier.nodes)


def test_nodes_are_looked_at_with_the_certificates_of_the_policy(
    tier: Tier, store: Store, registries: tuple[Scripted, Scripted], authority: Authority, own: Credentials,
    foreign: dict[str, str], tmp_path: Path
) -> None:
    path, body = store.fresh("team/app")
    assert get(tier.envoy, path).body == body
    document = policy(*registries, [f"https://{HERE}:{node.port - 1}" for node in tier.nodes])
    for shown, status in ((files(authority, own), 0), (foreign, 1)):
        document["caches"]["eu"]["tls"] = shown
        written = write_policy(document, tmp_path / f"policy-{status}")
        done = portolan.run("cache", "status", written, "-o", "json")
        assert done.returncode == status, done.stderr + done.stdout
        assert [node["up"] for node in json.loads(done.stdout)["nodes"]] == [status == 0] * 2
    document["caches"]["eu"]["tls"] = files(authority, own)
    written = write_policy(document, tmp_path / "policy")
    eventually(lambda: any(node.holds(path) for node in tier.nodes), what="it is kept")
    done = portolan.run("cache", "purge", written, digest_of(body), "-o", "json")
    assert done.returncode == 0, done.stdout
    assert not any(node.holds(path) for node in tier.nodes)
