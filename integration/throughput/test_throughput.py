"""What is read from h2load, and what is made of it."""

import pytest

from bench.load import WrongAnswers
from throughput import page
from throughput.load import HTTP1, Load, percentile, read
from throughput.run import Carried, Crowd

SAID = "status codes: 2 2xx, 0 3xx, 0 4xx, 0 5xx\n"


@pytest.mark.parametrize(
    ("ordered", "share", "expected"),
    [
        ([7], 0.5, 7),
        ([1, 2], 0.5, 1),
        ([1, 2, 3], 0.5, 2),
        (list(range(1, 101)), 0.99, 99),
        (list(range(1, 101)), 0.999, 100),
        (list(range(1, 1001)), 0.999, 999),
    ],
)
def test_a_percentile_is_the_value_of_its_rank(ordered: list[int], share: float, expected: int) -> None:
    assert percentile(ordered, share) == expected


def test_a_log_of_requests_is_a_rate_and_times() -> None:
    load = read("1000000\t200\t3000\n1500000\t200\t500000\n", SAID)
    assert load == Load(2, 1.0, [3000, 500000])
    assert (load.rate, load.percentile(0.5)) == (2.0, 3.0)


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", SAID),
        ("1\t200\t1\n2\t503\t1\n", SAID),
        ("1\t200\t1\n", "status codes: 1 2xx, 0 3xx, 1 4xx, 0 5xx\n"),
    ],
    ids=["nothing was answered", "a line is of a refusal", "h2load counts one"],
)
def test_any_other_answer_ends_the_measurement(log: str, said: str) -> None:
    with pytest.raises(WrongAnswers):
        read(log, said)


def test_the_tables() -> None:
    load = Load(1000, 2.0, [1000] * 990 + [2000] * 10)
    text = page.tables([Carried("WebAssembly", HTTP1, 1, load, 160.4, (load, load))], [Crowd("module", 10_240, 10, 9, load)])
    assert "| WebAssembly, HTTP/1.1 | 1 | 500 | 160 µs | 1.0, 1.0, 2.0 ms | 1.0, 1.0, 2.0 ms |" in text.splitlines()
    assert "| module | 10.0 KiB | 10 | 9 | 500 | 1.0, 1.0, 2.0 ms |" in text.splitlines()
