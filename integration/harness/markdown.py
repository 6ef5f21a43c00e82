"""What measurements write into pages of the documentation: tables, and what stands between two markers."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    return "\n".join(map(line, [head, ("---",) * len(head), *rows]))


def line(cells: Sequence[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def markers(what: str = "measured") -> tuple[str, str]:
    """The lines around what a command writes: `what` says which of several places of a page it is."""
    return f"<!-- {what}: begin -->", f"<!-- {what}: end -->"


def renewed(document: str, text: str, what: str = "measured") -> str:
    """A page with what stands between its markers replaced."""
    begin, end = markers(what)
    before, found, rest = document.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"want the lines {begin} and {end} around what is written anew")
    return f"{before}{begin}\n{text}\n{end}{after}"
