"""A content delivery network over TLS, with names of its own and an authority that vouches for them."""

from pathlib import Path
from typing import Any

from harness.bootstrap import Bootstrap
from harness.cdn import Cdn
from harness.digest import sha256
from harness.envoy import Policy
from harness.name_server import NameServer, use_name_server
from harness.policies import build_policy, rule_for_all
from harness.tls import Authority, Tls

HOST = "cdn.test"
CONTENT = bytes(range(256)) * 40
DIGEST = sha256(CONTENT)
# Clients from here have redirects followed; see `policy`.
FOLLOWED = ("X-Forwarded-For", "203.0.113.9")
PASSED = ("X-Forwarded-For", "198.51.100.9")


class Delivery:
    """`cdn` serves what is in `root`, as https://cdn.test:PORT and as every https://*.store.test:PORT.

    `CONTENT` is there, as `/blob`, if the root is its own.
    """

    def __init__(self, directory: Path, root: Path | None = None) -> None:
        self.root = root or directory / "content"
        if root is None:
            self.root.mkdir(parents=True)
            (self.root / "blob").write_bytes(CONTENT)
        self.cdn = Cdn(self.root)
        self.authority = Authority(directory / "authority")
        self.tls = Tls(self.cdn.port, self.authority.issue(HOST))
        self.store = Tls(self.cdn.port, self.authority.issue("*.store.test"))
        self.names = NameServer({name: ["127.0.0.1"] for name in (HOST, "a.store.test", "b.store.test")})
        self.cdn.base = f"https://{self.host}"

    @property
    def blob(self) -> str:
        """Where the content is."""
        return f"{self.cdn.base}/blob"

    @property
    def host(self) -> str:
        """Its host and port."""
        return f"{HOST}:{self.tls.port}"

    @property
    def hosts(self) -> list[str]:
        """What a policy has to allow."""
        return [self.host, f"*.store.test:{self.store.port}"]

    def follow(self, **more: object) -> dict[str, Any]:
        """What a backend of a policy says: clients of the region `far` have its redirects followed."""
        follow = {"hosts": self.hosts, "private_addresses": True, "ca_file": str(self.authority.certificate)}
        return {"redirect_handling": {"far": "follow", "default": "pass"}, "followed_redirects": follow | more}

    def prepare(self, document: Bootstrap) -> Bootstrap:
        """Has an Envoy find it."""
        use_name_server(document, self.names.port)
        return document

    def close(self) -> None:
        """Stops everything."""
        for part in (self.tls, self.store, self.cdn, self.names):
            part.close()


def policy(backends: dict[str, dict[str, Any]], **rule: object) -> Policy:
    """One rule for everything, with the backends in their order, and the regions `far` and `default`."""
    return build_policy(
        backends,
        rule_for_all(list(backends), **rule),
        regions={"far": {"networks": ["203.0.113.0/24"]}, "default": {}},
        clients={"trusted_hops": 1},
    )
