"""Measures what the filter costs, and holds the project's goals.

    integration/bench/bench.py                everything; under ten minutes
    integration/bench/bench.py --quick        only the instructions of a routed manifest; for every change
    integration/bench/bench.py --write-docs   everything, and the tables of docs/performance.md and docs/choosing-a-filter.md

Prints a table and writes target/bench/summary.json. Exits with 1 if a goal that repeats exactly is missed, or one
about time is missed by far.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

# Run as a file: this package and the harness are beside each other.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import instructions, networks, processor_time, report, starting, upstreams  # noqa: E402
from bench.cases import Upstreams  # noqa: E402
from bench.goals import Measurement  # noqa: E402
from bench.surroundings import describe  # noqa: E402
from harness import paths, processes  # noqa: E402
from harness.markdown import renewed  # noqa: E402

PLACE = paths.ROOT / "target/bench"
PERFORMANCE = paths.ROOT / "docs/performance.md"
CHOOSING = paths.ROOT / "docs/choosing-a-filter.md"


def main() -> int:
    """Runs what the command line asks for; the exit status."""
    arguments = parse_arguments()
    processes.stop_all_at_exit()
    work = PLACE / "work"
    shutil.rmtree(work, ignore_errors=True)
    found = measure(start_upstreams(work), work, quick=arguments.quick)
    processes.stop_all()
    # Kept if something fails: the logs say why.
    shutil.rmtree(work)
    rows = [report.row(measurement) for measurement in found]
    print(report.plain(rows))
    surroundings = describe()
    if not arguments.quick:
        report.write_summary(PLACE / "summary.json", found, surroundings)
    if arguments.write_docs:
        for document, table in ((PERFORMANCE, report.markdown(rows)), (CHOOSING, report.side_by_side(found))):
            measured = f"{report.sentence(surroundings)}\n\n{table}"
            document.write_text(renewed(document.read_text(), measured))
    return judge(found)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--quick", action="store_true")
    choice.add_argument("--write-docs", action="store_true")
    return parser.parse_args()


def start_upstreams(directory: Path) -> Upstreams:
    """A registry, a sender of blobs, and the made-up country database."""
    directory.mkdir(parents=True)
    database = directory / "synthetic.mmdb"
    command = [paths.portolan(), "geoip", "build", "--date", "2026-06-01", "--output", database, paths.GEO_TABLE]
    subprocess.run(command, check=True, timeout=60, stderr=subprocess.DEVNULL)
    registry = f"http://127.0.0.1:{upstreams.registry(directory).port}"
    return Upstreams(registry, upstreams.BlobStore().url, database)


def measure(upstreams: Upstreams, directory: Path, quick: bool) -> list[Measurement]:
    """One suite after the other: times are taken while nothing else of this program runs."""
    if quick:
        return instructions.measure_quickly(upstreams, directory / "instructions")
    build_instrumented_filter()
    return [
        *instructions.measure(upstreams, directory / "instructions"),
        *processor_time.measure(upstreams, directory / "processor-time"),
        *starting.measure(upstreams, directory / "starting"),
        *networks.measure(upstreams, directory / "networks"),
    ]


def build_instrumented_filter() -> None:
    """The filter that times its own network table."""
    subprocess.run([paths.ROOT / "scripts/build-wasm", "bench"], check=True, timeout=600, stdout=sys.stderr)


def judge(found: list[Measurement]) -> int:
    """Says which goals are missed; 1 if that fails the run."""
    for measurement in found:
        if measurement.met is False:
            verdict = "fails" if measurement.fails else "is only warned about: times vary on a busy machine"
            print(f"bench: {measurement.name}: {measurement.value:.4g} misses its goal; this {verdict}", file=sys.stderr)
    return int(any(measurement.fails for measurement in found))


if __name__ == "__main__":
    sys.exit(main())
