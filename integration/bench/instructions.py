"""Instructions a request, with the filter and without it.

Processor time on a machine that others use varies by a tenth; instruction counts repeat to a few in a thousand,
and so they can hold a goal.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from bench import cases, goals
from bench.callgrind import CountedEnvoy
from bench.cases import Case, Upstreams
from bench.goals import Goal, Measurement
from bench.servers import rendered, rendered_bare, rendered_native, rendered_redirect, written_by_hand
from harness import ports

# V8 compiles a function again, and better, once it has run often. Before that there is nothing to count.
WARM_UP_REQUESTS = 3000
# Envoy itself only has to open its connections.
BARE_WARM_UP_REQUESTS = 200
COUNTED_REQUESTS = 500
# A blob is the work of some sixty small requests, which are counted as one.
BLOB_REPETITIONS = 8
# Callgrind runs one thread of a process at a time, so each run takes one processor.
PARALLEL_RUNS = 2

BARE = "the same Envoy without the filter"
OWN_REDIRECT = "the same Envoy's own redirect"


@dataclass(frozen=True)
class Run:
    """One Envoy under callgrind and the cases that it counts, all with one policy."""

    name: str
    cases: tuple[Case, ...]
    bare: bool = False
    native: bool = False


Found = dict[tuple[Case, bool], float]


def measure_quickly(upstreams: Upstreams, directory: Path) -> list[Measurement]:
    """Only what a change of the filter moves first."""
    quick = (cases.ROUTED,)
    found = _count([Run("bare", quick, bare=True), Run("filter", quick)], upstreams, directory)
    bare = {key: count for key, count in found.items() if key[1]}
    native = bare | _count([Run("module", quick, native=True)], upstreams, directory)
    return [*_routed(found), replace(_ratio(cases.ROUTED, native), name=f"native module: {cases.ROUTED.name}")]


def measure(upstreams: Upstreams, directory: Path) -> list[Measurement]:
    """Case by case."""
    forwarded = (cases.ROUTED, cases.LISTED, cases.MAPPED, cases.LINKED)
    answered = (cases.PING, cases.REFUSAL)
    redirected = (cases.REDIRECTED, cases.STORED)
    of_two = (cases.REDIRECTED_LISTED, cases.STORED_LISTED)
    runs = [
        # The longest first, so that the shorter ones fill the other processor.
        Run("filter", (*forwarded, cases.DIGEST_LISTED, *answered, cases.BLOB)),
        Run("bare", (*forwarded, cases.DIGEST_LISTED), bare=True),
        Run("by-hand", (cases.BY_HAND,), bare=True),
        Run("bare-blob", (cases.BLOB,), bare=True),
        Run("filter-networks", (cases.BY_NETWORK,)),
        Run("filter-counted", (cases.COUNTED,)),
        Run("filter-limits", (cases.LIMITED,)),
        Run("filter-budget", (cases.BUDGETED,)),
        Run("filter-tokens", (cases.TOKEN, cases.TOKEN_LISTED)),
        Run("filter-cache", (cases.CACHED,)),
        Run("filter-redirects", redirected),
        Run("filter-redirects-lists", of_two),
        Run("bare-redirects", (*redirected, *of_two), bare=True),
        Run("filter-one-rule", (cases.ONE_RULE,)),
        Run("filter-many-rules", (cases.MANY_RULES,)),
    ]
    found = _count(runs, upstreams, directory)
    return [
        *_routed(found),
        _rendering(found),
        *(_ratio(case, found) for case in (cases.LISTED, cases.MAPPED, cases.LINKED)),
        _ratio(cases.BY_NETWORK, found, base=(cases.ROUTED, True)),
        _metrics(found),
        _limits(cases.LIMITED, found),
        _limits(cases.BUDGETED, found),
        _added(cases.TOKEN, cases.ROUTED, found, goals.TOKEN),
        _added(cases.TOKEN_LISTED, cases.LISTED, found, goals.TOKEN),
        _added(cases.CACHED, cases.DIGEST_LISTED, found),
        *(_ratio(case, found, against=OWN_REDIRECT, goal=goals.REDIRECT) for case in (*redirected, *of_two)),
        _ratio(cases.MANY_RULES, found, base=(cases.ONE_RULE, False), against="1 rule", goal=goals.MANY_RULES),
        _ratio(cases.BLOB, found, goal=goals.BLOB),
        *(Measurement(f"{case.name}, by the filter", found[case, False], "instructions") for case in answered),
        *measure_module({key: count for key, count in found.items() if key[1]}, upstreams, directory),
    ]


def measure_module(bare: Found, upstreams: Upstreams, directory: Path) -> list[Measurement]:
    """What the native module costs, against what was counted without a filter."""
    forwarded = (cases.ROUTED, cases.LISTED, cases.MAPPED, cases.LINKED)
    answered = (cases.PING, cases.REFUSAL)
    runs = [
        Run("module", (*forwarded, cases.DIGEST_LISTED, *answered, cases.BLOB), native=True),
        Run("module-cache", (cases.CACHED,), native=True),
        Run("module-tokens", (cases.TOKEN, cases.TOKEN_LISTED), native=True),
        Run("module-redirects", (cases.REDIRECTED, cases.STORED), native=True),
    ]
    found = bare | _count(runs, upstreams, directory)
    redirected = (cases.REDIRECTED, cases.STORED)
    own = [
        *(_ratio(case, found) for case in (*forwarded, cases.BLOB)),
        _added(cases.TOKEN, cases.ROUTED, found, goals.TOKEN),
        _added(cases.TOKEN_LISTED, cases.LISTED, found, goals.TOKEN),
        _added(cases.CACHED, cases.DIGEST_LISTED, found),
        *(_ratio(case, found, against=OWN_REDIRECT) for case in redirected),
        *(Measurement(f"{case.name}, by the filter", found[case, False], "instructions") for case in answered),
    ]
    return [replace(measurement, name=f"native module: {measurement.name}", goal=None) for measurement in own]


def _routed(found: Found) -> list[Measurement]:
    bare, filtered = found[cases.ROUTED, True], found[cases.ROUTED, False]
    added = Measurement("manifest, routed: added", filtered - bare, "instructions", against=f"{bare:,.0f} without the filter")
    return [_ratio(cases.ROUTED, found, goal=goals.ROUTED_MANIFEST), added]


def _rendering(found: Found) -> Measurement:
    """What is rendered without the filter, against an Envoy that is written by hand for the same job."""
    ratio = found[cases.ROUTED, True] / found[cases.BY_HAND, True]
    against = f"an Envoy written by hand, {found[cases.BY_HAND, True]:,.0f} instructions"
    return Measurement("manifest, without the filter", ratio, "times the instructions", against)


def _metrics(found: Found) -> Measurement:
    """What it adds that requests and attempts are counted."""
    without = found[cases.ROUTED, False]
    added = found[cases.COUNTED, False] - without
    against = f"{without:,.0f} without `--metrics`"
    return Measurement(f"{cases.COUNTED.name}: added", added, "instructions", against, goals.METRICS_INSTRUCTIONS)


def _limits(case: Case, found: Found) -> Measurement:
    """What a request costs that is counted against limits, and within them."""
    return _ratio(case, found, base=(cases.ROUTED, False), against="the same policy without limits", goal=goals.LIMITS)


def _added(case: Case, without: Case, found: Found, goal: Goal | None = None) -> Measurement:
    """What a token that is held, or a cache, adds to the same request without it.

    In parts of Envoy's own instructions.
    """
    added = (found[case, False] - found[without, False]) / found[without, True]
    return Measurement(f"{case.name}: added", added, "of the instructions", BARE, goal)


def _ratio(
    case: Case, found: Found, base: tuple[Case, bool] | None = None, against: str = BARE, goal: Goal | None = None
) -> Measurement:
    ratio = found[case, False] / found[base or (case, True)]
    return Measurement(case.name, ratio, "times the instructions", against, goal)


def _count(runs: list[Run], upstreams: Upstreams, directory: Path) -> Found:
    """Instructions a request for each case, with (false) and without (true) the filter."""
    with ThreadPoolExecutor(PARALLEL_RUNS) as pool:
        parts = pool.map(lambda run: _count_run(run, upstreams, directory / run.name), runs)
        return {key: value for part in parts for key, value in part.items()}


def _count_run(run: Run, upstreams: Upstreams, directory: Path) -> Found:
    first = run.cases[0]
    policy = first.policy(upstreams)
    if run.bare:
        render = written_by_hand if first.by_hand else rendered_redirect if first.redirected else rendered_bare
        configuration = render(policy, directory, first.counted_backend)
    else:
        render = rendered_native if run.native else rendered
        fills = ["--cache-fill", f"127.0.0.1:{ports.free()}"] if policy.get("caches") else []
        configuration = render(policy, directory, metrics=first.metrics, options=fills)
    counted = CountedEnvoy(configuration)
    found = {(case, run.bare): _count_case(counted, case, run.bare) for case in run.cases}
    counted.envoy.stop()
    return found


def _count_case(counted: CountedEnvoy, case: Case, bare: bool) -> float:
    target = case.backend_target if bare else case.target
    if case is cases.BLOB:
        # The other cases of the run have warmed the filter up.
        counted.warm_up(case, target, 1)
        return counted.per_request(case, target, 1, BLOB_REPETITIONS)
    counted.warm_up(case, target, BARE_WARM_UP_REQUESTS if bare else WARM_UP_REQUESTS)
    return counted.per_request(case, target, COUNTED_REQUESTS)
