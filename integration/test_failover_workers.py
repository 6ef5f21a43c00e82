"""What several workers must agree on: who has just been pushed to, and that no retry is lost.

Envoy runs a filter once a worker, and connections are spread over the workers by the kernel. The
other suites run one worker, where a table that only the worker that saw the push knows would
pass. Cannot see: several Envoy processes, which do not share what they saw.
"""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import raw
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_of
from harness.scripted import Answer, Scripted, Seen
from harness.waiting import eventually, stays

ROUNDS = 100
READERS = 6
WINDOW_SECONDS = 6.0
BURST = 1000
# For all of these to arrive.
PATIENCE_SECONDS = 60
OLD = Answer(200, [], b"the near one's, as it was before")
MISSING = Answer(404, [], b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
CONTENT = b"content"


def connections_by_worker(envoy: Envoy) -> list[int]:
    """How many connections each worker has had."""
    return [*envoy.stats(r"^listener\.127\..*\.worker_\d+\.downstream_cx_total$").values()]


class Owner:
    """A registry that keeps the tags that it is sent."""

    def __init__(self, upstream: Scripted) -> None:
        self._tags: dict[bytes, bytes] = {}
        upstream.script = self._answer

    def _answer(self, seen: Seen) -> Answer:
        if seen.method == "PUT":
            self._tags[seen.target] = seen.body
            return Answer(201)
        found = self._tags.get(seen.target)
        return MISSING if found is None else Answer(200, [], found)


@pytest.fixture
def envoy(east: Scripted, west: Scripted, start: Callable[..., Envoy], tmp_path: Path) -> Envoy:
    """`east` is near and never gets what is pushed; `west` is the owner."""
    rule = {"owner": "west", "replicas": ["east", "west"], "read_your_writes": f"{WINDOW_SECONDS:.0f}s"}
    return start(render(policy(east, west, **rule), tmp_path), workers=2)


def policy(east: Scripted, west: Scripted, **rule: object) -> Policy:
    """One rule for `team/**`, `east` before `west`."""
    return build_policy({"east": east.url, "west": west.url}, rule_of("team", ["east", "west"], **rule))


def tag(name: str) -> str:
    """The path of a tag."""
    return f"/v2/team/{name}/manifests/v1"


def test_every_worker_knows_of_a_push(envoy: Envoy, east: Scripted, west: Scripted) -> None:
    east.answer(OLD)
    Owner(west)

    def one_round(number: int) -> list[bytes]:
        """Pushes to a repository that nobody has pushed to; what readers get on new connections."""
        path, content = tag(f"pushed-{number}"), b"new %d" % number
        assert envoy.request("GET", path).body == OLD.body
        assert envoy.request("PUT", path, body=content).status == 201
        return [envoy.request("GET", path).body.replace(content, b"new") for _ in range(READERS)]

    with ThreadPoolExecutor(8) as pool:
        read = [body for bodies in pool.map(one_round, range(ROUNDS)) for body in bodies]
    last_push = time.monotonic()

    assert read == [b"new"] * (ROUNDS * READERS)
    assert min(connections_by_worker(envoy)) > ROUNDS, f"not every worker was used: {connections_by_worker(envoy)}"

    # Two repositories may share one time of a push (1 pair in 4096): a few are read from the owner.
    others = [envoy.request("GET", tag(f"other-{number}")).body for number in range(40)]
    assert others.count(OLD.body) >= 34
    assert time.monotonic() - last_push < WINDOW_SECONDS, "this machine is too slow for the window"

    def all_are_old() -> bool:
        return all(envoy.request("GET", tag(f"pushed-{number}")).body == OLD.body for number in range(ROUNDS))

    eventually(all_are_old, within=20, what="the window is over")


# Workers that note a push of the same repository at the same moment overwrite each other's note
# unless they look first. The window must run from the last push.
def test_pushes_at_the_same_moment_are_all_noted(envoy: Envoy, east: Scripted, west: Scripted) -> None:
    east.answer(OLD)
    Owner(west)
    path = tag("contended")

    def push_and_read(_number: int) -> bytes:
        assert envoy.request("PUT", path, body=b"new").status == 201
        return envoy.request("GET", path).body

    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(push_and_read, range(600))) == {b"new"}
    stays(lambda: envoy.request("GET", path).body == b"new", for_=WINDOW_SECONDS - 2)
    assert min(connections_by_worker(envoy)) > 100


def test_no_fallback_of_a_thousand_at_once_is_lost(
    east: Scripted, west: Scripted, start: Callable[..., Envoy], tmp_path: Path
) -> None:
    all_are_there = threading.Event()

    def miss(_seen: Seen) -> Answer:
        """Answers once all are there, so that all go on to the next backend together."""
        if len(east.seen) == BURST:
            all_are_there.set()
        all_are_there.wait(PATIENCE_SECONDS)
        return MISSING

    document = policy(east, west)
    # They are to go on together, so nobody is asked beside the first; and so many connections take their time.
    times = {"attempt_timeouts": {"blobs": f"{2 * PATIENCE_SECONDS}s"}, "connect_timeout": "10s"}
    for backend in document["backends"].values():
        backend |= times | {"hedge_after": "off"}
    east.forget()
    east.script, west.script = miss, lambda _seen: Answer(200, [], CONTENT)
    envoy = start(render(document, tmp_path), workers=2)
    request = raw.head("GET", f"/v2/team/app/blobs/{sha256(CONTENT)}", [("Host", "registry.test")])
    connections = [raw.Connection(envoy.port, seconds=4 * PATIENCE_SECONDS) for _ in range(BURST)]
    for connection in connections:
        connection.send(request)
    answers = [connection.receive() for connection in connections]
    for connection in connections:
        connection.close()

    assert len(east.seen) == BURST, "they were not there at once"
    assert [(answer.status, answer.body) for answer in answers].count((200, CONTENT)) == BURST
    assert min(connections_by_worker(envoy)) > BURST // 10
    of_the_list = envoy.stats(r"^cluster\.east\+west\.")
    by_status = re.compile(r"upstream_rq_(\d|completed|time$)|wasmcustom\.")
    assert all(by_status.search(name) for name in of_the_list), "the backends have statistics, their lists have not"
