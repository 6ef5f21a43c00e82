"""The tables of docs/cache-measured.md, between its markers."""

from collections.abc import Mapping

from harness import markdown


def renewed(document: str, parts: Mapping[str, str]) -> str:
    """The document with other text between the markers of these parts."""
    for name, text in parts.items():
        document = markdown.renewed(document, text, f"measured: {name}")
    return document


def about(described: Mapping[str, object], load: float, cores: int) -> str:
    """When, of what and where."""
    return (
        f"Run on {described['date']}, commit {described['commit']}, {described['machine']}; "
        f"load average {load:.1f} on {cores} cores before it began."
    )
