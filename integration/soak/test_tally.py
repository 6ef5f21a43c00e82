"""The verdict, and the order of faults."""

from itertools import islice

import pytest

from soak.faults import FAR, NEAR, TROUBLES, acts
from soak.measured import Measured, growth
from soak.tally import Ending, Tally, of_read, problems


@pytest.mark.parametrize(
    ("status", "is_right", "may_read", "ending"),
    [
        (200, True, True, Ending.RIGHT),
        (200, False, True, Ending.WRONG),
        (404, False, True, Ending.FALSE),
        (401, False, True, Ending.FALSE),
        (429, False, True, Ending.FALSE),
        (503, False, True, Ending.UNSERVED),
        (None, False, True, Ending.UNSERVED),
        (200, True, False, Ending.UNAUTHORISED),
        (200, False, False, Ending.UNAUTHORISED),
        (307, False, False, Ending.UNAUTHORISED),
        (401, False, False, Ending.RIGHT),
        (404, False, False, Ending.RIGHT),
        (503, False, False, Ending.RIGHT),
        (None, False, False, Ending.RIGHT),
    ],
)
def test_endings(status: int | None, is_right: bool, may_read: bool, ending: Ending) -> None:
    assert of_read(status, is_right, may_read) == ending


def _tally(*endings: Ending) -> Tally:
    tally = Tally()
    for ending in endings:
        tally.note(ending)
    return tally


@pytest.mark.parametrize(
    ("tally", "strays", "grew", "reloads_failed", "left", "count"),
    [
        (_tally(Ending.RIGHT, Ending.CUT, Ending.UNSERVED, Ending.NOT_PUSHED), [], {"memory in use": 1.1, "memory resident": 1.4}, 0, 0, 0),
        (_tally(Ending.RIGHT, Ending.WRONG), [], {}, 0, 0, 1),
        (_tally(Ending.RIGHT, Ending.UNAUTHORISED, Ending.FALSE), [], {}, 0, 0, 2),
        (_tally(Ending.RIGHT), ["PUT /v2/x"], {}, 0, 0, 1),
        (_tally(Ending.RIGHT), [], {"memory in use": 1.3, "connections": 1.0}, 0, 0, 1),
        (_tally(Ending.RIGHT), [], {"memory resident": 1.6}, 0, 0, 1),
        (_tally(Ending.RIGHT), [], {}, 2, 0, 1),
        (_tally(Ending.RIGHT), [], {}, 0, 3, 1),
        (_tally(), [], {}, 0, 0, 1),
    ],
)
def test_problems(
    tally: Tally, strays: list[str], grew: dict[str, float], reloads_failed: int, left: int, count: int
) -> None:
    assert len(problems(tally, strays, grew, reloads_failed, left)) == count


def test_a_seed_is_an_order() -> None:
    size = 2 * len(TROUBLES)
    first = list(islice(acts(7), size))
    assert first == list(islice(acts(7), size))
    assert first != list(islice(acts(8), size))
    assert sorted((act.trouble.name, act.registry) for act in first) == sorted(
        (trouble.name, registry) for trouble in TROUBLES for registry in (NEAR, FAR)
    )


def test_growth_is_of_medians() -> None:
    memory = [9] * 25 + [100] * 25 + [999] * 25 + [7, 150] * 6 + [150] * 13
    measured = [Measured(size, 2 * size, 50, 8) for size in memory]
    ratios = {"memory in use": 1.5, "memory resident": 1.5, "file descriptors": 1.0, "connections": 1.0}
    assert growth(measured) == ratios
    assert growth(measured[1:]) == {}


def test_growth_of_connections_is_of_what_is_always_held() -> None:
    """A busier machine is no leak, and a leak shows on a machine that is less busy."""

    def ratio(second: list[int], last: list[int]) -> float:
        numbers = [5] * 25 + second * 5 + [7] * 25 + last * 5
        return growth([Measured(1, 1, number, number) for number in numbers])["connections"]

    assert ratio([10, 10, 20, 30, 90], [10, 10, 90, 90, 90]) == 1.0
    assert ratio([10, 10, 90, 90, 90], [20, 20, 20, 30, 40]) == 2.0
