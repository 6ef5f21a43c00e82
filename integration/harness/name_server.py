"""A name server: names and the addresses that they are given, so that tests need none of the machine's."""

import ipaddress
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

HEADER = struct.Struct("!HHHHHH")
QUESTION_END = struct.Struct("!HH")
# A pointer to the name of the question, type, class, and a second to live.
ANSWER = struct.Struct("!HHHIH")
POINTER, INTERNET, SECOND = 0xC00C, 1, 1
V4, V6 = 1, 28
RESPONSE, NO_SUCH_NAME = 0x8180, 0x8183


class NameServer:
    """Answers about `names` at a UDP port that the kernel chose; `asked` is what it was asked about."""

    def __init__(self, names: dict[str, list[str]]) -> None:
        self.names = names
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops answering; an empty datagram ends the thread before its socket is closed."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
            waking.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            asked, client = self._socket.recvfrom(1500)
            if not asked:
                return
            self._socket.sendto(self._answer(asked), client)

    def _answer(self, asked: bytes) -> bytes:
        end = asked.index(b"\0", HEADER.size) + 1
        name = ".".join(_labels(asked[HEADER.size : end])).lower()
        kind, _ = QUESTION_END.unpack_from(asked, end)
        self.asked.append(name)
        found = [ipaddress.ip_address(address) for address in self.names.get(name, [])]
        wanted = [address.packed for address in found if address.version == {V4: 4, V6: 6}.get(kind)]
        flags = RESPONSE if name in self.names else NO_SUCH_NAME
        head = HEADER.pack(struct.unpack_from("!H", asked)[0], flags, 1, len(wanted), 0, 0)
        question = asked[HEADER.size : end + QUESTION_END.size]
        return (
            head
            + question
            + b"".join(
                ANSWER.pack(POINTER, kind, INTERNET, SECOND, len(address)) + address for address in wanted
            )
        )


def _labels(name: bytes) -> Iterator[str]:
    while name[0]:
        yield name[1 : 1 + name[0]].decode("latin-1")
        name = name[1 + name[0] :]


def use_name_server(document: dict[str, Any], port: int) -> None:
    """Has Envoy ask this name server about every name that it comes across while it runs."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    for node in _mappings(document["static_resources"]):
        if "dns_cache_config" in node:
            resolver = node["dns_cache_config"]["typed_dns_resolver_config"]["typed_config"]
            resolver["resolvers"] = [address]
            resolver["dns_resolver_options"] = {"no_default_search_domain": True}


def call_loopback_public(document: dict[str, Any]) -> None:
    """Lets hosts have the addresses of this machine, and no other private ones: a test has no public one."""
    for node in _mappings(document["static_resources"]):
        if "resolved_address_filter" in node:
            ranges = node["resolved_address_filter"]["ranges"]
            ranges[:] = [one for one in ranges if one["address_prefix"] != "127.0.0.0"]


def _mappings(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _mappings(item)
