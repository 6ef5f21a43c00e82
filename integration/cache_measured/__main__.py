"""`make bench-cache`: what a cache tier does and costs; fails where a bound is not kept, and writes docs/cache-measured.md."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bench import surroundings
from harness import paths, processes

from cache_measured import cost, herd, hits, keys, page, stalled

DOCS = paths.ROOT / "docs/cache-measured.md"
RESULTS = paths.ROOT / "target/cache-measured"
# Whole GETs alone: one copy, and what a broken attempt may have cost.
MOST_COPIES = 1.01
MOST_MEGABYTES = 200
# Maglev moves hardly any digest of nodes that live (Eisenbud et al., NSDI 2016, section 3.4).
MOST_MOVED = 0.01
NODES = (3, 12)
LARGE = herd.Plan(size=1 << 30, peers=("Portolan, two nodes",))

# The text for the page, what is kept as JSON, and what does not keep a bound.
Part = tuple[str, object, list[str]]


def of_herd(directory: Path) -> Part:
    """A cold blob that 200 clients want, at each of the peers; and a large one."""
    found, large = herd.run(herd.Plan(), directory / "many"), herd.run(LARGE, directory / "large")
    tiers = [outcome for outcome in [*found, *large] if outcome.peer == LARGE.peers[0]]
    wrong = [f"{one.peer}: {one.copies:.3f} copies of {one.plan.size} bytes" for one in tiers if one.copies > MOST_COPIES]
    wrong += [f"{one.peer}: {one.failed()} clients failed" for one in tiers if one.failed()]
    text = f"{_plan(herd.Plan())}\n\n{herd.table(found)}\n\n{_plan(LARGE)}\n\n{herd.table(large)}"
    return text, [asdict(one) for one in [*found, *large]], wrong


def _plan(plan: herd.Plan) -> str:
    megabytes = 1 << 20
    return (
        f"{plan.clients} clients, one cold blob of {plan.size // megabytes} MiB, a registry that sends "
        f"{plan.rate // megabytes} MiB a second in all:"
    )


def of_hits(_directory: Path) -> Part:
    """Shares of hits, computed."""
    found = hits.all_of_them()
    return hits.table(found), [asdict(one) for one in found], []


def of_cost(directory: Path) -> Part:
    """Processor time."""
    found = cost.measure(directory)
    return cost.table(found), [asdict(one) for one in found], []


def of_keys(directory: Path) -> Part:
    """Digests that change their node."""
    found = [keys.measure(count, directory / str(count)) for count in NODES]
    wrong = [f"{one.moved} digests of nodes that live moved, of {one.others}" for one in found if one.moved > one.others * MOST_MOVED]
    return keys.table(found), [asdict(one) for one in found], wrong


def of_stalled(directory: Path) -> Part:
    """Memory for clients that stand still."""
    found = stalled.measure(directory)
    megabytes = found.after / 1e6
    wrong = [f"a node has {megabytes:.0f} MB, more than {MOST_MEGABYTES}"] if megabytes >= MOST_MEGABYTES else []
    return stalled.sentence(found), asdict(found), wrong


PARTS: dict[str, Callable[[Path], Part]] = {
    "herd": of_herd,
    "cost": of_cost,
    "keys": of_keys,
    "memory": of_stalled,
    "hits": of_hits,
}


def main() -> int:
    """Runs; the exit status says whether all bounds are kept."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all of them unless told; the page has all of them or stays as it is")
    told.add_argument("--write-docs", action="store_true")
    arguments = told.parse_args()
    processes.stop_all_at_exit()
    about = page.about(surroundings.describe(), os.getloadavg()[0], os.cpu_count() or 1)
    texts, wrong = {"about": about}, []
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in arguments.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix=f"cache-{name}-") as directory:
            texts[name], data, complaints = PARTS[name](Path(directory))
        print(f"\n{texts[name]}\n", flush=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(data, indent=1))
        wrong += complaints
    # Whatever stands there is of one run, whose commit and load the page names.
    if arguments.write_docs and not arguments.parts:
        DOCS.write_text(page.renewed(DOCS.read_text(), texts))
    for complaint in wrong:
        print(f"bench-cache: {complaint}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
