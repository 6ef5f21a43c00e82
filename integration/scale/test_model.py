"""The model's numbers by hand."""

import pytest

from scale.model import HOUR, MIB, Cost, Fleet, Load, Pull, Settings, load


def of(pulls: float, regions: int, replicas: int, **settings: float) -> Load:
    """With round numbers."""
    pull = Pull(manifests=3, blobs=7, bytes=100 * MIB)
    cost = Cost(request_microseconds=100, mib_microseconds=300)
    return load(pulls, pull, Fleet(regions, replicas, workers=2), cost, Settings(**settings))  # type: ignore[arg-type]


def test_a_million_pulls_an_hour() -> None:
    found = of(1_000_000, regions=5, replicas=4)
    assert found.requests_per_second == pytest.approx(2777.8, abs=0.1)
    assert found.bytes_per_second / MIB == pytest.approx(27_777.8, abs=0.1)
    # 0.28 cores for requests, 8.33 for bytes.
    assert found.cores == pytest.approx(8.61, abs=0.01)
    assert found.cores_each == pytest.approx(8.61 / 20, abs=0.001)


@pytest.mark.parametrize(
    ("name", "one", "twenty", "reason"),
    [
        ("requests_per_second", 2777.8, 2777.8, "the pulls decide"),
        ("checks_per_second", 0.5, 10.0, "each Envoy, every two seconds"),
        ("tokens_per_hour", 2 * 100 * 12, 40 * 100 * 12, "each worker, each repository, twelve times an hour"),
        ("connections_at_most", 1024, 20_480, "the limit is each Envoy's"),
        ("probes_per_hour", 2 * 10_000 / 24, 40 * 10_000 / 24, "each worker, each blob, once a day"),
    ],
)
def test_numbers_that_grow_with_replicas(name: str, one: float, twenty: float, reason: str) -> None:
    assert getattr(of(1_000_000, 1, 1), name) == pytest.approx(one, abs=0.1), reason
    assert getattr(of(1_000_000, 5, 4), name) == pytest.approx(twenty, abs=0.1), reason


def test_content_without_a_request_is_never_fetched() -> None:
    few = of(10, regions=5, replicas=4)
    assert few.tokens_per_hour == 10 * 10
    assert few.probes_per_hour == 10 * 7
    assert of(10, 1, 1, repositories=1, token_seconds=HOUR).tokens_per_hour == 2
