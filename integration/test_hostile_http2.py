"""Hostile HTTP/2: malformed requests, trailers, and floods of frames, at a front without TLS and at one with it.

Frames as they are written here; two tenants. Sees every request that a registry gets, what becomes of the stream
and of the connection, and that Envoy serves others at once. HTTP/3 has a suite of its own.
"""

import threading
from collections.abc import Callable

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from harness.doors import Door
from harness.field_sections import harmless, malformed
from harness.http2 import Answer as Http2Answer
from harness.http2 import Connection, Ended, Field, fields
from harness.scripted import Answer, Scripted, Seen
from harness.tenants import OURS

# Far more than any client sends, and than Envoy takes of one connection.
MANY = 5_000

# In every test: what reaches a registry is answered.
pytestmark = pytest.mark.usefixtures("both_answer")

GOOD = fields("GET", OURS)
METHOD, SCHEME, AUTHORITY, PATH = GOOD

# fmt: off
MALFORMED: list[tuple[str, list[Field]]] = [
    *malformed(GOOD),
    ("a websocket (RFC 8441)", [(":method", "CONNECT"), (":protocol", "websocket"), SCHEME, AUTHORITY, PATH]),
]
# fmt: on


def test_a_malformed_request_ends_itself_alone(door: Door, east: Scripted, west: Scripted) -> None:
    """RFC 9113 section 8.1.1: a stream error; the other requests of the connection go on."""
    taken = {}
    with door.http2() as connection:
        for name, listed in MALFORMED:
            found = connection.ask(listed)
            if found.reset is None and found.status not in (400, 404, 405):
                taken[name] = found
            assert connection.ask(GOOD).status == 200, name
    assert not taken
    assert not east.seen
    assert {seen.target.decode() for seen in west.seen} == {OURS}
    assert not any("x-a" in seen.names for seen in west.seen)


# fmt: off
HARMLESS = harmless(GOOD)
# fmt: on
OF_NO_CLIENT = {"x-portolan-cluster", "x-envoy-original-path", "x-geo-country", "x_portolan_cluster", "cookie", "authorization"}


@pytest.mark.parametrize("listed", [row[1] for row in HARMLESS], ids=[row[0] for row in HARMLESS])
def test_an_accepted_request_is_one_request(
    door: Door, east: Scripted, west: Scripted, listed: list[Field]
) -> None:
    with door.http2() as connection:
        assert connection.ask(listed).status == 200
    seen = west.last()
    assert (seen.target.decode(), seen.authority) == (OURS, west.authority)
    assert not seen.names & OF_NO_CLIENT and not east.seen


def test_trailers_choose_nothing_and_reach_nobody(door: Door, east: Scripted, west: Scripted) -> None:
    with door.http2() as connection:
        number = connection.open(fields("PUT", OURS), ends=False)
        connection.data(number, b"{}", ends=False)
        forged = [("x-portolan-cluster", "theirs"), ("authorization", "Bearer x"), ("cookie", "a=1"), ("host", "other.test")]
        connection.trailers(number, forged)
        assert connection.receive(number).status == 200
    seen = west.last()
    assert seen.body == b"{}" and not east.seen
    assert not seen.names & {name for name, _ in forged if name != "host"}
    assert seen.authority == west.authority


def continuations(connection: Connection) -> None:
    """A header that never ends (CVE-2024-27316 and its kin)."""
    connection.frame(HeadersFrame(1, data=connection.block(GOOD)), "END_STREAM")
    for _ in range(MANY):
        connection.frame(ContinuationFrame(1, data=b"\x00\x04x-aa\x05aaaaa"))


def empty_continuations(connection: Connection) -> None:
    """The same without a byte of header."""
    connection.frame(HeadersFrame(1, data=connection.block(GOOD)), "END_STREAM")
    for _ in range(MANY):
        connection.frame(ContinuationFrame(1, data=b""))


def rapid_resets(connection: Connection) -> None:
    """Requests that are taken back at once (CVE-2023-44487)."""
    for _ in range(MANY):
        connection.reset(connection.open(GOOD))


def resets_of_own_answers(connection: Connection) -> None:
    """The same with what the front answers by itself."""
    for _ in range(MANY):
        connection.reset(connection.open(fields("GET", "/v2/")))


def provoked_resets(connection: Connection) -> None:
    """Requests that the server has to reset (CVE-2025-8671)."""
    for _ in range(MANY):
        number = connection.open(fields("PUT", OURS), ends=False)
        connection.frame(WindowUpdateFrame(number, window_increment=(1 << 31) - 1))


def empty_data(connection: Connection) -> None:
    """A body of nothing (CVE-2019-9518)."""
    number = connection.open(fields("PUT", OURS), ends=False)
    for _ in range(MANY):
        connection.data(number, b"", ends=False)


def settings(connection: Connection) -> None:
    """Settings, each of which wants an answer (CVE-2019-9515)."""
    for _ in range(MANY):
        connection.frame(SettingsFrame(0, settings={SettingsFrame.HEADER_TABLE_SIZE: 4096}))


def pings(connection: Connection) -> None:
    """Likewise (CVE-2019-9512)."""
    for _ in range(MANY):
        connection.frame(PingFrame(0, opaque_data=b"12345678"))


def priorities(connection: Connection) -> None:
    """Priorities of streams that there are not (CVE-2019-9513)."""
    for number in range(MANY):
        connection.frame(PriorityFrame(2 * number + 1, depends_on=0, stream_weight=1))


def windows(connection: Connection) -> None:
    """A window that grows byte by byte."""
    for _ in range(MANY):
        connection.frame(WindowUpdateFrame(0, window_increment=1))


FLOODS = [
    continuations,
    empty_continuations,
    rapid_resets,
    resets_of_own_answers,
    provoked_resets,
    empty_data,
    settings,
    pings,
    priorities,
    windows,
]
# Of these each gets an answer, and costs what it costs: they are not refused, and nobody waits for them.
ANSWERED = {settings, pings}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_ends_only_its_own_connection(
    door: Door, west: Scripted, flood: Callable[[Connection], None]
) -> None:
    with door.http2() as other, door.http2() as connection:
        assert other.ask(GOOD).status == 200
        try:
            flood(connection)
            is_alive = connection.is_alive()
        except (OSError, Ended):
            is_alive = False
        assert not is_alive or flood in ANSWERED
        assert other.ask(GOOD).status == 200
    assert door.get(OURS).status == 200
    assert len(west.seen) < 2_000, "what was taken back at once is not asked of the registry"


def test_streams_above_the_limit_are_refused_and_not_queued(door: Door, west: Scripted) -> None:
    release = threading.Event()

    def held(_seen: Seen) -> Answer:
        release.wait(60)
        return Answer(200, [], b"{}")

    west.script = held
    with door.http2() as connection:
        numbers = [connection.open(GOOD) for _ in range(1_000)]
        refused = [connection.receive(number).reset for number in numbers[100:]]
        release.set()
        served = [connection.receive(number).status for number in numbers[:100]]
    assert set(refused) == {7}, "REFUSED_STREAM (RFC 9113 section 8.7)"
    assert set(served) == {200}


def test_a_header_that_unpacks_to_much_more_is_refused(door: Door, west: Scripted) -> None:
    """An entry of the table that HPACK repeats by one byte: 300 KB of header from 2 KB."""
    with door.http2() as connection:
        block = connection.packed([*GOOD, *[("x-large", "a" * 3_500)] * 90])
        assert len(block) < 4_000
        connection.answers[1] = Http2Answer()
        connection.frame(HeadersFrame(1, data=block), "END_HEADERS", "END_STREAM")
        found = connection.receive(1)
        assert found.reset is not None or found.status == 431
        assert connection.is_alive()
    assert not west.seen


def test_a_reader_that_gives_no_window_holds_its_own_streams(door: Door, west: Scripted) -> None:
    blob = b"x" * 3_000_000
    west.answer(Answer(200, [], blob))
    with door.http2(window=0) as stalled:
        numbers = [stalled.open(GOOD) for _ in range(20)]
        assert all(not stalled.answers[number].body for number in numbers)
        assert door.get(OURS).body == blob
        stalled.frame(WindowUpdateFrame(numbers[0], window_increment=1 << 30))
        assert stalled.receive(numbers[0]).body == blob
