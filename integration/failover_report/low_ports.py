"""Ports that no outgoing connection takes, so that a server which is down finds its own again."""

import os
from itertools import count
from pathlib import Path

from harness import ports

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Where the search starts; registries and Envoy are usually looked for at lower ones. Two runs beside each other begin at different ones,
# as a port that is free when it is taken may not be so when its server has started.
FIRST = 23_100 + 100 * (os.getpid() % 60)


class NoPort(RuntimeError):
    """Every port that could be used is taken."""


_candidates = count(FIRST)


def take() -> int:
    """A free port below those that the kernel gives to outgoing connections; never the same twice."""
    end = int(RANGE.read_text().split()[0]) if RANGE.exists() else 32_768
    for port in _candidates:
        if port >= end:
            raise NoPort(f"no port from {FIRST} to {end} is free")
        if ports.free_or_zero(port):
            return port
    raise AssertionError("a count has no end")
