"""A bad policy never serves: not for `portolan check`, not for `portolan render`, not for Envoy.

Sees exit codes, the place and the sentence of one mistake of each kind, and that Envoy refuses
to start with the same policy. Cannot see every mistake there is; the core's table has them.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from harness import bootstrap, portolan
from harness.envoy import Envoy, render, validate
from harness.processes import ServerFailed

GOOD = """\
version: 1
fronts:
  main: {hosts: [registry.example.com], default: true}
backends:
  ghcr: {url: "https://ghcr.io"}
  quay: {url: "https://quay.io"}
regions:
  cn: {countries: [CN]}
  default: {}
rules:
  - name: all
    repositories: ["**"]
    chains: {cn: [quay, ghcr], default: [ghcr, quay]}
"""

# What is replaced in the good policy, by what; the line and the path of the mistake, and its cause.
# fmt: off
MISTAKES = [
    pytest.param("version: 1", "version: 2", 1, "version", "2", id="another version"),
    pytest.param("https://quay.io", "quay.io", 6, "backends.quay.url", "quay.io", id="no URL"),
    pytest.param("  default: {}\n", "", None, "regions", "default", id="no default region"),
    pytest.param("countries: [CN]", "countries: [CHN]", 8, "regions.cn.countries[0]", "CHN", id="no country"),
    pytest.param("cn: [quay, ghcr]", "cn: [quay, gchr]", 13, "rules[0].chains.cn[1]", "gchr", id="an unknown backend"),
    pytest.param("chains: {cn:", "chains: {ch:", 13, "rules[0].chains.ch", "ch", id="an unknown region"),
    pytest.param("name: all", "name: all\n    priority: 1", 12, "rules[0].priority", "priority", id="an unknown field"),
    pytest.param("name: all", "name: all\n    owner: nobody", 12, "rules[0].owner", "nobody", id="an unknown owner"),
    pytest.param('["**"]', '["**", "Upper/*"]', 12, "rules[0].repositories[1]", "Upper/*", id="no glob"),
    pytest.param("https://quay.io", "https://registry.example.com", 6, "backends.quay.url", "registry.example.com", id="a front as its own backend"),
    pytest.param("https://quay.io", "https://bob:planted-secret@quay.io", 6, "backends.quay.url", "credentials", id="a password in a URL"),
    pytest.param("https://quay.io", "https://quay.io?sig=planted-secret", 6, "backends.quay.url", "query", id="a secret in a query"),
    pytest.param('"https://quay.io"', '"https://quay.io", credential: "bob:planted-secret"', 6, "backends.quay.credential", "credentials", id="a secret as a credential's name"),
    pytest.param("regions:", "credentials: {quay: 'bob:planted-secret'}\nregions:", 7, "credentials.quay", "colon", id="a secret as a credential"),
    pytest.param("https://quay.io\"", "https://quay.io\", hedge_after: 1ms", 6, "backends.quay.hedge_after", "at least", id="a time that is too short"),
    pytest.param('["**"]', '["team/.*"]', 12, "rules[0].repositories[0]", "regular expression", id="a glob that no name matches"),
]
# fmt: on


def run(command: str, policy: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command on a policy; the file is called policy.yaml."""
    path = directory / "policy.yaml"
    path.write_text(policy)
    return portolan.run(command, path)


def changed(old: str, new: str) -> str:
    """The good policy with one mistake."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_a_good_policy_is_good(tmp_path: Path) -> None:
    done = run("check", GOOD, tmp_path)
    assert done.returncode == 0, done.stderr
    assert validate(render(tmp_path / "policy.yaml", tmp_path), tmp_path)[0] == 0


@pytest.mark.parametrize("command", ["check", "render"])
@pytest.mark.parametrize(("old", "new", "line", "path", "cause"), MISTAKES)
def test_a_mistake_is_found_where_it_is(
    tmp_path: Path, command: str, old: str, new: str, line: int | None, path: str, cause: str
) -> None:
    done = run(command, changed(old, new), tmp_path)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "planted-secret" not in done.stderr
    said = next(text for text in done.stderr.splitlines() if path in text)
    assert cause in said
    place = re.search(r"policy\.yaml:(\d+):\d+: ", said)
    assert place, said
    assert line is None or int(place[1]) == line, said


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    several = [row.values for row in MISTAKES if row.id in ("no URL", "no country", "an unknown backend")]
    policy = GOOD
    for old, new, *_ in several:
        policy = policy.replace(str(old), str(new))
    done = run("check", policy, tmp_path)
    assert done.returncode == 1
    assert all(str(path) in done.stderr for _, _, _, path, _ in several), done.stderr


@pytest.mark.parametrize(
    "text",
    ["", "a: [", "just words", "version: 1\nversion: 1\n", "\x00", "&a [*a]"],
    ids=["empty", "no YAML", "no mapping", "a key twice", "a NUL", "an alias of itself"],
)
def test_a_document_that_is_no_policy_is_refused(tmp_path: Path, text: str) -> None:
    done = run("check", text, tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip()


def test_a_missing_file_is_another_failure(tmp_path: Path) -> None:
    done = portolan.run("check", tmp_path / "nothing.yaml")
    assert done.returncode == 2
    assert "nothing.yaml" in done.stderr


# Envoy takes a second or two for each, so that a few stand for all.
@pytest.mark.parametrize(("old", "new", "line", "path", "cause"), MISTAKES[::4] + MISTAKES[-2:])
def test_envoy_refuses_the_same_policy(
    tmp_path: Path, old: str, new: str, line: int | None, path: str, cause: str
) -> None:
    status, said = validate(with_policy(json.dumps(yaml.safe_load(changed(old, new))), tmp_path), tmp_path)
    assert status == 1, said
    mistake = next(text for text in said.splitlines() if f"{path}: " in text)
    assert cause in mistake
    assert "planted-secret" not in said


@pytest.mark.parametrize("text", ["", "{", '{"version": 1, "version": 1}'])
def test_envoy_refuses_what_is_no_policy_at_all(tmp_path: Path, text: str) -> None:
    assert validate(with_policy(text, tmp_path), tmp_path)[0] == 1


def test_envoy_does_not_start_with_a_bad_policy(tmp_path: Path) -> None:
    document = with_policy(json.dumps({**yaml.safe_load(GOOD), "version": 2}), tmp_path)
    with pytest.raises(ServerFailed, match=r"version: is 2"):
        Envoy(document, tmp_path / "run")


def with_policy(policy_json: str, directory: Path) -> bootstrap.Bootstrap:
    """What was rendered of the good policy, with another one for the filter."""
    good = directory / "good.yaml"
    good.write_text(GOOD)
    document = render(good, directory)
    bootstrap.use_policy(document, policy_json)
    return document
