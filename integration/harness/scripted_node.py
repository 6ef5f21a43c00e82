"""A node of a cache that is a script: it fetches where nodes are filled, and says what it did as a real one does."""

import itertools

from harness import raw
from harness.scripted import Answer, Scripted, Seen

# Of so many requests one finds that the content is gone again.
FETCHED = 5


class ScriptedNode(Scripted):
    """The node. Between two fetches it has what it fetched last by that path."""

    def __init__(self, name: str, fill: int) -> None:
        """`fill` is the port at which nodes are filled."""
        super().__init__()
        self._name = name
        self._fill = fill
        self._kept: dict[bytes, raw.Response] = {}
        self._numbers = itertools.count()
        self.script = self.answer_as_node

    def answer_as_node(self, seen: Seen) -> Answer:
        """What it answers Envoy."""
        kept = self._kept.get(seen.target)
        if kept is not None and next(self._numbers) % FETCHED:
            return Answer(200, [("X-Portolan-Cache", "hit")], kept.body)
        headers: list[raw.Header] = [("Portolan-Cache-Node", self._name)]
        answer = raw.request(self._fill, "GET", seen.target, headers, None, "cache.internal")
        if answer.status == 200:
            self._kept[seen.target] = answer
        return Answer(answer.status, [("X-Portolan-Cache", "miss")], answer.body)
