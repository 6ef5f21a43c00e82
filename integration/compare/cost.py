"""What a peer costs while nothing is wrong: processor time, memory, and a start."""

import os
import random
from dataclasses import dataclass, field
from statistics import median

from bench.load import HEADERS, WrongAnswers, h2load, status_counts
from compare.peers import Peer, Place
from compare.running import Running
from compare.stage import World
from failover_report import contents, low_ports
from harness import raw
from harness.digest import sha256

BLOB_BYTES = 100 << 20
UPLOADS = "/v2/team/big/blobs/uploads/"
SECONDS = 120


@dataclass(frozen=True)
class Amount:
    """How much is measured."""

    rounds: int = 5
    manifests: int = 1000
    blobs: int = 3
    starts: int = 3


@dataclass
class Cost:
    """Samples, one a round."""

    manifest_microseconds: list[float] = field(default_factory=list)
    blob_milliseconds: list[float] = field(default_factory=list)
    start_processor_seconds: list[float] = field(default_factory=list)
    start_seconds: list[float] = field(default_factory=list)
    idle_mebibytes: float = 0.0
    loaded_mebibytes: float = 0.0


def measure(peers: list[Peer], world: World, amount: Amount) -> dict[str, Cost]:
    """All of them in turn in each round, in another order each time; one runs at a time while its start is measured."""
    costs = {peer.name: Cost() for peer in peers}
    blob = _upload_blob(world, BLOB_BYTES)
    fronts = {peer.name: _start(peer, world, costs[peer.name], amount) for peer in peers}
    manifest = _manifest(world)
    for name, front in fronts.items():
        costs[name].idle_mebibytes = front.mebibytes()
        # Connections are open then, and a cache has what it keeps.
        _load(front, manifest, amount.manifests // 3, 8)
        _load(front, blob, 1, 1)
    shuffled = random.Random(1)
    for _ in range(amount.rounds):
        for peer in shuffled.sample(peers, len(peers)):
            front, cost = fronts[peer.name], costs[peer.name]
            cost.manifest_microseconds.append(_load(front, manifest, amount.manifests, 8) * 1e6)
            cost.blob_milliseconds.append(_load(front, blob, amount.blobs, 1) * 1e3)
    for name, front in fronts.items():
        costs[name].loaded_mebibytes = front.mebibytes()
        front.stop()
    return costs


def middle(samples: list[float]) -> float:
    """The median."""
    return median(samples)


def _start(peer: Peer, world: World, cost: Cost, amount: Amount) -> Running:
    """Starts it several times; the last stays."""
    front: Running | None = None
    for number in range(amount.starts):
        if front:
            front.stop()
        directory = world.directory / f"cost-{peer.name.replace(' ', '-')}-{number}"
        place = Place(directory, low_ports.take(), low_ports.take(), world.near.port, world.far.port)
        front = Running(peer, place, _manifest(world))
        cost.start_seconds.append(front.seconds_to_start)
        cost.start_processor_seconds.append(front.ticked_seconds())
    if front is None:
        raise ValueError("nothing is to be started")
    return front


def _manifest(world: World) -> str:
    return f"/v2/{world.both.repository}/manifests/{contents.TAG}"


def _upload_blob(world: World, size: int) -> str:
    """A blob of random bytes at the near registry; its target."""
    content = os.urandom(size)
    digest = sha256(content)
    started = raw.request(world.near.port, "POST", UPLOADS, body=b"")
    location = started.one("location") or ""
    target = location[location.index("/v2/") :]
    ended = f"{target}{'&' if '?' in target else '?'}digest={digest}"
    answer = raw.request(world.near.port, "PUT", ended, [("Content-Type", "application/octet-stream")], content)
    if answer.status != 201:
        raise WrongAnswers(f"the near registry took no blob: {answer}")
    return f"/v2/team/big/blobs/{digest}"


def _load(front: Running, target: str, count: int, connections: int) -> float:
    """Processor seconds of the front for one of the requests."""
    before = front.processor_seconds()
    options = ["--h1", "-n", str(count), "-c", str(min(connections, count))]
    # Without a token: the registries want none, and a cache might not like one.
    headers = {name: value for name, value in HEADERS.items() if name != "authorization"}
    said = h2load(f"http://127.0.0.1:{front.port}{target}", options, headers, SECONDS)
    spent = front.processor_seconds() - before
    if status_counts(said).get(2) != count:
        raise WrongAnswers(f"of {count} requests for {target} not all were answered well\n{said}")
    return spent / count
