"""The command line."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from compare import peers, questions, troubles
from compare.cost import Amount
from compare.peers import Peer
from compare.play import Phases
from compare.questions import Question
from compare.troubles import Trouble
from harness import paths

T = TypeVar("T")

RESULTS = paths.ROOT / "target/compare"
QUICK_TROUBLES = ("killed", "hang-data", "429")


@dataclass(frozen=True)
class Arguments:
    """What was asked for."""

    peers: list[Peer]
    troubles: list[Trouble]
    questions: list[Question]
    phases: Phases
    amount: Amount
    together: int
    output: Path
    is_quick: bool

    @property
    def is_full(self) -> bool:
        """Whether this run may replace the table in docs."""
        return not self.is_quick and len(self.peers) == len(peers.ALL) and len(self.troubles) == len(troubles.ALL)


def parse(words: list[str] | None = None) -> Arguments:
    """Reads the command line; ends the program if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="scripts/compare",
        description="Runs Portolan and other proxies before the same two registries, side by side. A full run writes "
        "the tables of docs/comparison.md; any other only target/compare.",
        epilog=f"peers: {', '.join(key(peer) for peer in peers.ALL)}; troubles: {', '.join(_names(troubles.ALL))}",
    )
    parser.add_argument("--peers", metavar="A,B", help="only these")
    parser.add_argument("--troubles", metavar="A,B", help="only these")
    parser.add_argument("--together", type=int, default=4, metavar="N", help="so many at once while something is wrong; 4")
    parser.add_argument("--quick", action="store_true", help="less of everything: three troubles unless told, warm alone, and few questions")
    parser.add_argument("--output", metavar="DIRECTORY", type=Path, default=RESULTS, help="target/compare unless told")
    found = parser.parse_args(words)
    default = QUICK_TROUBLES if found.quick else _names(troubles.ALL)
    return Arguments(
        peers=_chosen(parser, "peer", found.peers, {key(peer): peer for peer in peers.ALL}),
        troubles=_chosen(parser, "trouble", found.troubles or ",".join(default), {each.name: each for each in troubles.ALL}),
        questions=[each for each in questions.ALL if each.is_quick or not found.quick],
        phases=Phases(before=1.0, trouble=4.5, after_at_most=0.0) if found.quick else Phases(),
        amount=Amount(rounds=1, manifests=100, blobs=1, starts=1) if found.quick else Amount(),
        together=max(1, found.together),
        output=found.output.absolute(),
        is_quick=found.quick,
    )


def warmths(wanted: Arguments, trouble: Trouble) -> tuple[bool, ...]:
    """Before which beginnings a trouble is played. What leaves no reason to switch is the same before and after the first request."""
    return (True, False) if trouble.is_left and not wanted.is_quick else (True,)


def key(peer: Peer) -> str:
    """How the command line calls a peer."""
    return peer.name.lower().replace(",", "").replace(" ", "-")


def _names(some: list[Trouble]) -> list[str]:
    return [each.name for each in some]


def _chosen(parser: argparse.ArgumentParser, what: str, text: str | None, known: dict[str, T]) -> list[T]:
    names = [name.strip() for name in text.split(",")] if text else list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"there is no {what} {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names]
