"""Who sends slowly, much, or without end: what it costs others, and what is held of it.

Real Envoy, raw clients and scripted services. Sees answers and the memory of the process. Cannot see a real flood: the
numbers are such that a limit is reached, and no more.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness import faults, raw
from harness.envoy import Envoy, render
from harness.scripted import Answer, Scripted, Seen
from harness.tenants import OURS, policy
from harness.waiting import eventually

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def envoy(
    east: Scripted, west: Scripted, service: Scripted, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Envoy:
    """Our registry is open; for the other tenant's the proxy gets tokens."""
    document = policy(west.url, east.url)
    token = {"realm": f"{service.url}/token", "service": "registry"}
    document["backends"]["theirs"] |= {"auth": {"token": token}}
    # The proxy has no credential for pushes there.
    del document["rules"][1]["owner"]
    started = start(render(document, tmp_path_factory.mktemp("policy")))
    started.wait_until_healthy()
    return started


@pytest.fixture(autouse=True)
def _both_answer(east: Scripted, west: Scripted) -> None:
    west.answer(Answer(200, [], b"{}"))
    east.answer(Answer(200, [], b"{}"))


def most_memory(envoy: Envoy) -> int:
    """What the process has ever held, in bytes."""
    status = Path(f"/proc/{envoy.server.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


class Endless(Answer):
    """An answer that goes on for as long as somebody reads; a gigabyte at most."""

    def encode(self, is_head: bool) -> bytes:
        """The bytes."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        return head + b"10000000\r\n" + b"t" * 0x1000_0000


# fmt: off
TOKENS: list[tuple[str, Callable[[Seen], Answer | None]]] = [
    ("100 MB with a length", faults.answers(200, "application/json", b'{"token":"' + b"t" * 100_000_000 + b'"}')),
    ("without end", lambda _seen: Endless()),
    ("deep", faults.answers(200, "application/json", b"[" * 1_000_000)),
    ("compressed", lambda _seen: Answer(200, [("Content-Type", "application/json"), ("Content-Encoding", "gzip")], b"\x1f\x8b" + b"\0" * 1000)),
    ("a token with a line end", faults.answers(200, "application/json", b'{"token":"a\\r\\nx-portolan-cluster: ours"}')),
]
# fmt: on


@pytest.mark.parametrize("script", [row[1] for row in TOKENS], ids=[row[0] for row in TOKENS])
def test_a_token_service_cannot_fill_memory_or_stop_others(
    envoy: Envoy, east: Scripted, service: Scripted, script: Callable[[Seen], Answer]
) -> None:
    challenge = f'Bearer realm="{service.url}/token",service="registry"'
    east.answer(Answer(401, [("WWW-Authenticate", challenge)], b"{}"))
    service.script = script
    before = most_memory(envoy)
    # Tokens are kept by repository: each has one of its own.
    target = f"/v2/theirs/app{abs(hash(script))}/manifests/v1"
    answer = envoy.request("GET", target, host="other.test")
    assert answer.status == 503, answer
    assert service.seen, "nobody asked the token service"
    service.forget()
    assert envoy.request("GET", OURS).status == 200
    assert not any("authorization" in seen.names for seen in east.seen)
    # What Envoy reads before it gives up, with what the kernel hands it at once.
    assert most_memory(envoy) - before < 64 * MIB


def test_a_client_that_sends_its_headers_slowly_gets_408_and_delays_no_other(envoy: Envoy) -> None:
    """Slow loris: a byte of header now and then. The limit is ten seconds."""
    with ExitStack() as stack:
        slow = [stack.enter_context(raw.Connection(envoy.port)) for _ in range(200)]
        for connection in slow:
            connection.send(b"GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n")
        started = time.monotonic()
        while time.monotonic() < started + 5:
            for connection in slow:
                connection.send(b"X")
            assert envoy.request("GET", OURS).status == 200
            # A slow client: one byte a second.
            time.sleep(1)
        assert {connection.receive().status for connection in slow} == {408}


def test_connections_that_wait_are_held_and_cost_little(envoy: Envoy) -> None:
    """A thousand connections of one address, each of which has made a request. What their number may be is `--max-connections`."""
    before = most_memory(envoy)
    with ExitStack() as stack:
        for _ in range(1_000):
            connection = stack.enter_context(raw.Connection(envoy.port))
            connection.send(raw.head("GET", "/v2/", [("Host", "registry.test")]))
            assert connection.receive().status == 200
        assert envoy.request("GET", OURS).status == 200
        assert (most_memory(envoy) - before) / 1_000 < 64 * 1024
    active = r"^http\.portolan\.downstream_cx_active$"
    assert eventually(lambda: sum(envoy.stats(active).values()) < 10)


def test_an_unread_body_is_not_buffered(envoy: Envoy, west: Scripted) -> None:
    """64 MB for a repository that is refused, and a registry that answers before it has read."""
    before = most_memory(envoy)
    for target in ("/v2/nobodys/app/manifests/v1", OURS):
        with raw.Connection(envoy.port) as connection:
            connection.send(raw.head("PUT", target, [("Host", "registry.test"), ("Content-Length", str(64 * MIB))]))
            try:
                for _ in range(64):
                    connection.send(b"x" * MIB)
                assert connection.receive().status in (200, 404)
            except (raw.Closed, BrokenPipeError, ConnectionResetError):
                pass
    assert most_memory(envoy) - before < 32 * MIB
    assert envoy.request("GET", OURS).status == 200
