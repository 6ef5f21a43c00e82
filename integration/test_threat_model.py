"""`docs/threat-model.md` is about this tree: each test that it names is there, and each threat has one or is accepted.

Reads files only. Cannot see whether a test holds what its row says: that is for who reads both.
"""

import re

import pytest

from harness import paths

PAGE = paths.ROOT / "docs/threat-model.md"
NAMED = re.compile(r"`([\w/.-]+\.(?:py|rs))(?:::(\w+))?`")
# Somewhat fewer than there are: tables that are not found are no pass.
FEWEST_THREATS, FEWEST_TESTS = 50, 100


def rows(text: str) -> list[tuple[str, str]]:
    """The threats and what holds them: the first and the last cell of each row of the tables whose last head is `held by`."""
    found: list[tuple[str, str]] = []
    is_threats = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            is_threats = False
        elif cells[-1] == "held by":
            is_threats = True
        elif is_threats and not set(line) <= set("|- "):
            found.append((cells[0], cells[-1]))
    return found


def missing(named: list[tuple[str, str]]) -> list[str]:
    """The tests that are not there, of files and functions."""
    absent = []
    for file, function in named:
        path = paths.ROOT / (file if "/" in file else f"integration/{file}")
        word = "def" if path.suffix == ".py" else "fn"
        if not path.is_file():
            absent.append(file)
        elif function and not re.search(rf"^\s*{word} {function}\(", path.read_text(), re.MULTILINE):
            absent.append(f"{file}::{function}")
    return absent


def is_answered(held_by: str) -> bool:
    """A row names a test, or says why the risk is accepted."""
    return bool(NAMED.search(held_by)) or bool(re.search(r"\baccepted\b[^:|]*: [`\w]", held_by))


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall("\n".join(held_by for _, held_by in rows(PAGE.read_text())))
    assert len(named) >= FEWEST_TESTS
    assert missing(named) == []


def test_every_threat_has_a_test_or_is_accepted() -> None:
    threats = rows(PAGE.read_text())
    assert len(threats) >= FEWEST_THREATS
    assert [threat for threat, held_by in threats if not is_answered(held_by)] == []


@pytest.mark.parametrize("path", sorted((paths.ROOT / "integration").glob("test_hostile*.py")), ids=lambda path: path.name)
def test_every_hostile_test_holds_a_threat(path: paths.Path) -> None:
    """A test of an attack that the page does not name is a threat that it has forgotten."""
    text = PAGE.read_text()
    functions = re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    assert functions
    about_the_suite = {"test_the_filter_is_watched"}
    assert [name for name in functions if name not in text and name not in about_the_suite] == []


def test_the_check_can_fail() -> None:
    table = "| threat | who | held by |\n| --- | --- | --- |\n| a | b | {} |\n"
    assert rows(table.format("`x.py::y`")) == [("a", "`x.py::y`")]
    assert missing([("test_hostile.py", "test_nothing_of_the_kind"), ("nowhere.py", "")]) == [
        "test_hostile.py::test_nothing_of_the_kind",
        "nowhere.py",
    ]
    assert not is_answered("") and not is_answered("accepted") and not is_answered("we are careful")
    assert is_answered("accepted: for a reason")
