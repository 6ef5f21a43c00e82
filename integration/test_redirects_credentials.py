"""Redirects in real Envoy: nothing that proves who somebody is leaves the registry that asked for it.

A registry with tokens, one with passwords, and a CDN that refuses a second way to authenticate, as object
stores do. Sees every header that arrives anywhere, and Envoy's log at its most talkative.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness import cdn as cdns
from harness import raw
from harness.accounts import Account
from harness.delivery import CONTENT, DIGEST, FOLLOWED, Delivery, policy
from harness.envoy import Envoy, render
from harness.guarded import Guarded
from harness.scripted import Answer, Scripted
from harness.signing import Signer
from harness.token_service import TokenService, User
from harness.waiting import eventually

BLOB = f"/v2/team/app/blobs/{DIGEST}"
ROBOT = Account("robot", "the robot's password")
ALICE = Account("alice", "what only alice knows")


@dataclass
class Registries:
    """`tokens` wants a token of its service, `passwords` the robot's password. Both keep blobs at the CDN."""

    tokens: Guarded
    passwords: Guarded
    delivery: Delivery

    def start(
        self, start: Callable[..., Envoy], directory: Path, chain: list[str], auth: object = "managed"
    ) -> Envoy:
        """An Envoy that follows both for clients that are far, and says all that it can say."""
        service = self.tokens.service
        assert service is not None
        password = directory / "robot"
        password.write_text(ROBOT.basic.removeprefix("Basic "))
        token = {"realm": service.realm, "service": service.service}
        backends: dict[str, dict[str, Any]] = {
            "tokens": {"url": self.tokens.upstream.url, "auth": {"token": token}},
            "passwords": {"url": self.passwords.upstream.url, "auth": "basic", "credential": "robot"},
        }
        document = policy(
            {name: {**backends[name], **self.delivery.follow()} for name in chain}, readers="anyone"
        )
        document["rules"][0]["repositories"] = ["team/**"]
        if "passwords" in chain:
            document["credentials"] = {"robot": {"file": str(password)}}
        else:
            del document["rules"][0]["readers"]
        document["fronts"]["main"]["auth"] = auth
        envoy = start(self.delivery.prepare(render(document, directory)))
        raw.request(envoy.admin_port, "POST", "/logging?level=debug")
        return envoy


@pytest.fixture
def registries(backends: list[Scripted], delivery: Delivery, tmp_path: Path) -> Iterator[Registries]:
    service = TokenService(Signer(tmp_path / "signer"), [ALICE])
    service.habits.public = ("team/",)
    delivery.cdn.behave(delivery.cdn.signing)
    found = Registries(
        Guarded(backends[0], "team/app", service=service),
        Guarded(backends[1], "team/app", basic=ROBOT.basic),
        delivery,
    )
    found.tokens.answer = lambda: cdns.redirect(delivery.blob)
    found.passwords.answer = lambda: cdns.redirect(delivery.blob)
    yield found
    service.close()


def pulled(envoy: Envoy, delivery: Delivery, *headers: raw.Header) -> None:
    """Pulls what is at the CDN, by two redirects; the CDN sees nothing that proves anything."""
    delivery.cdn.forget()
    answer = envoy.request("GET", BLOB, [FOLLOWED, *headers])
    assert (answer.status, answer.body) == (200, CONTENT)
    assert len(delivery.cdn.seen) == 2
    for seen in delivery.cdn.seen:
        assert seen.names <= {"host", "x-request-id", "user-agent", "accept"}


def test_a_token_of_the_proxys_reaches_its_registry_alone(registries: Registries, start: Callable[..., Envoy], tmp_path: Path) -> None:
    envoy = registries.start(start, tmp_path, ["tokens"])
    for _ in range(2):
        pulled(envoy, registries.delivery)
    assert len(registries.tokens.tokens) == 2
    log = envoy.error_log()
    assert "internal redirect" in log.lower()
    assert not [token for token in registries.tokens.tokens if token in log]


def test_a_password_of_the_proxys_reaches_its_registry_alone(
    registries: Registries, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    envoy = registries.start(start, tmp_path, ["passwords"])
    pulled(envoy, registries.delivery)
    assert registries.passwords.tokens == [ROBOT.basic]
    assert ROBOT.basic.removeprefix("Basic ") not in envoy.error_log()


def test_two_backends_get_a_credential_each_and_the_cdn_none(
    registries: Registries, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    """What the first backend was shown goes neither to the second nor to where that redirects."""
    registries.passwords.answer = lambda: Answer(404)
    envoy = registries.start(start, tmp_path, ["passwords", "tokens"])
    pulled(envoy, registries.delivery)
    assert registries.passwords.tokens == [ROBOT.basic]
    assert ROBOT.basic not in registries.tokens.tokens and len(registries.tokens.tokens) == 1
    log = envoy.error_log()
    assert ROBOT.basic.removeprefix("Basic ") not in log
    assert registries.tokens.tokens[0] not in log


def test_a_token_of_the_clients_reaches_its_registry_alone(registries: Registries, start: Callable[..., Envoy], tmp_path: Path) -> None:
    service = registries.tokens.service
    assert service is not None
    service.habits.users = {ALICE.user: User(ALICE.password)}
    envoy = registries.start(start, tmp_path, ["tokens"], auth="upstream")
    token = service.token(ALICE.user, ["repository:team/app:pull"])
    pulled(envoy, registries.delivery, ("Authorization", f"Bearer {token}"), ("Cookie", "session=x"))
    assert registries.tokens.tokens == [token]


def test_a_refused_token_is_still_renewed(
    registries: Registries, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    envoy = registries.start(start, tmp_path, ["tokens"])
    pulled(envoy, registries.delivery)
    registries.tokens.revoke()
    # No token is replaced that is younger than a second.
    eventually(lambda: envoy.request("GET", BLOB, [FOLLOWED]).status == 200)
    pulled(envoy, registries.delivery)
