"""docs/soak.md, written from what was counted."""

from soak.measured import Measured, growth
from soak.run import RELOAD_SECONDS, Result
from soak.tally import Ending

HEAD = """# {title}

Written by `{command}`; do not edit.

Two tenants share one Envoy with two workers. Each has a front, a password, a rule and repositories of its own; the layers are the same,
digest for digest. Two registries have all of it, one is written. They fail in turn and in every way below, in an order that the seed
chooses; one of them is always well. Every {reload:g} s [`portolan apply`](changing-the-policy.md) changes the policy: the backends have each other's names,
the rules have new ones, the chains another order. Of the requests 2 in 100 are pushes, and 15 in 100 want the other tenant's
content, by its name, by paths that climb, with the wrong password and without one.

"""

# Without the native module, and with it.
TITLES = (
    "Soak: two tenants, every fault, and a new policy every ten seconds",
    "Soak of the native module: the same hour, with the filter that has no sandbox",
)
COMMANDS = ("make soak", "make soak FILTER=module")
FILTERS = ("the filter in WebAssembly", "the filter as a native module")

MEANINGS = {
    Ending.RIGHT: "the content, checked against its digest; a push that was taken; a refusal that is due",
    Ending.UNSERVED: "5xx, or no answer, to what a registry that was well has",
    Ending.CUT: "the body ended early: its registry was killed, or cut it. No proxy can send the rest; clients ask again",
    Ending.NOT_PUSHED: "pushes while the owner failed, or that it failed in",
    Ending.WRONG: "bytes that have another digest: must be 0",
    Ending.UNAUTHORISED: "content for who may not have it: must be 0",
    Ending.FALSE: "404, 401 and the like for what is there: must be 0",
}


def page(result: Result, about: dict[str, str], *, is_native: bool) -> str:
    """The whole page; `is_native` says that the filter was the native module."""
    options, tally = result.options, result.tally
    lines = [
        HEAD.format(title=TITLES[is_native], command=COMMANDS[is_native], reload=RELOAD_SECONDS).rstrip("\n"),
        "",
        f"{about['date']}, commit `{about['commit'][:12]}{'+changes' if '+' in about['commit'] else ''}`, {about['processor']}, Envoy {about['envoy']}, {FILTERS[is_native]}; "
        f"{options.seconds:.0f} s, seed {options.seed}, {tally.all / options.seconds:.0f} requests a second "
        f"({options.rate:g} wanted).",
        "",
        *_verdict(result),
        "",
        "| requests | number | meaning |",
        "| --- | --- | --- |",
        *(f"| {ending} | {tally.counts[ending]:,} | {meaning} |" for ending, meaning in MEANINGS.items()),
        "",
        f"Writes at another registry, or outside of what is for pushes: {len(result.strays)}, of {result.pushes_taken:,} uploads that were ended. "
        f"Changes of the policy: {result.reloads:,}, of which {result.reloads_failed} failed. "
        f"Connections and requests at Envoy that are left once all clients have gone: {result.left}.",
        "",
        *_held(result.measured),
        "",
        "| fault | times |",
        "| --- | --- |",
        *(f"| {name} | {times} |" for name, times in sorted(result.acts.items())),
    ]
    return "\n".join(lines) + "\n"


def _verdict(result: Result) -> list[str]:
    if not result.problems:
        return ["**Everything is as it must be.**"]
    return ["**Not as it must be:**", "", *(f"* {line}" for line in result.problems)]


def _held(measured: list[Measured]) -> list[str]:
    if not measured:
        return []
    quarters = [measured[number * len(measured) // 4] for number in range(4)] + [measured[-1]]
    ratios = growth(measured)

    def row(name: str, values: list[str]) -> str:
        ratio = f"{ratios[name]:.2f}" if name in ratios else "-"
        return f"| {name} | {' | '.join(values)} | {ratio} |"

    return [
        "| Envoy's | begin | | | | end | last quarter over second |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        row("memory in use", [f"{one.memory / 1e6:.0f} MB" for one in quarters]),
        row("memory resident", [f"{one.resident / 1e6:.0f} MB" for one in quarters]),
        row("file descriptors", [str(one.files) for one in quarters]),
        row("connections", [str(one.connections) for one in quarters]),
        "",
        "The last column compares medians of memory, and of the others the lowest tenth: what is held when least is going on. Above 1.15 a run fails; "
        "above 1.5 for what is resident, in which the busiest moment stays: the allocator keeps what it once needed. In use is the rest.",
    ]
