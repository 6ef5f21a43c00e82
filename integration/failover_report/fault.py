"""What a fault proxy does to the requests that pass it."""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

PING = "/v2/"


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
    CERTIFICATE = "certificate"
    """Another certificate, which nobody trusts."""


@dataclass(frozen=True)
class Fault:
    """A way to fail."""

    kind: Kind = Kind.NONE
    data_only: bool = False
    """Health checks and pings (`/v2/`) pass."""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    after_bytes: int = 0
    seconds: float = 0.0

    def spares(self, path: str) -> bool:
        """Whether a request passes as if nothing were wrong."""
        return self.kind == Kind.NONE or (self.data_only and path == PING)

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
