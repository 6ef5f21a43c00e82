"""Tables and markers, and that every page that a command writes into has its own."""

import re

import pytest

from harness.markdown import line, markers, renewed, table
from harness.paths import ROOT

PLACES = [
    *(("performance", "measured"), ("choosing-a-filter", "measured"), ("throughput", "measured")),
    *(("comparison", "measured"), ("clients", "measured"), ("scale", "computed")),
    *(("cache-measured", f"measured: {part}") for part in ("about", "herd", "cost", "keys", "memory", "hits")),
]


def test_a_table() -> None:
    assert table(["", "b"], [("1", "2"), ("3", "4")]) == "|  | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"
    assert line(["1", "2"]) == "| 1 | 2 |"


def test_only_what_is_between_the_markers_is_renewed() -> None:
    (begin, end), (first, last) = markers(), markers("computed")
    before = f"a\n{first}\nelse\n{last}\n{begin}\nold\n{end}\nb\n"
    assert renewed(before, "new") == f"a\n{first}\nelse\n{last}\n{begin}\nnew\n{end}\nb\n"
    for document in ("a document without markers", begin, end):
        with pytest.raises(ValueError, match="want the lines"):
            renewed(document, "new")


@pytest.mark.parametrize(("page", "what"), PLACES, ids=["-".join(place) for place in PLACES])
def test_a_page_has_its_markers(page: str, what: str) -> None:
    document = (ROOT / f"docs/{page}.md").read_text()
    assert renewed(renewed(document, "x", what), "y", what) == renewed(document, "y", what)


def test_every_place_of_the_pages_is_above() -> None:
    found = {
        (path.stem, what)
        for path in (ROOT / "docs").glob("*.md")
        for what in re.findall(r"^<!-- ((?:measured|computed).*): begin -->$", path.read_text(), re.MULTILINE)
    }
    assert found == set(PLACES)
