"""Two tenants with a front, passwords and repositories each, who have the same layers; and the policies that take turns."""

from dataclasses import dataclass
from typing import Any

from harness import image
from harness.accounts import Account
from harness.digest import sha256
from harness.image import Image
from harness.policies import build_policy
from soak.faults import FAR, NEAR

TAG = "v1"


@dataclass(frozen=True)
class Tenant:
    """One of them."""

    name: str
    account: Account

    @property
    def host(self) -> str:
        """The host of the front."""
        return f"{self.name}.test"

    @property
    def repository(self) -> str:
        """The repository that is read, by the name that clients use."""
        return f"{self.name}/app"

    @property
    def pushed(self) -> str:
        """The repository that is written, by the name that clients use."""
        return f"{self.name}/pushed"

    @property
    def prefix(self) -> str:
        """With what the names of the repositories begin at the registries."""
        return f"site-{self.name}/"


OURS = Tenant("ours", Account("ours", "secret-of-ours"))
THEIRS = Tenant("theirs", Account("theirs", "secret-of-theirs"))
BOTH = (OURS, THEIRS)


@dataclass(frozen=True)
class Part:
    """Something to read, and the digest of it."""

    target: str
    digest: str


def content() -> Image:
    """What both tenants have, digest for digest."""
    return image.build("soak", 3, 60_000)


def parts(tenant: Tenant, app: Image) -> list[Part]:
    """All that can be read of the image, by tag and by digest."""
    base = f"/v2/{tenant.repository}"
    manifests = [Part(f"{base}/manifests/{digest}", digest) for digest in app.manifests]
    blobs = [Part(f"{base}/blobs/{digest}", digest) for digest in app.blobs]
    assert app.digest == sha256(app.manifests[app.digest])
    return [Part(f"{base}/manifests/{TAG}", app.digest), *manifests, *blobs]


def policy(number: int, ports: dict[str, int], verifiers: dict[str, str]) -> dict[str, Any]:
    """One of three; in the second the backends have each other's names, in the third a third one is asked first.

    A connection, a name or a health that outlives its policy goes to the registry that must not be written.
    """
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    turn = number % 3
    # The registry that is written is the same in all of them, under whatever name.
    owner = "b" if turn == 1 else "a"
    backends = {owner: urls[NEAR], {"a": "b", "b": "a"}[owner]: urls[FAR]}
    chain = [owner, *(name for name in backends if name != owner)]
    if turn == 2:
        backends["c"] = f"http://127.0.0.1:{ports[FAR]}"
        chain = ["c", *chain]
    names = [{"front": f"{tenant.name}/", "backend": tenant.prefix} for tenant in BOTH]
    return build_policy(
        {name: {"url": url, "names": names} for name, url in backends.items()},
        fronts={
            tenant.name: {"hosts": [tenant.host], "auth": {"basic": {"verifier": verifiers[tenant.name]}}}
            for tenant in BOTH
        },
        rules=[
            {
                "name": f"{tenant.name}-{number}",
                "repositories": [f"{tenant.name}/**"],
                "fronts": [tenant.name],
                "chains": {"default": chain},
                "owner": owner,
                "replicas": chain,
            }
            for tenant in BOTH
        ],
    )
