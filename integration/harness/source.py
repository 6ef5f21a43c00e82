"""A scripted registry with an image of one layer, and what can be wrong with what it sends of it."""

import hashlib
from collections.abc import Callable, Iterator

from harness import image
from harness.scripted import Answer, Scripted, Seen


class Source:
    """A registry with an image of one layer, which it serves as it is told."""

    def __init__(self, server: Scripted, layer: bytes) -> None:
        self.layer, self.server = layer, server
        self.config = b"{}"
        self.digest = f"sha256:{hashlib.sha256(layer).hexdigest()}"
        self.serve: Callable[[], Answer] = lambda: Answer(200, [], layer)
        server.script = self._answer
        server.forget()

    def _answer(self, seen: Seen) -> Answer:
        target = seen.target.decode()
        if "/manifests/" in target:
            return Answer(200, [("Content-Type", image.MANIFEST_TYPE)], self._manifest())
        return self.serve() if target.endswith(self.digest) else Answer(200, [], self.config)

    def _manifest(self) -> bytes:
        config = f"sha256:{hashlib.sha256(self.config).hexdigest()}"
        layer = f'{{"mediaType": "x", "digest": "{self.digest}", "size": {len(self.layer)}}}'
        return (
            f'{{"schemaVersion": 2, "mediaType": "{image.MANIFEST_TYPE}", "layers": [{layer}], '
            f'"config": {{"mediaType": "x", "digest": "{config}", "size": {len(self.config)}}}}}'
        ).encode()

    def reads(self) -> int:
        """How often the layer was asked for."""
        return len([seen for seen in self.server.seen if seen.method == "GET" and seen.target.decode().endswith(self.digest)])


def damaged(layer: bytes) -> Answer:
    """The last byte is another."""
    return Answer(200, [], layer[:-1] + bytes([layer[-1] ^ 1]))


def cut(layer: bytes) -> Answer:
    """The connection ends before the last byte."""

    def rest() -> Iterator[bytes]:
        yield layer[:-1]
        raise OSError

    return Answer(200, [("Content-Length", str(len(layer)))], rest=rest)


def too_long(layer: bytes) -> Answer:
    """One byte more than the manifest says."""
    return Answer(200, [], layer + b"x")
