"""Settings of Envoy for writes that look harmless and are not: each is tried as rendered, and wrong.

The same as test_failover_traps, for what goes to an owner, and for what Envoy answers by itself.
"""

import copy
import json
import socket
import threading

from harness import ports, raw
from harness.bootstrap import Bootstrap, connection_manager
from harness.comparison import Comparison, cluster, policy, routes, without_attempt_phase
from harness.digest import sha256
from harness.envoy import Envoy, Policy
from harness.faults import hang
from harness.listening import Listener
from harness.scripted import Answer, Scripted
from harness.waiting import eventually

BODY = b'{"schemaVersion":2}'
DIGEST = sha256(BODY)
BLOB = f"/v2/team/app/blobs/{DIGEST}"
TAG = "/v2/team/app/manifests/v1"
FOUND = Answer(200, [("Docker-Content-Digest", DIGEST)], BODY)
MISSING = Answer(404, [], b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
IMPATIENT: Policy = {"write_timeouts": {"content": "1500ms", "session": "1s"}}


def owner_as_list(document: Bootstrap) -> None:
    """Lets the requests that are for the owner alone go through a list that begins with it."""
    name = cluster(document, "bb@owner")["name"]
    as_list = copy.deepcopy(cluster(document, "aa+bb")) | {"name": name}
    as_list["cluster_type"]["typed_config"]["clusters"] = [
        cluster(document, "bb")["name"],
        cluster(document, "aa")["name"],
    ]
    without_attempt_phase(as_list)
    clusters = document["static_resources"]["clusters"]
    clusters[:] = [each for each in clusters if each["name"] != name] + [as_list]


# A client that is about to push asks what is there, and leaves out what is. If another registry
# than the owner may say so, the owner ends up with half an image.
def test_an_existence_check_of_a_blob_is_answered_by_the_owner_alone(backends: list[Scripted], compare: Comparison) -> None:
    def fall_back(document: Bootstrap) -> None:
        owner_as_list(document)
        # In the place of what the filter asks Envoy for where there is a list.
        several, *of_one, _write = routes(document)
        retry = several["route"]["retry_policy"]
        retry["retry_on"] += ",retriable-status-codes"
        retry["retriable_status_codes"] = [404]
        for read in of_one:
            read["route"]["retry_policy"] = retry

    near, owner, _ = backends
    near.answer(FOUND)
    owner.answer(MISSING)
    urls = [each.url for each in backends]
    rendered, wrong = compare.envoys(policy(urls, ["aa", "bb"], owner="bb"), fall_back)
    assert rendered.request("HEAD", BLOB).status == 404
    assert not near.seen
    assert wrong.request("HEAD", BLOB).status == 200, "the push would leave the blob out"


# An aggregate skips a member that is down, whatever the route says of retries.
def test_a_write_never_goes_through_a_list(backends: list[Scripted], compare: Comparison) -> None:
    near, owner, _ = backends
    near.answer(Answer(201))
    owner.health = 503
    owner.answer(Answer(503))
    urls = [each.url for each in backends]
    rendered, wrong = compare.envoys(policy(urls, ["aa", "bb"], owner="bb"), owner_as_list)
    assert rendered.request("PUT", TAG, body=BODY).status == 503
    assert not near.seen
    assert wrong.request("PUT", TAG, body=BODY).status == 201, "and the owner knows nothing of it"


_CLOSING = [Answer(status, [("Connection", "close")]) for status in (503, 200)]


class Hasty:
    """A registry that refuses a write before it has read it."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self._listener = Listener(self._serve)
        self.url = f"http://127.0.0.1:{self._listener.port}"

    def close(self) -> None:
        """Stops listening."""
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            try:
                head = b"".join(iter(stream.readline, b"\r\n"))
                is_check = b"Envoy/HC" in head
                if not is_check:
                    self.heads.append(head)
                connection.sendall(_CLOSING[is_check].encode(is_head=False))
                while stream.read(1 << 16):
                    pass
            except OSError:
                return


# A route that retries keeps the body in a buffer, repeats what fits and gives up on what does not.
def test_the_body_of_a_write_is_neither_buffered_nor_sent_twice(backends: list[Scripted], compare: Comparison) -> None:
    def retry(document: Bootstrap) -> None:
        reads, *_, writes = routes(document)
        policy = copy.deepcopy(reads["route"]["retry_policy"])
        back_off = {"base_interval": "2s", "max_interval": "2s"}
        writes["route"]["retry_policy"] = {**policy, "retry_on": "5xx", "retry_back_off": back_off}

    owner = Hasty()
    document = policy([backends[0].url, owner.url], ["aa", "bb"], owner="bb")
    rendered, wrong = compare.envoys(document, retry)

    def push(envoy: Envoy, size: int) -> tuple[int, int]:
        """The status of a push, and how often the owner was asked."""
        owner.heads.clear()
        return _send_and_listen(envoy.port, size, owner), len(owner.heads)

    assert push(rendered, 300_000) == (503, 1)
    assert push(rendered, 20_000_000) == (503, 1)
    assert push(wrong, 300_000) == (503, 2), "repeated"
    assert push(wrong, 20_000_000) != (503, 1), "repeated, or 507: the buffer is too small"
    assert not backends[0].seen
    owner.close()


def _send_and_listen(port: int, size: int, owner: Hasty) -> int:
    """Uploads a part, after which the owner has answered already, and the rest; the status."""
    target = f"/v2/team/app/blobs/uploads/1?digest={DIGEST}"
    headers = [("Host", "registry.test"), ("Content-Length", str(size))]

    def send() -> None:
        try:
            connection.send(raw.head("PUT", target, headers) + bytes(200_000))
            eventually(lambda: owner.heads)
            connection.send(bytes(size - 200_000))
        except OSError:
            return

    with raw.Connection(port) as connection:
        threading.Thread(target=send, daemon=True).start()
        return connection.receive().status


# With Envoy's usual panic threshold a host that is known to be down is tried all the same.
def test_an_owner_known_to_be_down_is_not_waited_for(backends: list[Scripted], compare: Comparison) -> None:
    def panic(document: Bootstrap) -> None:
        del cluster(document, "bb@owner")["common_lb_config"]

    near, owner, _ = backends
    owner.health, owner.script = 503, hang
    urls = [each.url for each in backends]
    rendered, wrong = compare.envoys(policy(urls, ["aa", "bb"], IMPATIENT, "bb"), panic)

    def push(envoy: Envoy) -> tuple[int, bool]:
        answer, took = envoy.seconds_of(lambda: envoy.request("POST", "/v2/team/app/blobs/uploads/", body=b""))
        return answer.status, took < 0.9

    assert push(rendered) == (503, True)
    assert push(wrong) == (504, False)
    assert not near.seen


# A cluster that has never had a connection is checked at another interval, and an owner that is
# taken to be down gets none.
def test_an_owner_that_was_down_at_the_start_is_soon_written_to(
    backends: list[Scripted], compare: Comparison
) -> None:
    def seldom(document: Bootstrap) -> None:
        (check,) = cluster(document, "bb@owner")["health_checks"]
        check["no_traffic_interval"] = "120s"

    _, owner, _ = backends
    owner.health = 503
    owner.answer(Answer(201))
    document = policy([each.url for each in backends], ["aa"], owner="bb")
    rendered, wrong = compare.starting_envoys(document, seldom)
    for envoy in (rendered, wrong):
        envoy.wait_until_down(owner.url)
        assert envoy.request("PUT", TAG, body=BODY).status == 503
    owner.health = 200
    eventually(lambda: rendered.request("PUT", TAG, body=BODY).status == 201, within=20)
    assert wrong.request("PUT", TAG, body=BODY).status == 503


# Clients show the message of an OCI error, and some fail on a body that is none.
def test_envoys_own_answers_are_oci_errors(backends: list[Scripted], compare: Comparison) -> None:
    def plain(document: Bootstrap) -> None:
        del connection_manager(document)["local_reply_config"]

    _, owner, _ = backends
    owner.script = hang
    document = policy([f"http://127.0.0.1:{ports.dead()}", owner.url], ["aa"], IMPATIENT, "bb")
    rendered, wrong = compare.envoys(document, plain)
    requests = [
        ("PUT", TAG, BODY, 504, "the owner hangs"),
        ("POST", "/v2/team/app/blobs/uploads/", b"", 504, "the owner hangs"),
        ("GET", BLOB, None, 503, "the only backend refuses connections"),
    ]
    for method, target, body, status, why in requests:
        answer = rendered.request(method, target, body=body)
        assert (answer.status, answer.one("content-type")) == (status, "application/json"), why
        assert json.loads(answer.body)["errors"][0]["code"] == "UNAVAILABLE", why
        assert answer.one("docker-distribution-api-version") == "registry/2.0"
        assert answer.one("retry-after") is not None
    answer = wrong.request("GET", BLOB)
    assert (answer.status, answer.one("content-type")) == (503, "text/plain")
