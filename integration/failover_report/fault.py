"""What a fault proxy does to the requests that pass it."""

import json
import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum

# Regular expressions of paths that a fault is about.
EVERYTHING = r".*"
PING = r"/v2/"
"""Health checks and pings."""
DATA = r"(?!/v2/$).*"
"""All but these."""
CONTENT = r"/v2/.+"
"""The same, and no connections."""
BLOBS = r"/v2/.+/blobs/sha256:[0-9a-f]{64}"


class Kind(StrEnum):
    """The ways to fail."""

    NONE = "none"
    REFUSE = "refuse"
    """What has begun is finished; then connections end, and new ones are refused."""
    DROP = "drop"
    """A request is read and the connection reset, before anything is answered."""
    CUT = "cut"
    """The connection is reset in the middle of a body."""
    HANG = "hang"
    """A request is read, and nothing is answered until the fault is over."""
    ANSWER = "answer"
    """A status instead of an answer."""
    DELAY = "delay"
    """A round trip takes long: one for a connection, one for each request."""
    DROP_PACKETS = "drop-packets"
    """Connections do not come up, and on those that are there nothing is answered."""
    CERTIFICATE = "certificate"
    """Another certificate, which nobody trusts."""
    REDIRECT = "redirect"
    """Who reads is sent to the same path elsewhere."""


@dataclass(frozen=True)
class Fault:
    """A way to fail."""

    kind: Kind = Kind.NONE
    paths: str = EVERYTHING
    """What it is about; everything else passes."""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    after_bytes: int = 0
    seconds: float = 0.0
    share: float = 1.0
    """Of the requests that it is about."""
    base: str = ""
    """Where who is redirected goes."""

    def spares(self, path: str) -> bool:
        """Whether a request passes as if nothing were wrong."""
        return self.kind == Kind.NONE or re.fullmatch(self.paths, path) is None

    def sending_to(self, path: str) -> "Fault":
        """The answer that redirects a request for a path."""
        return Fault(Kind.ANSWER, status=307, headers={"Location": f"{self.base}{path}"})

    def to_json(self) -> str:
        """For the proxy, on one line."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Fault":
        """What `to_json` wrote."""
        fields = json.loads(text)
        return Fault(**{**fields, "kind": Kind(fields["kind"])})


NONE = Fault()
REFUSE = Fault(Kind.REFUSE)
