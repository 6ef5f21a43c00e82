"""An HTTP/2 client that sends exactly the frames and header fields it is given, over TCP or TLS.

A library for clients would refuse to send most of what an attacker sends. Here `hyperframe` writes frames and
`hpack` writes header fields, and nothing looks at what they mean.
"""

import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType

from hpack import Decoder, Encoder
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# How long an answer may take to begin or go on, as in `raw`.
SECONDS = 30.0
# What one stream, and the connection, may be sent before it is asked again: all that a test reads.
WINDOW = (1 << 31) - 1

Field = tuple[str | bytes, str | bytes]


class Ended(ConnectionError):
    """The stream was reset, or the connection ended, before a whole answer had come."""


@dataclass
class Answer:
    """An answer: header fields as they came, pseudo-header fields too; `reset` is an error code of RFC 9113 section 7."""

    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    reset: int | None = None
    is_whole: bool = False

    @property
    def status(self) -> int:
        """The status, or 0 if the stream was reset before there was one."""
        return int(dict(self.fields).get(b":status", b"0"))


class Connection:
    """One connection; `window` is what the server may send on a stream before it is given more."""

    def __init__(self, stream: socket.socket, window: int = WINDOW) -> None:
        self._socket = stream
        self._encoder, self._decoder = Encoder(), Decoder()
        self._unread = b""
        self._next = 1
        self.answers: dict[int, Answer] = {}
        self.pongs = 0
        self.goaway: int | None = None
        settings = SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: window})
        more = WindowUpdateFrame(0, window_increment=WINDOW - 65_535)
        self.send(PREFACE + settings.serialize() + more.serialize())

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()

    def send(self, content: bytes) -> None:
        """Sends bytes as they are."""
        self._socket.sendall(content)

    def frame(self, frame: Frame, *flags: str) -> None:
        """Sends one frame."""
        for flag in flags:
            frame.flags.add(flag)
        self.send(frame.serialize())

    def block(self, listed: Iterable[Field]) -> bytes:
        """Header fields as HPACK writes them, in their order and case, none of them indexed."""
        written = [(_bytes(name), _bytes(value)) for name, value in listed]
        return self._encoder.encode([(name, value, True) for name, value in written])

    def packed(self, listed: Iterable[Field]) -> bytes:
        """The same with what repeats written once and indexed."""
        return self._encoder.encode([(_bytes(name), _bytes(value)) for name, value in listed])

    def open(self, listed: Iterable[Field], ends: bool = True) -> int:
        """Begins a request with these fields; the number of its stream."""
        number, self._next = self._next, self._next + 2
        self.answers[number] = Answer()
        flags = ["END_HEADERS", *(["END_STREAM"] if ends else [])]
        self.frame(HeadersFrame(number, data=self.block(listed)), *flags)
        return number

    def data(self, number: int, content: bytes, ends: bool = True) -> None:
        """Sends a part of a request's body; what is sent must fit into the window."""
        self.frame(DataFrame(number, data=content), *(["END_STREAM"] if ends else []))

    def trailers(self, number: int, listed: Iterable[Field]) -> None:
        """Ends a request with trailer fields."""
        self.frame(HeadersFrame(number, data=self.block(listed)), "END_HEADERS", "END_STREAM")

    def reset(self, number: int, code: int = 8) -> None:
        """Resets a stream; 8 is CANCEL."""
        self.frame(RstStreamFrame(number, error_code=code))

    def receive(self, number: int) -> Answer:
        """Reads until this stream has ended, in whatever way."""
        answer = self.answers[number]
        while not answer.is_whole and answer.reset is None:
            self.read()
        return answer

    def ask(self, listed: Iterable[Field]) -> Answer:
        """One request and its answer."""
        return self.receive(self.open(listed))

    def is_alive(self) -> bool:
        """Whether the server still answers a PING."""
        before = self.pongs
        try:
            self.frame(PingFrame(0, opaque_data=b"12345678"))
            while self.pongs == before:
                self.read()
        except (OSError, Ended):
            return False
        return True

    def read(self) -> None:
        """Reads one frame and notes what it says."""
        header = self._exactly(9)
        frame, length = Frame.parse_frame_header(memoryview(header))
        frame.parse_body(memoryview(self._exactly(length)))
        self._note(frame)

    def _note(self, frame: Frame) -> None:
        answer = self.answers.setdefault(frame.stream_id, Answer())
        if isinstance(frame, HeadersFrame):
            found = [(bytes(name), bytes(value)) for name, value in self._decoder.decode(frame.data, raw=True)]
            if not dict(found).get(b":status", b"").startswith(b"1"):
                (answer.trailers if answer.fields else answer.fields).extend(found)
        elif isinstance(frame, DataFrame):
            answer.body += frame.data
        elif isinstance(frame, RstStreamFrame):
            answer.reset = frame.error_code
        elif isinstance(frame, GoAwayFrame):
            self.goaway = frame.error_code
        elif isinstance(frame, PingFrame) and "ACK" in frame.flags:
            self.pongs += 1
        elif isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            self.frame(SettingsFrame(0), "ACK")
        if "END_STREAM" in frame.flags:
            answer.is_whole = True

    def _exactly(self, size: int) -> bytes:
        while len(self._unread) < size:
            try:
                more = self._socket.recv(1 << 18)
            except ConnectionResetError:
                more = b""
            if not more:
                raise Ended(f"the connection ended (GOAWAY {self.goaway})")
            self._unread += more
        found, self._unread = self._unread[:size], self._unread[size:]
        return found


def fields(method: str, target: str, *more: Field, authority: str = "registry.test") -> list[Field]:
    """The fields of a request, well-formed but for what is added."""
    return [(":method", method), (":scheme", "http"), (":authority", authority), (":path", target), *more]


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
