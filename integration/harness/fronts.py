"""Registries with the same image behind fronts of every kind, for real clients.

`near` and `home` are of one operator, `hub` is another's: with a realm, a service and names of its own.
`passwords` has a file of users, and `cache` is open, and empty. What `near` is asked can be seen, held and
broken.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import own_port, skopeo
from harness.accounts import Account, write_htpasswd
from harness.ageing import AgeingTokenService
from harness.envoy import Envoy, Policy, render
from harness.image import Image
from harness.policies import build_policy, hedged_late
from harness.private_registry import PrivateRegistry, htpasswd_settings
from harness.registry import Registry
from harness.relay import Relay
from harness.signing import Signer
from harness.token_service import User
from harness.verifier import Verifier

ALICE = Account("alice", "alice's secret: a colon & more")
ROBOT = Account("robot", "the proxy's own")

MakePolicy = Callable[["Place", int], Policy]


@dataclass
class Place:
    """Everything behind the fronts."""

    directory: Path
    acme_tokens: AgeingTokenService
    hub_tokens: AgeingTokenService
    near: Relay
    near_registry: PrivateRegistry
    home: PrivateRegistry
    hub: PrivateRegistry
    passwords: PrivateRegistry
    cache: Registry
    verifier: Verifier
    credential: Path

    def reset(self) -> None:
        """Everybody in good order, asked nothing yet."""
        for service in (self.acme_tokens, self.hub_tokens):
            service.behave()
            service.forget()
        self.near.revive()
        self.near.forget()


@dataclass(frozen=True)
class Front:
    """A front as clients know it."""

    name: str
    authority: str


@contextmanager
def place(directory: Path, image: Image) -> Iterator[Place]:
    """Starts it all, and stops it in the end."""
    signer = Signer(directory / "signer")
    # crane refuses a realm on a private address, unless it is the registry's own host and port.
    acme = AgeingTokenService(signer, [ALICE, ROBOT], "acme.svc", hostname="localhost")
    hub = AgeingTokenService(signer, service="hub.svc", path="/v2/auth", hostname="localhost")
    acme.habits.public, hub.habits.public = ("acme/public/", "copies/public/"), ("library/",)
    hub.habits.users = {ROBOT.user: User(ROBOT.password, frozenset({"pull"}))}
    htpasswd = write_htpasswd(directory / "htpasswd", [ALICE])
    layout = directory / "layout"
    image.write_layout(layout, "image")

    def registry(name: str, auth: dict[str, object], *repositories: str) -> PrivateRegistry:
        made = PrivateRegistry(name, directory / name, auth)
        for repository in repositories:
            skopeo.push(layout, "image", f"{made.inside.authority}/{repository}:v1")
        return made

    near = registry("near", acme.registry_settings(), "copies/public/app", "copies/private/app")
    home = registry("home", acme.registry_settings(), "acme/public/app", "acme/private/app", "archive/app")
    other = registry("hub", hub.registry_settings(), "library/app", "drycc/private/app")
    passwords = registry("passwords", htpasswd_settings(htpasswd), "acme/private/app")
    cache = Registry("cache", directory)
    verifier = Verifier(htpasswd, directory / "verifier")
    credential = directory / "robot"
    credential.write_text(ROBOT.basic.removeprefix("Basic "))
    relay = Relay(near.port)
    yield Place(directory, acme, hub, relay, near, home, other, passwords, cache, verifier, credential)
    for server in (relay, acme, hub):
        server.close()
    for process in (near, home, other, passwords, cache, verifier):
        process.stop()


def upstream_tokens(place: Place, port: int) -> Policy:
    """Clients log in to `home`.

    `drycc/` is at `near` and `home`, `cached/` at `home` if `cache` lacks it, `hub/` at another operator's.
    """
    copies, cached = ["near", "home"], ["cache", "home"]
    policy = build_policy(
        {
            "home": _backend(place.home.url, place.acme_tokens, ("drycc/", "acme/"), ("cached/", "archive/")),
            "near": _backend(place.near.url, place.acme_tokens, ("drycc/", "copies/")),
            "hub": _backend(place.hub.url, place.hub_tokens, ("hub/", "library/")),
            "cache": place.cache.url,
        },
        fronts={"main": {"hosts": [f"127.0.0.1:{port}"], "auth": {"upstream": {"login": "home"}}}},
        rules=[
            _rule("drycc", copies, owner="home", replicas=copies),
            _rule("cached", cached, replicas=cached),
            _rule("hub", ["hub"]),
        ],
    )
    # Tests hold an answer back until a token has expired: nobody else is to serve meanwhile.
    return hedged_late(policy)


def upstream_passwords(place: Place, port: int) -> Policy:
    """Clients log in to a registry with a file of users."""
    names = [{"front": "drycc/", "backend": "acme/"}]
    return build_policy(
        {"home": {"url": place.passwords.url, "auth": "basic", "names": names}},
        fronts={"main": {"hosts": [f"127.0.0.1:{port}"], "auth": "upstream"}},
        rules=[_rule("drycc", ["home"], owner="home")],
    )


def of_the_proxy(place: Place, port: int) -> Policy:
    """The proxy has a credential for all of them.

    `drycc/` is for anyone, and at two operators'; `own/` is for who has a password at the front `localhost`.
    """
    backends = {
        "near": _backend(place.near.url, place.acme_tokens, ("drycc/", "copies/")),
        "hub": _backend(place.hub.url, place.hub_tokens, ("hub/", "library/")),
        "home": _backend(place.home.url, place.acme_tokens, ("own/", "acme/")),
    }
    chain = ["near", "hub"]
    return build_policy(
        {name: {**each, "credential": "robot"} for name, each in backends.items()},
        fronts={
            "managed": {"hosts": [f"127.0.0.1:{port}"]},
            "guarded": {"hosts": [f"localhost:{port}"], "auth": {"basic": {"verifier": place.verifier.url}}},
        },
        credentials={"robot": {"file": str(place.credential)}},
        rules=[
            _rule("drycc", chain, replicas=chain, readers="anyone"),
            _rule("own", ["home"], owner="home", readers="authenticated", writers="authenticated"),
        ],
    )


@contextmanager
def front_at_its_port(place: Place, policy: MakePolicy, directory: Path) -> Iterator[int]:
    """An Envoy at a port that its policy names; nothing of it may have crashed in the end."""
    port = own_port.reserve()
    envoy = Envoy(render(policy(place, port), directory, port), directory / "envoy")
    yield port
    crashes = envoy.crashes()
    envoy.stop()
    assert not crashes


def _backend(url: str, service: AgeingTokenService, *names: tuple[str, str]) -> Policy:
    return {
        "url": url,
        "auth": {"token": {"realm": service.realm, "service": service.service}},
        "names": [{"front": front, "backend": backend} for front, backend in names],
        # More than the tests have the near registry take, and while it takes that nobody else is asked.
        "attempt_timeouts": {"manifests": "10s", "blobs": "10s"},
        "hedge_after": "off",
    }


def _rule(name: str, chain: list[str], **more: object) -> Policy:
    return {"name": name, "repositories": [f"{name}/**"], "chains": {"default": chain}, **more}
