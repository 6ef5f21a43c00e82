"""The network table, as a policy that lists every large cloud would fill it: natively and inside Envoy."""

import ipaddress
import json
import random
import re
import subprocess
from pathlib import Path

from bench import goals
from bench.cases import Policy, Upstreams, by_country
from bench.goals import Goal, Measurement
from bench.servers import Envoy, rendered
from bench.surroundings import rust_tool
from harness import paths

PREFIXES = 100_000
LABELS = 64
STARTS = 3

# Where scripts/build-wasm puts it.
BENCH_WASM = paths.ROOT / "dist/portolan-bench.wasm"

LOADED = re.compile(r"policy [0-9a-f]+ of \d+ bytes loaded in (\d+) us")
LOOKED_UP = re.compile(r"(\d+) network lookups in (\d+) ns")


def measure(upstreams: Upstreams, directory: Path) -> list[Measurement]:
    """Lookups and loading, natively and in the filter."""
    native = _native()
    lookup = _lookup_nanoseconds(upstreams, directory)
    load = _load_milliseconds(upstreams, directory)
    build = native["networks_build_native_ms"]
    return [
        _row("a lookup, native", native["networks_lookup_native_ns"], "ns", goals.LOOKUP_NATIVE_NANOSECONDS),
        _row("a lookup in the filter", lookup, "ns", goals.LOOKUP_IN_FILTER_NANOSECONDS),
        _row("making the table, native", build, "ms"),
        _row("loading the policy in the filter", load, "ms", goals.NETWORKS_LOAD_MILLISECONDS),
    ]


def _row(name: str, value: float, unit: str, goal: Goal | None = None) -> Measurement:
    return Measurement(f"{PREFIXES:,} networks: {name}", value, unit, goal=goal)


def _native() -> dict[str, float]:
    """What the core's own example measures, by its names."""
    command = [rust_tool("cargo"), "run", "--quiet", "--release", "--locked", "--package", "portolan-core"]
    done = subprocess.run(
        [*command, "--example", "network_lookup"],
        cwd=paths.ROOT,
        check=True,
        timeout=600,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout)


def _load_milliseconds(upstreams: Upstreams, directory: Path) -> float:
    """How long the shipped filter takes from the JSON of the policy to a table that answers.

    Every start loads it in one machine for each thread; of the slowest of each start the fastest counts.
    """
    starts = [_log_of_start(paths.wasm(), upstreams, directory / f"load-{number}") for number in range(STARTS)]
    return min(max(int(found) for found in LOADED.findall(log)) for log in starts) / 1000


def _lookup_nanoseconds(upstreams: Upstreams, directory: Path) -> float:
    """How long a lookup takes in the filter, by Envoy's clock."""
    log = _log_of_start(BENCH_WASM, upstreams, directory / "lookup")
    return min(int(time) / int(lookups) for lookups, time in LOOKED_UP.findall(log))


def policy(upstreams: Upstreams) -> Policy:
    """A policy with very many networks, under labels as the command line makes them of published lists."""
    labelled: dict[str, list[str]] = {f"cloud:region-{number}": [] for number in range(LABELS)}
    for number, prefix in enumerate(prefixes(PREFIXES)):
        labelled[f"cloud:region-{number % LABELS}"].append(str(prefix))
    networks = by_country(upstreams)
    networks["regions"]["cn"]["labels"] = ["cloud:region-1*"]
    networks["regions"]["eu"]["labels"] = ["cloud:region-2*", "cloud:region-3*"]
    return {**networks, "networks": labelled}


def prefixes(count: int) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Different prefixes of all lengths, nested, a third of them IPv6; the same in every run."""
    dice = random.Random(1)
    found: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, None] = {}
    while len(found) < count:
        found[_prefix(dice)] = None
    return list(found)


def _prefix(dice: random.Random) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if dice.randrange(3):
        return ipaddress.IPv4Network((dice.getrandbits(32), dice.randint(8, 32)), strict=False)
    # Published IPv6 networks are all in 2000::/3.
    return ipaddress.IPv6Network((1 << 125 | dice.getrandbits(125), dice.randint(20, 64)), strict=False)


def _log_of_start(wasm: Path, upstreams: Upstreams, directory: Path) -> str:
    envoy = Envoy(rendered(policy(upstreams), directory, wasm))
    envoy.stop()
    return envoy.log
