"""A scripted registry with an image of one layer, and what can be wrong with what it sends of it."""

import json
from collections.abc import Callable, Iterator

from harness import image
from harness.digest import sha256
from harness.scripted import Answer, Scripted, Seen


class Source:
    """A registry with an image of one layer, which it serves as it is told."""

    def __init__(self, server: Scripted, layer: bytes) -> None:
        self.layer, self.server = layer, server
        self.config = b"{}"
        self.digest = sha256(layer)
        self.serve: Callable[[], Answer] = lambda: Answer(200, [], layer)
        server.script = self._answer
        server.forget()

    def _answer(self, seen: Seen) -> Answer:
        target = seen.target.decode()
        if "/manifests/" in target:
            return Answer(200, [("Content-Type", image.MANIFEST_TYPE)], self._manifest())
        return self.serve() if target.endswith(self.digest) else Answer(200, [], self.config)

    def _manifest(self) -> bytes:
        config, layer = (
            {"mediaType": "x", "digest": sha256(content), "size": len(content)} for content in (self.config, self.layer)
        )
        manifest = {"schemaVersion": 2, "mediaType": image.MANIFEST_TYPE, "config": config, "layers": [layer]}
        return json.dumps(manifest).encode()

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
