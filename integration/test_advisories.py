"""`scripts/advisories`: which versions an advisory is about. Reads no database: that is for who runs it."""

import importlib.machinery
import importlib.util
from types import ModuleType

import pytest

from harness import paths


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("advisories", str(paths.ROOT / "scripts/advisories"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("advisories", loader))
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("requirement", "meeting", "others"),
    [
        (">= 1.2.3", ["1.2.3", "1.10.0"], ["1.2.2", "1.2.3-alpha.1"]),
        ("> 1.2.3", ["1.2.4"], ["1.2.3"]),
        ("< 0.1", ["0.0.9"], ["0.1.0"]),
        ("^0.3", ["0.3.0", "0.3.9"], ["0.4.0", "1.3.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^1.2", ["1.2.0", "1.9.0"], ["2.0.0", "1.1.9"]),
        ("1.5", ["1.5.1"], ["2.0.0"]),
        ("~1.2", ["1.2.9"], ["1.3.0"]),
        ("= 1.5.0", ["1.5.0"], ["1.5.1"]),
        (">=0.1.0, <0.1.3", ["0.1.2"], ["0.1.3", "0.0.9"]),
        (">= 1.0.0-alpha.2", ["1.0.0", "1.0.0-alpha.10", "1.0.0-beta"], ["1.0.0-alpha.1"]),
    ],
)
def test_a_requirement(script: ModuleType, requirement: str, meeting: list[str], others: list[str]) -> None:
    assert [version for version in [*meeting, *others] if script.meets(version, requirement)] == meeting


def test_versions_neither_patched_nor_unaffected_are_affected(script: ModuleType) -> None:
    advisory = {"versions": {"patched": ["^1.2.5", ">= 2.0.1"], "unaffected": ["< 1.1"]}}
    affected = ["1.1.0", "1.2.4", "2.0.0"]
    assert [one for one in ["1.0.9", *affected, "1.2.5", "2.0.1"] if script.affects(advisory, one)] == affected
    assert script.affects({"versions": {"patched": []}}, "9.9.9"), "nothing mends it"


def test_the_crates_of_both_lock_files_are_looked_at(script: ModuleType) -> None:
    names = {name for name, _ in script.packages()}
    assert {"serde_json", "libfuzzer-sys"} <= names
    assert "portolan-core" not in names
