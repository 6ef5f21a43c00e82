"""The arithmetic of the report, on reads that nobody has to play."""

import struct

from failover_report.access_log import Read, reads
from failover_report.fault import BLOBS, DATA, EVERYTHING, PING, Fault, Kind
from failover_report.figures import Figures, Record, measure
from failover_report.goals import judge
from failover_report.http_stream import Response
from failover_report.load import asides
from failover_report.load.requests import error_code
from failover_report.load.sample import Outcome, Sample
from failover_report.name_server import answer
from failover_report.scenario import Hedged, Scenario
from failover_report.scenarios import untroubled
from failover_report.stage import PRIMARY, SECONDARY, Marks


def read(began: float, backend: str, attempts: int = 1, status: int = 200) -> Read:
    """A read that was answered at once."""
    return Read(began, backend, attempts, status, is_whole=True, answered_after=0.01)


def figures_of(*reads: Read) -> Figures:
    """Of a scenario with trouble from 100 to 110."""
    return measure(Record(Marks(100.0, 110.0), list(reads), [], [], [], [], 0, [], []))


def test_a_switch_is_the_first_read_that_went_elsewhere_at_once() -> None:
    figures = figures_of(
        read(99, PRIMARY),
        read(101, SECONDARY, attempts=2),
        read(103, SECONDARY),
        read(104, SECONDARY, attempts=2),
        read(111, PRIMARY),
    )
    assert (figures.switch_seconds, figures.reads_after_switch, figures.one_attempt_share) == (3.0, 2, 0.5)
    assert figures.repeated_reads == 2


def test_a_client_that_stays_on_the_primary_has_not_switched() -> None:
    figures = figures_of(read(99, PRIMARY), read(105, PRIMARY), read(111, PRIMARY), read(111, SECONDARY))
    assert figures.switch_seconds is None, "after the trouble it is not counted"


def test_a_return_is_for_good() -> None:
    back = figures_of(read(110.1, PRIMARY), read(112, SECONDARY), read(115, PRIMARY), read(116, PRIMARY))
    assert back.return_seconds == 5.0
    assert figures_of(read(111, PRIMARY), read(112, SECONDARY)).return_seconds is None
    assert figures_of(read(111, PRIMARY, status=503)).return_seconds is None


def test_an_error_is_answered_by_nobody() -> None:
    cut = Read(101, PRIMARY, 1, 200, is_whole=False, answered_after=0.01)
    assert figures_of(cut, read(102, PRIMARY, status=503), read(103, "")).answered == {
        PRIMARY: 0,
        SECONDARY: 0,
        "nobody": 3,
    }


def test_the_code_of_an_error() -> None:
    assert error_code(Response(503, {}, b'{"errors":[{"code":"UNAVAILABLE"}]}')) == "UNAVAILABLE"
    for body in (b"", b"[]", b"{}", b'{"errors":[]}', b"upstream connect error"):
        assert error_code(Response(503, {}, body)) == ""


def test_a_fault_spares_what_it_is_not_about() -> None:
    tag, blob = "/v2/team/app/manifests/v1", f"/v2/team/app/blobs/sha256:{'0' * 64}"
    for paths, hit, spared in [
        (EVERYTHING, ["/v2/", tag, blob], []),
        (PING, ["/v2/"], ["/v2", tag, blob]),
        (DATA, [tag, blob], ["/v2/"]),
        (BLOBS, [blob], ["/v2/", tag, "/v2/team/app/blobs/uploads/1"]),
    ]:
        fault = Fault(Kind.ANSWER, paths=paths, status=500)
        assert [path for path in (*hit, *spared) if fault.spares(path)] == spared, paths
        assert Fault.from_json(fault.to_json()) == fault


def test_requests_beside_the_load_are_counted_apart() -> None:
    path = {"time": "2026-01-01T00:00:00Z", "method": "GET", "flags": "-", "first_byte_ms": 1, "status": 500}
    aside, load = (
        {**path, "backend": PRIMARY, "attempts": 1, "path": f"/v2/{repository}/manifests/v1"}
        for repository in (asides.CORRUPT, "team/small")
    )
    assert len(reads([aside, load])) == 1
    samples = [Sample("aside", "it", 101, 0.1, Outcome.DONE, status=status) for status in (500, 500, None)]
    seen = Record(Marks(100.0, 110.0), [], [], [], [], [], 0, [], [], samples)
    assert measure(seen).asides == {"it": {"500": 2, "0": 1}}


def test_names_are_answered_and_forgotten() -> None:
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + b"\x01a\x04test\x00" + struct.pack("!2H", 1, 1)
    assert answer(query, is_known=True).endswith(bytes((127, 0, 0, 1)))
    gone = answer(query, is_known=False)
    assert gone[3] & 0x0F == 3 and len(gone) == len(query)


def test_the_goals_of_hedged_reads_are_about_the_time_of_the_trouble() -> None:
    def sample(what: str, began: float, seconds: float) -> Sample:
        return Sample("single", what, began, seconds, Outcome.DONE, "")

    requests = [sample("tag", 99, 9), sample("tag", 101, 0.9), sample("blob", 102, 1.4), sample("blob", 111, 9)]
    reads_of_it = [read(101, PRIMARY), read(102, SECONDARY, attempts=2), read(99, PRIMARY, attempts=2)]
    seen = Record(Marks(100.0, 110.0), reads_of_it, requests, [], [], [], 0, [], [])
    for hedged, expected in (
        (Hedged(manifest_seconds=1.0), {"the slowest manifest takes 1.0 s at most": True}),
        (Hedged(blob_seconds=1.3), {"the slowest blob takes 1.3 s at most": False}),
        (Hedged(p99_seconds=1.4), {"the 99th percentile of single requests takes 1.4 s at most": True}),
        (Hedged(extra_share=0.5), {"at most 50% extra requests": True}),
        (Hedged(extra_share=0.4), {"at most 40% extra requests": False}),
    ):
        verdicts = judge(Scenario("x", "x", untroubled, hedged=hedged), measure(seen), seen)
        found = {verdict.goal: verdict.is_met for verdict in verdicts if verdict.goal in expected}
        assert found == expected


def test_an_outage_with_hedged_reads_has_a_bound_of_its_own() -> None:
    def failed(what: str, seconds: float) -> Sample:
        return Sample("single", what, 101, seconds, Outcome.FAILED, "", 503, "UNAVAILABLE", has_retry_after=True)

    def met(hedged: Hedged | None, *requests: Sample) -> bool:
        seen = Record(Marks(100.0, 110.0), [], list(requests), [], [], [], 0, [], [])
        verdicts = judge(Scenario("x", "x", untroubled, everything_is_down=True, hedged=hedged), measure(seen), seen)
        return next(verdict.is_met for verdict in verdicts if verdict.goal.startswith("within "))

    for hedged, what, seconds, expected in (
        (None, "tag", 6.9, True),
        (None, "tag", 7.1, False),
        (None, "blob", 20.9, True),
        (Hedged(), "blob", 11.9, True),
        (Hedged(), "blob", 12.1, False),
        (Hedged(), "tag", 5.1, False),
    ):
        assert met(hedged, failed(what, seconds)) == expected, (hedged, what, seconds)
