"""The parts of the benchmark that can be wrong without a server: reading, judging, writing."""

from pathlib import Path

import pytest

from bench import by_hand, cases, networks
from bench.callgrind import total
from bench.cases import Upstreams
from bench.goals import Goal, Measurement
from bench.load import status_counts
from bench.report import markdown, number, plain, row, side_by_side

REPEATABLE, TIMING = Goal(1.5, repeatable=True), Goal(1.5, repeatable=False)


@pytest.mark.parametrize(
    ("value", "goal", "met", "fails", "why"),
    [
        (9.0, None, None, False, "nothing was promised"),
        (1.5, REPEATABLE, True, False, "the goal itself is met"),
        (1.501, REPEATABLE, False, True, "what repeats exactly has no excuse"),
        (1.501, TIMING, False, False, "the machine may have been busy"),
        (3.0, TIMING, False, False, "twice as long is still an excuse"),
        (3.01, TIMING, False, True, "more is not"),
    ],
)
def test_when_a_goal_is_missed_and_when_that_fails(
    value: float, goal: Goal | None, met: bool | None, fails: bool, why: str
) -> None:
    found = Measurement("a", value, "times", goal=goal)
    assert (found.met, found.fails) == (met, fails), why


def test_statuses_are_read_from_what_h2load_prints() -> None:
    printed = "requests: 9 total\nstatus codes: 5 2xx, 0 3xx, 4 4xx, 0 5xx\ntraffic: 1KB\n"
    assert status_counts(printed) == {2: 5, 3: 0, 4: 4, 5: 0}
    assert status_counts("h2load: could not connect") == {}


def test_the_sum_is_read_from_a_dump_of_callgrind() -> None:
    assert total("version: 1\nevents: Ir\n1 20\ntotals: 345\n") == 345
    with pytest.raises(RuntimeError, match="without a total"):
        total("version: 1\n")


@pytest.mark.parametrize(
    ("value", "written"), [(1.20712, "1.207"), (0.9616, "0.9616"), (78.5, "78.5"), (59182.4, "59,182"), (300, "300")]
)
def test_numbers_have_four_figures_or_are_whole(value: float, written: str) -> None:
    assert number(value) == written


def test_a_measurement_in_the_tables() -> None:
    rows = [row(Measurement("manifest", 1.2, "times", "bare", REPEATABLE)), row(Measurement("ping", 2, "ms"))]
    assert rows[0] == ("manifest", "1.2", "times", "bare", "≤ 1.5", "yes")
    assert plain(rows).splitlines()[2] == "ping      2      ms"
    assert markdown(rows).splitlines()[1:3] == [
        "| --- | --- | --- | --- | --- | --- |",
        "| manifest | 1.2 | times | bare | ≤ 1.5 | yes |",
    ]


def test_both_forms_of_the_filter_are_side_by_side() -> None:
    found = [
        Measurement("manifest", 1.3, "times", "bare"),
        Measurement("only of one", 1.3, "times"),
        Measurement("native module: manifest", 1.15, "times", "bare"),
        Measurement("start, without the filter: memory", 70, "MB"),
        Measurement("start, wasm: memory", 130, "MB"),
        Measurement("start, native module: memory", 75, "MB"),
    ]
    assert side_by_side(found).splitlines() == [
        "| what | WebAssembly | native module | unit |",
        "| --- | --- | --- | --- |",
        "| manifest | 1.3 | 1.15 | times, against bare |",
        "| start: memory | 130 | 75 | MB |",
    ]


def test_networks_are_different_and_the_same_in_every_run() -> None:
    found = networks.prefixes(2000)
    assert len(set(found)) == 2000
    assert found == networks.prefixes(2000)
    assert {prefix.version for prefix in found} == {4, 6}


def test_the_requests_of_the_rule_cases_match_the_last_rule(tmp_path: Path) -> None:
    upstreams = Upstreams("http://a", "http://b", tmp_path)
    for case, count in ((cases.ONE_RULE, 1), (cases.MANY_RULES, cases.RULES)):
        rules = case.policy(upstreams)["rules"]
        assert len(rules) == count
        assert case.target.startswith(f"/v2/{rules[-1]['name']}/")


def test_an_envoy_by_hand_logs_and_looks_up_what_the_rendering_does() -> None:
    geoip, other = {"name": "envoy.filters.http.geoip"}, {"name": "envoy.filters.http.cdn_loop"}
    manager = {"access_log": [{"name": "log"}], "http_filters": [other, geoip, {"name": "router"}]}
    listener = {"address": {}, "filter_chains": [{"filters": [{"typed_config": manager}]}]}
    rendering = {"admin": {}, "node": {}, "static_resources": {"listeners": [listener], "clusters": []}}
    resources = by_hand.written(rendering, "192.0.2.1:5000")["static_resources"]
    own = resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    assert own["access_log"] == manager["access_log"]
    assert [each["name"] for each in own["http_filters"]] == ["envoy.filters.http.geoip", "router"]
    endpoint = resources["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    assert endpoint["address"]["socket_address"] == {"address": "192.0.2.1", "port_value": 5000}
