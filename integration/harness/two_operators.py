"""Registries of two operators behind one front, whose clients log in to the registries.

`acme` and `twin` want tokens of one service, `hub` those of another, and `open` wants nothing. All are
scripted, and keep what they are sent; a registry that is not told what to answer has nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.accounts import Account
from harness.envoy import Policy
from harness.policies import build_policy
from harness.scripted import Answer, Scripted
from harness.signing import Signer
from harness.token_service import Habits, TokenService, User

ALICE = Account("alice", "alice's secret: a colon & more")
NOTHING = Answer(404, [("Content-Type", "application/json")], b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
# The realm of the one has a query, that of the other is where a repository might be (Quay, GCR).
ACME_QUERY, HUB_PATH = "tenant=7", "/v2/auth"


@dataclass
class Operators:
    """The registries and the token services."""

    acme: Scripted
    twin: Scripted
    hub: Scripted
    open: Scripted
    acme_tokens: TokenService
    hub_tokens: TokenService

    @property
    def registries(self) -> list[Scripted]:
        """All registries."""
        return [self.acme, self.twin, self.hub, self.open]

    @property
    def services(self) -> list[TokenService]:
        """Both token services."""
        return [self.acme_tokens, self.hub_tokens]

    def reset(self) -> None:
        """Everybody in good order, asked nothing yet."""
        for registry in self.registries:
            registry.answer(NOTHING)
        for service in self.services:
            service.habits = Habits({ALICE.user: User(ALICE.password)})
            service.forget()

    def policy(self) -> Policy:
        """Clients log in to `acme`, whose `acme/` is `drycc/` at the front.

        `mirrored/` is at three registries, and has another name at each.
        """
        acme = {"realm": f"{self.acme_tokens.realm}?{ACME_QUERY}", "service": self.acme_tokens.service}
        hub = {"realm": self.hub_tokens.realm, "service": self.hub_tokens.service}
        everywhere = ["open", "twin", "acme"]
        return build_policy(
            {
                "acme": _backend(self.acme, acme, {"drycc/": "acme/", "mirrored/": "acme-mirror/"}),
                "twin": _backend(self.twin, acme, {"mirrored/": "twin/"}),
                "hub": _backend(self.hub, hub, {"hub/": ""}),
                "open": self.open.url,
            },
            fronts={
                "main": {
                    "hosts": ["registry.test", "127.0.0.1:5000", "other.test:8443"],
                    "default": True,
                    "auth": {"upstream": {"login": "acme"}},
                },
            },
            rules=[
                _rule("drycc", ["acme"], owner="acme"),
                _rule("mirrored", everywhere, replicas=everywhere),
                _rule("hub", ["hub"]),
                _rule("open", ["open"]),
            ],
        )

    def close(self) -> None:
        """Stops all of them."""
        for registry in self.registries:
            registry.close()
        for service in self.services:
            service.close()


@contextmanager
def two_operators(signer: Signer) -> Iterator[Operators]:
    """Starts them, and stops them in the end."""
    operators = Operators(
        acme=Scripted(),
        twin=Scripted(),
        hub=Scripted(),
        open=Scripted(),
        acme_tokens=TokenService(signer, service="acme.svc"),
        hub_tokens=TokenService(signer, path=HUB_PATH, service="hub.svc"),
    )
    operators.reset()
    yield operators
    operators.close()


def _backend(registry: Scripted, token: dict[str, str], names: dict[str, str]) -> Policy:
    mapped = [{"front": front, "backend": backend} for front, backend in names.items()]
    return {"url": registry.url, "auth": {"token": token}, "names": mapped}


def _rule(name: str, chain: list[str], **more: object) -> Policy:
    return {"name": name, "repositories": [f"{name}/**"], "chains": {"default": chain}, **more}
