"""Ports of this machine."""

import errno
import socket

_reserved: list[socket.socket] = []


def dead() -> int:
    """A port that refuses connections for as long as this process runs: nobody else gets it."""
    reserved = socket.socket()
    reserved.bind(("127.0.0.1", 0))
    _reserved.append(reserved)
    return int(reserved.getsockname()[1])


def free() -> int:
    """A port that nobody has at this moment, for who cannot be told to let the kernel choose."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_with_the_next() -> int:
    """A port that nobody has at this moment, nor the one after it."""
    while True:
        first = free()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", first + 1))
            except (OSError, OverflowError):
                continue
        return first


def listens(port: int) -> bool:
    """Whether somebody takes connections at it."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_or_zero(port: int | None) -> int:
    """The port, if nobody has it; else 0, for which the kernel chooses one."""
    if not port:
        return 0
    with socket.socket() as probe:
        # As servers do, lest a connection that has just ended count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as problem:
            if problem.errno in (errno.EADDRINUSE, errno.EACCES):
                return 0
            raise
    return port
