"""The figures of a trouble, by hand."""

import pytest

from compare.play import Figures, Seen, figures
from failover_report.load.sample import Outcome, Sample

BEGAN, ENDED = 100.0, 110.0


def request(began: float, seconds: float, by: str, status: int | None = 200) -> Sample:
    """One request; good if it was answered with 200."""
    outcome = Outcome.DONE if status == 200 else Outcome.FAILED
    return Sample("pull", "tag", began, seconds, outcome, status=status, served_by=by)


def measured(*requests: Sample) -> Figures:
    """The figures of these."""
    return figures(Seen([], list(requests), BEGAN, ENDED, met=3))


@pytest.mark.parametrize(
    ("name", "requests", "switch", "back"),
    [
        ("nobody asked", [], None, None),
        ("the near one served throughout", [request(101, 0.1, "near"), request(111, 0.1, "near")], None, 1.0),
        ("the far one when the near one had timed out", [request(101, 3, "far"), request(112, 0.1, "near")], 4.0, 2.0),
        # The later one had its answer sooner: what counts is when clients are served again.
        ("the sooner answer", [request(101, 3, "far"), request(102, 0.5, "far"), request(111, 0.1, "near")], 2.5, 1.0),
        ("the far one before the trouble", [request(99, 0.1, "far"), request(111, 0.1, "near")], None, 1.0),
        ("a failure is no switch", [request(101, 0.1, "", 503), request(111, 0.1, "near")], None, 1.0),
        ("back, away, and back again", [request(111, 0.1, "near"), request(112, 0.1, "far"), request(113, 0.1, "near")], None, 3.0),
        ("never back", [request(101, 0.1, "far"), request(111, 0.1, "near"), request(112, 0.1, "far")], 1.1, None),
        ("a failure afterwards", [request(111, 0.1, "", None), request(112, 0.1, "near")], None, 2.0),
    ],
)
def test_when_it_switched_and_returned(name: str, requests: list[Sample], switch: float | None, back: float | None) -> None:
    found = measured(*requests)
    assert (found.switch_seconds, found.return_seconds) == (
        switch if switch is None else pytest.approx(switch),
        back if back is None else pytest.approx(back),
    ), name


def test_counts_of_measured_requests() -> None:
    found = measured(
        request(99, 5, "near"),
        request(101, 1.5, "far"),
        request(102, 0.2, "far", 404),
        request(111, 0.1, "near", 503),
    )
    assert (found.during, found.slow, found.slowest, found.missing, found.met) == (2, 1, 5, 1, 3)


def test_a_pull_of_other_bytes_is_wrong_and_failed() -> None:
    wrong = Sample("pull", "tag", 101, 0.1, Outcome.WRONG, status=200)
    found = figures(Seen([wrong], [wrong], BEGAN, ENDED, met=0))
    assert (found.pulls, found.failed_pulls, found.wrong) == (1, 1, 1)
