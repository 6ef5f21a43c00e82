"""What the clients of the herd report of whole, cut, refused and late answers."""

from collections.abc import Iterator

import pytest

from cache_measured import readers
from harness.scripted import Answer, Scripted, Silence

BODY = bytes(3_000_000)
PATH = "/v2/team/app/blobs/sha256:0"


@pytest.fixture
def registry() -> Iterator[Scripted]:
    """What they ask."""
    scripted = Scripted()
    yield scripted
    scripted.close()


def broken() -> Iterator[bytes]:
    """The end of an answer that is cut."""
    raise OSError
    yield b""


@pytest.mark.parametrize(
    ("answer", "status", "received"),
    [
        (Answer(200, [], BODY), 200, len(BODY)),
        (Answer(200, [("Content-Length", str(2 * len(BODY)))], BODY, rest=broken), 200, len(BODY)),
        (Answer(503, [], b"{}"), 503, 2),
        (Answer(200, [], b""), 200, 0),
    ],
)
def test_each_client_says_what_it_got(registry: Scripted, answer: Answer, status: int, received: int) -> None:
    registry.answer(answer)
    found = readers.together(registry.port, PATH, 5, 30)
    assert [(one.status, one.received) for one in found] == [(status, received)] * 5
    assert all(0 < one.first_byte <= one.end for one in found)


def test_clients_that_are_answered_nothing_give_up(registry: Scripted) -> None:
    def silent(_seen: object) -> Answer:
        raise Silence

    registry.script = silent
    found = readers.run(registry.port, PATH, 3, 0.2)
    assert [(one.status, one.received) for one in found] == [(0, 0)] * 3
