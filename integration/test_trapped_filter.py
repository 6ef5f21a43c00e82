"""A filter that traps: requests are refused, nothing is sent anywhere, and Envoy lives.

Real Envoy with a rendered configuration and, for the filter, a module that traps at every request. Sees that nothing fails
open. Cannot see how the shipped filter could come to trap: fuzzing and the hostile suites look for that.
"""

import json
from pathlib import Path

import pytest

from harness import bootstrap, paths, ports, raw
from harness.envoy import Envoy, render
from harness.metrics import Scrape
from harness.scripted import Answer, Scripted
from harness.tenants import OURS, policy
from harness.waiting import eventually

# test_native_module has the same for the native module.
pytestmark = pytest.mark.skipif(paths.is_native(), reason="a native module does not trap")

I32 = 0x7F
UNREACHABLE, CONSTANT, END = 0x00, 0x41, 0x0B


def section(number: int, items: list[bytes]) -> bytes:
    """A section of a module (WebAssembly core specification 5.5); everything here is shorter than 16 KiB."""
    content = leb(len(items)) + b"".join(items)
    return bytes([number]) + leb(len(content)) + content


def leb(value: int) -> bytes:
    """An unsigned number of at most 14 bits."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128, value >> 7])


def module() -> bytes:
    """A module of the proxy-wasm ABI that takes any configuration, and traps when a request comes."""
    one = bytes([CONSTANT, 1])
    # Name, number of parameters, whether there is a result, body.
    functions = [
        ("proxy_abi_version_0_2_1", 0, False, b""),
        ("proxy_on_memory_allocate", 1, True, one),
        ("proxy_on_context_create", 2, False, b""),
        ("proxy_on_vm_start", 2, True, one),
        ("proxy_on_configure", 2, True, one),
        ("proxy_on_request_headers", 3, True, bytes([UNREACHABLE])),
    ]
    types = [bytes([0x60, count]) + bytes([I32] * count) + (bytes([1, I32]) if result else b"\0") for _, count, result, _ in functions]
    names = [
        leb(len(name)) + name.encode() + bytes([0, index]) for index, (name, *_) in enumerate(functions)
    ]
    memory = leb(len("memory")) + b"memory" + bytes([2, 0])
    bodies = [leb(len(body) + 2) + b"\0" + body + bytes([END]) for *_, body in functions]
    indices = [bytes([index]) for index in range(len(functions))]
    sections = [(1, types), (3, indices), (5, [b"\0\x01"]), (7, [*names, memory]), (10, bodies)]
    return b"\0asm\x01\0\0\0" + b"".join(section(number, items) for number, items in sections)


@pytest.fixture
def counting(east: Scripted, west: Scripted, tmp_path: Path) -> tuple[Envoy, int]:
    """An Envoy, and the port of its metrics. Its crashes are what is wanted, so that it is none of `start`'s."""
    admin, metrics = (f"127.0.0.1:{ports.free()}" for _ in range(2))
    document = render(policy(west.url, east.url), tmp_path / "policy", admin=admin, metrics=metrics)
    (tmp_path / "trap.wasm").write_bytes(module())
    bootstrap.use_wasm(document, tmp_path / "trap.wasm")
    return Envoy(document, tmp_path / "envoy"), int(metrics.rpartition(":")[2])


# fmt: off
REQUESTS: list[tuple[str, str, list[raw.Header]]] = [
    ("GET", OURS, []),
    ("GET", OURS, [("x-portolan-cluster", "ours")]),
    ("GET", "/v2/", []),
    ("PUT", OURS, []),
    ("DELETE", OURS, [("x-portolan-cluster", "theirs")]),
]
# fmt: on


def test_nothing_fails_open(counting: tuple[Envoy, int], east: Scripted, west: Scripted) -> None:
    envoy, metrics = counting
    for upstream in (east, west):
        upstream.answer(Answer(200, [], b"{}"))
    for _ in range(10):
        for method, target, headers in REQUESTS:
            found = envoy.request(method, target, headers, b"{}" if method == "PUT" else None)
            assert found.status in (500, 503), found
            (error,) = json.loads(found.body)["errors"]
    assert not east.seen and not west.seen
    assert envoy.server.is_alive() and envoy.is_ready()
    tries = r"^wasm\..*vm_reload"
    assert eventually(lambda: any(envoy.stats(tries).values()), what="Envoy starts the filter anew")
    entries = envoy.log_entries(10 * len(REQUESTS))
    assert [entry["method"] for entry in entries] == 10 * [method for method, _, _ in REQUESTS]
    assert {entry["front"] for entry in entries} == {None}, "the filter said nothing of them"
    counted = Scrape(metrics).by("portolan_requests_total", "front", "class", "outcome")
    assert counted == {("", "", "failed"): len(entries)}
    envoy.stop()
