"""A registry that speaks HTTP/2 over TLS and sends exactly the frames that a test gives it.

Health checks, which Envoy makes by HTTP/1.1, are answered well.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable

from hpack import Decoder, Encoder
from hyperframe.frame import DataFrame, Frame, HeadersFrame, PingFrame, SettingsFrame

from harness.http2 import PREFACE, SECONDS, Field
from harness.listening import Listener
from harness.tls import Credentials

PIECE = 1 << 16
WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
GOOD: list[Field] = [(":status", "200"), ("content-length", "2")]


class Stream:
    """A request, and the place of its answer."""

    def __init__(self, connection: "Connection", number: int, path: str) -> None:
        self.connection = connection
        self.number = number
        self.path = path

    def send(self, *frames: Frame | bytes) -> None:
        """Sends frames as they are; of any stream."""
        self.connection.send(*frames)

    def head(self, fields: Iterable[Field], is_end: bool = False) -> HeadersFrame:
        """A field section of this stream."""
        frame = HeadersFrame(self.number, self.connection.encoder.encode(list(fields)))
        frame.flags.add("END_HEADERS")
        if is_end:
            frame.flags.add("END_STREAM")
        return frame

    def data(self, content: bytes, is_end: bool = True) -> DataFrame:
        """A part of its body."""
        frame = DataFrame(self.number, content)
        if is_end:
            frame.flags.add("END_STREAM")
        return frame

    def answer(self) -> None:
        """The good answer."""
        self.send(self.head(GOOD), self.data(b"{}"))


Script = Callable[[Stream], None]


class Connection:
    """One connection; requests are answered one after the other, by whoever reads them."""

    def __init__(self, stream: ssl.SSLSocket) -> None:
        self._stream = stream
        self.encoder = Encoder()
        self._decoder = Decoder()
        self._unread = b""

    def send(self, *frames: Frame | bytes) -> None:
        """Sends frames as they are."""
        self._stream.sendall(b"".join(one if isinstance(one, bytes) else one.serialize() for one in frames))

    def serve(self, script: Callable[[Stream], None]) -> None:
        """Serves until the other side ends, or something it sends is no HTTP/2."""
        self._exactly(len(PREFACE))
        self.send(SettingsFrame(0))
        while True:
            frame, size = Frame.parse_frame_header(memoryview(self._exactly(9)))
            frame.parse_body(memoryview(self._exactly(size)))
            if isinstance(frame, (SettingsFrame, PingFrame)) and "ACK" not in frame.flags:
                echoed = {} if isinstance(frame, SettingsFrame) else {"opaque_data": frame.opaque_data}
                reply = type(frame)(0, **echoed)
                reply.flags.add("ACK")
                self.send(reply)
            elif isinstance(frame, HeadersFrame):
                fields = dict(self._decoder.decode(frame.data, raw=True))
                script(Stream(self, frame.stream_id, fields[b":path"].decode()))

    def _exactly(self, size: int) -> bytes:
        while len(self._unread) < size:
            more = self._stream.recv(PIECE)
            if not more:
                raise ConnectionError("the end")
            self._unread += more
        found, self._unread = self._unread[:size], self._unread[size:]
        return found


class Http2Registry:
    """The registry; `script` may be set at any time."""

    def __init__(self, credentials: Credentials) -> None:
        self.script: Script = Stream.answer
        self.connections = 0
        self._lock = threading.Lock()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(credentials.certificate, credentials.key)
        self._context.set_alpn_protocols(["h2"])
        self._listener = Listener(self._serve)

    @property
    def url(self) -> str:
        """Its URL."""
        return f"https://127.0.0.1:{self._listener.port}"

    def close(self) -> None:
        """Stops listening."""
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(SECONDS)
        try:
            with self._context.wrap_socket(connection, server_side=True) as stream:
                if stream.selected_alpn_protocol() != "h2":
                    return _answer_checks(stream)
                with self._lock:
                    self.connections += 1
                Connection(stream).serve(lambda asked: self.script(asked))
        except (OSError, ValueError, KeyError):
            connection.close()


def _answer_checks(stream: ssl.SSLSocket) -> None:
    unread = b""
    while more := stream.recv(PIECE):
        unread += more
        while b"\r\n\r\n" in unread:
            unread = unread.split(b"\r\n\r\n", 1)[1]
            stream.sendall(WELL)
