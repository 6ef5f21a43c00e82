"""Writes databases in the MaxMind DB format, also such as no tool of the project writes.

https://maxmind.github.io/MaxMind-DB/: a binary tree of addresses, 16 zero bytes, the data, the metadata.
"""

import ipaddress
from typing import Any

MARKER = b"\xab\xcd\xefMaxMind.com"
STRING, MAP, ARRAY, UINT16, UINT32, UINT64 = 2, 7, 11, 5, 6, 9


class Unsigned(int):
    """A number whose type the format names."""

    kind = UINT32


class Short(Unsigned):
    """A number of 16 bits."""

    kind = UINT16


class Long(Unsigned):
    """A number of 64 bits."""

    kind = UINT64


def write(networks: dict[str, dict[str, Any]], date: int = 1_780_272_000, kind: str = "Test") -> bytes:
    """A database with a record for each network; IPv4 lies at `::/96`."""
    data = b""
    nodes: list[list[int | None]] = [[None, None]]
    for prefix, record in networks.items():
        network = ipaddress.ip_network(prefix)
        bits, length = int(network.network_address), network.prefixlen + (96 if network.version == 4 else 0)
        offset = len(data)
        data += encode(record)
        node = 0
        for position in range(length):
            side = bits >> (127 - position) & 1
            if position == length - 1:
                nodes[node][side] = -1 - offset
            else:
                deeper = nodes[node][side]
                if deeper is None:
                    nodes.append([None, None])
                    nodes[node][side] = deeper = len(nodes) - 1
                node = deeper
    count = len(nodes)

    def record_of(value: int | None) -> bytes:
        number = count if value is None else value if value >= 0 else count + 16 + (-1 - value)
        return number.to_bytes(3, "big")

    tree = b"".join(record_of(value) for node in nodes for value in node)
    metadata = {
        "binary_format_major_version": Short(2),
        "binary_format_minor_version": Short(0),
        "build_epoch": Long(date),
        "database_type": kind,
        "description": {"en": "for a test"},
        "ip_version": Short(6),
        "languages": ["en"],
        "node_count": Unsigned(count),
        "record_size": Short(24),
    }
    return tree + bytes(16) + data + MARKER + encode(metadata)


def encode(value: Any) -> bytes:
    """A value of the data section."""
    if isinstance(value, str):
        return control(STRING, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return control(MAP, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    if isinstance(value, list):
        return control(ARRAY, len(value)) + b"".join(map(encode, value))
    number = value if isinstance(value, Unsigned) else Unsigned(value)
    packed = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return control(number.kind, len(packed)) + packed


def control(kind: int, size: int) -> bytes:
    """The control byte, and the byte of a type above 7. Nothing here is longer than 28."""
    assert size < 29, size
    return bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])
