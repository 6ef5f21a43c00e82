"""Two registries, and before the near one a proxy that fails as it is told; a peer before both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from compare.peers import Peer, Place
from compare.running import Running
from failover_report import contents, low_ports
from failover_report.contents import App
from failover_report.proxy import FaultProxy
from failover_report.registry import Registry, both_started
from harness import image

NEAR, FAR = "near", "far"


@dataclass(frozen=True)
class World:
    """What all peers share."""

    directory: Path
    near: Registry
    far: Registry
    both: App
    """An image that both have."""
    only_near: App
    only_far: App

    def stop(self) -> None:
        """Stops the registries."""
        self.near.kill()
        self.far.kill()


@dataclass(frozen=True)
class Stage:
    """A peer that runs, and what stands between it and the near registry."""

    proxy: FaultProxy
    front: Running


async def set_up(directory: Path) -> World:
    """Starts the registries and fills them."""
    both, only_near, only_far = (
        App(f"team/{name}", image.build(f"compare {name}")) for name in ("both", "only-near", "only-far")
    )
    near, far = Registry(NEAR, directory), Registry(FAR, directory)
    await both_started(near, far)
    contents.fill(near.authority, [both, only_near], directory)
    contents.fill(far.authority, [both, only_far], directory)
    return World(directory, near, far, both, only_near, only_far)


_numbers = count()


@asynccontextmanager
async def staged(peer: Peer, world: World) -> AsyncIterator[Stage]:
    """A fresh peer, which remembers nothing."""
    directory = world.directory / f"{next(_numbers)}"
    proxy = FaultProxy("near-proxy", world.near.port, directory)
    await proxy.ready()
    front: Running | None = None
    try:
        place = Place(directory / "front", low_ports.take(), low_ports.take(), proxy.port, world.far.port)
        front = await Running.started(peer, place)
        yield Stage(proxy, front)
    finally:
        if front:
            front.stop()
        proxy.stop()
