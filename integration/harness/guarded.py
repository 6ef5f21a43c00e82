"""A registry that wants to see something: a token of its service, or a password.

Scripted, so that a test can take back what was good a moment ago, and sees every secret that arrived.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.scripted import Answer, Scripted, Seen
from harness.signing import claims_of
from harness.token_service import TokenService

CONTENT = b"content that is guarded"


@dataclass
class Guarded:
    """The registry. It has `repository`, and in it the same content under every reference."""

    upstream: Scripted
    repository: str
    service: TokenService | None = None
    basic: str | None = None
    revoked: set[str] = field(default_factory=set)
    revokes_all: bool = False
    # Quay deletes with `push`, and shows the state of an upload to nobody else.
    like_quay: bool = False
    # Whether `/v2/` is for everybody.
    open_ping: bool = False
    # What it says to who may not, instead of a challenge.
    refusal: Answer | None = None
    answer: Callable[[], Answer] = lambda: Answer(200, [], CONTENT)

    def __post_init__(self) -> None:
        self.upstream.script = self._script

    @property
    def tokens(self) -> list[str]:
        """The tokens that arrived, one for each request that had one."""
        sent = [value for seen in self.upstream.seen for value in seen.all("authorization")]
        return [value.decode("latin-1").removeprefix("Bearer ") for value in sent]

    @property
    def statuses(self) -> list[int]:
        """What it would answer now to each request that it got."""
        return [self._script(seen).status for seen in self.upstream.seen]

    def revoke(self) -> None:
        """Takes back every token that arrived so far."""
        self.revoked |= set(self.tokens)

    def _script(self, seen: Seen) -> Answer:
        if seen.target.partition(b"?")[0] == b"/v2/":
            return Answer(200) if self.open_ping else self._challenge()
        sent = b",".join(seen.all("authorization")).decode("latin-1")
        if not self._is_good(sent, seen):
            return self.refusal or self._challenge()
        if not seen.target.startswith(f"/v2/{self.repository}/".encode()):
            return Answer(404, [], b'{"errors":[{"code":"NAME_UNKNOWN"}]}')
        return self.answer()

    def _is_good(self, sent: str, seen: Seen) -> bool:
        if self.service is None:
            return self.basic is None or sent == self.basic
        token = sent.removeprefix("Bearer ")
        if self.revokes_all or token in self.revoked or token.count(".") != 2:
            return False
        claims = claims_of(token)
        wanted = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(seen.method, "push")
        if self.like_quay and (seen.method == "DELETE" or b"/blobs/uploads/" in seen.target):
            wanted = "push"
        return (
            claims["aud"] == self.service.service
            and _number(claims["exp"]) > time.time()
            and _grants(claims, self.repository, wanted)
        )

    def _challenge(self) -> Answer:
        value = 'Basic realm="users of the upstream"'
        if self.service:
            realm, service = self.service.realm, self.service.service
            value = f'Bearer realm="{realm}",service="{service}",scope="repository:user/image:pull"'
        return Answer(401, [("WWW-Authenticate", value)], b'{"errors":[{"code":"UNAUTHORIZED"}]}')


def _grants(claims: dict[str, object], repository: str, action: str) -> bool:
    access: Any = claims.get("access", [])
    return any(entry["name"] == repository and action in entry["actions"] for entry in access)


def _number(value: object) -> float:
    assert isinstance(value, (int, float))
    return float(value)
