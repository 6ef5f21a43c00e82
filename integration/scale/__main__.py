"""`make scale`: runs one and several Envoys, holds what they did against the model, and writes docs/scale.md."""

import argparse
import sys
import tempfile
from pathlib import Path

from harness import markdown, paths, processes

from scale import page
from scale.check import Found, Plan, run
from scale.model import Fleet, Settings, checks_per_second, tokens

PLANS = [Plan(envoys=1), Plan(envoys=2), Plan(envoys=4)]
DOCS = paths.ROOT / "docs/scale.md"
# A health check that is under way at the beginning or the end, and the jitter of a tenth.
CHECK_TOLERANCE = 0.2
# With few connections a worker may not have got a request for each repository.
TOKENS_AT_LEAST = 0.8


def main() -> int:
    """Runs; the exit status says whether the model holds."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--write-docs", action="store_true")
    arguments = told.parse_args()
    processes.stop_all_at_exit()
    results = []
    with tempfile.TemporaryDirectory(prefix="scale-") as directory:
        for number, plan in enumerate(PLANS):
            place = Path(directory) / str(number)
            place.mkdir()
            results.append((plan, run(plan, place)))
            print(markdown.line(page.row(*results[-1])), flush=True)
    wrong = [text for plan, found in results for text in complaints(plan, found)]
    for text in wrong:
        print(f"scale: {text}")
    if arguments.write_docs and not wrong:
        DOCS.write_text(page.renewed(DOCS.read_text(), results))
    return 1 if wrong else 0


def complaints(plan: Plan, found: Found) -> list[str]:
    """Where a run and the model differ."""
    fleet, settings = Fleet(1, plan.envoys, plan.workers), Settings(repositories=plan.repositories)
    checks = checks_per_second(fleet, settings) * found.seconds
    asked = tokens(fleet, settings, found.seconds, found.requests)
    rows = [
        (found.failures == 0, f"{found.failures} requests failed"),
        (found.at_registry == found.requests, f"{found.at_registry} requests at the registry of {found.requests}"),
        (abs(found.checks - checks) <= checks * CHECK_TOLERANCE + plan.envoys, f"{found.checks} checks, not {checks:.0f}"),
        (asked * TOKENS_AT_LEAST <= found.tokens <= asked, f"{found.tokens} tokens, not {asked:.0f}"),
    ]
    return [f"{plan.envoys} Envoys: {words}" for holds, words in rows if not holds]


if __name__ == "__main__":
    sys.exit(main())
