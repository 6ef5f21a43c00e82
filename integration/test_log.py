"""What the access log says of a request that several backends were asked about.

Real Envoy and scripted registries. Sees the lines of requests and those of attempts that had no answer. That every field is
documented is a test of the renderer.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from harness import portolan, ports, raw
from harness.digest import sha256
from harness.envoy import Envoy, Policy, write_policy
from harness.policies import build_policy, hedged_late
from harness.scripted import Answer, Scripted, Seen

BLOB = f"blobs/{sha256(b'x')}"
FOUND = Answer(200, [], b"x")


def policy(east: str, west: str) -> Policy:
    """`team` begins at `east`, `down` at a registry that is known not to be there."""
    chains = {"team": ["east", "west"], "down": ["down", "east", "west"]}
    document = build_policy(
        {"east": east, "west": west, "down": f"http://127.0.0.1:{ports.dead()}"},
        front={"say_backend": True},
        rules=[
            {"name": name, "repositories": [f"{name}/**"], "chains": {"default": chain}}
            for name, chain in chains.items()
        ],
    )
    return hedged_late(document)


def hang_up(_seen: Seen) -> NoReturn:
    """No answer."""
    raise ConnectionAbortedError


@pytest.fixture(scope="module")
def envoy(start_envoy: Callable[[Policy], Envoy], east: Scripted, west: Scripted) -> Envoy:
    """All of them are in one policy."""
    west.answer(FOUND)
    document = policy(east.url, west.url)
    envoy = start_envoy(document)
    envoy.wait_until_down(document["backends"]["down"]["url"])
    return envoy


def logged(envoy: Envoy, target: str) -> tuple[raw.Response, dict[str, Any]]:
    """An answer, and the line about it."""
    envoy.forget_log()
    answer = envoy.request("GET", target)
    (entry,) = envoy.log_entries(1)
    return answer, entry


@pytest.mark.parametrize(
    ("name", "east_answers", "tried", "backend"),
    [
        ("team", FOUND, None, "east"),
        ("team", Answer(503), "east 503", "west"),
        ("team", Answer(404), "east 404", "west"),
        ("down", FOUND, "down skipped", "east"),
        ("down", Answer(500), "down skipped; east 500", "west"),
    ],
)
def test_the_log_names_the_backends_that_were_tried(
    envoy: Envoy, east: Scripted, name: str, east_answers: Answer, tried: str | None, backend: str
) -> None:
    east.answer(east_answers)
    answer, entry = logged(envoy, f"/v2/{name}/app/{BLOB}")
    assert answer.status == 200
    assert (entry["tried"], entry["backend"]) == (tried, backend)
    assert answer.one("x-portolan-backend") == backend
    assert (entry["front"], entry["class"], entry["region"]) == ("main", "read_blob", "default")
    assert answer.one("x-request-id") == entry["request_id"]
    assert entry["details"] == "via_upstream"


def test_an_attempt_without_an_answer_has_a_line_of_its_own(envoy: Envoy, east: Scripted) -> None:
    east.script = hang_up
    answer, entry = logged(envoy, f"/v2/team/app/{BLOB}")
    assert (answer.status, entry["tried"], entry["backend"]) == (200, "east no answer", "west")
    (attempt,) = envoy.unanswered(entry["request_id"])
    assert (attempt["backend"], attempt["flags"]) == ("east", "UC")


def told(answer: raw.Response) -> str | None:
    """The request that an error is about, by its own words."""
    (error,) = json.loads(answer.body)["errors"]
    found: str | None = error["detail"]["requestId"]
    return found


def test_errors_in_the_place_of_what_backends_answered_name_the_request(
    envoy: Envoy, east: Scripted, west: Scripted
) -> None:
    east.answer(Answer(503))
    west.answer(Answer(503))
    answer, entry = logged(envoy, f"/v2/team/app/{BLOB}")
    assert (answer.status, entry["details"]) == (503, "portolan_failed:UNAVAILABLE")
    assert answer.one("x-request-id") == entry["request_id"] == told(answer)
    assert answer.one("x-portolan-backend") == "west", "it was asked last"
    west.answer(FOUND)


def test_a_request_that_envoy_cannot_read_has_no_names_in_the_log(envoy: Envoy) -> None:
    envoy.forget_log()
    answer = envoy.request("GET", "/v2/", [(f"x-{number}", "x") for number in range(101)])
    assert answer.status == 431
    (entry,) = envoy.log_entries(1)
    assert (entry["request_id"], told(answer)) == (None, None)


def test_lines_are_replayed(envoy: Envoy, east: Scripted, west: Scripted, tmp_path: Path) -> None:
    """Under its own policy nothing differs; under one that begins with the other registry, who was asked does."""
    west.answer(FOUND)
    lines = []
    for name, answer in (("team", FOUND), ("team", Answer(503)), ("down", FOUND), ("nobodys", FOUND)):
        east.answer(answer)
        _, entry = logged(envoy, f"/v2/{name}/app/{BLOB}")
        lines.append(json.dumps(entry))
    log = tmp_path / "access.log"
    log.write_text("\n".join(lines))
    document = policy(east.url, west.url)
    same = portolan.run("explain", write_policy(document, tmp_path), "--log", log)
    assert (same.returncode, same.stdout) == (0, "4 requests; 0 would be decided otherwise now\n"), same.stderr
    document["rules"][0]["chains"]["default"].reverse()
    other = portolan.run("explain", write_policy(document, tmp_path), "--log", log)
    assert other.returncode == 1
    assert other.stdout.count("chain was east, is west, east") == 1, other.stdout
    assert other.stdout.count("chain was east, west, is west, east") == 1, other.stdout
    assert other.stdout.endswith("4 requests; 2 would be decided otherwise now\n"), other.stdout


def test_the_log_of_a_refusal_has_its_error_code(envoy: Envoy) -> None:
    answer, entry = logged(envoy, "/v2/nobodys/app/tags/list")
    assert (answer.status, entry["details"]) == (404, "portolan_refused:NAME_UNKNOWN")
    assert answer.one("x-request-id") == entry["request_id"] == told(answer)
    assert len(entry["policy"]) == 16
