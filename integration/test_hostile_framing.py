"""Hostile HTTP/1.1 framing: where one message ends and the next begins, and for whom each is.

Raw bytes at a front without TLS and at one with it; two tenants. Sees every request that a registry gets. Cannot
see what a proxy in front makes of the same bytes: what is taken here in one way only is safe behind any of them.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import raw
from harness.doors import Door
from harness.scripted import Answer, Scripted, Seen
from harness.tenants import OURS, THEIRS

HOST = b"Host: registry.test\r\n"
GET = b"GET %s HTTP/1.1\r\n%s" % (OURS.encode(), HOST)
PUT = b"PUT %s HTTP/1.1\r\n%s" % (OURS.encode(), HOST)
# What an attacker wants a registry to get: by the other tenant's front, for the other tenant's repository.
HIDDEN = b"GET %s HTTP/1.1\r\nHost: other.test\r\nX-Hidden: 1\r\n\r\n" % THEIRS.encode()

# In every test: what reaches a registry is answered.
pytestmark = pytest.mark.usefixtures("both_answer")

PING = b"GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n"


def until_the_end(door: Door, content: bytes) -> list[int]:
    """The statuses that these bytes get, and a ping behind them, until Envoy closes the connection."""
    found = []
    with door.http1() as connection:
        connection.send(content + PING)
        try:
            while True:
                found.append(connection.receive().status)
        except (raw.Closed, ConnectionResetError):
            return found


# fmt: off
REFUSED: list[tuple[str, bytes]] = [
    ("a length and chunks (CL.TE)", PUT + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG" + HIDDEN),
    ("chunks and a length (TE.CL)", PUT + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + HIDDEN + b"\r\n0\r\n\r\n"),
    ("a space before the colon", PUT + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN),
    ("almost chunked", PUT + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN),
    ("a vertical tab", PUT + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN),
    ("two encodings", PUT + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN),
    ("chunked twice", PUT + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN),
    ("identity and a length", PUT + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN),
    ("a length with a sign", PUT + b"Content-Length: +2\r\n\r\n{}" + HIDDEN),
    ("a list of lengths", PUT + b"Content-Length: 2, 2\r\n\r\n{}" + HIDDEN),
    ("two equal lengths", PUT + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN),
    ("a hexadecimal length", PUT + b"Content-Length: 0x2\r\n\r\n{}" + HIDDEN),
    ("two numbers", PUT + b"Content-Length: 2 2\r\n\r\n{}" + HIDDEN),
    ("a length above 64 bits", PUT + b"Content-Length: 18446744073709551618\r\n\r\n{}" + HIDDEN),
    ("an empty length", PUT + b"Content-Length: \r\n\r\n" + HIDDEN),
    ("a chunk above 64 bits", PUT + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n" + HIDDEN),
    ("a negative chunk", PUT + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n" + HIDDEN),
    ("a chunk with 0x", PUT + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + HIDDEN),
    ("a chunk extension ended by LF", PUT + b"Transfer-Encoding: chunked\r\n\r\n2;a\n{}\r\n0\r\n\r\n" + HIDDEN),
    ("a line end in a chunk extension", PUT + b"Transfer-Encoding: chunked\r\n\r\n2;a=\"\r\n\"\r\n{}\r\n0\r\n\r\n" + HIDDEN),
    ("a chunk without its end", PUT + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n" + HIDDEN),
    ("a chunk ended by CR", PUT + b"Transfer-Encoding: chunked\r\n\r\n2\r{}\r\n0\r\n\r\n" + HIDDEN),
    ("a folded line before any header", b"GET %s HTTP/1.1\r\n X-A: 1\r\n%s\r\n" % (OURS.encode(), HOST) + HIDDEN),
    ("Connection names what must stay", GET + b"Connection: host, cdn-loop, authorization\r\n\r\n" + HIDDEN),
    ("the preface of HTTP/2 behind a request", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN),
    ("a tunnel", b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n" + HIDDEN),
]
# fmt: on


def test_a_message_of_unclear_length_is_refused_and_ends_the_connection(
    door: Door, east: Scripted, west: Scripted
) -> None:
    """Nothing behind it is read: it may be a body as well as a request. All at once, as Envoy closes after a second."""
    with ThreadPoolExecutor(len(REFUSED)) as pool:
        found = pool.map(lambda row: until_the_end(door, row[1]), REFUSED)
        taken = {row[0]: each for row, each in zip(REFUSED, found, strict=True) if each not in ([], [400], [501])}
    assert not taken
    assert not east.seen and not west.seen
    assert door.get(OURS).status == 200


# fmt: off
TAKEN: list[tuple[str, bytes, bytes]] = [
    ("a tab before the value", PUT + b"Transfer-Encoding:\tchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}"),
    ("a folded value", PUT + b"Transfer-Encoding:\r\n chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}"),
    ("upper case", PUT + b"Transfer-Encoding: CHUNKED\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}"),
    ("an underscore: no length", PUT + b"Content_Length: 2\r\n\r\n", b""),
    ("an underscore: no chunks", PUT + b"Transfer_Encoding: chunked\r\n\r\n", b""),
    ("Connection names the length", PUT + b"Connection: content-length\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    ("Connection names the encoding", PUT + b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}"),
    ("a request in the body of a GET", GET + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN, b""),
    ("a wish for HTTP/2", GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", b""),
    ("an expectation", PUT + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    ("empty lines before", b"\r\n\r\n" + GET + b"\r\n", b""),
    ("a CR in a header", GET + b"X-A: b\rX-Hidden: 1\r\n\r\n", b""),
    ("a trailer", PUT + b"Trailer: x-hidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Hidden: 1\r\nContent-Length: 7\r\n\r\n", b"{}"),
]
# fmt: on


@pytest.mark.parametrize(("content", "body"), [row[1:] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_a_message_that_is_taken_has_one_reading(
    door: Door, east: Scripted, west: Scripted, content: bytes, body: bytes
) -> None:
    with door.http1() as connection:
        connection.send(content + PING)
        assert [connection.receive().status for _ in range(2)] == [200, 200], "the request, and the ping behind it"
    seen = west.last()
    assert (seen.target.decode(), seen.authority, seen.body) == (OURS, west.authority, body)
    assert b"\r" not in b"".join(value for _, value in seen.headers)
    assert "x-hidden" not in seen.names and not east.seen


# fmt: off
FOR_WHOM: list[tuple[str, bytes]] = [
    ("a second host", b"GET %s HTTP/1.1\r\nHost: registry.test\r\nHost: other.test\r\n\r\n" % THEIRS.encode()),
    ("a host in a folded line", b"GET %s HTTP/1.1\r\nHost: registry.test\r\nX-A: 1\r\n Host: other.test\r\n\r\n" % THEIRS.encode()),
    ("a list of hosts", b"GET %s HTTP/1.1\r\nHost: registry.test, other.test\r\n\r\n" % THEIRS.encode()),
    ("a URL with our host", b"GET http://registry.test%s HTTP/1.1\r\nHost: other.test\r\n\r\n" % THEIRS.encode()),
    ("a URL with a user", b"GET http://other.test@registry.test%s HTTP/1.1\r\nHost: registry.test\r\n\r\n" % THEIRS.encode()),
    ("a URL with a backslash", b"GET http://other.test\\@registry.test%s HTTP/1.1\r\nHost: registry.test\r\n\r\n" % THEIRS.encode()),
    ("a URL with a fragment", b"GET http://registry.test#@other.test%s HTTP/1.1\r\nHost: registry.test\r\n\r\n" % THEIRS.encode()),
    ("a URL with a query", b"GET http://registry.test?@other.test%s HTTP/1.1\r\nHost: registry.test\r\n\r\n" % THEIRS.encode()),
    ("a host with a path", b"GET %s HTTP/1.1\r\nHost: other.test/v2\r\n\r\n" % THEIRS.encode()),
    ("a host that looks the same", b"GET %s HTTP/1.1\r\nHost: \xd0\xbether.test\r\n\r\n" % THEIRS.encode()),
    ("a forwarded host", b"GET %s HTTP/1.1\r\nHost: registry.test\r\nX-Forwarded-Host: other.test\r\n\r\n" % THEIRS.encode()),
    ("an original URL", b"GET %s HTTP/1.1\r\nHost: registry.test\r\nX-Original-URL: http://other.test%s\r\n\r\n" % (THEIRS.encode(), THEIRS.encode())),
]
# fmt: on


@pytest.mark.parametrize("content", [row[1] for row in FOR_WHOM], ids=[row[0] for row in FOR_WHOM])
def test_no_way_of_naming_a_host_reaches_the_other_tenant(
    door: Door, east: Scripted, west: Scripted, content: bytes
) -> None:
    with door.http1() as connection:
        connection.send(content)
        assert connection.receive().status in (400, 403, 404)
    assert not east.seen and not west.seen


class Followed(Answer):
    """An answer with another one behind it, which nobody has asked for."""

    def encode(self, is_head: bool) -> bytes:
        """The bytes of both."""
        poison = b"HTTP/1.1 200 OK\r\nX-Poison: 1\r\nContent-Length: 4\r\n\r\nEVIL"
        return super().encode(is_head) + poison


def test_an_unsolicited_answer_reaches_no_client(door: Door, west: Scripted) -> None:
    west.answer(Followed(200, [], b"{}"))
    assert door.get(OURS).body == b"{}"
    west.answer(Answer(200, [], b"{}"))
    for _ in range(5):
        found = door.get(OURS)
        assert (found.status, found.body, found.all("x-poison")) == (200, b"{}", [])


# fmt: off
ANSWERS: list[tuple[str, list[raw.Header]]] = [
    ("a length and chunks", [("Content-Length", "2"), ("Transfer-Encoding", "chunked")]),
    ("two lengths", [("Content-Length", "2"), ("Content-Length", "3")]),
    ("an unknown encoding", [("Transfer-Encoding", "gzip, chunked")]),
    ("a negative length", [("Content-Length", "-1")]),
    ("a length above 64 bits", [("Content-Length", "18446744073709551618")]),
    ("a NUL", [("X-A", b"b\0c")]),
    ("2 MB of header", [("X-A", "a" * 2_000_000)]),
    ("200 headers", [(f"X-{number}", "1") for number in range(200)]),
]
# fmt: on


@pytest.mark.parametrize("headers", [row[1] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_an_answer_of_unclear_length_is_an_error_of_the_registry(
    door: Door, west: Scripted, headers: list[raw.Header]
) -> None:
    west.answer(Answer(200, headers, b"{}"))
    found = door.get(OURS)
    assert found.status in (502, 503), found
    assert b'"errors"' in found.body
    west.answer(Answer(200, [], b"{}"))
    assert door.get(OURS).status == 200


def test_a_line_end_in_an_answers_header_makes_no_second_header(door: Door, west: Scripted) -> None:
    west.answer(Answer(200, [("X-A", b"b\rSet-Cookie: c=1")], b"{}"))
    found = door.get(OURS)
    assert found.status in (200, 502, 503)
    assert not found.all("set-cookie")
    assert not any(b"\r" in value or b"\n" in value for _, value in found.headers)


def test_an_answer_for_one_tenant_never_reaches_another(door: Door, east: Scripted, west: Scripted) -> None:
    """Many requests of both on one connection, some refused: each answer is its own request's."""

    def echo(seen: Seen) -> Answer:
        return Answer(200, [("X-Target", seen.target)], seen.target)

    east.script = west.script = echo
    with door.http1() as connection:
        for number in range(60):
            name, host = ("ours", "registry.test") if number % 2 else ("theirs", "other.test")
            is_wrong = number % 5 == 0
            if is_wrong:
                host = "other.test" if name == "ours" else "registry.test"
            target = f"/v2/{name}/app/manifests/v{number}"
            answer = raw.exchange(connection, "GET", target, host=host)
            assert answer.status == (404 if is_wrong else 200), target
            assert answer.all("x-target") == ([] if is_wrong else [target])
