"""The tables of docs/scale.md."""

import datetime
import os
import subprocess
from collections.abc import Callable, Sequence

from harness import markdown, paths

from scale.check import Found, Plan
from scale.model import MIB, Cost, Fleet, Load, Pull, Settings, checks_per_second, load, tokens

PLACE = "computed"
PULLS_PER_HOUR = 1_000_000
FLEETS = [Fleet(1, 2), Fleet(3, 3), Fleet(5, 4), Fleet(5, 20)]


def computed() -> str:
    """What fleets do at a million pulls an hour."""
    loads = [(fleet, load(PULLS_PER_HOUR, Pull(), fleet, Cost(), Settings())) for fleet in FLEETS]
    names = [f"{fleet.regions} × {fleet.replicas}" for fleet, _ in loads]
    rows: list[tuple[str, Callable[[Load], str]]] = [
        ("requests a second, all", lambda found: f"{found.requests_per_second:,.0f}"),
        ("requests a second, each Envoy", lambda found: f"{found.requests_per_second_each:,.0f}"),
        ("bytes a second, all", lambda found: f"{found.bytes_per_second / MIB / 1024:,.1f} GiB"),
        ("cores, all", lambda found: f"{found.cores:.1f}"),
        ("cores, each Envoy", lambda found: f"{found.cores_each:.2f}"),
        ("health checks a second at each registry", lambda found: f"{found.checks_per_second:,.1f}"),
        ("tokens an hour at each token service, at most", lambda found: f"{found.tokens_per_hour:,.0f}"),
        ("connections to each registry, at most", lambda found: f"{found.connections_at_most:,}"),
        ("questions an hour at each blob store, at most", lambda found: f"{found.probes_per_hour:,.0f}"),
    ]
    return markdown.table(["regions × replicas", *names], [[name, *(said(found) for _, found in loads)] for name, said in rows])


def measured(results: Sequence[tuple[Plan, Found]]) -> str:
    """What was run, beside what the model says."""
    head = ["Envoys", "requests", "failed", "at the registry", "health checks", "computed", "tokens", "computed", "µs each"]
    return markdown.table(head, [row(*result) for result in results])


def row(plan: Plan, found: Found) -> list[str]:
    """The cells of one run."""
    fleet, settings = Fleet(1, plan.envoys, plan.workers), Settings(repositories=plan.repositories)
    checks = checks_per_second(fleet, settings) * found.seconds
    asked = tokens(fleet, settings, found.seconds, found.requests)
    numbers = [found.requests, found.failures, found.at_registry, found.checks]
    cells = [f"{number:,}" for number in numbers]
    name = f"{plan.envoys} × {plan.workers} workers"
    return [name, *cells, f"{checks:.0f}", str(found.tokens), f"{asked:.0f}", f"{found.microseconds:.0f}"]


def renewed(text: str, results: Sequence[tuple[Plan, Found]]) -> str:
    """The page with its tables anew."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )
    day = datetime.datetime.now(tz=datetime.UTC).date()
    # Beside much else a request takes more processor time: caches are cold.
    busy = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    run = f"Run on {day}, commit {commit.stdout.strip() or 'unknown'}, {busy}:"
    return markdown.renewed(text, f"{computed()}\n\n{run}\n\n{measured(results)}", PLACE)
