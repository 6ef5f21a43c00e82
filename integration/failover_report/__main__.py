"""`make failover-report`."""

import asyncio
import io
import shutil
import sys
import tempfile
import time
from pathlib import Path

from failover_report import (
    arguments,
    certificates,
    contents,
    low_ports,
    needs,
    page,
    plot,
    summary,
    surroundings,
)
from failover_report.arguments import Arguments
from failover_report.clients.client import Client
from failover_report.play import Played, play
from failover_report.registry import Registry
from failover_report.stage import PRIMARY, SECONDARY, World
from harness import paths, portolan, processes, skopeo

RESULTS = paths.ROOT / "target/failover"
DOCS = paths.ROOT / "docs"

# What ends the run with a message; anything else is a mistake in it.
FAILURES = (
    paths.Missing,
    processes.ServerFailed,
    portolan.PortolanFailed,
    skopeo.SkopeoFailed,
    low_ports.NoPort,
)


def main() -> int:
    """Runs; the exit status. A goal that is not met is a result, not a failure of the run."""
    wanted = arguments.parse()
    processes.stop_all_at_exit()
    # Whoever pipes this somewhere wants to see it grow, too.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        needs.check()
        # Short, since sockets in it must have short names.
        with tempfile.TemporaryDirectory(prefix="failover-", ignore_cleanup_errors=True) as directory:
            asyncio.run(run(wanted, Path(directory)))
    except FAILURES as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        processes.stop_all()
    return 0


async def run(wanted: Arguments, directory: Path) -> None:
    """Sets everything up, plays every scenario, and writes what came of it."""
    begun = time.monotonic()
    say("making images and filling two registries with them")
    world = await _set_up(directory)
    clients, missing = await needs.start_clients(directory)
    for words in missing:
        say(f"not measured: {words}")
    say(f"clients: {', '.join(f'{client.name} {client.version}' for client in clients)}")
    world.clients.extend(clients)
    about = surroundings.describe(clients)
    try:
        played = [await _play(number, wanted, world) for number in range(len(wanted.scenarios))]
    finally:
        _stop(clients, world)
    _write(wanted, played, about, missing)
    say(f"done in {time.monotonic() - begun:.0f} s")


async def _set_up(directory: Path) -> World:
    apps, small, aside = contents.build_apps(), contents.build_small(), contents.build_aside()
    primary, secondary = Registry(PRIMARY, directory), Registry(SECONDARY, directory)
    await primary.start()
    contents.fill(primary.authority, [*apps, small, aside], directory)
    shutil.copytree(primary.storage, secondary.storage)
    layout = directory / "layout"
    apps[0].content.write_layout(layout, contents.TAG)
    made = certificates.make(directory / "certificates")
    return World(directory, primary, secondary, [], apps, small, aside, made, layout)


async def _play(number: int, wanted: Arguments, world: World) -> Played:
    scenario = wanted.scenarios[number]
    head = f"{number + 1}/{len(wanted.scenarios)} {scenario.name}"
    played = await play(scenario, world, wanted.phases, lambda words: say(f"{head}: {words}"))
    figures = played.figures
    pulls, requests = figures.all_pulls, figures.requests
    say(
        f"{head}: {pulls.failed} of {pulls.all} pulls and {requests.failed} of {requests.all} requests failed; "
        f"slowest {page.seconds(requests.slowest)}; switched after {page.seconds(figures.switch_seconds)}, "
        f"back after {page.seconds(figures.return_seconds)}"
    )
    for verdict in played.missed:
        say(f"{head}: not met: {verdict.goal}: {verdict.found}")
    return played


def _stop(clients: list[Client], world: World) -> None:
    for client in clients:
        client.stop()
    for registry in (world.primary, world.secondary):
        registry.kill()


def _write(wanted: Arguments, played: list[Played], about: dict[str, str], missing: list[str]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "summary.json").write_text(summary.summary(played, about, missing))
    place = DOCS if wanted.is_full else RESULTS
    plots = place / page.PLOTS
    shutil.rmtree(plots, ignore_errors=True)
    plots.mkdir(parents=True)
    for one in played:
        (plots / f"{one.scenario.name}.svg").write_text(plot.plot(one.scenario.title, one.seen))
    report = place / "failover-report.md"
    report.write_text(page.page(played, about, missing))
    say(f"wrote {report.relative_to(paths.ROOT)} and {(RESULTS / 'summary.json').relative_to(paths.ROOT)}")


def say(words: str) -> None:
    """One line of progress."""
    print(f"failover: {words}")


if __name__ == "__main__":
    sys.exit(main())
