"""The tables of docs/comparison.md, between its markers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from harness import markdown

from compare import play, questions
from compare.cost import Cost, middle
from compare.peers import ENVOY, Peer
from compare.play import Figures
from compare.pulls import PULLS_A_SECOND
from compare.questions import Answer
from compare.troubles import Trouble

NONE = "—"


@dataclass
class Results:
    """Everything that a run has found."""

    about: dict[str, str]
    """Date, commit and machine."""
    peers: list[Peer]
    versions: dict[str, str]
    costs: dict[str, Cost] = field(default_factory=dict)
    """By the peer's name."""
    played: dict[tuple[str, bool, str], Figures] = field(default_factory=dict)
    """By trouble, whether the peer was warm, and peer."""
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    """By question and peer."""

    @property
    def failing(self) -> list[Peer]:
        """Those that troubles are played for."""
        return [peer for peer in self.peers if not peer.cost_only]


def renewed(document: str, tables: str) -> str:
    """The document with other tables between its markers."""
    return markdown.renewed(document, f"\n{tables}\n")


def tables(found: Results, troubles: list[Trouble]) -> str:
    """All of them."""
    parts = [_about(found), "### What each costs", _costs(found), *_troubles(found, troubles)]
    return "\n\n".join([*parts, "### Questions that have a right answer", _answers(found)])


def _about(found: Results) -> str:
    versions = ", ".join(f"{peer.name} {found.versions[peer.name]}" for peer in found.failing)
    about = found.about
    machine = f"{about['processor']}, {about['memory']}, {about['system']}"
    return f"Measured on {about['date']} at commit `{about['commit'][:12]}` on {machine}. {versions}."


def _costs(found: Results) -> str:
    head = ["", "lines of configuration", "manifest, µs (of Envoy by hand)", "100 MiB, ms (of Envoy by hand)", "MiB idle", "MiB after load"]
    head += ["start, s of processor time", "start, s until a manifest"]
    base = found.costs.get(ENVOY.name)
    rows = []
    for peer in found.peers:
        cost = found.costs[peer.name]
        rows.append(
            [
                peer.name,
                str(peer.lines()),
                f"{middle(cost.manifest_microseconds):.0f}{_beside(cost.manifest_microseconds, base and base.manifest_microseconds)}",
                f"{middle(cost.blob_milliseconds):.0f}{_beside(cost.blob_milliseconds, base and base.blob_milliseconds)}",
                f"{cost.idle_mebibytes:.0f}",
                f"{cost.loaded_mebibytes:.0f}",
                f"{middle(cost.start_processor_seconds):.2f}",
                f"{middle(cost.start_seconds):.2f}",
            ]
        )
    return markdown.table(head, rows)


def _beside(samples: list[float], base: list[float] | None) -> str:
    """The median of the ratios of each round."""
    return f" ({middle([mine / other for mine, other in zip(samples, base, strict=True)]):.1f})" if base else ""


def _troubles(found: Results, troubles: list[Trouble]) -> list[str]:
    left = [trouble for trouble in troubles if trouble.is_left]
    return [
        f"### Pulls while the near registry fails ({PULLS_A_SECOND:.0f} a second)",
        "Failed pulls of all. Warm: clients pulled before. Idle: the front had served nobody.",
        _by_trouble(found, troubles, lambda figures: _of(figures.failed_pulls, figures.pulls)),
        f"Slowest request in seconds, and in brackets how many of those begun in the trouble took longer than {play.SLOW_SECONDS} s.",
        _by_trouble(found, troubles, lambda figures: f"{figures.slowest:.1f} ({figures.slow} of {figures.during})"),
        "Seconds to switch (until a client had a good answer that did not come from the near registry), and to return (from the end "
        "of the trouble until the near registry answered everything).",
        _by_trouble(found, left, lambda figures: f"{_seconds(figures.switch_seconds)}; {_seconds(figures.return_seconds)}"),
        "Requests that the near registry got while it failed (health checks included where those fail, too), and wrong answers: "
        "404 for an image that is there.",
        _by_trouble(found, [each for each in left if not each.is_killed], lambda figures: f"{figures.met}; {_bad(figures.missing)}"),
    ]


def _by_trouble(found: Results, troubles: list[Trouble], cell: Callable[[Figures], str]) -> str:
    rows = []
    for trouble in troubles:
        for is_warm in (True, False):
            figures = [found.played.get((trouble.name, is_warm, peer.name)) for peer in found.failing]
            if any(figures):
                title = f"{trouble.title}, {'warm' if is_warm else 'idle'}" if trouble.is_left else trouble.title
                rows.append([title, *(cell(each) if each else NONE for each in figures)])
    return markdown.table(["", *(peer.name for peer in found.failing)], rows)


def _answers(found: Results) -> str:
    titles = [*(question.title for question in questions.ALL), questions.TOKENS]
    asked = [title for title in titles if any(each == title for each, _ in found.answers)]
    rows = [[title, *(_answer(found.answers.get((title, peer.name))) for peer in found.failing)] for title in asked]
    return markdown.table(["", *(peer.name for peer in found.failing)], rows)


def _answer(answer: Answer | None) -> str:
    if answer is None:
        return NONE
    after = f", {answer.seconds:.0f} s" if answer.seconds >= 1 else ""
    return f"{answer.words}{after}" if answer.is_right else f"**{answer.words}**{after}"


def _of(failed: int, everything: int) -> str:
    return f"{_bad(failed)} of {everything}"


def _bad(count: int) -> str:
    return f"**{count}**" if count else "0"


def _seconds(value: float | None) -> str:
    return NONE if value is None else f"{max(value, 0.0):.1f}"
