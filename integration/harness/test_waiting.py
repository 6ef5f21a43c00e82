"""The two words can fail: neither a test that waits nor one that watches passes by itself."""

import pytest

from harness.waiting import eventually, stays


def test_eventually_says_what_was_found() -> None:
    answers = iter(["", "", "found"])
    assert eventually(lambda: next(answers)) == "found"


def test_eventually_fails_with_the_last_assertion() -> None:
    def check() -> bool:
        assert False, "still asked"

    with pytest.raises(AssertionError, match="still asked"):
        eventually(check, within=0.1)
    with pytest.raises(AssertionError, match="nobody came"):
        eventually(lambda: False, within=0.1, what="nobody came")


def test_an_error_is_no_not_yet() -> None:
    with pytest.raises(ZeroDivisionError):
        eventually(lambda: 1 // 0)


def test_stays_asks_more_than_once_and_fails_at_the_first_change() -> None:
    assert stays(lambda: True, for_=0.1) > 1
    answers = iter([True, True, False, True])
    with pytest.raises(AssertionError, match="no longer so"):
        stays(lambda: next(answers), for_=30)
    assert next(answers), "nothing was asked after it"
