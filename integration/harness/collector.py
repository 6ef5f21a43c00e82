"""A collector of traces that takes OTLP over HTTP, as OpenTelemetry has it, and keeps all spans."""

from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

from harness.scripted import Answer, Scripted

PATH = b"/v1/traces"


@dataclass(frozen=True)
class Span:
    """One span, its identifiers as hexadecimal digits."""

    name: str
    kind: str
    trace: str
    identifier: str
    parent: str
    attributes: dict[str, str]


class Collector:
    """Listening; `spans` is what was sent so far."""

    def __init__(self) -> None:
        self._server = Scripted()
        self._server.answer(Answer(200, [("Content-Type", "application/x-protobuf")]))
        self.url = self._server.url

    def spans(self, trace: str | None = None) -> list[Span]:
        """All spans, or those of one trace."""
        return [span for span in self._spans() if trace in (None, span.trace)]

    def bodies(self) -> bytes:
        """All that was sent."""
        return b"".join(seen.body for seen in list(self._server.seen))

    def close(self) -> None:
        """Stops listening."""
        self._server.close()

    def _spans(self) -> Iterator[Span]:
        for seen in list(self._server.seen):
            assert (seen.method, seen.target) == ("POST", PATH), seen
            message = ExportTraceServiceRequest.FromString(seen.body)
            for resource in message.resource_spans:
                assert _attributes(resource.resource.attributes)["service.name"] == "portolan"
                for scope in resource.scope_spans:
                    yield from (_span(span) for span in scope.spans)


def _span(span: Message) -> Span:
    kind = Message.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
    identifiers = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    return Span(span.name, kind, *identifiers, _attributes(span.attributes))


def _attributes(pairs: "list[KeyValue]") -> dict[str, str]:
    def text(pair: KeyValue) -> str:
        kind = pair.value.WhichOneof("value")
        return str(getattr(pair.value, kind)) if kind else ""

    return {pair.key: text(pair) for pair in pairs}
