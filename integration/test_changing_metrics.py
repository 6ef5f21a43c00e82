"""Which policy runs, and that one was refused, as Prometheus sees it: real Envoy with a directory of files, and a real Prometheus.

What the rules say in detail is tested by promtool; here is seen that what they name is what Envoy has.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from harness import paths, portolan, ports
from harness.changing import asked, policy, policy_of
from harness.envoy import Policy, write_policy
from harness.files_envoy import FilesEnvoy
from harness.metrics import Scrape
from harness.prometheus import Prometheus, rules
from harness.scripted import Answer, Scripted
from harness.waiting import eventually, stays

RULES = "policy.rules.yaml"
# What counts that a geographic database cannot be read.
REFUSED = "envoy_extension_config_discovery_http_filter_envoy_filters_http_geoip_config_fail"


@pytest.fixture(scope="module")
def port() -> int:
    """Where metrics are scraped."""
    return ports.free()


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory, east: Scripted, port: int) -> Iterator[FilesEnvoy]:
    """An Envoy that is scraped."""
    east.answer(Answer())
    options = ["--metrics", f"127.0.0.1:{port}"]
    started = FilesEnvoy(policy(east.url), tmp_path_factory.mktemp("files"), options=options)
    yield started
    started.stop()


def counters_of_the_rule() -> set[str]:
    """The names in the expression of `PortolanPolicyRefused`."""
    document = yaml.safe_load((paths.ROOT / "envoy/observability" / RULES).read_text())
    (rule,) = (each for each in document["groups"][0]["rules"] if each["alert"] == "PortolanPolicyRefused")
    return set(re.findall(r"envoy_\w+", rule["expr"]))


def test_metrics_name_the_policy_in_force(envoy: FilesEnvoy, east: Scripted, west: Scripted, port: int) -> None:
    def named() -> dict[str, float]:
        """The fingerprints that a scrape names, and the value of each."""
        samples = Scrape(port).samples
        return {each.labels["hash"]: each.value for each in samples if each.name == "portolan_policy_info"}

    first = policy_of(envoy)
    assert named() == {first: 1}
    envoy.apply(policy(west.url), "--no-validate")
    second = policy_of(envoy)
    # What is scraped the moment after says so, and no longer the one before.
    assert second != first
    assert named() == {first: 0, second: 1}
    envoy.run("rollback")
    assert named() == {first: 1, second: 0}


def test_a_policy_that_envoy_refuses_is_told(
    envoy: FilesEnvoy, east: Scripted, port: int, tmp_path: Path
) -> None:
    """Nothing has looked at it before Envoy: the geographic database is not there."""
    before = policy_of(envoy)
    scrape = Scrape(port)
    there = {each.name for each in scrape.samples}
    assert counters_of_the_rule() <= there, "a counter that comes with its first 1 has not increased"
    prometheus = Prometheus(f"127.0.0.1:{port}", rules(tmp_path / "rules", RULES), tmp_path / "prometheus")
    try:
        eventually(lambda: prometheus.value(f"count_over_time({REFUSED}[1m]) > 1"))
        assert prometheus.firing() == {}
        wrong = {**policy(east.url), "clients": {"geo": {"database": "/nowhere/geoip.mmdb"}}}
        done = envoy.try_to_apply(wrong, "--no-validate")
        assert done.returncode == 1 and "refuses the filter" in done.stderr
        assert Scrape(port).sum(REFUSED) > scrape.sum(REFUSED)
        eventually(lambda: "PortolanPolicyRefused" in prometheus.firing())
    finally:
        prometheus.stop()
    stays(lambda: policy_of(envoy) == before and asked(envoy) == 200, for_=0.5, what="the policy before serves")


def test_a_file_that_is_not_in_force_is_told(envoy: FilesEnvoy, east: Scripted, west: Scripted, port: int, tmp_path: Path) -> None:
    """By the fingerprint that `check` and Envoy give it, and as a problem of `portolan status`."""

    def of_the_file(document: Policy) -> tuple[list[str], list[str]]:
        """What `check` says of it to Prometheus, and the problems of `status` about policies."""
        file = write_policy(document, tmp_path)
        lines = portolan.run("check", "--format", "prometheus", file).stdout.replace(str(file), "FILE").splitlines()
        done = portolan.run("status", f"127.0.0.1:{port}", "--policy", file, "--once", "--interval", "1", "-o", "json")
        kinds = [each["kind"] for each in json.loads(done.stdout)["problems"]] if done.stdout else ["no report"]
        return [line for line in lines if line[0] != "#"], [kind for kind in kinds if kind.startswith(("policy", "no "))]

    good = 'portolan_policy_file_good{file="FILE"} 1'
    info = f'portolan_policy_file_info{{file="FILE",hash="{policy_of(envoy)}"}} 1'
    assert of_the_file(policy(east.url)) == ([good, info], [])
    lines, problems = of_the_file(policy(west.url))
    assert lines[0] == good and lines[1] != info and problems == ["policy-stale"]
    lines, problems = of_the_file({**policy(east.url), "rules": "none"})
    assert lines == [good.replace("} 1", "} 0")] and problems == ["no report"], "status refuses what is wrong at its start"
