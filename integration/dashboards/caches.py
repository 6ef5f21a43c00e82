"""The dashboard for caches."""

from dashboards.boards import HERE, INSTANCE, rate, share
from dashboards.panels import Dashboard, Panel, Query, Row, Shape, Unit, Variable

REQUESTS = "portolan_cache_requests_total"
SENT = "portolan_cache_sent_bytes_total"
FILLS = "portolan_cache_fills_total"
FILLED = "portolan_cache_fill_bytes_total"
CACHE = Variable("cache", REQUESTS, "cache")
OF_CACHE = f'{HERE},cache=~"$cache"'
# What no registry was asked for.
SAVED = f'{OF_CACHE},use=~"hit|coalesced"'
READS = f'{HERE},class=~"read_manifest|read_blob",outcome=~"nearest|fallback"'
# What may stand behind a tilde says what the cluster connects to; those with a `+` are lists.
NODES = f'{HERE},envoy_cluster_name=~"cache@($cache)(~[^+]*)?"'


def total(metric: str, where: str) -> str:
    """How many a second in all of the time that is shown."""
    return f"sum(rate({metric}{{{where}}}[$__range]))"


def number(title: str, description: str, unit: Unit, query: str) -> Panel:
    """One of the numbers at the top."""
    return Panel(title, description, Shape.NUMBER, unit, (Query(query),), 6)


def lines(title: str, description: str, unit: Unit, *queries: Query, width: int = 12) -> Panel:
    """A line for each series."""
    return Panel(title, description, Shape.LINES, unit, queries, width)


def stack(title: str, description: str, unit: Unit, *queries: Query, width: int = 12) -> Panel:
    """What adds up."""
    return Panel(title, description, Shape.STACK, unit, queries, width)


AT_A_GLANCE = (
    number(
        "Requests that asked no registry",
        "Of the requests that a cache may answer: hits, and those that were sent what was being fetched for others.",
        Unit.SHARE,
        share(total(REQUESTS, SAVED), total(REQUESTS, OF_CACHE)),
    ),
    number(
        "Bytes that no registry sent",
        "Of the bytes of these requests. Many small hits and large misses: the store is too small for what is asked for.",
        Unit.SHARE,
        share(total(SENT, SAVED), total(SENT, OF_CACHE)),
    ),
    number(
        "Of all reads",
        "Requests for manifests and blobs that asked no registry, tags and fronts without a cache among the others.",
        Unit.SHARE,
        share(total(REQUESTS, SAVED), total("portolan_requests_total", READS)),
    ),
    number(
        "Wrong content",
        "Fills that were cut because a registry had sent other content than the digest names. 0, or it is a registry's fault.",
        Unit.COUNT,
        f"sum(increase({FILLS}{{{OF_CACHE},filled=\"wrong\"}}[$__range])) or vector(0)",
    ),
)

ASKED = (
    stack(
        "What became of requests",
        "bypass: not known to be in the repository; failed: the node did not serve it; skipped: no node is well; stale: what a tag was.",
        Unit.PER_SECOND,
        Query(rate(REQUESTS, OF_CACHE, "cache, use"), "{{cache}} {{use}}"),
    ),
    lines(
        "Requests that asked no registry, by region",
        "A region whose share is low asks for other images, or has lost a node.",
        Unit.SHARE,
        Query(share(rate(REQUESTS, SAVED, "region"), rate(REQUESTS, OF_CACHE, "region")), "{{region}}"),
    ),
    stack(
        "Bytes to clients",
        "hit and coalesced are what registries were spared.",
        Unit.BYTES_PER_SECOND,
        Query(rate(SENT, OF_CACHE, "cache, use"), "{{cache}} {{use}}"),
    ),
    stack(
        "Requests by node",
        "Each digest has its node: shares are even, unless one digest is asked for by all.",
        Unit.PER_SECOND,
        Query(rate(REQUESTS, f'{OF_CACHE},node!=""', "node"), "{{node}}"),
    ),
)

FILLING = (
    stack(
        "Fills",
        "ok: kept; part: a range that was passed on; redirected: set `redirect_handling: follow`; wrong: other content "
        "than the digest names; cut: the registry's answer broke off.",
        Unit.PER_SECOND,
        Query(rate(FILLS, OF_CACHE, "cache, filled"), "{{cache}} {{filled}}"),
        width=8,
    ),
    stack(
        "Bytes from registries",
        "What nodes fetched. As much as clients are sent: nothing is asked for twice, or it is gone before.",
        Unit.BYTES_PER_SECOND,
        Query(rate(FILLED, OF_CACHE, "node, backend"), "{{node}} from {{backend}}"),
        width=8,
    ),
    lines(
        "Nodes that are well",
        "By the Envoy that says least, and how many there are. Which one is not: `portolan cache status`.",
        Unit.COUNT,
        Query(f"min by (envoy_cluster_name) (envoy_cluster_membership_healthy{{{NODES}}})", "{{envoy_cluster_name}} well"),
        Query(f"max by (envoy_cluster_name) (envoy_cluster_membership_total{{{NODES}}})", "{{envoy_cluster_name}} in all"),
        width=8,
    ),
)

CACHES_BOARD = Dashboard(
    "portolan-caches",
    "Portolan / Caches",
    "What caches spare registries, what they are filled with, and which nodes are well.",
    (INSTANCE, CACHE),
    (Row("At a glance", AT_A_GLANCE), Row("Requests", ASKED), Row("Fills and nodes", FILLING)),
)
