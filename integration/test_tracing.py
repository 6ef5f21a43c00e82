"""Spans of requests and of attempts, as a collector of OpenTelemetry gets them.

Real Envoy, scripted registries, a collector that reads OTLP over HTTP. Cannot see what a tracing system shows of it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import ports
from harness.collector import Collector, Span
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted
from harness.waiting import eventually

BLOB = f"/v2/team/app/blobs/{sha256(b'x')}"
# A client's own trace (W3C Trace Context, "traceparent"), which is to be recorded.
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "a-word-to-look-for"


def policy(east: str, west: str) -> Policy:
    """One chain of two."""
    return build_policy({"east": east, "west": west}, rule_of("team", ["east", "west"]))


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Listening."""
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(scope="module")
def envoy(
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
    east: Scripted,
    west: Scripted,
    collector: Collector,
) -> Envoy:
    """It sends its spans there; the nearest registry fails."""
    east.answer(Answer(503))
    west.answer(Answer(200, [], b"x"))
    directory = tmp_path_factory.mktemp("policy")
    document = policy(east.url, west.url)
    return start(render(document, directory, admin=f"127.0.0.1:{ports.free()}", tracing=collector.url))


def spans_of(collector: Collector, trace: str, count: int) -> list[Span]:
    """The spans of a trace, once they have come."""

    def enough() -> list[Span] | None:
        found = collector.spans(trace)
        assert len(found) >= count, f"{len(found)} spans of {count}"
        return found

    return eventually(enough)


def test_a_request_and_its_attempts_are_spans(envoy: Envoy, collector: Collector) -> None:
    envoy.forget_log()
    client = [("traceparent", f"00-{TRACE}-{PARENT}-01")]
    assert envoy.request("GET", f"{BLOB}?token={SECRET}", client).status == 200
    (entry,) = envoy.log_entries(1)
    assert entry["trace_id"] == TRACE
    spans = spans_of(collector, TRACE, 3)
    (request,) = [span for span in spans if span.parent == PARENT]
    said = {name: request.attributes.get(f"portolan.{name}") for name in ("front", "region", "class", "rule", "backend")}
    assert said == {"front": "main", "region": "default", "class": "read_blob", "rule": "team", "backend": "west"}
    assert (request.attributes["portolan.attempts"], request.attributes["portolan.tried"]) == ("2", "east 503")
    assert (request.attributes["url.path"], request.kind) == (BLOB, "SERVER")
    attempts = [span for span in spans if span.parent == request.identifier]
    names = ("portolan.attempts", "portolan.backend", "http.status_code")
    answered = sorted(tuple(span.attributes[name] for name in names) for span in attempts)
    assert answered == [("1", "east", "503"), ("2", "west", "200")]
    assert {span.kind for span in attempts} == {"CLIENT"}
    assert request.attributes["guid:x-request-id"] == entry["request_id"]
    assert SECRET.encode() not in collector.bodies()


def test_a_request_without_a_trace_begins_one(envoy: Envoy, collector: Collector) -> None:
    envoy.forget_log()
    assert envoy.request("GET", "/v2/nobodys/app/tags/list").status == 404
    (entry,) = envoy.log_entries(1)
    (span,) = spans_of(collector, entry["trace_id"], 1)
    assert (span.parent, span.attributes["http.status_code"]) == ("", "404")
    assert span.attributes["portolan.reason"] == "default; NAME_UNKNOWN"


def test_a_collector_that_is_gone_is_no_harm(
    start: Callable[..., Envoy], tmp_path: Path, east: Scripted, west: Scripted
) -> None:
    document = policy(east.url, west.url)
    gone = f"http://127.0.0.1:{ports.dead()}"
    envoy = start(render(document, tmp_path, admin=f"127.0.0.1:{ports.free()}", tracing=gone))
    west.answer(Answer(200, [], b"x"))
    for _ in range(20):
        assert envoy.request("GET", BLOB).status == 200
