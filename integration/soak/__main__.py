"""`make soak`: runs, and writes docs/soak.md if it was an hour, or docs/soak-module.md with the native module.

    python -m soak [--seconds N] [--rate N] [--seed N] [--share N]

--rate is requests a second, of both tenants together; the usual load of the failover report is 50. --share makes the faults
shorter than they are, for short runs. Ends with 1 if anything was not as it must be.
"""

import argparse
import asyncio
import io
import sys
import tempfile
import time
from pathlib import Path

from failover_report import surroundings
from harness import paths, processes
from soak import page
from soak.run import Options, Result, run
from soak.tally import clock

LONG_SECONDS = 3600.0
RATE = 500.0


def main() -> int:
    """Runs; the exit status."""
    options = _options()
    processes.stop_all_at_exit()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as directory:
            result = asyncio.run(run(options, Path(directory), say))
    finally:
        processes.stop_all()
    for line in result.tally.complaints:
        print(f"soak: {line}")
    text = page.page(result, surroundings.describe([]), is_native=paths.is_native())
    print(text)
    if options.seconds >= LONG_SECONDS:
        name = "docs/soak-module.md" if paths.is_native() else "docs/soak.md"
        (paths.ROOT / name).write_text(text)
        say(f"wrote {name}")
    return _verdict(result)


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=LONG_SECONDS)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--share", type=float, default=1.0)
    return Options(**vars(parser.parse_args()))


def _verdict(result: Result) -> int:
    for line in result.problems:
        say(f"not as it must be: {line}")
    return 1 if result.problems else 0


def say(words: str) -> None:
    """One line of progress."""
    print(f"soak: {clock()} {words}")


if __name__ == "__main__":
    sys.exit(main())
