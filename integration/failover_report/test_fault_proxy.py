"""Which faults end the connections that are there, when they begin and when they are over."""

import asyncio

import pytest

from failover_report.fault import Fault, Kind
from failover_report.fault_proxy import Door, Proxy, take_fault
from harness import ports


class WatchedProxy(Proxy):
    """Says when it has a connection that carries no request."""

    def __init__(self) -> None:
        super().__init__(upstream=ports.dead())
        self.first: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    def note(self, writer: asyncio.StreamWriter, is_idle: bool) -> None:
        super().note(writer, is_idle)
        if is_idle and not self.first.done():
            self.first.set_result(writer)


class WatchedDoor(Door):
    """Remembers whether it was ever shut."""

    was_shut = False

    def shut(self) -> None:
        self.was_shut = True
        super().shut()


async def play(before: Kind, after: Kind) -> tuple[bool, bool]:
    """Whether the door stayed open and a connection was left alone when one fault followed another."""
    proxy = WatchedProxy()
    proxy.become(Fault(before))
    port = ports.free()
    door = WatchedDoor(port, proxy, None)
    await door.open()
    _, client = await asyncio.open_connection("127.0.0.1", port)
    connection = await asyncio.wait_for(proxy.first, 60)
    await take_fault(Fault(after).to_json().encode(), proxy, door)
    found = (not door.was_shut, not connection.is_closing())
    client.close()
    door.shut()
    return found


@pytest.mark.parametrize(
    ("before", "after", "spared"),
    [
        (Kind.NONE, Kind.ANSWER, True),
        (Kind.ANSWER, Kind.NONE, True),
        (Kind.REDIRECT, Kind.NONE, True),
        (Kind.DELAY, Kind.NONE, True),
        (Kind.NONE, Kind.HANG, False),
        (Kind.HANG, Kind.NONE, False),
        (Kind.CUT, Kind.NONE, False),
        # What begins counts, whatever was before.
        (Kind.ANSWER, Kind.REFUSE, False),
    ],
)
def test_a_fault_about_answers_spares_connections_until_it_is_over(
    before: Kind, after: Kind, spared: bool
) -> None:
    assert asyncio.run(play(before, after)) == (spared, spared)
