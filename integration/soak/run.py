"""One run: two registries behind proxies that fail, Envoy, the clients of two tenants, and another policy every ten seconds."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from failover_report import registry
from failover_report.fault import NONE, Fault
from failover_report.proxy import FaultProxy
from failover_report.registry import Registry
from harness import skopeo
from harness.accounts import write_htpasswd
from harness.files_envoy import FilesEnvoy
from harness.portolan import PortolanFailed
from harness.verifier import Verifier
from soak.faults import FAR, NEAR, Act, Blow, acts
from soak.measured import Measured, growth, left_behind, measure
from soak.tally import Tally, problems
from soak.tenants import BOTH, TAG, Tenant, content, policy

RELOAD_SECONDS, MEASURE_SECONDS = 10.0, 5.0
END_SECONDS = 120.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a run is like."""

    seconds: float
    rate: float
    seed: int
    share: float


@dataclass
class Result:
    """What came of a run."""

    options: Options
    tally: Tally = field(default_factory=Tally)
    acts: Counter[str] = field(default_factory=Counter)
    reloads: int = 0
    reloads_failed: int = 0
    measured: list[Measured] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    pushes_taken: int = 0
    left: int = 0
    crashes: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """All that must not be."""
        found = problems(self.tally, self.strays, growth(self.measured), self.reloads_failed, self.left)
        return found + [f"Envoy's log: {line}" for line in self.crashes]


class Stage:
    """Everything that runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.registries = {name: Registry(name, directory) for name in (NEAR, FAR)}
        self.proxies: dict[str, FaultProxy] = {}
        self.verifiers: dict[str, Verifier] = {}

    async def start(self) -> None:
        """Starts all but the clients."""
        near, far = self.registries[NEAR], self.registries[FAR]
        await near.start()
        for tenant in BOTH:
            _fill(near, tenant, self.directory)
        shutil.copytree(near.storage, far.storage)
        await far.start()
        for each in (near, far):
            each.requests()
            proxy = FaultProxy(f"{each.name}-proxy", each.port, self.directory)
            await proxy.ready()
            self.proxies[each.name] = proxy
        for tenant in BOTH:
            file = write_htpasswd(self.directory / f"{tenant.name}.htpasswd", [tenant.account])
            self.verifiers[tenant.name] = Verifier(file, self.directory / f"verifier-{tenant.name}")
        # An hour of its access log is gigabytes.
        options = ("--access-log", "/dev/null")
        self.envoy = await asyncio.to_thread(
            lambda: FilesEnvoy(self.policy(0), self.directory / "envoy", options=options)
        )
        await asyncio.to_thread(self.envoy.wait_until_healthy)

    def policy(self, number: int) -> dict[str, object]:
        """The policy of a turn."""
        ports = {name: proxy.port for name, proxy in self.proxies.items()}
        return policy(number, ports, {name: verifier.url for name, verifier in self.verifiers.items()})

    async def play(self, act: Act) -> None:
        """A trouble, from its beginning to its end."""
        at, what = self.registries[act.registry], act.trouble.fault
        if isinstance(what, Fault):
            await self.proxies[act.registry].fail(what)
            await asyncio.sleep(act.seconds)
            await self.proxies[act.registry].fail(NONE)
        elif what == Blow.FREEZE:
            at.freeze()
            await asyncio.sleep(act.seconds)
            at.thaw()
        else:
            at.kill()
            await asyncio.sleep(act.seconds)
            await at.start()
        await asyncio.sleep(act.rest)

    def stop(self) -> None:
        """Stops all."""
        self.envoy.stop()
        for proxy in self.proxies.values():
            proxy.stop()
        for verifier in self.verifiers.values():
            verifier.stop()
        for each in self.registries.values():
            each.thaw()
            each.kill()


def _fill(at: Registry, tenant: Tenant, directory: Path) -> None:
    layout = directory / f"layout-{tenant.name}"
    content().write_layout(layout, TAG)
    skopeo.push(layout, TAG, f"{at.authority}/{tenant.prefix}app:{TAG}")


async def run(options: Options, directory: Path, say: Say) -> Result:
    """Runs for so long."""
    result = Result(options)
    stage = Stage(directory)
    await stage.start()
    try:
        clients = [_client(stage.envoy.port, tenant, options) for tenant in BOTH]
        say(f"{options.rate:g} requests a second for {options.seconds:g} s, seed {options.seed}")
        end = time.monotonic() + options.seconds
        await asyncio.gather(
            _play(stage, result, acts(options.seed, options.share), end, say),
            _reload(stage, result, end),
            _measure(stage, result, end),
        )
        for tally in await asyncio.gather(*(asyncio.to_thread(_ended, client) for client in clients)):
            result.tally.add(tally)
        result.left = await asyncio.to_thread(_left, stage)
        _look_for_writes(stage, result)
        result.crashes = stage.envoy.crashes()
    finally:
        stage.stop()
    return result


def _client(port: int, tenant: Tenant, options: Options) -> subprocess.Popen[str]:
    arguments = (str(port), tenant.name, str(options.rate / len(BOTH)), str(options.seed))
    command = [sys.executable, "-m", "soak.client", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ended(client: subprocess.Popen[str]) -> Tally:
    said, _ = client.communicate(timeout=END_SECONDS)
    document = json.loads(said)
    return Tally(Counter(document["counts"]), document["complaints"])


def _left(stage: Stage) -> int:
    """What Envoy still holds of clients that have gone; it has as long as a request may take."""
    end = time.monotonic() + END_SECONDS
    while (left := left_behind(stage.envoy)) and time.monotonic() < end:
        time.sleep(1.0)
    return left


async def _play(stage: Stage, result: Result, script: Iterator[Act], end: float, say: Say) -> None:
    for act in script:
        if time.monotonic() + act.seconds + act.rest > end:
            break
        say(f"{act.registry} {act.trouble.name} for {act.seconds:.1f} s")
        await stage.play(act)
        result.acts[act.trouble.name] += 1
    await asyncio.sleep(max(0.0, end - time.monotonic()))


async def _reload(stage: Stage, result: Result, end: float) -> None:
    due = time.monotonic() + RELOAD_SECONDS
    while due < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due += RELOAD_SECONDS
        document = stage.policy(result.reloads + 1)
        try:
            await asyncio.to_thread(stage.envoy.apply, document, "--no-validate")
        except PortolanFailed as problem:
            result.reloads_failed += 1
            result.tally.complaints.append(f"apply: {problem}")
        result.reloads += 1


async def _measure(stage: Stage, result: Result, end: float) -> None:
    while time.monotonic() < end:
        await asyncio.sleep(MEASURE_SECONDS)
        result.measured.append(await asyncio.to_thread(measure, stage.envoy))


def _look_for_writes(stage: Stage, result: Result) -> None:
    """Only the owner is written, and of it only what is for pushes."""
    result.strays = registry.writes(stage.registries[FAR].requests())
    allowed = tuple(f" /v2/{tenant.prefix}pushed/blobs/uploads/" for tenant in BOTH)
    written = registry.writes(stage.registries[NEAR].requests())
    result.strays += [request for request in written if not any(place in request for place in allowed)]
    result.pushes_taken = sum(request.startswith("PUT ") for request in written)


