"""A port that is known before the server that will listen at it is configured."""

import socket

_reserved: list[socket.socket] = []


def reserve() -> int:
    """A port for a server that shares ports (SO_REUSEPORT), as Envoy does.

    The socket here never listens. Linux lets one user's sockets share a port and gives connections to those
    that listen; nobody else gets it as long as this process runs.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", 0))
    _reserved.append(reserved)
    return int(reserved.getsockname()[1])
