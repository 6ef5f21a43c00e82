"""What the page that an alert leads to has an operator ask, and whom the answers name."""

import json
import re
from urllib.parse import urlencode

from harness import paths, raw

PAGE = "docs/troubleshooting.md"
# A query in the text, or the name of a metric alone.
QUERY = re.compile(r"`((?:(?:sum|rate|histogram_quantile|increase)\b[^`]*|(?:portolan|envoy)_\w+(?:\{[^`]*\})?))`")
# The labels that hold a backend.
OF_BACKENDS = ("backend", "from", "envoy_cluster_name")


def firing(port: int) -> dict[str, str]:
    """The alerts that fire, and where their runbooks are."""
    alerts = json.loads(raw.request(port, "GET", "/api/v1/alerts").body)["data"]["alerts"]
    return {
        alert["labels"]["alertname"]: alert["annotations"]["runbook"] for alert in alerts if alert["state"] == "firing"
    }


def queries(runbook: str) -> list[str]:
    """What the section of a runbook has an operator ask of Prometheus."""
    page, _, anchor = runbook.partition("#")
    assert page == PAGE, runbook
    sections = (paths.ROOT / PAGE).read_text().split("\n## ")[1:]
    (section,) = (text for text in sections if text.partition("\n")[0].lower().replace(" ", "-") == anchor)
    return [" ".join(found.split()) for found in QUERY.findall(section)]


def named(port: int, runbook: str) -> set[str]:
    """The backends that the answers to a runbook's queries name."""
    return {backend for query in queries(runbook) for backend in _answer(port, query)}


def _answer(port: int, query: str) -> set[str]:
    answer = json.loads(raw.request(port, "GET", f"/api/v1/query?{urlencode({'query': query})}").body)
    assert answer["status"] == "success", f"{query}: {answer}"
    found = set()
    for result in answer["data"]["result"]:
        labels = result["metric"]
        if float(result["value"][1]) > 0:
            # A cluster's name may have behind a tilde what it connects to.
            found |= {labels[name].partition("~")[0] for name in OF_BACKENDS if name in labels}
    return found
