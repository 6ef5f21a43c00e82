"""Registries that speak HTTP/2 and send what is no answer, or frames that are nobody's.

Real Envoy, a registry that sends exactly these frames over TLS, and a second one behind it in a list. Sees what clients of
one and of both get, what reaches them, and who else on the connection suffers. Cannot see HTTP/2 without TLS, which the
proxy does not speak to registries.
"""

import threading
from collections.abc import Callable, Iterator

import pytest
from hyperframe.frame import ContinuationFrame, GoAwayFrame, HeadersFrame, PushPromiseFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame

from harness import raw
from harness.envoy import Envoy, render
from harness.http2_server import Http2Registry, Script, Stream
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted
from harness.tls import Authority

ONE = "/v2/one/bad/manifests/v1"
BOTH = "/v2/both/bad/manifests/v1"
SLOW = "/v2/one/slow/manifests/v1"
WELL = ("/v2/one/good/manifests/v1", "/v2/both/good/manifests/v1")
NEXT = b"of the next registry"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Vouches for the registry."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def registry(authority: Authority) -> Iterator[Http2Registry]:
    """The registry that speaks HTTP/2."""
    registry = Http2Registry(authority.issue("127.0.0.1"))
    yield registry
    registry.close()


@pytest.fixture(scope="module")
def envoy(
    authority: Authority,
    registry: Http2Registry,
    west: Scripted,
    start: Callable[..., Envoy],
    tmp_path_factory: pytest.TempPathFactory,
) -> Envoy:
    """`one` is the registry's alone; in `both` another one is behind it."""
    west.answer(Answer(200, [], NEXT))
    # Resets are to take nobody out here: who is asked next is what is looked at.
    first = {"url": registry.url, "tls": {"ca_file": str(authority.certificate)}, "ejection": {"failures": 1000}}
    both = ["first", "west"]
    policy = build_policy(
        {"first": first, "west": west.url},
        rule_of("one", ["first"]),
        rule_of("both", both, replicas=both),
    )
    started = start(render(policy, tmp_path_factory.mktemp("policy")))
    started.wait_until_healthy()
    return started


def pushed(stream: Stream) -> None:
    promise = PushPromiseFrame(stream.number, promised_stream_id=2)
    promise.data = stream.connection.encoder.encode([(":method", "GET"), (":path", "/x"), (":scheme", "https"), (":authority", "x")])
    promise.flags.add("END_HEADERS")
    stream.send(promise)
    stream.answer()


def continued(stream: Stream) -> None:
    encode = stream.connection.encoder.encode
    more = [ContinuationFrame(stream.number, encode([("x-evil", "1")])) for _ in range(20_000)]
    stream.send(HeadersFrame(stream.number, encode([(":status", "200")])), *more)


def on_another_stream(stream: Stream) -> None:
    other = Stream(stream.connection, stream.number + 2, "")
    stream.send(other.data(b"x"))
    stream.answer()


def head(*fields: tuple[str, str], body: bytes = b"{}") -> Script:
    """An answer with these fields."""
    return lambda stream: stream.send(stream.head(fields), stream.data(body))


# fmt: off
# Answers whose fields are wrong: they end their own stream alone.
MALFORMED: list[tuple[str, Script]] = [
    ("no status", head(("x-evil", "1"))),
    ("two statuses", head((":status", "200"), (":status", "404"))),
    ("a status that is no number", head((":status", "2x0"))),
    ("a status of four digits", head((":status", "1000"))),
    ("the status 000", head((":status", "000"))),
    ("the status 600", head((":status", "600"))),
    ("a pseudo-header behind a header", head(("x-evil", "1"), (":status", "200"))),
    ("a pseudo-header of requests", head((":status", "200"), (":path", "/x"))),
    ("an upper case name", head((":status", "200"), ("X-Evil", "1"))),
    ("hop by hop", head((":status", "200"), ("connection", "x-evil"), ("transfer-encoding", "chunked"))),
    ("a line end in a value", head((":status", "200"), ("x-a", "1\r\nset-cookie: a=1"))),
    ("a NUL in a value", head((":status", "200"), ("x-a", "1\0"))),
]
# What is no answer: the client of one gets an error, or the end of what it was getting, and the client of both the next.
BROKEN: list[tuple[str, Script]] = [
    *MALFORMED,
    ("an answer that is pushed", pushed),
    ("another protocol", head((":status", "101"))),
    ("very many fields", head((":status", "200"), *((f"x-{number}", "1") for number in range(3_000)))),
    ("fields that unpack to much more", head((":status", "200"), *[("x-evil", "a" * 3_900)] * 2_000)),
    ("a continuation without end", continued),
    ("a length and no body", lambda stream: stream.send(stream.head([(":status", "200"), ("content-length", "9")], True))),
    ("data on a stream that nobody opened", on_another_stream),
    ("a reset before the answer", lambda stream: stream.send(RstStreamFrame(stream.number, error_code=2))),
    ("a stream that is refused", lambda stream: stream.send(RstStreamFrame(stream.number, error_code=7))),
    ("a farewell instead of the answer", lambda stream: stream.send(GoAwayFrame(0, last_stream_id=0))),
    ("too much window", lambda stream: stream.send(*[WindowUpdateFrame(stream.number, window_increment=(1 << 31) - 1)] * 2)),
    ("bytes that are no frame", lambda stream: stream.send(b"\xff" * 200)),
]
# What is odd, and is an answer.
ODD: list[tuple[str, Script]] = [
    ("trailers", lambda stream: stream.send(stream.head([(":status", "200")]), stream.data(b"{}", False), stream.head([("x-portolan-cluster", "west"), ("set-cookie", "a=1")], True))),
    ("interim answers", lambda stream: (stream.send(*[stream.head([(":status", "103"), ("link", "<https://evil.example/>")]) for _ in range(3_000)]), stream.answer())[1]),
    ("settings beyond all measure", lambda stream: (stream.send(SettingsFrame(0, settings={1: (1 << 32) - 1, 6: (1 << 32) - 1})), stream.answer())[1]),
    ("a window of nothing, for a moment", lambda stream: (stream.send(SettingsFrame(0, settings={4: 0})), stream.answer(), stream.send(SettingsFrame(0, settings={4: 65_535})))[2]),
    ("no more streams, for a moment", lambda stream: (stream.send(SettingsFrame(0, settings={3: 0})), stream.answer(), stream.send(SettingsFrame(0, settings={3: 100})))[2]),
    ("a frame of no known type", lambda stream: (stream.send(b"\0\0\4\xee\0" + stream.number.to_bytes(4, "big") + b"abcd"), stream.answer())[1]),
]
# fmt: on


def asked_for(path: str, script: Script) -> Script:
    """The script for one repository, and the good answer for all others."""
    return lambda stream: script(stream) if f"/{path}/" in stream.path else stream.answer()


def all_are_well(envoy: Envoy) -> None:
    """Whoever asks for something else is served."""
    assert [envoy.request("GET", target).status for target in WELL] == [200, 200]


def of_ours(answer: raw.Response) -> list[str]:
    """What the registry meant to say in the name of the front, or of HTTP/1.1."""
    told = ("set-cookie", "x-portolan-", "x-envoy-", "link")
    return [name for name, _ in answer.headers if name.startswith(told)]


@pytest.mark.parametrize("script", [row[1] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_malformed_http2_answer_is_an_outage(envoy: Envoy, registry: Http2Registry, script: Script) -> None:
    registry.script = asked_for("bad", script)
    try:
        answer = envoy.request("GET", ONE)
        assert answer.status in (502, 503)
        assert b'"errors"' in answer.body and not of_ours(answer)
    except raw.Cut:
        pass
    answer = envoy.request("GET", BOTH)
    assert (answer.status, answer.body) == (200, NEXT)
    all_are_well(envoy)


@pytest.mark.parametrize("script", [row[1] for row in ODD], ids=[row[0] for row in ODD])
def test_an_odd_answer_passes_without_its_odd_fields(envoy: Envoy, registry: Http2Registry, script: Script) -> None:
    registry.script = asked_for("bad", script)
    for target in (ONE, BOTH):
        answer = envoy.request("GET", target)
        assert (answer.status, answer.body, answer.interim) == (200, b"{}", [])
        assert not of_ours(answer)
    all_are_well(envoy)


@pytest.mark.parametrize("script", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_a_malformed_answer_ends_itself_alone(envoy: Envoy, registry: Http2Registry, script: Script) -> None:
    """Another client is getting its content over the same connection."""
    slow: list[Stream] = []
    has_begun = threading.Event()

    def begin(stream: Stream) -> None:
        slow.append(stream)
        stream.send(stream.head([(":status", "200"), ("content-length", "4")]), stream.data(b"ab", False))
        has_begun.set()

    def go_wrong(stream: Stream) -> None:
        script(stream)
        slow[0].send(slow[0].data(b"cd"))

    def serve(stream: Stream) -> None:
        answer = begin if stream.path == SLOW else go_wrong if stream.path == ONE else Stream.answer
        answer(stream)

    registry.script = serve
    with raw.Connection(envoy.port) as client:
        client.send(raw.head("GET", SLOW, [("Host", "registry.test")]))
        assert has_begun.wait(raw.SECONDS)
        before = registry.connections
        assert envoy.request("GET", ONE).status in (502, 503)
        assert registry.connections == before, "it was not on the same connection"
        assert client.receive().body == b"abcd"
