"""`make throughput`: how many requests an Envoy with Portolan carries and how long they take; writes docs/throughput.md."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench import report
from bench.bench import start_upstreams
from bench.surroundings import describe
from harness import paths, processes
from harness.markdown import renewed

from throughput import page, run

DOCUMENT = paths.ROOT / "docs/throughput.md"


def main() -> int:
    """Measures, prints, and writes the page if told to."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--write-docs", action="store_true")
    arguments = told.parse_args()
    processes.stop_all_at_exit()
    with tempfile.TemporaryDirectory(prefix="throughput-") as directory:
        place = Path(directory) / "work"
        upstreams = start_upstreams(place)
        load = os.getloadavg()[0]
        carried = list(run.carried(upstreams, place, _say))
        crowds = list(run.crowds(upstreams, place, _say))
        processes.stop_all()
    measured = page.tables(carried, crowds)
    print(measured)
    if arguments.write_docs:
        of = f"{report.sentence(describe())} Load average at the beginning {load:.1f}."
        DOCUMENT.write_text(renewed(DOCUMENT.read_text(), f"{of}\n\n{measured}"))
    return 0


def _say(what: str) -> None:
    print(f"throughput: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
