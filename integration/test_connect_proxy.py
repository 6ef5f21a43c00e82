"""Backends that are reached through a proxy of a company's: real Envoy, TLS within the tunnel, and a proxy that keeps what it is asked.

No name of a backend here can be looked up on this machine: only the proxy knows them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.connect_proxy import ConnectProxy
from harness.envoy import Envoy, Policy, render
from harness.files_envoy import FilesEnvoy
from harness.policies import build_policy
from harness.scripted import Answer, Scripted
from harness.tls import Authority, Tls

PULL = "/v2/{}/app/manifests/v1"


@dataclass
class Outside:
    """What is outside of the company, and the proxy that leads there."""

    authority: Authority
    proxy: ConnectProxy = field(default_factory=ConnectProxy)
    registry: Scripted = field(default_factory=Scripted)
    tokens: Scripted = field(default_factory=Scripted)
    inside: Scripted = field(default_factory=Scripted)

    def __post_init__(self) -> None:
        self.secure = Tls(self.registry.port, self.authority.issue("registry.outside.test"))
        self.auth = Tls(self.tokens.port, self.authority.issue("auth.outside.test"))
        self.imposter = Tls(self.registry.port, self.authority.issue("other.outside.test"))
        self.proxy.servers = {
            "registry.outside.test:443": self.secure.port,
            "auth.outside.test:443": self.auth.port,
            "imposter.outside.test:443": self.imposter.port,
            "plain.outside.test:5000": self.registry.port,
        }
        self.registry.answer(Answer(200, [], b"outside"))
        self.inside.answer(Answer(200, [], b"inside"))
        self.tokens.answer(Answer(200, [("Content-Type", "application/json")], b'{"token": "from-outside"}'))

    def policy(self) -> Policy:
        """A rule for each backend; `lost` is one that the proxy does not know, before one inside."""
        through = {"connect_proxy": self.proxy.url}
        realm = "https://auth.outside.test/token"
        names = ("secure", "tokens", "imposter", "plain", "inside")
        rules = [{"name": name, "repositories": [f"{name}/**"], "chains": {"default": [name]}} for name in names]
        return build_policy(
            {
                "secure": {"url": "https://registry.outside.test", **through},
                "tokens": {
                    "url": "https://registry.outside.test/base",
                    "auth": {"token": {"realm": realm, "service": "outside"}},
                    **through,
                },
                "imposter": {"url": "https://imposter.outside.test", **through},
                "plain": {"url": "http://plain.outside.test:5000", **through},
                "lost": {"url": "https://lost.outside.test", **through},
                "inside": self.inside.url,
            },
            rules=[
                *rules,
                {
                    "name": "lost",
                    "repositories": ["lost/**"],
                    "chains": {"default": ["lost", "inside"]},
                    "replicas": ["lost", "inside"],
                },
            ],
        )

    def close(self) -> None:
        """Ends all of it."""
        for server in (self.proxy, self.secure, self.auth, self.imposter, self.registry, self.tokens, self.inside):
            server.close()


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    made = Outside(Authority(tmp_path_factory.mktemp("authority")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def envoy(outside: Outside, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory) -> Envoy:
    trust = ("--system-certificates", str(outside.authority.certificate))
    return start(render(outside.policy(), tmp_path_factory.mktemp("policy"), more=trust))


def test_tls_with_a_backend_is_spoken_through_the_proxy(envoy: Envoy, outside: Outside) -> None:
    answer = envoy.request("GET", PULL.format("secure"), [("Authorization", "Bearer of-a-client")])
    assert (answer.status, answer.body) == (200, b"outside")
    assert "CONNECT registry.outside.test:443" in outside.proxy.asked
    assert "registry.outside.test" in outside.secure.names
    assert outside.registry.last().authority == "registry.outside.test"
    assert not any("authorization" in head for head in outside.proxy.heads)


def test_a_backend_without_tls_is_reached_as_well(envoy: Envoy, outside: Outside) -> None:
    assert envoy.request("GET", PULL.format("plain")).body == b"outside"
    assert "CONNECT plain.outside.test:5000" in outside.proxy.asked


def test_tokens_are_fetched_through_the_proxy(envoy: Envoy, outside: Outside) -> None:
    outside.registry.forget()
    assert envoy.request("GET", PULL.format("tokens")).status == 200
    assert "CONNECT auth.outside.test:443" in outside.proxy.asked
    assert outside.registry.last().all("authorization") == [b"Bearer from-outside"]


def test_certificates_are_verified_behind_the_proxy(envoy: Envoy, outside: Outside) -> None:
    outside.registry.forget()
    assert envoy.request("GET", PULL.format("imposter")).status == 503
    assert "CONNECT imposter.outside.test:443" in outside.proxy.asked
    assert not outside.registry.seen


def test_a_backend_that_the_proxy_refuses_is_one_that_is_down(envoy: Envoy, outside: Outside) -> None:
    assert envoy.request("GET", PULL.format("lost")).body == b"inside"
    assert "CONNECT lost.outside.test:443" in outside.proxy.asked


def test_a_backend_without_a_connect_proxy_is_reached_directly(envoy: Envoy, outside: Outside) -> None:
    before = len(outside.proxy.asked)
    assert envoy.request("GET", PULL.format("inside")).body == b"inside"
    assert len(outside.proxy.asked) == before


def test_a_proxy_comes_with_another_policy(outside: Outside, tmp_path: Path) -> None:
    policy = outside.policy()
    policy["backends"] = {"plain": {"url": f"http://localhost:{outside.registry.port}"}}
    policy["rules"] = [rule for rule in policy["rules"] if rule["name"] == "plain"]
    started = FilesEnvoy(policy, tmp_path)
    outside.proxy.servers[f"localhost:{outside.registry.port}"] = outside.registry.port
    before = len(outside.proxy.asked)
    assert started.request("GET", PULL.format("plain")).status == 200
    assert len(outside.proxy.asked) == before
    policy["backends"]["plain"]["connect_proxy"] = outside.proxy.url
    assert "is in force" in started.apply(policy, "--no-validate")
    assert started.request("GET", PULL.format("plain")).status == 200
    assert set(outside.proxy.asked[before:]) == {f"CONNECT localhost:{outside.registry.port}"}
    started.stop()
