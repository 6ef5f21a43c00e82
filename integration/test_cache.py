"""A shared cache between clients and registries, in real Envoy with real nodes (Apache Traffic Server).

Scripted registries that count what they are asked, and a scripted node where a test has to see what a node is asked
or answers. Cannot see: content larger than some megabytes, hours of load, a node on another machine.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from harness import ports, raw
from harness.cache_node import have
from harness.cache_tier import MANIFEST, Store, Tier, asked, digest_of, get, numbers, policy
from harness.envoy import Envoy, render
from harness.scripted import Answer, Scripted, Seen, Silence
from harness.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not have(), reason="there is no Traffic Server; run scripts/setup cache"),
    pytest.mark.usefixtures("nobody_was_asked"),
]


def test_a_hit_asks_no_registry(tier: Tier, store: Store, east: Scripted) -> None:
    """The first pull fills the node; each further one, also of another repository that has it, is from there."""
    tier.envoy.forget_log()
    path, body = store.fresh("team/app")
    other = store.add("other/app", body)
    for target in (path, path, other, other):
        answer = get(tier.envoy, target)
        assert (answer.status, answer.body) == (200, body)
        assert not answer.all("x-portolan-cache") + answer.all("age") + answer.all("via")
    assert asked(east, "GET", path) == 1
    assert asked(east, "GET", other) == 0
    # Each worker asks for itself.
    assert 1 <= asked(east, "HEAD", path) <= 2
    assert 1 <= asked(east, "HEAD", other) <= 2
    lines = [line for line in tier.envoy.log_entries(4) if line.get("event") is None]
    assert [line["cache_use"] for line in lines] == ["miss", "hit", "hit", "hit"]
    assert {line["cache"] for line in lines} == {"eu"}


def test_a_manifest_keeps_its_type(tier: Tier, store: Store, east: Scripted) -> None:
    """And is another thing than the blob with the same digest."""
    body = b'{"schemaVersion": 2, "number": %d}' % next(numbers)
    blob, manifest = store.add("team/app", body), store.add("team/app", body, "manifests")
    for path, kind in ((blob, "application/octet-stream"), (manifest, MANIFEST)) * 2:
        answer = get(tier.envoy, path)
        assert (answer.status, answer.body, answer.all("content-type")) == (200, body, [kind])
        assert answer.all("docker-content-digest") == [digest_of(body)]
    assert (asked(east, "GET", blob), asked(east, "GET", manifest)) == (1, 1)


def test_a_range_of_what_is_there(tier: Tier, store: Store, east: Scripted) -> None:
    """A pull that resumes asks no registry."""
    path, body = store.fresh("team/resumed")
    assert get(tier.envoy, path).status == 200
    east.forget()
    answer = get(tier.envoy, path, [("Range", "bytes=1000-1999")])
    assert (answer.status, answer.body) == (206, body[1000:2000])
    assert asked(east, "GET", path) == 0


def test_a_client_that_has_it_is_told_so(tier: Tier, store: Store, east: Scripted) -> None:
    """By the digest, whatever the registry says of its own."""
    path, body = store.fresh("team/known-to-clients")
    said: list[raw.Header] = [("ETag", '"of the registry"'), ("Cache-Control", "private, no-store"), ("Set-Cookie", "session=1")]
    east.script = lambda seen: replace(answer := store.serve(seen), headers=[*answer.headers, *said])
    etag = f'"{digest_of(body)}"'
    for _ in range(2):
        answer = get(tier.envoy, path)
        assert (answer.status, answer.body, answer.all("etag")) == (200, body, [etag])
        assert answer.all("docker-content-digest") == [digest_of(body)]
        assert answer.all("cache-control") == ["private, max-age=31536000, immutable"]
    for expected, conditions in [
        (304, [("If-None-Match", etag)]),
        (200, [("If-None-Match", '"sha256:other"')]),
        (206, [("If-Range", etag), ("Range", "bytes=1000-1999")]),
        (200, [("If-Range", '"sha256:other"'), ("Range", "bytes=1000-1999")]),
    ]:
        answer = get(tier.envoy, path, conditions)
        content = {304: b"", 200: body, 206: body[1000:2000]}[expected]
        assert (answer.status, answer.body) == (expected, content), conditions
    assert asked(east, "GET", path) == 1


def test_a_cold_node_and_a_client_that_has_it(tier: Tier, store: Store, east: Scripted) -> None:
    """It is told so or sent the whole; the node keeps the whole, or nothing."""
    path, body = store.fresh("team/known-and-cold")
    answer = get(tier.envoy, path, [("If-None-Match", f'"{digest_of(body)}"')])
    assert (answer.status, answer.body) in ((304, b""), (200, body))
    answer = get(tier.envoy, path)
    assert (answer.status, answer.body) == (200, body)


def test_one_fill_for_all_clients_that_come_at_once(tier: Tier, store: Store, east: Scripted) -> None:
    """Eight clients, one cold blob of four megabytes."""
    path, body = store.fresh("team/herd", 1_000_000)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(tier.envoy, path), range(8)))
    assert [(answer.status, answer.body == body) for answer in answers] == [(200, True)] * 8
    assert asked(east, "GET", path) == 1


def test_a_cache_serves_only_content_of_the_clients_repository(tier: Tier, store: Store, east: Scripted, west: Scripted) -> None:
    """The cache has it by the other tenant's pulls."""
    path, body = store.fresh("team/secret")
    assert get(tier.envoy, path).status == 200
    assert get(tier.envoy, path).status == 200
    stranger = path.replace("/v2/team/secret/", "/v2/other/app/")
    answers = [get(tier.envoy, stranger) for _ in range(20)]
    assert {answer.status for answer in answers} == {404}
    assert not any(body in answer.body for answer in answers)
    # What was asked of the past is the registries' answer each time.
    assert asked(east, "GET", stranger) == asked(west, "GET", stranger) == 20


def test_the_past_goes_past(tier: Tier, store: Store, east: Scripted) -> None:
    """A rule without a cache has none."""
    path, _ = store.fresh("past/app")
    for _ in range(3):
        assert get(tier.envoy, path).status == 200
    assert (asked(east, "GET", path), asked(east, "HEAD", path)) == (3, 0)


def test_cached_content_outlives_its_registries(tier: Tier, store: Store, east: Scripted, west: Scripted) -> None:
    """While none can be asked, what is known is served, and the rest is an outage."""
    known, body = store.fresh("team/known")
    for _ in range(12):  # both workers
        assert get(tier.envoy, known).status == 200
    unknown, _ = store.fresh("team/unknown")
    east.script = west.script = lambda _seen: Answer(503)
    answers = [get(tier.envoy, known) for _ in range(12)]
    assert [(answer.status, answer.body) for answer in answers] == [(200, body)] * 12
    assert get(tier.envoy, unknown).status == 503
    east.script = west.script = store.serve
    assert get(tier.envoy, unknown).status == 200


def test_nodes_that_die_fail_nobody(tier: Tier, store: Store) -> None:
    """One is killed under load, then the other; then both are back with what they had."""
    content = [store.fresh("team/load") for _ in range(12)]

    def pull_all() -> list[bool]:
        return [(answer.status, answer.body) == (200, body) for path, body in content for answer in [get(tier.envoy, path)]]

    assert all(pull_all())
    with ThreadPoolExecutor(4) as pool:
        pulls = [pool.submit(pull_all) for _ in range(4)]
        tier.nodes[0].kill()
        pulls += [pool.submit(pull_all) for _ in range(4)]
        assert all(all(pull.result()) for pull in pulls)
    tier.nodes[1].kill()
    assert all(pull_all())
    for node in tier.nodes:
        node.start()

    def is_served_by_a_node() -> bool:
        tier.envoy.forget_log()
        assert all(pull_all())
        lines = tier.envoy.log_entries(len(content))
        return any(line.get("cache_use") == "hit" for line in lines)

    assert eventually(is_served_by_a_node, what="a node serves again")


def test_the_fill_listener_serves_only_fills(tier: Tier, store: Store) -> None:
    """It is for content by digest, of a front and a region that there are."""
    path, body = store.fresh("team/app")
    fill = f"{path}?front=main&region=default"
    rows = [
        ("GET", fill, 200),
        ("HEAD", fill, 200),
        ("GET", path, 404),
        ("GET", f"{path}?front=nobody&region=default", 404),
        ("GET", f"{path}?front=main&region=nowhere", 404),
        ("GET", "/v2/team/app/tags/list?front=main&region=default", 404),
        ("GET", "/v2/team/app/manifests/v1?front=main&region=default", 404),
        ("GET", "/v2/", 404),
        ("DELETE", fill, 404),
        ("POST", "/v2/team/app/blobs/uploads/?front=main&region=default", 404),
    ]
    for method, target, expected in rows:
        answer = raw.request(tier.fill, method, target, [], b"" if method == "POST" else None, "cache.internal")
        assert answer.status == expected, f"{method} {target}: {answer.status} {answer.body!r}"
        assert answer.body == (body if (method, expected) == ("GET", 200) else answer.body)


def flipped(body: bytes) -> bytes:
    """Other content of the same length."""
    return body[:-1] + bytes([body[-1] ^ 1])


def chunked(body: bytes) -> Answer:
    """An answer that does not say how long it is."""
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return Answer(200, [("Transfer-Encoding", "chunked")], sent)


def is_whole(envoy: Envoy, path: str, expected: bytes) -> bool:
    """Whether a pull ends well, which only the right content may."""
    try:
        answer = get(envoy, path)
    except raw.Closed:
        return False
    assert answer.status >= 400 or answer.body == expected, f"{path}: a whole body of other content"
    return answer.status == 200


@pytest.mark.parametrize("size", [1, 300_000])
@pytest.mark.parametrize("answer", [Answer, chunked])
def test_no_node_keeps_other_content(
    tier: Tier, store: Store, east: Scripted, west: Scripted, size: int, answer: Callable[..., Answer]
) -> None:
    """A registry that flips a bit: nobody gets a whole wrong body, and nothing of it stays."""
    path, body = store.fresh("team/wrong", size)
    wrong = flipped(body)

    def serve(seen: Seen) -> Answer:
        if seen.method == "HEAD" or seen.target.decode() != path:
            return store.serve(seen)
        return Answer(200, [], wrong) if answer is Answer else chunked(wrong)

    east.script = west.script = serve
    with ThreadPoolExecutor(4) as pool:
        assert not any(pool.map(lambda _: is_whole(tier.envoy, path, body), range(4)))
    assert asked(east, "GET", path) >= 1
    said = eventually(lambda: told(tier.envoy, path), what="the log has the fill")
    assert (said["backend"], said["reason"]) == ("east", "fill; nearest; wrong content")
    assert f"backend east has sent other content than {digest_of(body)}" in tier.envoy.error_log()
    east.script = west.script = store.serve
    for _ in range(2):
        assert is_whole(tier.envoy, path, body)


def told(envoy: Envoy, path: str) -> dict[str, Any] | None:
    """The line of a fill that was refused."""
    lines = (line for line in envoy.all_lines() if (line.get("path"), line.get("event")) == (path, "fill"))
    return next((line for line in lines if line["details"] == "portolan_failed:wrong_content"), None)


def test_answers_that_a_fill_passes_on(tier: Tier, store: Store, east: Scripted, west: Scripted) -> None:
    """The end of a whole answer that is other content is missing; parts and heads are the registry's word."""
    path, body = store.fresh("team/app")
    wrong = flipped(body)
    rows: list[tuple[str, Answer, list[raw.Header], str]] = [
        ("the whole", Answer(200, [], body), [], "200"),
        ("the whole, of no stated length", chunked(body), [], "200"),
        ("other content", Answer(200, [], wrong), [], "cut"),
        ("other content, of no stated length", chunked(wrong), [], "cut"),
        ("less than it is", Answer(200, [], body[:-1]), [], "cut"),
        ("more than it is", Answer(200, [], body + b"!"), [], "cut"),
        ("nothing", Answer(200), [], "502"),
        ("the whole, though a part was asked for", Answer(200, [], wrong), [("Range", "bytes=0-9")], "cut"),
        ("a part", Answer(206, [("Content-Range", f"bytes 0-9/{len(body)}")], wrong[:10]), [("Range", "bytes=0-9")], "206"),
        ("a refusal", Answer(403, [], wrong), [], "403"),
    ]
    for what, answer, headers, expected in rows:
        east.answer(answer)
        west.answer(answer)
        try:
            got = raw.request(tier.fill, "GET", f"{path}?front=main&region=default", headers, None, "cache.internal")
            found = str(got.status)
        except raw.Cut:
            found = "cut"
        assert found == expected, what
    assert all(seen.all("accept-encoding") == [] for seen in east.seen)


@pytest.fixture(scope="module")
def node() -> Iterator[Scripted]:
    """A node that does what a test says."""
    node = Scripted()
    yield node
    node.close()


@pytest.fixture(scope="module")
def watched(
    east: Scripted, west: Scripted, node: Scripted, store: Store, start: Callable[..., Envoy], tmp_path_factory: pytest.TempPathFactory
) -> Envoy:
    """An Envoy with that node."""
    directory = tmp_path_factory.mktemp("watched")
    document = policy(east, west, [node.url])
    envoy = start(render(document, directory, more=["--cache-fill", f"127.0.0.1:{ports.free()}"]))
    envoy.wait_until_healthy()
    return envoy


def silent(_seen: Seen) -> Answer:
    """As a node that hangs."""
    raise Silence


def test_the_registries_are_asked_after_any_failure_of_a_node(
    watched: Envoy, node: Scripted, store: Store, east: Scripted
) -> None:
    """A cache that is ill costs a moment and no pull."""
    east.answer(Answer(404))
    east.script = store.serve
    statuses = [301, 307, 400, 401, 403, 404, 408, 410, 416, 429, 451, 500, 502, 503, 504]
    for status in statuses:
        path, body = store.fresh("team/ill")
        node.answer(Answer(status, [("Location", "http://elsewhere.example/"), ("Retry-After", "7")]))
        answer = get(watched, path)
        assert (answer.status, answer.body) == (200, body), status
        assert asked(east, "GET", path) == 1, status
        assert [seen.target.decode().partition("?")[0] for seen in node.seen] == [path], status
    # What answers nothing that was asked is no content either, and a part is the part that was asked for.
    for status, headers in ((201, []), (202, []), (203, []), (204, []), (226, []), (206, []), (304, [])):
        path, body = store.fresh("team/ill")
        node.answer(Answer(status, [("Content-Range", "bytes 0-1/9"), *headers], b"no"))
        answer = get(watched, path)
        assert (answer.status, answer.body) == (200, body), status
    path, body = store.fresh("team/ill")
    node.script = silent
    answer = get(watched, path)
    assert (answer.status, answer.body) == (200, body)


def test_a_nodes_headers_about_itself_reach_no_client(watched: Envoy, node: Scripted, store: Store) -> None:
    path, body = store.fresh("team/told")
    of_the_content: list[raw.Header] = [("ETag", '"1"'), ("Content-Type", MANIFEST), ("Docker-Content-Digest", digest_of(body))]
    of_the_node = "Age Via X-Cache Warning Set-Cookie Server-Timing Location Link WWW-Authenticate Access-Control-Allow-Origin"
    node.answer(Answer(200, [*of_the_content, *((name, "internal-7") for name in of_the_node.split())], body))
    answer = get(watched, path)
    assert (answer.status, answer.body) == (200, body)
    assert not [name for name, value in answer.headers if b"internal-7" in value]
    assert {name: answer.one(name.lower()) for name, _ in of_the_content} == dict(of_the_content)


def test_a_cache_has_no_say_in_what_there_is(watched: Envoy, node: Scripted, store: Store, east: Scripted, west: Scripted) -> None:
    """What the registries lack is missing, also where the node is in trouble."""
    path, _ = store.fresh("team/gone")
    node.answer(Answer(503))
    assert get(watched, path).status == 200
    del store.content[path]
    assert get(watched, path).status == 404
    west.script = lambda _seen: Answer(503)
    assert get(watched, path).status == 503, "one registry could not be asked"


def test_the_request_that_a_node_gets(watched: Envoy, node: Scripted, store: Store, east: Scripted) -> None:
    """Content by digest by `GET`, without anything of the client's."""
    node.answer(Answer(404))
    path, body = store.fresh("team/app")
    manifest = store.add("team/app", body, "manifests")
    store.add("team/app", body, "manifests", "v1")
    secrets: list[raw.Header] = [
        ("Authorization", "Basic c2VjcmV0OnNlY3JldA=="),
        ("Cookie", "session=secret"),
        ("Proxy-Authorization", "Basic c2VjcmV0OnNlY3JldA=="),
        ("X-Forwarded-For", "203.0.113.9"),
    ]
    for method, target in (
        ("HEAD", path),
        ("HEAD", manifest),
        ("GET", "/v2/team/app/manifests/v1"),
        ("HEAD", "/v2/team/app/manifests/v1"),
        ("GET", "/v2/team/app/tags/list"),
        ("GET", path.replace("/blobs/", "/referrers/")),
        ("GET", "/v2/"),
    ):
        watched.request(method, target, secrets)
        assert node.seen == [], f"{method} {target}"
    for target in (path, manifest):
        node.forget()
        east.forget()
        answer = get(watched, target, [*secrets, ("Range", "bytes=0-")])
        assert (answer.status, answer.body) == (200, body)
        seen = node.last()
        assert (seen.method, seen.target.decode()) == ("GET", f"{target}?front=main&region=default")
        assert seen.authority == "cache.internal"
        refused = {"authorization", "cookie", "proxy-authorization", "x-forwarded-for", "range"}
        assert not seen.names & refused
        assert not any(name.startswith("x-portolan") for name in seen.names)
        assert not any(b"secret" in value or b"203.0.113.9" in value for _, value in seen.headers)
        # The registry is asked as ever, and hears of no cache.
        last = east.seen[-1]
        assert (last.method, last.target.decode()) == ("GET", target)
        assert not any(name.startswith("x-portolan") for name in last.names)


def test_a_range_goes_to_the_node(watched: Envoy, node: Scripted, store: Store) -> None:
    """A resume is a range there as well."""
    path, body = store.fresh("team/app")
    headers = [("Content-Range", f"bytes 10-19/{len(body)}")]
    node.answer(Answer(206, headers, body[10:20]))
    answer = get(watched, path, [("Range", "bytes=10-19")])
    assert (answer.status, answer.body) == (206, body[10:20])
    assert node.last().all("range") == [b"bytes=10-19"]
    watched.new_log_entries()


def test_a_node_that_asks_the_front_ends_there(watched: Envoy, node: Scripted, store: Store) -> None:
    """A node that is set up to be filled by the listener for clients: the request does not go round."""
    path, body = store.fresh("team/app")
    answers: list[int] = []

    def ask_the_front(seen: Seen) -> Answer:
        headers = [(name, value) for name, value in seen.headers if name == "cdn-loop"]
        answer = watched.request("GET", seen.target, headers)
        answers.append(answer.status)
        return Answer(answer.status)

    node.script = ask_the_front
    node.forget()
    answer = get(watched, path)
    assert (answer.status, answer.body) == (200, body)
    assert len(node.seen) == 1
    assert len(answers) == 1
    assert answers[0] >= 400
