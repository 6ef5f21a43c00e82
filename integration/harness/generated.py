"""Requests by the thousand: from the grammar of the distribution spec, and its near misses.

The same seed gives the same requests. Everything here is something that HTTP allows; what it
does not is refused by Envoy before the filter (see test_hostile).
"""

import random
from dataclasses import dataclass
from typing import Any

from harness.policies import ADDRESSES

HEX = "0123456789abcdef"
READ = ["GET", "GET", "GET", "HEAD"]
WRITE = ["PUT", "DELETE"]
METHODS = [*READ, *WRITE, "POST", "PATCH", "OPTIONS", "PROPFIND"]
COMPONENTS = [
    "app",
    "a",
    "base-image",
    "a.b",
    "a__b",
    "x--y",
    "0",
    "manifests",
    "blobs",
    "uploads",
    "tags",
    "referrers",
    "list",
]
BAD_COMPONENTS = ["App", "-a", "a-", "a___b", "a..b", "_x", "a+b", "a~b", "."]
TAGS = ["v1", "latest", "_x", "A.b-c_d", "1", "sha256-" + "0" * 64 + ".sig", "t" * 128]
BAD_TAGS = [".x", "-x", "t" * 129, "a~b", "a,b", "a=b", "a@b"]
PATHS = [
    "/v2/",
    "/v2",
    "/",
    "/v1/",
    "/v2foo",
    "/V2/",
    "/v2/_catalog",
    "/v2/_oci/ext/discover",
    "/v2/tags/list",
    "/healthz",
]
QUERIES = ["", "", "", "", "?", "?n=5&last=a%2Fb", "?x=%2f..//;&&==", "?ns=docker.io", "?a?b"]
PIECES = [
    "..",
    ".",
    "//",
    "/",
    "%2F",
    "%2e",
    "%5C",
    "%00",
    "%41",
    "%3A",
    "%",
    ";",
    "\\",
    "~",
    "_",
    "A",
    "@",
    ":",
    "%7C",
]


@dataclass(frozen=True)
class Request:
    """A request, and where its client is."""

    method: str
    target: str
    authority: str
    place: str

    @property
    def address(self) -> str:
        """The client's address."""
        return ADDRESSES[self.place]

    def as_line(self) -> dict[str, str]:
        """The request as `portolan explain --batch` reads it, with what Envoy's geoip filter finds."""
        line = {
            "method": self.method,
            "target": self.target,
            "authority": self.authority,
            "address": self.address,
        }
        if self.place == "nowhere":
            return line
        country, _, subdivision = self.place.partition("-")
        return line | {"country": country} | ({"subdivision": subdivision} if subdivision else {})


class Generator:
    """Requests for one policy: its hosts and the names of its rules, and others."""

    def __init__(self, policy: dict[str, Any], seed: int) -> None:
        self._random = random.Random(seed)
        fronts = policy["fronts"].values()
        upstreams = {name: it for front in fronts for name, it in front.get("upstreams", {}).items()}
        self._hosts: list[str] = [host for it in (*fronts, *upstreams.values()) for host in it.get("hosts", [])]
        self._registries = [*upstreams, *(name for it in upstreams.values() for name in it.get("ns", []))]
        globs = [glob for rule in policy.get("rules", []) for glob in rule["repositories"]]
        self._prefixes = [glob.partition("*")[0].strip("/") for glob in globs] or [*upstreams, ""]

    def request(self) -> Request:
        """One more request."""
        methods, path = self._random.choice(self._endpoints())
        if self._chance(0.15):
            methods = METHODS
        method, place = self._random.choice(methods), self._random.choice([*ADDRESSES])
        return Request(method, self._target(path), self._authority(), place)

    def _authority(self) -> str:
        host = self._random.choice(self._hosts)
        name = host.partition(":")[0]
        others = [
            f"{name}:443",
            f"{name}:80",
            host.upper(),
            f"{name}:1234",
            f"x.{host}",
            "evil.example",
            "127.0.0.1",
        ]
        return host if self._chance(0.9) else self._random.choice(others)

    def _target(self, path: str) -> str:
        if self._chance(0.15):
            place = self._random.randint(1, len(path))
            path = path[:place] + self._random.choice(PIECES) + path[place:]
        return path if "?" in path else path + self._query()

    def _query(self) -> str:
        """Mostly none; where registries are named by `ns`, often that, and sometimes in two minds."""
        if not self._registries or self._chance(0.5):
            return self._random.choice(QUERIES)
        one, other = self._random.choices([*self._registries, "evil.example", ""], k=2)
        forms = [f"?ns={one}"] * 6 + [f"?n=5&ns={one.upper()}:443&x", f"?%6es={one}&ns={one}", f"?ns={one}&ns={other}"]
        return self._random.choice(forms)

    def _endpoints(self) -> list[tuple[list[str], str]]:
        """A path of each endpoint, and the methods that it has."""
        name = self._name()
        tag = self._random.choice(BAD_TAGS if self._chance(0.1) else TAGS)
        upload = f"/v2/{name}/blobs/uploads/"
        return [
            *[([*READ, *WRITE], f"/v2/{name}/manifests/{tag}")] * 4,
            *[([*READ, *WRITE], f"/v2/{name}/manifests/{self._digest()}")] * 3,
            *[([*READ, "DELETE"], f"/v2/{name}/blobs/{self._digest()}")] * 4,
            *[(READ, f"/v2/{name}/referrers/{self._digest()}")] * 2,
            *[(READ, f"/v2/{name}/tags/list")] * 2,
            *[(["POST"], upload)] * 2,
            (["POST"], f"{upload}?mount={self._digest()}&from={self._name()}"),
            (["GET", "PATCH", "PUT", "DELETE"], upload + self._session()),
            (READ, f"/v2/{name}{self._random.choice(['', '/', '/_trust/x', '/manifests/', '/blobs/'])}"),
            (READ, self._random.choice(PATHS)),
        ]

    def _name(self) -> str:
        """Mostly a name of a rule; sometimes too long, or none at all."""
        prefix = self._random.choice(self._prefixes if self._chance(0.85) else ["other", ""])
        count = self._random.choice([0, 1, 1, 1, 1, 1, 2, 2, 3])
        parts = [self._random.choice(COMPONENTS) for _ in range(count)]
        if self._chance(0.07):
            parts.append(self._random.choice(BAD_COMPONENTS))
        if self._chance(0.04):
            parts.append("n" * self._random.randint(225, 260))
        return "/".join([part for part in [prefix, *parts] if part])

    def _digest(self) -> str:
        encoded = "".join(self._random.choices(HEX, k=64))
        good = [f"sha256:{encoded}"] * 5 + [
            f"sha256%3A{encoded}",
            f"sha256%3a{encoded}",
            f"sha512:{encoded * 2}",
            "a+b:X_y=",
            f"md5:{encoded[:32]}",
        ]
        bad = [
            f"sha256:{encoded[1:]}",
            f"sha256:{encoded}0",
            f"sha256:{encoded[1:]}G",
            f"SHA256:{encoded}",
            "sha256:",
            ":x",
            "v1",
            f"sha512:{encoded}",
            f"sha256%253A{encoded}",
        ]
        return self._random.choice(bad if self._chance(0.1) else good)

    def _session(self) -> str:
        return self._random.choice(
            ["1", "a-b_c", "x?_state=a%2Fb+c==", "a/b/c", "a=:.~", "%3D", "", "a//b", ".."]
        )

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability
