"""What a hostile client can write into the access log and into the metrics: its own words in its own line, and no more.

Raw bytes against real Envoy. Sees the log as Envoy writes it and the name of every statistic. Cannot see what a program
that reads the log does with a value that is whole.
"""

import json
from collections.abc import Callable

import pytest

from harness import raw
from harness.envoy import Envoy, Policy
from harness.scripted import Answer, Scripted
from harness.tenants import OURS, THEIRS, policy


@pytest.fixture(scope="module")
def envoy(east: Scripted, west: Scripted, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """`west` is our tenant's registry, `east` the other's."""
    started = start_envoy(policy(west.url, east.url))
    started.wait_until_healthy()
    return started


@pytest.fixture(autouse=True)
def _both_answer(east: Scripted, west: Scripted) -> None:
    for upstream in (east, west):
        upstream.answer(Answer(200, [], b"{}"))


# fmt: off
WORDS = [
    b'","region":"cn","x":"',
    b'"}\\n{"status":200}',
    b"\\",
    b"\\u0022",
    b"a\tb",
    b"\xe2\x80\xa8{}",
    b"\xff\xfe\xc0\xaf",
    b"\x1b[31m",
    b"%START_TIME% %REQ(AUTHORIZATION)% %ENVIRONMENT(PATH)%",
    b"${jndi:ldap://192.0.2.1/a}",
    b"<script>alert(1)</script>",
    b"'; DROP TABLE pulls; --",
    b"x" * 20_000,
]
# fmt: on


def lines(envoy: Envoy, count: int) -> list[str]:
    """The last lines of the access log, as they are."""
    text = envoy.server.out.read_bytes().decode(errors="replace")
    return text.split("\n")[:-1][-count:]


@pytest.mark.parametrize("name", ["User-Agent", "Referer", "X-Request-Id", "Authorization", "X-Forwarded-For", "Cookie"])
@pytest.mark.parametrize("word", WORDS, ids=[repr(word[:20]) for word in WORDS])
def test_a_header_writes_no_field_and_no_line(envoy: Envoy, name: str, word: bytes) -> None:
    envoy.forget_log()
    with raw.Connection(envoy.port) as connection:
        try:
            answer = raw.exchange(connection, "GET", OURS, [(name, word)])
        except raw.Closed:
            return
    (entry,) = envoy.log_entries(1)
    assert entry["status"] == answer.status
    if answer.status != 200:
        return
    assert set(entry) == FIELDS
    assert (entry["region"], entry["rule"], entry["path"]) == ("default", "ours", OURS)
    others = json.dumps({key: value for key, value in entry.items() if key != "user_agent"})
    assert word.decode("latin-1") not in others and "jndi" not in others
    if name == "X-Request-Id":
        assert str(entry["request_id"]).count("-") == 4, "a number of Envoy's own"


# The fields of a line, whatever a client sends.
FIELDS = {
    "time", "request_id", "protocol", "method", "authority", "path", "upstream_path", "user_agent", "client", "peer", "country",
    "front", "class", "region", "policy", "rule", "reason", "tried", "backend", "upstream", "upstream_protocol", "upstream_failure", "attempts", "status", "flags",
    "details", "bytes_received", "bytes_sent", "duration_ms", "first_byte_ms",
}  # fmt: skip


@pytest.mark.parametrize(
    "target", ['/v2/ours/a","status":200,"x":"/tags/list', "/v2/ours/%0a%0d/tags/list", "/v2/ours/${jndi:x}/tags/list"]
)
@pytest.mark.parametrize("host", ["registry.test", 'a","b":"c', "${jndi:x}"])
def test_a_target_or_a_host_writes_no_field_and_no_line(envoy: Envoy, target: str, host: str) -> None:
    envoy.forget_log()
    answer = envoy.request("GET", target, host=host)
    assert answer.status in (400, 404)
    (entry,) = envoy.log_entries(1)
    assert set(entry) == FIELDS and entry["status"] == answer.status
    assert json.loads(lines(envoy, 1)[0]) == entry


def test_no_secret_is_in_the_log(envoy: Envoy) -> None:
    secret = "a-word-to-look-for"
    for target in (f"{OURS}?token={secret}", f"/v2/ours/app/blobs/uploads/?_state={secret}"):
        envoy.request("GET", target, [("Authorization", f"Bearer {secret}"), ("Cookie", f"a={secret}")])
    envoy.new_log_entries()
    assert secret not in envoy.server.out.read_text(errors="replace") + envoy.error_log()


def test_no_client_makes_a_statistic(envoy: Envoy) -> None:
    """Names of repositories, tags, hosts and agents are without end; a metric for each would fill memory."""

    def names() -> set[str]:
        return {line.split(":")[0] for line in envoy.admin("/stats").decode().splitlines()}

    def some(word: str) -> None:
        for target in (OURS, THEIRS, f"/v2/ours/{word}/manifests/{word}", f"/v2/{word}/tags/list", f"/{word}"):
            for host in ("registry.test", "other.test", f"{word}.test"):
                more = [("User-Agent", word), ("X-Envoy-Upstream-Alt-Stat-Name", word), ("X-Envoy-Decorator-Operation", word)]
                for method in ("GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND"):
                    envoy.request(method, target, more, host=host)

    some("quagga")
    before = names()
    some("axolotl")
    assert names() - before == set()
    assert not [name for name in before if "quagga" in name]
