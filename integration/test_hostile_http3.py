"""Hostile HTTP/3: malformed requests, frames and streams, and floods, at a front with QUIC.

Frames and field sections as they are written here; two tenants. Sees every request that a registry gets, what becomes of
the stream and of the connection, and that Envoy serves others at once, by QUIC and by TCP. Cannot see packets that are
malformed below the frames of HTTP/3: `aioquic` writes QUIC's own as they should be.
"""

import random
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from harness import quic
from harness.doors import QUIC, Door, opened
from harness.envoy import Envoy
from harness.field_sections import HIDDEN, harmless, malformed
from harness.quic import Connection, Ended, Field, frame, section
from harness.scripted import Answer, Scripted, Seen
from harness.tenants import OURS, THEIRS, policy
from harness.waiting import eventually

# Far more than any client sends, and than Envoy takes of one connection.
MANY = 1_000

pytestmark = pytest.mark.usefixtures("both_answer")


def fields(method: str, target: str, *more: Field) -> list[Field]:
    """The fields of a request, well-formed but for what is added."""
    return [(":method", method), (":scheme", "https"), (":authority", "registry.test"), (":path", target), *more]


GOOD = fields("GET", OURS)
METHOD, SCHEME, AUTHORITY, PATH = GOOD


@pytest.fixture(scope="module")
def door(
    east: Scripted, west: Scripted, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Door:
    """A front of two tenants with QUIC; `west` is our registry, `east` the other tenant's."""
    return opened(QUIC, policy(west.url, east.url), start, tmp_path_factory.mktemp("door"))


@pytest.fixture
def connection(door: Door) -> Iterator[Connection]:
    with door.http3() as found:
        yield found


def test_the_client_speaks_http3(door: Door, connection: Connection, west: Scripted) -> None:
    """Or nothing here would say anything."""
    found = connection.ask(GOOD)
    assert (found.status, found.body) == (200, b"{}")
    assert west.last().target.decode() == OURS

    def protocols() -> set[str]:
        return {line["protocol"] for line in door.envoy.all_lines() if line.get("path") == OURS}

    assert door.envoy.server.wait_until(lambda: protocols() or None, "its line in the log") == {"HTTP/3"}


# fmt: off
MALFORMED: list[tuple[str, list[Field]]] = [
    *malformed(GOOD),
    ("a status in a request", [*GOOD, (":status", "200")]),
    ("no fields", []),
    ("two lengths", [*GOOD, ("content-length", "0"), ("content-length", "5")]),
    ("an empty name", [*GOOD, ("", "theirs")]),
    ("a tunnel for UDP (RFC 9298)", [(":method", "CONNECT"), (":protocol", "connect-udp"), SCHEME, AUTHORITY, (":path", "/.well-known/masque/udp/127.0.0.1/22/")]),
    ("a websocket (RFC 9220)", [(":method", "CONNECT"), (":protocol", "websocket"), SCHEME, AUTHORITY, PATH]),
    ("TRACE", fields("TRACE", OURS)),
    ("dots", fields("GET", "/v2/ours/../theirs/app/manifests/v1")),
    ("escaped dots", fields("GET", "/v2/ours/%2e%2e/theirs/app/manifests/v1")),
    ("an escaped slash", fields("GET", "/v2/ours%2Fapp/manifests/v1")),
    ("two slashes", fields("GET", "/v2//ours/app/manifests/v1")),
    ("a backslash", fields("GET", "/v2/ours\\app/manifests/v1")),
    ("an escaped NUL", fields("GET", "/v2/ours/app%00/manifests/v1")),
    ("a fragment", fields("GET", f"{OURS}#x")),
]
# fmt: on


@pytest.mark.parametrize("listed", [row[1] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_a_malformed_request_ends_itself_alone(
    connection: Connection, east: Scripted, west: Scripted, listed: list[Field]
) -> None:
    """RFC 9114 section 4.1.2: a stream error; the other requests of the connection go on."""
    found = connection.ask(listed)
    assert found.reset is not None or found.status in (400, 403, 404, 405), found
    assert not east.seen and not west.seen
    assert connection.ask(GOOD).status == 200


# fmt: off
HARMLESS: list[tuple[str, list[Field]]] = [
    *harmless(GOOD),
    ("a request of another way", [*GOOD, ("alt-used", "other.test"), ("early-data", "1"), ("priority", "u=0, i")]),
]
# fmt: on
OF_NO_CLIENT = {"x-portolan-cluster", "x-envoy-original-path", "x-geo-country", "x_portolan_cluster", "cookie", "authorization"}


@pytest.mark.parametrize("listed", [row[1] for row in HARMLESS], ids=[row[0] for row in HARMLESS])
def test_an_accepted_request_is_one_request(
    connection: Connection, east: Scripted, west: Scripted, listed: list[Field]
) -> None:
    found = connection.ask(listed)
    if found.reset is not None or found.status == 400:
        assert not west.seen and not east.seen
        return
    assert found.status == 200
    seen = west.last()
    assert (seen.target.decode(), seen.authority) == (OURS, west.authority)
    assert not seen.names & OF_NO_CLIENT and not east.seen


FORGED = [("x-portolan-cluster", "theirs"), ("authorization", "Bearer x"), ("cookie", "a=1")]


@pytest.mark.parametrize(
    "trailers", [FORGED, [("host", "other.test")], [(":path", THEIRS)]], ids=["names of others", "a host", "a path"]
)
def test_trailers_choose_nothing_and_reach_nobody(
    door: Door, east: Scripted, west: Scripted, trailers: list[Field]
) -> None:
    with door.http3() as connection:
        number = connection.open(fields("PUT", OURS), ends=False)
        try:
            connection.send(number, frame(quic.DATA, b"{}") + frame(quic.HEADERS, section(trailers)), ends=True)
            found = connection.receive(number)
            is_taken = found.status == 200
            assert is_taken or found.reset is not None, found
        except Ended:
            is_taken = False
    # What may be in trailers, and is nobody's, is dropped; what may not be there ends the request.
    assert is_taken == (trailers == FORGED)
    assert not east.seen
    for seen in west.seen:
        assert (seen.target.decode(), seen.authority) == (OURS, west.authority)
        assert not seen.names & {name for name, _ in FORGED}


def test_a_length_that_is_not_the_bodys_is_no_second_request(
    connection: Connection, east: Scripted, west: Scripted
) -> None:
    """RFC 9114 section 4.1.2; written as HTTP/1.1 the rest of the body would be a request."""
    hidden = b"GET " + HIDDEN + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    for length in (0, 5, len(hidden) + 5):
        number = connection.open(fields("PUT", OURS, ("content-length", str(length))), ends=False)
        connection.send(number, frame(quic.DATA, hidden), ends=True)
        found = connection.receive(number)
        assert found.reset is not None or found.status == 400, (length, found)
    assert connection.ask(GOOD).status == 200
    assert not east.seen
    assert {seen.target.decode() for seen in west.seen} == {OURS}
    assert all(seen.method in ("GET", "PUT") for seen in west.seen)


# Bytes of a request stream, and of streams that go one way, that end the connection (RFC 9114 section 8.1).
HEAD = frame(quic.HEADERS, section(GOOD))


def on_a_request(content: bytes) -> Callable[[Connection], object]:
    return lambda connection: connection.begin(content)


def one_way(kind: int, content: bytes, ends: bool = False) -> Callable[[Connection], object]:
    return lambda connection: connection.one_way(kind, content, ends)


# fmt: off
BROKEN: list[tuple[str, Callable[[Connection], object]]] = [
    ("a body before its head", on_a_request(frame(quic.DATA, b"x") + HEAD)),
    ("settings on a request stream", on_a_request(frame(quic.SETTINGS, b"") + HEAD)),
    ("a push from a client", on_a_request(frame(quic.PUSH_PROMISE, b"\0") + HEAD)),
    ("a frame of HTTP/2 (PRIORITY)", on_a_request(frame(2, b"12345") + HEAD)),
    ("a frame of HTTP/2 (PING)", on_a_request(frame(6, b"12345678") + HEAD)),
    ("HTTP/1.1", on_a_request(b"GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n")),
    ("a field section that is cut off", on_a_request(frame(quic.HEADERS, section(GOOD)[:-3]))),
    ("an entry of a table that is empty", on_a_request(frame(quic.HEADERS, b"\0\0\x80"))),
    ("an entry behind the static table", on_a_request(frame(quic.HEADERS, b"\0\0\xff\x7f"))),
    ("a second control stream", one_way(quic.CONTROL, frame(quic.SETTINGS, b""))),
    ("a push stream", one_way(quic.PUSH, b"\0")),
    ("a control stream that ends", lambda connection: connection.send(2, b"", ends=True)),
    ("second settings", lambda connection: connection.send(2, frame(quic.SETTINGS, b""))),
    ("a table of more than was offered", one_way(quic.ENCODER, b"\x3f\xff\xff\xff\xff\x0f")),
    ("an acknowledgement of nothing", one_way(quic.DECODER, b"\x80")),
    ("an increment of nothing", one_way(quic.DECODER, b"\0")),
]
# fmt: on


@pytest.mark.parametrize("breaks", [row[1] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_stream_ends_only_its_own_connection(
    door: Door, east: Scripted, west: Scripted, breaks: Callable[[Connection], object]
) -> None:
    with door.http3() as other, door.http3() as connection:
        assert other.ask(GOOD).status == 200
        west.forget()
        breaks(connection)
        assert connection.ending(), "it goes on"
        assert not west.seen and not east.seen
        assert other.ask(GOOD).status == 200
    assert door.get(OURS).status == 200


def test_a_control_stream_has_to_begin_with_settings(door: Door, west: Scripted) -> None:
    with door.http3(begins=False) as connection:
        connection.one_way(quic.CONTROL, frame(quic.MAX_PUSH_ID, b"\0"))
        assert connection.ending() == 0x10A, "H3_MISSING_SETTINGS"
    assert door.get(OURS).status == 200


def entry_again_and_again(door: Door, times: int) -> quic.Answer:
    """An entry of the dynamic table that QPACK repeats by one byte: 3.5 KB of header each time."""
    with door.http3() as connection:
        # Set Dynamic Table Capacity to 4096, then Insert With Literal Name (RFC 9204 section 4.3).
        inserted = b"\x3f\xe1\x1f" + b"\x47x-large" + b"\x7f\xad\x1a" + b"a" * 3_500
        connection.one_way(quic.ENCODER, inserted)
        # One insertion is required, and the base is behind it; then the newest entry.
        block = b"\x02\0" + section(GOOD)[2:] + b"\x80" * times
        return connection.receive(connection.begin(frame(quic.HEADERS, block)))


# fmt: off
HUGE: list[tuple[str, Callable[[Door], quic.Answer]]] = [
    ("one header", lambda door: ask(door, [*GOOD, ("x-large", "a" * 100_000)])),
    ("one cookie", lambda door: ask(door, [*GOOD, ("cookie", "a" * 100_000)])),
    ("a path", lambda door: ask(door, fields("GET", f"/v2/ours/{'a' * 100_000}/manifests/v1"))),
    ("many headers", lambda door: ask(door, [*GOOD, *((f"x-{number}", "1") for number in range(2_000))])),
    ("an entry of the table again and again", lambda door: entry_again_and_again(door, 90)),
]
# fmt: on


def ask(door: Door, listed: list[Field]) -> quic.Answer:
    with door.http3() as connection:
        return connection.ask(listed)


@pytest.mark.parametrize("asks", [row[1] for row in HUGE], ids=[row[0] for row in HUGE])
def test_huge_headers_are_refused(door: Door, west: Scripted, asks: Callable[[Door], quic.Answer]) -> None:
    """By a reset (H3_EXCESSIVE_LOAD), or with the end of the connection if the rest of the request comes after it."""
    with door.http3() as other:
        assert other.ask(GOOD).status == 200
        west.forget()
        try:
            found = asks(door)
            assert found.reset is not None or found.status == 431, found.status
        except Ended:
            pass
        assert not west.seen
        assert other.ask(GOOD).status == 200


def test_the_table_is_read(door: Door) -> None:
    """Or the entry that is repeated would be refused for another reason."""
    assert entry_again_and_again(door, 3).status == 200


def rapid_resets(connection: Connection) -> Iterator[None]:
    """Requests that are taken back at once (CVE-2023-44487 for HTTP/2)."""
    for _ in range(MANY):
        connection.reset(connection.open(GOOD))
        yield


def resets_of_own_answers(connection: Connection) -> Iterator[None]:
    """The same with what the front answers by itself."""
    for _ in range(MANY):
        connection.reset(connection.open(fields("GET", "/v2/")))
        yield


def empty_bodies(connection: Connection) -> Iterator[None]:
    """A body of nothing, in very many frames."""
    number = connection.open(fields("PUT", OURS), ends=False)
    for _ in range(MANY):
        connection.send(number, frame(quic.DATA, b""))
        yield


def unknown_frames(connection: Connection) -> Iterator[None]:
    """Frames that nobody knows, which have to be skipped (RFC 9114 section 9)."""
    number = connection.open(fields("PUT", OURS), ends=False)
    for _ in range(MANY):
        connection.send(number, frame(0x21, b"x" * 100))
        yield


def unknown_streams(connection: Connection) -> Iterator[None]:
    """Streams of a kind that nobody knows."""
    for _ in range(MANY):
        connection.one_way(0x21, b"x" * 100, ends=True)
        yield


def halves_of_requests(connection: Connection) -> Iterator[None]:
    """Heads that never end."""
    for _ in range(MANY):
        connection.begin(HEAD[:20], ends=False)
        yield


def halves_of_frames(connection: Connection) -> Iterator[None]:
    """A head that says that it is very long, and then comes byte by byte."""
    number = connection.begin(b"\x01\xbf\xff\xff\xff", ends=False)
    for _ in range(MANY):
        connection.send(number, b"x")
        yield


def waits_for_the_table(connection: Connection) -> Iterator[None]:
    """Heads that want an entry of the table that never comes (RFC 9204 section 2.1.2)."""
    for _ in range(MANY):
        connection.begin(frame(quic.HEADERS, b"\x02\0" + section(GOOD)[2:] + b"\x80"))
        yield


def cancelled_pushes(connection: Connection) -> Iterator[None]:
    """Pushes that there are not are cancelled, and allowed."""
    for number in range(MANY):
        connection.send(2, frame(quic.MAX_PUSH_ID, quic.number(number)) + frame(quic.CANCEL_PUSH, b"\0"))
        yield


FLOODS = [
    rapid_resets,
    resets_of_own_answers,
    empty_bodies,
    unknown_frames,
    unknown_streams,
    halves_of_requests,
    halves_of_frames,
    waits_for_the_table,
    cancelled_pushes,
]


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_harms_no_other_client(door: Door, flood: Callable[[Connection], Iterator[None]]) -> None:
    with door.http3() as other, door.http3() as connection:
        try:
            for step, _ in enumerate(flood(connection)):
                if step % 100 == 0:
                    assert other.ask(GOOD).status == 200
        except Ended:
            # Whoever floods may be sent away; the others may not.
            assert connection.ended is not None and other.ended is None
        assert other.ask(GOOD).status == 200
        assert door.get(OURS).status == 200
    with door.http3() as next_one:
        assert next_one.ask(GOOD).status == 200


def test_streams_above_the_limit_wait_at_the_client(door: Door, west: Scripted) -> None:
    """QUIC gives out streams; what a client opens above them is not sent (RFC 9000 section 4.6)."""
    release = threading.Event()

    def held(_seen: Seen) -> Answer:
        release.wait(60)
        return Answer(200, [], b"{}")

    west.script = held
    with door.http3() as connection:
        numbers = [connection.open(GOOD) for _ in range(300)]
        assert eventually(lambda: len(west.seen) == 100)
        assert connection.is_alive()
        assert len(west.seen) == 100
        release.set()
        assert {connection.receive(number).status for number in numbers} == {200}


def test_a_reader_that_gives_no_window_holds_its_own_streams(door: Door, west: Scripted) -> None:
    blob = b"x" * 3_000_000
    west.answer(Answer(200, [], blob))
    with door.http3(window=1) as stalled:
        for _ in range(20):
            stalled.open(GOOD)
        assert stalled.is_alive()
        assert door.get(OURS).body == blob
    with door.http3() as other:
        assert other.ask(GOOD).body == blob


def test_bytes_that_are_no_packet_harm_nobody(door: Door, west: Scripted) -> None:
    """Datagrams of chance, first packets that are cut, and versions that there are not."""
    chance = random.Random(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.connect(("127.0.0.1", door.port))
        for _ in range(MANY):
            # The two highest bits say that it is a long header, as that of a first packet.
            first = bytes([chance.choice([0xC0, 0xD3, 0xE0, 0xF0, 0x40, 0x00])])
            version = chance.choice([b"\0\0\0\1", b"\0\0\0\0", b"\x6b\x33\x43\xcf", b"\x0a\x0a\x0a\x0a"])
            try:
                plain.send(first + version + chance.randbytes(chance.choice([0, 5, 20, 1195, 1400])))
            except ConnectionRefusedError:
                pass
    with door.http3() as connection:
        assert connection.ask(GOOD).status == 200
