"""Tokens that end while a pull goes on, without a test that takes a minute.

No client believes that a token lives for less than a minute (token.md has that as the least), but all that
look at the clock at all believe the service when it says how old a token is already.
"""

import json
import time

from harness.scripted import Answer, Seen
from harness.token_service import TokenService

MINUTE = 60.0


class AgeingTokenService(TokenService):
    """While `lives` is set tokens end so many seconds after they were issued, as clients are told."""

    lives: float | None = None

    def age(self, seconds: float) -> None:
        """From now on tokens live so long."""
        self.lives = seconds
        self.habits.lifetime = int(MINUTE)
        self.habits.refused_after = seconds

    def behave(self) -> None:
        """From now on they live as long as ever."""
        self.lives, self.habits.refused_after = None, None
        self.habits.lifetime = 300

    def _answer(self, seen: Seen) -> Answer:
        answer = super()._answer(seen)
        if self.lives is None or answer.status != 200:
            return answer
        document = json.loads(answer.body)
        issued = time.gmtime(time.time() - MINUTE + self.lives)
        document["issued_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", issued)
        return Answer(answer.status, answer.headers, json.dumps(document).encode())
