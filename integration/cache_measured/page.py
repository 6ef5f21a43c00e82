"""The tables of docs/cache-measured.md, between its markers."""

from collections.abc import Mapping

BEGIN, END = "<!-- measured: {name}: begin -->", "<!-- measured: {name}: end -->"


def renewed(document: str, parts: Mapping[str, str]) -> str:
    """The document with other text between the markers of these parts."""
    for name, text in parts.items():
        begin, end = BEGIN.format(name=name), END.format(name=name)
        before, found, rest = document.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise ValueError(f"the page has no place for {name}")
        document = f"{before}{begin}\n{text}\n{end}{after}"
    return document


def about(described: Mapping[str, object], load: float, cores: int) -> str:
    """When, of what and where."""
    return (
        f"Run on {described['date']}, commit {described['commit']}, {described['machine']}; "
        f"load average {load:.1f} on {cores} cores before it began."
    )
