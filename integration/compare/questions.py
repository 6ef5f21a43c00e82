"""Questions that have a right answer: what is told of an outage, where pushes end, whose tokens are shown to whom."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from compare.peers import Peer, Place
from compare.running import Running
from compare.stage import Stage, World, staged
from failover_report import contents, low_ports
from failover_report.contents import App
from failover_report.fault import DATA, Fault, Kind
from failover_report.http_stream import fetch
from failover_report.load.requests import BROKEN
from harness import image, skopeo
from harness.image import ACCEPT
from harness.private_registry import PrivateRegistry
from harness.signing import Signer
from harness.token_service import TokenService

# Longer than two registries that hang, one after the other.
SECONDS = 25.0
# Long enough for every peer to have found out that a registry is away.
FOUND_OUT_SECONDS = 6.0


@dataclass(frozen=True)
class Answer:
    """What a peer did."""

    words: str
    is_right: bool
    seconds: float = 0.0


@dataclass(frozen=True)
class Question:
    """What is asked of every peer."""

    title: str
    ask: Callable[[Stage, World], Awaitable[Answer]]
    is_quick: bool = False
    """Whether it is asked where only few are."""


async def absent_everywhere(stage: Stage, world: World) -> Answer:
    """Nobody has it, and all are well."""
    return await _status(stage, "/v2/team/nowhere/manifests/v1", lambda status: status == 404)


async def only_far(stage: Stage, world: World) -> Answer:
    """The near registry lacks what the far one has."""
    return await _status(stage, _manifest(world.only_far), lambda status: status == 200)


def outage(fault: Fault | None) -> Callable[[Stage, World], Awaitable[Answer]]:
    """The near registry has it and is away; without a fault its process is killed."""

    async def ask(stage: Stage, world: World) -> Answer:
        if fault is None:
            stage.proxy.kill()
        else:
            await stage.proxy.fail(fault)
        return await _is_told_of_the_outage(stage, world)

    return ask


async def found_out(stage: Stage, world: World) -> Answer:
    """The same when the peer knows."""
    stage.proxy.kill()
    end = time.monotonic() + FOUND_OUT_SECONDS
    while time.monotonic() < end:
        await _ask(stage, "GET", _manifest(world.both))
        await asyncio.sleep(0.1)
    return await _is_told_of_the_outage(stage, world)


async def _is_told_of_the_outage(stage: Stage, world: World) -> Answer:
    return await _status(stage, _manifest(world.only_near), lambda status: status in (429, 500, 502, 503, 504))


async def push(stage: Stage, world: World) -> Answer:
    """An image whose layers the far registry has already, and the near one, which takes all pushes, has not."""
    layout = stage.front.server.out.parent / "layout"
    world.only_far.content.write_layout(layout, contents.TAG)
    destination = f"127.0.0.1:{stage.front.port}/{world.only_far.repository}:pushed-{stage.front.port}"
    try:
        await asyncio.to_thread(skopeo.push, layout, contents.TAG, destination)
    except skopeo.SkopeoFailed as problem:
        words = "refused: it takes no pushes" if "unsupported" in str(problem) else "fails: a layer is missing"
        return Answer(words, is_right=False)
    target = f"/v2/{world.only_far.repository}/manifests/pushed-{stage.front.port}"
    found = await fetch(world.near.port, "HEAD", target, [("Accept", ACCEPT)])
    return Answer("done" if found.status == 200 else "at the wrong registry", found.status == 200)


async def push_while_away(stage: Stage, world: World) -> Answer:
    """A push while the registry that takes all pushes is killed: no other may take it."""
    stage.proxy.kill()
    return await _status(stage, "/v2/team/both/blobs/uploads/", lambda status: status >= 500, "POST")


ALL = [
    Question("neither has the image", absent_everywhere),
    Question("only the far one has the image", only_far),
    Question("only the near one has the image, and is killed", outage(None), is_quick=True),
    Question("the same, 6 s later", found_out),
    Question("only the near one has the image, and hangs", outage(Fault(Kind.HANG))),
    Question("… and answers 503", outage(Fault(Kind.ANSWER, status=503))),
    Question("… and answers 429", outage(Fault(Kind.ANSWER, DATA, status=429))),
    Question("push of an image whose layers only the far one has", push, is_quick=True),
    Question("push while the near one, which takes all pushes, is killed", push_while_away),
]


async def ask(world: World, question: Question, peer: Peer) -> Answer:
    """A fresh peer for each question."""
    async with staged(peer, world) as stage:
        await asyncio.sleep(1.0)
        return await question.ask(stage, world)


TOKENS = "each registry has its own tokens, and only the far one has the image"


class Tokens:
    """Two registries that want tokens, each those of its own service."""

    def __init__(self, directory: Path) -> None:
        signer = Signer(directory / "signer")
        self._directory = directory
        self._app = App("public/app", image.build("compare tokens"))
        self._services = [TokenService(signer, service=f"{name}.test") for name in ("near", "far")]
        self._registries = [
            PrivateRegistry(name, directory, service.registry_settings())
            for name, service in zip(("near", "far"), self._services, strict=True)
        ]
        contents.fill(self._registries[1].inside.authority, [self._app], directory)

    async def ask(self, peer: Peer) -> Answer:
        """Whether a client without an account can pull by digest what it could pull from the far registry itself."""
        place = Place(
            self._directory / peer.name.replace(" ", "-"),
            low_ports.take(),
            low_ports.take(),
            *(registry.port for registry in self._registries),
            realms=(self._services[0].realm, self._services[1].realm),
        )
        front = await Running.started(peer, place)
        await asyncio.sleep(1.0)
        source = f"127.0.0.1:{front.port}/{self._app.repository}@{self._app.content.digest}"
        try:
            await asyncio.to_thread(skopeo.pull, source, place.directory / "pulled")
        except skopeo.SkopeoFailed as problem:
            return Answer(_reason(str(problem)), is_right=False)
        finally:
            front.stop()
        return Answer("pulled", is_right=True)

    def stop(self) -> None:
        """Stops all of them."""
        for each in self._registries:
            each.stop()
        for service in self._services:
            service.close()


def _reason(said: str) -> str:
    for words in ("unauthorized", "manifest unknown", "503"):
        if words in said:
            return f"fails: {words}"
    return "fails"


def _manifest(app: App) -> str:
    return f"/v2/{app.repository}/manifests/{contents.TAG}"


async def _status(stage: Stage, target: str, is_right: Callable[[int], bool], method: str = "GET") -> Answer:
    clock = time.monotonic()
    status = await _ask(stage, method, target)
    return Answer(str(status or "nothing within 25 s"), is_right(status), time.monotonic() - clock)


async def _ask(stage: Stage, method: str, target: str) -> int:
    """The status; 0 for none."""
    body = b"" if method == "POST" else None
    try:
        asked = fetch(stage.front.port, method, target, [("Accept", ACCEPT)], body)
        return (await asyncio.wait_for(asked, SECONDS)).status
    except BROKEN:
        return 0
