"""Tables and markers; that every page that a command writes into has its own; and that README.md repeats what is there."""

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


def test_the_numbers_of_the_readme_are_those_of_the_pages() -> None:
    """Each is a cell of the page that its row links."""
    readme = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| \*\*([\d.]+(?: of \d+| ms)?).*\((docs/.+\.md)\) \|$", readme, re.MULTILINE)
    assert len(rows) == readme.partition("| measured | |")[2].partition("\n\n")[0].count("\n| **")
    assert [(number, page) for number, page in rows if f"| {number} |" not in (ROOT / page).read_text()] == []
    goals = re.search(r"report checks (\d+) goals; all of them were met\.", readme)
    assert goals and f"**{goals[1]} of {goals[1]} goals met in" in (ROOT / "docs/failover-report.md").read_text()
