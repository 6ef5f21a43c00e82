"""An HTTP/3 client that sends exactly the frames and header fields it is given.

`aioquic` speaks QUIC; the frames of HTTP/3 (RFC 9114 section 7) and its field sections (RFC 9204) are written here, without
a look at what they mean. A library for clients would refuse to send most of what an attacker sends.
"""

import select
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from aioquic.buffer import encode_uint_var
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from pylsqpack import Decoder

from harness.http2 import Answer as FieldsAnswer
from harness.http2 import Field

# How long an answer may take to begin or go on, as in `raw`.
SECONDS = 30.0
WINDOW = 1 << 26

# Types of frames, of streams that go one way, and of settings.
DATA, HEADERS, CANCEL_PUSH, SETTINGS, PUSH_PROMISE, GOAWAY, MAX_PUSH_ID = 0, 1, 3, 4, 5, 7, 13
CONTROL, PUSH, ENCODER, DECODER = 0, 1, 2, 3
TABLE_CAPACITY, MAX_FIELD_SECTION = 1, 6
REQUEST_CANCELLED, REQUEST_REJECTED = 0x10C, 0x10B


class Ended(ConnectionError):
    """The connection ended before what was waited for had come."""


@dataclass
class Answer(FieldsAnswer):
    """An answer as in HTTP/2; `reset` is an error code of RFC 9114 section 8.1, `unread` the begin of a frame."""

    unread: bytes = b""


class Connection:
    """One connection; `window` is what the server may send on a stream before it is given more."""

    def __init__(self, port: int, authority: Path, window: int = WINDOW, begins: bool = True) -> None:
        """Without `begins` the client sends no control stream, so that a test can send one of its own."""
        configuration = QuicConfiguration(
            is_client=True, alpn_protocols=["h3"], server_name="registry.test", max_stream_data=window, max_data=WINDOW
        )
        configuration.load_verify_locations(str(authority))
        self._quic = QuicConnection(configuration=configuration)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._peer = ("127.0.0.1", port)
        self._socket.connect(self._peer)
        self._socket.setblocking(False)
        self._decoder = Decoder(0, 0)
        self._pongs: set[int] = set()
        # Streams of which the server wants no more (STOP_SENDING): QUIC has reset them then.
        self._stopped: set[int] = set()
        self._ping = 0
        self._is_ready = False
        self.answers: dict[int, Answer] = {}
        self.ended: int | None = None
        self._quic.connect(self._peer, now=time.monotonic())
        self._wait(lambda: self._is_ready)
        if begins:
            self.one_way(CONTROL, frame(SETTINGS, b""))

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._quic.close(error_code=0x100)
        self._flush()
        self._socket.close()

    def one_way(self, kind: int, content: bytes, ends: bool = False) -> int:
        """Opens a stream of this kind in one direction, and sends on it; its number."""
        stream = self._quic.get_next_available_stream_id(is_unidirectional=True)
        self.send(stream, number(kind) + content, ends)
        return stream

    def send(self, number: int, content: bytes, ends: bool = False) -> None:
        """Sends bytes on a stream as they are, unless the server has said by now that it wants no more of them."""
        self._look()
        if number not in self._stopped:
            self._quic.send_stream_data(number, content, ends)
        self._flush()

    def begin(self, content: bytes, ends: bool = True) -> int:
        """Begins a request stream with bytes as they are; its number."""
        number = self._quic.get_next_available_stream_id()
        self.answers[number] = Answer()
        self.send(number, content, ends)
        return number

    def open(self, listed: Iterable[Field], ends: bool = True) -> int:
        """Begins a request with these fields; the number of its stream."""
        return self.begin(frame(HEADERS, section(listed)), ends)

    def reset(self, number: int, code: int = REQUEST_CANCELLED) -> None:
        """Takes a request back: neither sends any more of it nor wants an answer."""
        self._look()
        self._quic.reset_stream(number, code)
        self._quic.stop_stream(number, code)
        self._flush()

    def ask(self, listed: Iterable[Field]) -> Answer:
        """One request and its answer."""
        return self.receive(self.open(listed))

    def receive(self, number: int) -> Answer:
        """Waits until this stream has ended, in whatever way."""
        answer = self.answers[number]
        self._wait(lambda: answer.is_whole or answer.reset is not None)
        return answer

    def is_alive(self) -> bool:
        """Whether the server still answers a PING."""
        self._ping += 1
        number = self._ping
        try:
            self._look()
            self._quic.send_ping(number)
            self._wait(lambda: number in self._pongs)
        except Ended:
            return False
        return True

    def ending(self) -> int | None:
        """The code with which the server ends the connection, once it does."""
        try:
            self._wait(lambda: False)
        except Ended:
            pass
        return self.ended

    def _wait(self, is_there: Callable[[], bool]) -> None:
        """Exchanges datagrams until it is there."""
        end = time.monotonic() + SECONDS
        while not is_there():
            self._look()
            if is_there():
                return
            now = time.monotonic()
            assert now < end, "nothing came for too long"
            timer = self._quic.get_timer()
            wait = min(end, timer) - now if timer is not None else end - now
            self._flush()
            select.select([self._socket], [], [], max(0.0, min(wait, 1.0)))
            self._receive()
            if timer is not None and time.monotonic() >= timer:
                self._quic.handle_timer(now=time.monotonic())
            self._flush()

    def _look(self) -> None:
        """Notes what has come so far; raises once the connection is over."""
        self._receive()
        while (event := self._quic.next_event()) is not None:
            self._note(event)
        if self.ended is not None:
            raise Ended(f"the connection ended ({self.ended:#x})")

    def _receive(self) -> None:
        while True:
            try:
                datagram = self._socket.recv(65_536)
            except (BlockingIOError, ConnectionRefusedError):
                return
            self._quic.receive_datagram(datagram, self._peer, now=time.monotonic())

    def _flush(self) -> None:
        for datagram, _ in self._quic.datagrams_to_send(now=time.monotonic()):
            try:
                self._socket.send(datagram)
            except (BlockingIOError, ConnectionRefusedError):
                return

    def _note(self, event: events.QuicEvent) -> None:
        if isinstance(event, events.HandshakeCompleted):
            self._is_ready = True
        elif isinstance(event, events.StopSendingReceived):
            self._stopped.add(event.stream_id)
        elif isinstance(event, events.ConnectionTerminated):
            self.ended = event.error_code
        elif isinstance(event, events.PingAcknowledged):
            self._pongs.add(event.uid)
        elif isinstance(event, events.StreamReset):
            self.answers.setdefault(event.stream_id, Answer()).reset = event.error_code
        elif isinstance(event, events.StreamDataReceived) and event.stream_id % 4 == 0:
            answer = self.answers.setdefault(event.stream_id, Answer())
            answer.unread += event.data
            self._read(event.stream_id, answer)
            answer.is_whole |= event.end_stream

    def _read(self, number: int, answer: Answer) -> None:
        while (found := _split(answer.unread)) is not None:
            kind, content, answer.unread = found
            if kind == DATA:
                answer.body += content
            elif kind == HEADERS:
                listed = self._decoder.feed_header(number, content)[1]
                if not dict(listed).get(b":status", b"").startswith(b"1"):
                    (answer.trailers if answer.fields else answer.fields).extend(listed)


def frame(kind: int, content: bytes) -> bytes:
    """A frame."""
    return number(kind) + number(len(content)) + content


def number(value: int) -> bytes:
    """A number as frames have them (RFC 9000 section 16)."""
    return bytes(encode_uint_var(value))


def section(listed: Iterable[Field]) -> bytes:
    """Header fields as literals (RFC 9204 section 4.5.6), in their order and case."""
    written = [_prefixed(3, 0x20, _bytes(name)) + _prefixed(7, 0, _bytes(value)) for name, value in listed]
    return b"\0\0" + b"".join(written)


def _prefixed(bits: int, first: int, text: bytes) -> bytes:
    """A string whose length has a prefix of so many bits (RFC 7541 section 5.1)."""
    most, length = (1 << bits) - 1, len(text)
    if length < most:
        return bytes([first | length]) + text
    head, rest = bytearray([first | most]), length - most
    while rest >= 128:
        head.append(rest % 128 + 128)
        rest //= 128
    return bytes(head) + bytes([rest]) + text


def _split(content: bytes) -> tuple[int, bytes, bytes] | None:
    """The first frame, if it is whole, and what is behind it."""
    found, rest = [], content
    for _ in range(2):
        if not rest or len(rest) < (size := 1 << (rest[0] >> 6)):
            return None
        found.append(int.from_bytes(rest[:size], "big") & ((1 << (8 * size - 2)) - 1))
        rest = rest[size:]
    kind, length = found
    return (kind, rest[:length], rest[length:]) if len(rest) >= length else None


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
