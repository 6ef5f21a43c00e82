"""The dashboards for requests, registries and fronts."""

from dashboards.panels import Dashboard, Panel, Query, Row, Shape, Unit, Variable

RATE = "$__rate_interval"
HERE = 'instance=~"$instance"'
# Clusters of backends: those of lists have a `+` in their names, those of services and of writes an `@`.
BACKENDS = f'{HERE},envoy_cluster_name!~".*[@+].*"'
# What answers of the front itself have instead of a backend's name is nothing.
ANSWERED = f'{HERE},backend!=""'
REQUESTS = "portolan_requests_total"
ATTEMPTS = "portolan_attempts_total"
TOKEN_FETCHES = "portolan_token_fetches_total"
FIRST_BYTE = "portolan_first_byte_milliseconds"
WHOLE = "portolan_request_milliseconds"

INSTANCE = Variable("instance", "envoy_server_live", "instance")
FRONT = Variable("front", REQUESTS, "front")
BACKEND = Variable("backend", ATTEMPTS, "backend")


def rate(metric: str, where: str, by: str) -> str:
    """How many a second, for each value of labels."""
    return f"sum by ({by}) (rate({metric}{{{where}}}[{RATE}]))"


def share(part: str, whole: str) -> str:
    """A part of a whole; nothing where there is no whole, and 0 where there is no part."""
    return f"(({part}) or 0 * ({whole})) / ({whole} > 0)"


def quantile(share_of_all: float, metric: str, where: str, by: str) -> str:
    """The time that a share of requests did not exceed."""
    buckets = f"sum by (le, {by}) (rate({metric}_bucket{{{where}}}[{RATE}]))"
    return f"histogram_quantile({share_of_all}, {buckets})"


def both_quantiles(metric: str, where: str, by: str) -> tuple[Query, ...]:
    """What half of the requests, and what 95 of 100 did not exceed."""
    return tuple(
        Query(quantile(one, metric, where, by), f"{{{{{by}}}}} p{round(one * 100)}") for one in (0.5, 0.95)
    )


def of_requests(where: str) -> tuple[Panel, ...]:
    """The numbers at the top: of all requests, or of those to one front."""
    whole = f"sum(rate({REQUESTS}{{{where}}}[$__range]))"

    def part(outcome: str) -> str:
        return f'sum(rate({REQUESTS}{{{where},outcome=~"{outcome}"}}[$__range]))'

    found = f"sum(rate({REQUESTS}{{{where},outcome=~\"nearest|fallback\"}}[$__range]))"
    return (
        Panel(
            "Served",
            "Requests that did not fail: no 5xx, and not without an answer. A 404 of all registries is an answer.",
            Shape.NUMBER,
            Unit.SHARE,
            (Query(f"1 - {share(part('failed'), whole)}"),),
            6,
        ),
        Panel(
            "By the nearest",
            "Of what backends answered, what the first of the chain did. Less than before: it is down, or does not "
            "have what is asked for.",
            Shape.NUMBER,
            Unit.SHARE,
            (Query(share(part("nearest"), found)),),
            6,
        ),
        Panel("Requests", "Of clients, a second.", Shape.NUMBER, Unit.PER_SECOND, (Query(whole),), 6),
    )


POLICIES = Panel(
    "Policies in force",
    "1, unless a policy is being changed. More: docs/operating.md, Several replicas.",
    Shape.NUMBER,
    Unit.COUNT,
    (Query(f"count(count by (hash) (portolan_policy_info{{{HERE}}} > 0))"),),
    6,
)

OVERVIEW = Dashboard(
    "portolan-overview",
    "Portolan / Overview",
    "Where clients are, who serves them, and what fails.",
    (INSTANCE,),
    (
        Row("At a glance", (*of_requests(HERE), POLICIES)),
        Row(
            "Clients",
            (
                Panel(
                    "Requests by region",
                    "By the region of the client. All in `default`: is the geographic database there?",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (Query(rate(REQUESTS, HERE, "region"), "{{region}}"),),
                ),
                Panel(
                    "What became of them",
                    "nearest: the first backend of the chain answered; fallback: a later one; missing: nobody has it; "
                    "failed: a 5xx, or no answer.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (Query(rate(REQUESTS, HERE, "outcome"), "{{outcome}}"),),
                ),
                Panel(
                    "Who serves whom",
                    "Answers of backends to clients of each region, in all of the time that is shown.",
                    Shape.MATRIX,
                    Unit.COUNT,
                    (
                        Query(
                            f'sum by (region, backend) (increase({FIRST_BYTE}_count{{{ANSWERED}}}[$__range]))'
                        ),
                    ),
                    rows="region",
                    columns="backend",
                ),
                Panel(
                    "Fallbacks",
                    "Requests that another backend served than the nearest, and what became of that one.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (
                        Query(
                            rate("portolan_fallbacks_total", HERE, "region, from, to, why"),
                            "{{region}}: {{from}} to {{to}} ({{why}})",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Times",
            (
                Panel(
                    "First byte by region",
                    "From the whole request to the first byte of the answer, as Envoy sees it.",
                    Shape.LINES,
                    Unit.MILLISECONDS,
                    both_quantiles(FIRST_BYTE, HERE, "region"),
                ),
                Panel(
                    "Whole request by class",
                    "Until the last byte; for blobs that is the line to the client.",
                    Shape.LINES,
                    Unit.MILLISECONDS,
                    both_quantiles(WHOLE, HERE, "class"),
                ),
                Panel(
                    "Nearness of backends",
                    "Half of the first bytes come within. If a later backend of a region's chain is lower than the "
                    "first, the order of the chain may be wrong: `portolan nearest` measures it.",
                    Shape.LINES,
                    Unit.MILLISECONDS,
                    (Query(quantile(0.5, FIRST_BYTE, ANSWERED, "region, backend"), "{{region}}: {{backend}}"),),
                    24,
                ),
            ),
        ),
        Row(
            "Backends",
            (
                Panel(
                    "Up",
                    "By the first Envoy that says down: it fails its health checks, or requests have taken it out.",
                    Shape.STATES,
                    Unit.COUNT,
                    (
                        Query(
                            f"min by (envoy_cluster_name) (envoy_cluster_membership_healthy{{{BACKENDS}}} > bool 0)",
                            "{{envoy_cluster_name}}",
                        ),
                    ),
                ),
                Panel(
                    "Bytes to clients",
                    "By backend. What clients fetch themselves is not among it.",
                    Shape.STACK,
                    Unit.BYTES_PER_SECOND,
                    (Query(rate("portolan_sent_bytes_total", ANSWERED, "backend"), "{{backend}}"),),
                ),
            ),
        ),
        Row(
            "The proxy",
            (
                Panel(
                    "Refusals",
                    "The front's own errors, by OCI code. DENIED and NAME_UNKNOWN are of the policy, UNAVAILABLE of "
                    "backends.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (Query(rate("portolan_refusals_total", HERE, "front, code"), "{{front}} {{code}}"),),
                    8,
                ),
                Panel(
                    "Memory",
                    "Of the 1 GiB that Envoy may use; from 80 % on it serves fewer (docs/operating.md).",
                    Shape.LINES,
                    Unit.BYTES,
                    (Query(f"max by (instance) (envoy_server_memory_heap_size{{{HERE}}})", "{{instance}}"),),
                    8,
                ),
                Panel(
                    "Connections of clients",
                    "Of the 10,000, or what `--max-connections` says.",
                    Shape.LINES,
                    Unit.COUNT,
                    (
                        Query(
                            f"sum by (instance) (envoy_http_downstream_cx_active{{{HERE}}})",
                            "{{instance}}",
                        ),
                    ),
                    8,
                ),
            ),
        ),
    ),
)

OF_BACKEND = f'{ANSWERED},backend=~"$backend"'
# What may stand behind a tilde says what the cluster connects to.
OF_CLUSTER = f'{BACKENDS},envoy_cluster_name=~"($backend)(~.*)?"'
FAILURES = "failed|unreachable|reset|timeout|overflow"

BACKENDS_BOARD = Dashboard(
    "portolan-backends",
    "Portolan / Backends",
    "How each registry answers, and what becomes of attempts at it.",
    (INSTANCE, BACKEND),
    (
        Row(
            "Attempts",
            (
                Panel(
                    "Results",
                    "One for each attempt, also where another backend answered in the end. missing is a 404, refused a "
                    "401 or 403, limited a 429; unreachable, reset and timeout are no answers.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (Query(rate(ATTEMPTS, OF_BACKEND, "backend, result"), "{{backend}} {{result}}"),),
                ),
                Panel(
                    "Answered",
                    "The share of attempts that got an answer below 500.",
                    Shape.LINES,
                    Unit.SHARE,
                    (
                        Query(
                            "1 - "
                            + share(
                                rate(ATTEMPTS, f'{OF_BACKEND},result=~"{FAILURES}"', "backend"),
                                rate(ATTEMPTS, f'{OF_BACKEND},result!="gone"', "backend"),
                            ),
                            "{{backend}}",
                        ),
                    ),
                ),
                Panel(
                    "First byte",
                    "Of what it answered to clients.",
                    Shape.LINES,
                    Unit.MILLISECONDS,
                    both_quantiles(FIRST_BYTE, OF_BACKEND, "backend"),
                ),
                Panel(
                    "Others answered for it",
                    "Requests that it should have answered, by what became of it.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (
                        Query(
                            rate("portolan_fallbacks_total", f'{HERE},from=~"$backend"', "from, to, why"),
                            "{{from}} to {{to}} ({{why}})",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "State",
            (
                Panel(
                    "Up",
                    "By the first Envoy that says down.",
                    Shape.STATES,
                    Unit.COUNT,
                    (
                        Query(
                            f"min by (envoy_cluster_name) (envoy_cluster_membership_healthy{{{OF_CLUSTER}}} > bool 0)",
                            "{{envoy_cluster_name}}",
                        ),
                    ),
                ),
                Panel(
                    "Health checks that failed, and endpoints that requests took out",
                    "A backend that passes its checks and is taken out hangs or resets on data.",
                    Shape.LINES,
                    Unit.COUNT,
                    (
                        Query(
                            rate("envoy_cluster_health_check_failure", OF_CLUSTER, "envoy_cluster_name"),
                            "{{envoy_cluster_name}} checks a second",
                        ),
                        Query(
                            "max by (envoy_cluster_name) "
                            f"(envoy_cluster_outlier_detection_ejections_active{{{OF_CLUSTER}}})",
                            "{{envoy_cluster_name}} taken out",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Load",
            (
                Panel(
                    "Bytes to clients",
                    "carried: through the connection to it; followed: from where its redirects lead.",
                    Shape.STACK,
                    Unit.BYTES_PER_SECOND,
                    (Query(rate("portolan_sent_bytes_total", OF_BACKEND, "backend, way"), "{{backend}} {{way}}"),),
                    8,
                ),
                Panel(
                    "Requests under way, and waiting for a connection",
                    "Of `limits` in the policy (4096 and 1024 unless it says so).",
                    Shape.LINES,
                    Unit.COUNT,
                    (
                        Query(
                            f"sum by (envoy_cluster_name) (envoy_cluster_upstream_rq_active{{{OF_CLUSTER}}})",
                            "{{envoy_cluster_name}} under way",
                        ),
                        Query(
                            f"sum by (envoy_cluster_name) (envoy_cluster_upstream_rq_pending_active{{{OF_CLUSTER}}})",
                            "{{envoy_cluster_name}} waiting",
                        ),
                    ),
                    8,
                ),
                Panel(
                    "Connections that did not come about",
                    "Nobody listens, the network is gone, or TLS fails.",
                    Shape.LINES,
                    Unit.PER_SECOND,
                    (
                        Query(
                            rate("envoy_cluster_upstream_cx_connect_fail", OF_CLUSTER, "envoy_cluster_name"),
                            "{{envoy_cluster_name}}",
                        ),
                    ),
                    8,
                ),
            ),
        ),
        Row(
            "Who the proxy is to it",
            (
                Panel(
                    "Token service",
                    "How fetches of tokens ended. refused is an answer: who asks may not have what was asked for.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (Query(rate(TOKEN_FETCHES, f'{HERE},backend=~"$backend"', "backend, result"), "{{backend}} {{result}}"),),
                    8,
                ),
                Panel(
                    "Credentials",
                    "Requests that went out with the proxy's credential, and those that should have and did not.",
                    Shape.LINES,
                    Unit.PER_SECOND,
                    (
                        Query(
                            rate("envoy_cluster_credential_injector_injected", HERE, "envoy_cluster_name"),
                            "{{envoy_cluster_name}} sent",
                        ),
                        Query(
                            rate("envoy_cluster_credential_injector_failed", HERE, "envoy_cluster_name"),
                            "{{envoy_cluster_name}} missing",
                        ),
                    ),
                    8,
                ),
                Panel(
                    "Certificates that are not trusted",
                    "No authority that is known has signed it, or it is for another name.",
                    Shape.LINES,
                    Unit.PER_SECOND,
                    (
                        Query(
                            rate("envoy_cluster_ssl_fail_verify_error", OF_CLUSTER, "envoy_cluster_name"),
                            "{{envoy_cluster_name}}",
                        ),
                    ),
                    8,
                ),
            ),
        ),
    ),
)

OF_FRONT = f'{HERE},front=~"$front"'

FRONT_BOARD = Dashboard(
    "portolan-front",
    "Portolan / Front",
    "What clients of one front ask, and get.",
    (INSTANCE, FRONT),
    (
        Row("At a glance", of_requests(OF_FRONT)),
        Row(
            "Requests",
            (
                Panel(
                    "What became of them",
                    "nearest: the first backend of the chain answered; fallback: a later one; redirected: the client was "
                    "sent elsewhere; front: the front itself.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (Query(rate(REQUESTS, OF_FRONT, "outcome"), "{{outcome}}"),),
                ),
                Panel(
                    "By class",
                    "What is asked for.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (Query(rate(REQUESTS, OF_FRONT, "class"), "{{class}}"),),
                ),
                Panel(
                    "By region",
                    "Where its clients are.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (Query(rate(REQUESTS, OF_FRONT, "region"), "{{region}}"),),
                ),
                Panel(
                    "Failed, by region",
                    "The share of requests with a 5xx, or without an answer.",
                    Shape.LINES,
                    Unit.SHARE,
                    (
                        Query(
                            share(
                                rate(REQUESTS, f'{OF_FRONT},outcome="failed"', "region"),
                                rate(REQUESTS, OF_FRONT, "region"),
                            ),
                            "{{region}}",
                        ),
                    ),
                ),
                Panel(
                    "Refusals",
                    "The front's own errors, by OCI code.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (Query(rate("portolan_refusals_total", OF_FRONT, "code"), "{{code}}"),),
                ),
                Panel(
                    "Redirects",
                    "Clients that were sent to a backend or a bucket, by all fronts; only where a rule has `client_redirects`.",
                    Shape.STACK,
                    Unit.PER_SECOND,
                    (
                        Query(
                            rate("portolan_redirects_total", HERE, "region, target"),
                            "{{region}} to {{target}}",
                        ),
                    ),
                ),
            ),
        ),
    ),
)
