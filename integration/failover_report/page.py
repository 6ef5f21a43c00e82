"""docs/failover-report.md, written from what was measured."""

from collections.abc import Iterator

from failover_report import goals, settings
from failover_report.figures import Count
from failover_report.play import Played
from failover_report.stage import PRIMARY, SECONDARY

PLOTS = "failover-report"

HEAD = """# Failover, measured

Written by `make failover-report`; do not edit.

Two real registries with the same content stand behind real Envoy with the filter. The policy's one rule has the
list `primary, secondary`, both replicas, and `primary` is the owner. All timeouts are the policy's defaults: an
attempt at a manifest has {manifest:.0f} s, at a blob {blob:.0f} s. Meanwhile there are {pulls:.0f} pulls a second
by real clients in turn ({clients}), each of an image of 4 layers of 5 MB that the client does not have,
{requests:.0f} single requests a second for manifests and blobs, without any retry, and {pushes:.0f} push a second
of a small blob. Everything that arrives is checked against its digest.
"""

EXPLANATION = f"""
* **failed**: of the pulls (each client's own retries are its own business) and of the single requests (which never
  retry).
* **to switch**: from the beginning of the trouble to the first read that went to the secondary at once. Until then
  each read costs an attempt at the primary first; it is slower, but it does not fail. "-": nothing made Envoy leave
  the primary.
* **one attempt**: the share of reads after that, while the trouble lasts, that took one attempt.
* **to return**: from the end of the trouble to the read from which on the primary answered everything at once.
* **answered by**: reads answered by the primary, by the secondary, and by nobody (an error, or a body that was cut).

The goals: pulls and single requests do not fail as long as one registry can serve them (a body that is cut after its
head cannot be sent again by a proxy: there the clients that resume, {" and ".join(goals.RESUMING)}, must lose
nothing); noticed within {goals.NOTICED_WITHIN:.0f} s; then {goals.ONE_ATTEMPT_SHARE:.1%} of the reads take one
attempt; back within {goals.BACK_WITHIN:.0f} s; never a wrong digest, never a write but at the owner; if both are
down, every failure is an OCI 503 with `Retry-After` within the number of backends x the attempt timeout (where one
hangs and the other lacks the image, within the attempt timeout + the connect timeout). A registry that
is well answers everything, and every push, whatever is asked of it and however it limits pings; and one that nobody had
asked anything before it was away for a moment is used again within {goals.BACK_AFTER_REST_WITHIN:.0f} s.

Where redirects are followed, the primary sends whoever reads a blob to a delivery network, and the policy says
`redirect_handling: follow`: while that network fails, the primary is well and tags are read there.

Reads are hedged, as they are unless the policy says otherwise: nobody waits long for a registry that does not answer, at the
price of some extra requests. Each scenario that is called *hedged reads* has a goal for what it is about. One read in a hundred
may take a second attempt there after the switch: each worker of Envoy finds out for itself. Where it says `hedge_after: off`,
the policy has that.

Where the health checks pass although data hangs, only real reads can show that a registry is well again: three try it
every eight seconds and take a second attempt. Of the reads of that time one alone would be more than the goal allows, and
to try less often would be to come back later than within {goals.BACK_WITHIN:.0f} s. No status that data is answered with, 503
and 429 among them, makes Envoy leave a registry whose health checks pass: anybody could ask for what one registry cannot
serve. Each read asks there first then, and goes on to the secondary in the same moment.
"""


def page(played: list[Played], surroundings: dict[str, str], missing: list[str]) -> str:
    """The whole page."""
    clients = list(dict.fromkeys(name for one in played for name in one.figures.pulls))
    head = HEAD.format(
        manifest=settings.MANIFEST_ATTEMPT_SECONDS,
        blob=settings.BLOB_ATTEMPT_SECONDS,
        pulls=settings.PULLS_A_SECOND,
        requests=settings.REQUESTS_A_SECOND,
        pushes=settings.PUSHES_A_SECOND,
        clients=", ".join(clients),
    )
    parts = [
        head,
        *_missing(missing),
        _outcome(played),
        *_table(played),
        EXPLANATION,
        *_surroundings(surroundings),
    ]
    for one in played:
        parts += _scenario(one)
    return "\n".join(parts).rstrip() + "\n"


def _missing(missing: list[str]) -> Iterator[str]:
    for words in missing:
        yield f"**Not measured:** {words}\n"


def _outcome(played: list[Played]) -> str:
    missed = [(one, verdict) for one in played for verdict in one.missed]
    all_goals = sum(len(one.verdicts) for one in played)
    lines = [f"**{all_goals - len(missed)} of {all_goals} goals met in {len(played)} scenarios.**"]
    if missed:
        lines += ["Not met:", ""]
        lines += [f"* {one.scenario.title}: {verdict.goal}: {verdict.found}" for one, verdict in missed]
    return "\n".join([*lines, ""])


def _table(played: list[Played]) -> Iterator[str]:
    yield (
        "| scenario | pulls: failed of | requests: failed of | slowest request | slowest pull | to switch | to return |"
        + (" one attempt | answered by primary / secondary / nobody | goals |")
    )
    yield "| --- " * 10 + "|"
    for one in played:
        yield f"| {' | '.join(_cells(one))} |"


def _cells(one: Played) -> list[str]:
    figures, answered = one.figures, one.figures.answered
    share = figures.one_attempt_share
    return [
        f"[{one.scenario.title}](#{one.scenario.name})",
        _failed(figures.all_pulls),
        _failed(figures.requests),
        seconds(figures.requests.slowest),
        seconds(figures.all_pulls.slowest),
        seconds(figures.switch_seconds),
        seconds(figures.return_seconds),
        "-" if share is None or figures.switch_seconds is None else f"{share:.2%}",
        f"{answered[PRIMARY]} / {answered[SECONDARY]} / {answered['nobody']}",
        "met" if not one.missed else f"**{len(one.missed)} not met**",
    ]


def _failed(count: Count) -> str:
    wrong = f" (**{count.wrong} wrong**)" if count.wrong else ""
    return f"{count.failed} of {count.all}{wrong}"


def seconds(value: float | None) -> str:
    """A length of time for a reader."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def _surroundings(surroundings: dict[str, str]) -> Iterator[str]:
    yield "## Measured on\n"
    yield "| | |"
    yield "| --- | --- |"
    for name, value in surroundings.items():
        yield f"| {name} | {value} |"
    yield "\nAll of it, clients included, shares this machine and its loopback interface.\n"


def _scenario(one: Played) -> Iterator[str]:
    figures, name = one.figures, one.scenario.name
    yield f'<a id="{name}"></a>\n'
    yield f"## {one.scenario.title}\n"
    yield f"![{one.scenario.title}]({PLOTS}/{name}.svg)\n"
    pulls = [f"{client} {_failed(count)}" for client, count in figures.pulls.items()]
    yield f"Trouble for {figures.trouble_seconds:.1f} s. Pulls that failed: {', '.join(pulls)}. " + (
        f"Pushes that failed: {_failed(figures.pushes)}, slowest {seconds(figures.pushes.slowest)}. "
        f"Reads that took more than one attempt: {figures.repeated_reads}.{_more(one)}\n"
    )
    for verdict in one.verdicts:
        yield f"* {'met' if verdict.is_met else '**not met**'}: {verdict.goal}: {verdict.found}"
    if figures.complaints:
        yield "\nWhat clients said, for example:\n"
        yield "\n".join(["```text", *figures.complaints, "```"])
    yield ""


def _more(one: Played) -> str:
    words = ""
    images = one.figures.image_pushes
    if images.all:
        words += f" Pushes of whole images that failed: {_failed(images)}, slowest {seconds(images.slowest)}."
    for what, statuses in one.figures.asides.items():
        answers = ", ".join(f"{count} x {status if status != '0' else 'nothing'}" for status, count in statuses.items())
        words += f" Asked for {what}: {answers}."
    if one.figures.pulls_left_out:
        words += f" Pulls left out, as too many were still waiting: {one.figures.pulls_left_out}."
    return words
