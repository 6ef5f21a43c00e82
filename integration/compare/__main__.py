"""`make compare`."""

import asyncio
import io
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TypeVar

from compare import arguments, cost, page, play, questions, stage
from compare.arguments import Arguments
from compare.page import Results
from compare.peers import Peer
from compare.stage import World
from failover_report import low_ports, surroundings
from harness import paths, processes, skopeo

T = TypeVar("T")
DOCUMENT = paths.ROOT / "docs/comparison.md"

# What ends the run with a message; anything else is a mistake in it.
FAILURES = (paths.Missing, processes.ServerFailed, skopeo.SkopeoFailed, low_ports.NoPort)


def main() -> int:
    """Runs; the exit status."""
    wanted = arguments.parse()
    processes.stop_all_at_exit()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="compare-", ignore_cleanup_errors=True) as directory:
            found = asyncio.run(run(wanted, Path(directory)))
        write(wanted, found)
    except FAILURES as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        processes.stop_all()
    say(f"done in {time.monotonic() - begun:.0f} s")
    return 0


async def run(wanted: Arguments, directory: Path) -> Results:
    """Measures everything that was asked for."""
    versions = {peer.name: peer.said_version() for peer in wanted.peers}
    say(", ".join(f"{name} {version}" for name, version in versions.items()))
    found = Results(surroundings.describe([]), wanted.peers, versions)
    say("filling two registries")
    world = await stage.set_up(directory)
    say("what each costs")
    found.costs = await asyncio.to_thread(cost.measure, wanted.peers, world, wanted.amount)
    await _play(wanted, world, found)
    await _ask(wanted, world, found)
    world.stop()
    return found


async def _play(wanted: Arguments, world: World, found: Results) -> None:
    for trouble in wanted.troubles:
        for is_warm in arguments.warmths(wanted, trouble):
            one = partial(play.play, world, trouble, is_warm, wanted.phases)
            for peer, figures in await _together(wanted, found.failing, one):
                found.played[trouble.name, is_warm, peer.name] = figures
                say(
                    f"{trouble.title}, {'warm' if is_warm else 'idle'}: {peer.name}: {figures.failed_pulls} of "
                    f"{figures.pulls} pulls failed, slowest request {figures.slowest:.1f} s"
                )


async def _ask(wanted: Arguments, world: World, found: Results) -> None:
    tokens = await asyncio.to_thread(questions.Tokens, world.directory / "tokens")
    asked = [(question.title, partial(questions.ask, world, question)) for question in wanted.questions]
    for title, one in [*asked, (questions.TOKENS, tokens.ask)]:
        for peer, answer in await _together(wanted, found.failing, one):
            found.answers[title, peer.name] = answer
            say(f"{title}: {peer.name}: {answer.words}{'' if answer.is_right else ' (wrong)'}")
    tokens.stop()


async def _together(
    wanted: Arguments, peers: list[Peer], one: Callable[[Peer], Awaitable[T]]
) -> list[tuple[Peer, T]]:
    """What each peer does, so many of them at once."""
    found: list[tuple[Peer, T]] = []
    for first in range(0, len(peers), wanted.together):
        some = peers[first : first + wanted.together]
        found += zip(some, await asyncio.gather(*map(one, some)), strict=True)
    return found


def write(wanted: Arguments, found: Results) -> None:
    """The tables, for people and for programs."""
    wanted.output.mkdir(parents=True, exist_ok=True)
    tables = page.tables(found, wanted.troubles)
    (wanted.output / "comparison.md").write_text(f"{tables}\n")
    summary = {
        **found.about,
        "versions": found.versions,
        "costs": {name: asdict(each) for name, each in found.costs.items()},
        "troubles": [
            {"trouble": trouble, "warm": is_warm, "peer": peer, **asdict(figures)}
            for (trouble, is_warm, peer), figures in found.played.items()
        ],
        "answers": [{"question": title, "peer": peer, **asdict(each)} for (title, peer), each in found.answers.items()],
    }
    (wanted.output / "summary.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    if wanted.is_full:
        DOCUMENT.write_text(page.renewed(DOCUMENT.read_text(), tables))
        say("wrote docs/comparison.md")
    say(f"wrote {wanted.output}")


def say(words: str) -> None:
    """One line of progress."""
    print(f"compare: {words}")


if __name__ == "__main__":
    sys.exit(main())
