"""The times of a policy hold, and nothing that Envoy has besides cuts them short.

Nobody waits for minutes: where a time is longer than Envoy's patience with what stands still, both are made
shorter by the same factor, in what was rendered and in what the filter reads. Cannot see: the true lengths;
`cli/render/src/model/time_limits.rs` compares those.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness import bootstrap, raw
from harness.bootstrap import Bootstrap, connection_manager
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.policies import build_policy, rule_for_all
from harness.scripted import Answer, Scripted, Seen

BODY = b'{"schemaVersion":2}'
DIGEST = sha256(BODY)
BLOB = f"/v2/team/app/blobs/{DIGEST}"
TAG = "/v2/team/app/manifests/v1"
TAGS = "/v2/team/app/tags/list"
FOUND = Answer(200, [("Docker-Content-Digest", DIGEST)], BODY)
# So much shorter than it is everything is in the tests with a factor.
FACTOR = 200


def after(seconds: float, answer: Answer = FOUND) -> Callable[[Seen], Answer]:
    """An answer that begins so late."""

    def script(_seen: Seen) -> Answer:
        time.sleep(seconds)
        return answer

    return script


def policy(urls: list[str], **times: Policy) -> Policy:
    """One rule for everything, whose backends all have these times; the first is the owner. Nobody is asked beside it."""
    names = ["aa", "bb"][: len(urls)]
    times = {"hedge_after": "off", **times}  # type: ignore[dict-item]
    return build_policy(
        {name: {"url": url, **times} for name, url in zip(names, urls, strict=True)},
        rule_for_all(names, replicas=names, owner=names[0]),
    )


def shorter(document: Bootstrap) -> Bootstrap:
    """The same with every time of the policy, and of what may stand still, divided by the factor."""
    written: Policy = json.loads(bootstrap.policy_of(document))
    for backend in written["backends"].values():
        for times in ("attempt_timeouts", "write_timeouts"):
            shortened = {name: _divided(value) for name, value in backend.get(times, {}).items()}
            backend |= {times: shortened} if shortened else {}
    bootstrap.use_policy(document, json.dumps(written))
    _shorten(connection_manager(document))
    return document


def _shorten(node: Any) -> None:
    if isinstance(node, dict):
        for name, value in node.items():
            if name in ("idle_timeout", "stream_idle_timeout"):
                node[name] = f"{float(value.removesuffix('s')) / FACTOR:.3f}s"
            else:
                _shorten(value)
    if isinstance(node, list):
        for each in node:
            _shorten(each)


def _divided(value: str) -> str:
    return f"{int(value.removesuffix('s')) * 1000 // FACTOR}ms"


def timed(envoy: Envoy, method: str, target: str, body: bytes | None = None) -> tuple[int, float]:
    """The status of a request, and how long it took."""
    began = time.monotonic()
    status = envoy.request(method, target, body=body).status
    return status, time.monotonic() - began


REQUESTS = [("GET", BLOB, 2.0), ("HEAD", BLOB, 2.0), ("GET", TAG, 1.0), ("GET", TAGS, 1.0)]


# To Envoy a time-out is a reset, after which a read is tried again: the slow would be asked twice.
def test_the_only_backend_is_asked_once_and_for_as_long_as_the_policy_says(
    east: Scripted, start_envoy: Callable[[Policy], Envoy]
) -> None:
    envoy = start_envoy(policy([east.url], attempt_timeouts={"manifests": "1s", "blobs": "2s"}))
    envoy.wait_until_healthy()
    for method, target, seconds in REQUESTS:
        east.script = after(seconds * 0.6)
        assert envoy.request(method, target).status == 200, (method, target)
        east.script = after(seconds * 2)
        east.forget()
        status, took = timed(envoy, method, target)
        assert (status, len(east.seen)) == (504, 1), (method, target)
        # Envoy's clock may say a little less than its timer.
        assert seconds - 0.05 <= took < seconds * 1.9, (method, target)


def test_a_request_that_the_only_backend_has_not_seen_is_tried_again(
    east: Scripted, start_envoy: Callable[[Policy], Envoy]
) -> None:
    envoy = start_envoy(policy([east.url]))
    envoy.wait_until_healthy()
    east.answer(FOUND)
    assert envoy.request("GET", BLOB).status == 200
    (entry,) = envoy.log_entries(1)
    assert entry["attempts"] == 1


# Envoy's patience with what stands still runs while an answer is waited for as well.
@pytest.mark.parametrize(
    ("method", "target", "status", "times"),
    [
        ("GET", BLOB, 200, {"attempt_timeouts": {"blobs": "600s"}}),
        ("GET", TAG, 200, {"attempt_timeouts": {"manifests": "600s"}}),
        ("PUT", TAG, 201, {"write_timeouts": {"content": "600s"}}),
        ("DELETE", TAG, 202, {"write_timeouts": {"session": "600s"}}),
    ],
)
def test_times_longer_than_envoys_patience_hold(
    east: Scripted,
    west: Scripted,
    start: Callable[[Bootstrap], Envoy],
    tmp_path: Path,
    method: str,
    target: str,
    status: int,
    times: dict[str, Policy],
) -> None:
    """600 s are 3 s here, and the usual patience 1.5 s."""
    envoys = []
    for number, urls in enumerate(([east.url], [east.url, west.url])):
        envoys.append(start(shorter(render(policy(urls, **times), tmp_path / str(number)))))
        envoys[-1].wait_until_healthy()
    body = BODY if method == "PUT" else None
    east.script = after(2.4, Answer(status, [("Docker-Content-Digest", DIGEST)], b""))
    west.answer(Answer(599))
    east.forget()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda envoy: timed(envoy, method, target, body), envoys))
    assert [each[0] for each in found] == [status] * 2
    assert all(took >= 2.4 for _, took in found)
    assert (len(east.seen), len(west.seen)) == (2, 0)


def test_the_next_backend_is_asked_after_a_long_time(
    east: Scripted, west: Scripted, start: Callable[[Bootstrap], Envoy], tmp_path: Path
) -> None:
    """After 400 s, here 2 s, which are longer than the usual patience."""
    times: dict[str, Policy] = {"attempt_timeouts": {"blobs": "400s"}}
    envoy = start(shorter(render(policy([east.url, west.url], **times), tmp_path)))
    envoy.wait_until_healthy()
    east.script = after(5)
    west.script = after(1.2)
    status, took = timed(envoy, "GET", BLOB)
    assert status == 200
    assert 3.2 <= took < 5


def start_of_ten_bytes(east: Scripted) -> None:
    """A body that stops, on a connection that stays."""
    east.answer(Answer(200, [("Content-Length", "1000")], b"x" * 10))


# An answer that stands still is given up, however long the policy lets a write take. The client has what came.
# Reads that may be hedged have other timers in Envoy; nobody is asked so late.
@pytest.mark.parametrize("hedge_after", ["off", "9s"])
@pytest.mark.parametrize("has_fallback", [False, True])
def test_an_answer_that_stands_still_is_ended(
    east: Scripted,
    west: Scripted,
    start: Callable[[Bootstrap], Envoy],
    tmp_path: Path,
    has_fallback: bool,
    hedge_after: str,
) -> None:
    """400 s are 2 s here, and a write has 18 s."""
    urls = [east.url, west.url] if has_fallback else [east.url]
    times: dict[str, Any] = {"idle_timeout": "400s", "hedge_after": hedge_after}
    envoy = start(shorter(render(policy(urls, **times, write_timeouts={"content": "3600s"}), tmp_path)))
    envoy.wait_until_healthy()
    start_of_ten_bytes(east)
    west.answer(FOUND)
    began = time.monotonic()
    with pytest.raises(raw.Cut, match="x" * 10):
        envoy.request("GET", BLOB)
    # Envoy's clock may say a little less than its timer.
    assert time.monotonic() - began >= 1.9
    (entry,) = envoy.log_entries(1)
    assert (entry["backend"], entry["status"], entry["attempts"]) == ("aa", 200, 1)
    assert "SI" in entry["flags"].split(","), entry["flags"]
    assert not west.seen, "the head of its answer has gone to the client"


def test_an_answer_goes_on_after_a_rest(
    east: Scripted, start: Callable[[Bootstrap], Envoy], tmp_path: Path
) -> None:
    """4000 s are 20 s here; a registry, and then a client, stand still for a while."""
    part = b"y" * (1 << 20)

    def late() -> Iterator[bytes]:
        for _ in range(16):
            yield part
        time.sleep(1.5)
        for _ in range(16):
            yield part

    size = str(32 * len(part))
    envoy = start(shorter(render(policy([east.url], idle_timeout="4000s"), tmp_path)))  # type: ignore[arg-type]
    envoy.wait_until_healthy()
    east.answer(Answer(200, [("Content-Length", size)], rest=late))
    with raw.Connection(envoy.port) as connection:
        connection.send(raw.head("GET", BLOB, [("Host", "registry.test")]))
        # Less than all fits into what is between the two, so the registry waits as well.
        time.sleep(1.5)
        assert connection.receive().body == part * 32


def test_a_client_may_rest_in_a_push_for_longer_than_a_registry_in_an_answer(
    east: Scripted, start: Callable[[Bootstrap], Envoy], tmp_path: Path
) -> None:
    """The shortest time of a read is half a second here, and a write has 18 s."""
    times: dict[str, Any] = {"idle_timeout": "1s", "write_timeouts": {"content": "3600s"}}
    envoy = start(shorter(render(policy([east.url], **times), tmp_path)))
    envoy.wait_until_healthy()
    east.answer(Answer(201))
    with raw.Connection(envoy.port) as connection:
        fields = [("Host", "registry.test"), ("Content-Length", str(len(BODY)))]
        connection.send(raw.head("PUT", TAG, fields) + BODY[:5])
        time.sleep(1.5)
        connection.send(BODY[5:])
        assert connection.receive().status == 201
    assert east.last().body == BODY
