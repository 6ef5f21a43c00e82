"""The files of the compose stacks, without a Docker: what `prepare` writes is a good policy, and no service is left unhardened.

What Docker and Compose make of them is seen by `make test-compose`.
"""

import re
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import paths, portolan

COMPOSE = paths.EXAMPLES / "compose"
STACKS = ["regions", "caches", "combined"]
# Of the stacks' own names only; what a person has set elsewhere has no say.
PATH = "/usr/bin:/bin"


def services(stack: str) -> dict[str, dict[str, Any]]:
    """The services of a stack, with what they take from `common.yaml` below their own."""
    common = yaml.safe_load((COMPOSE / "common.yaml").read_text())["services"]
    own = yaml.safe_load((COMPOSE / stack / "docker-compose.yaml").read_text())["services"]
    return {name: {**common[service["extends"]["service"]], **service} for name, service in own.items()}


def prepare(stack: str, place: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs what prepares a stack, with its files in a directory of the test."""
    place.mkdir(exist_ok=True)
    defaults = {"PORT": "8443", "FORWARDED_PORT": "8444", "PATH": PATH}
    places = {"STACK": str(COMPOSE / stack), "PLACE": str(place), "VOLUMES": str(place), "OWN_CERTIFICATE": str(place / "own")}
    command = ["sh", COMPOSE / "prepare.sh"]
    return subprocess.run(
        command, env={**defaults, **places, **settings}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("stack", "settings", "files", "expected"),
    [
        ("regions", {}, ["portolan.yaml", "forwarded.yaml"], "localhost:8443"),
        ("regions", {"EU_REGISTRY_URL": "https://ghcr.io", "CN_NETWORKS": "10.0.0.0/8"}, ["portolan.yaml"], "https://ghcr.io"),
        ("regions", {"COMPOSE_PROFILES": "cache"}, ["portolan.yaml", "forwarded.yaml"], "default: [cache@near, eu, cn]"),
        ("caches", {"REGISTRY_DOMAIN": "cache.example.com", "PORT": "5000"}, ["portolan.yaml"], "docker.io.cache.example.com:5000"),
        ("caches", {"USE_TLS": "false"}, ["portolan.yaml"], ".nip.io"),
        ("combined", {}, ["portolan.yaml"], 'repositories: ["own/**", "team-*/**"]'),
        ("combined", {"ENABLE_AUTH": "true", "OWN_REPOSITORIES": "acme/**"}, ["portolan.yaml"], "verifier:8080"),
        ("combined", {"AGGREGATE_HOSTNAME": "a.example", "HOSTED_HOSTNAME": "h.example"}, ["portolan.yaml"], "h.example:8443"),
    ],
)
def test_a_prepared_policy_has_no_warning(
    stack: str, settings: dict[str, str], files: list[str], expected: str, tmp_path: Path
) -> None:
    done = prepare(stack, tmp_path / "etc", **settings)
    assert done.returncode == 0, done.stderr
    for name in files:
        checked = portolan.run("check", "--strict", "--files", tmp_path / "etc" / name)
        assert (checked.returncode, checked.stderr) == (0, ""), checked.stderr
    text = (tmp_path / "etc/portolan.yaml").read_text()
    assert expected in text
    assert ("tls:" in text) == (settings.get("USE_TLS") != "false")


def test_a_certificate_is_made_for_the_names_and_kept(tmp_path: Path) -> None:
    tls = tmp_path / "etc/tls"

    def made(domain: str) -> tuple[str, str]:
        assert prepare("caches", tmp_path / "etc", REGISTRY_DOMAIN=domain).returncode == 0
        return (tls / "ca.crt").read_text(), (tls / "tls.crt").read_text()

    authority, certificate = made("one.example")
    assert made("one.example") == (authority, certificate), "nothing has changed"
    again, other = made("two.example")
    assert again == authority, "who trusts it need not be told again"
    assert other != certificate
    context = ssl.create_default_context(cadata=authority)
    context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
    verify = ["openssl", "verify", "-CAfile", tls / "ca.crt", "-verify_hostname", "docker.io.two.example", tls / "tls.crt"]
    assert subprocess.run(verify, capture_output=True, check=False).returncode == 0
    assert (tls / "tls.key").stat().st_mode & 0o077 == 0


def test_a_certificate_of_ones_own_is_taken(tmp_path: Path) -> None:
    own = tmp_path / "etc/own"
    own.mkdir(parents=True)
    (own / "tls.crt").write_text("mine")
    assert "no tls.key" in prepare("regions", tmp_path / "etc").stderr
    (own / "tls.key").write_text("my key")
    done = prepare("regions", tmp_path / "etc")
    assert done.returncode == 0
    assert (tmp_path / "etc/tls/tls.crt").read_text() == "mine"
    assert "authority" not in done.stdout


def test_a_word_that_is_neither_true_nor_false_ends_it(tmp_path: Path) -> None:
    done = prepare("combined", tmp_path / "etc", ENABLE_AUTH="yes")
    assert (done.returncode, "write true or false" in done.stderr) == (1, True)


@pytest.mark.parametrize("stack", STACKS)
def test_every_service_is_pinned_and_hardened(stack: str) -> None:
    for name, service in services(stack).items():
        assert re.search(r":v?\d+\.\d+\.\d+\}?$", service["image"]), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name != "prepare":
            assert service["restart"] == "unless-stopped", name
            assert "cap_add" not in service, name
            assert service["healthcheck"]["test"][0] == "CMD", name


@pytest.mark.parametrize("stack", STACKS)
def test_every_setting_is_in_the_example(stack: str) -> None:
    text = (COMPOSE / stack / "docker-compose.yaml").read_text() + (COMPOSE / "common.yaml").read_text()
    passed = re.findall(r"^      ([A-Z_]+):$", text, re.MULTILINE)
    used = set(re.findall(r"\$\{([A-Z_]+)", text)) | set(passed)
    example = set(re.findall(r"^([A-Z_]+)=", (COMPOSE / stack / ".env.example").read_text(), re.MULTILINE))
    if "service: cache}" not in text:
        used.discard("PORTOLAN_CACHE_IMAGE")
    # For tests and mirrors of one's own: where the registries outside are.
    assert used - {"DOCKERHUB_URL", "GHCR_URL", "QUAY_URL"} == example


def test_a_cache_is_there_if_it_is_asked_for(tmp_path: Path) -> None:
    """The nodes that the profile starts are those of the policy; without it there are neither."""
    own = services("regions")
    nodes = {name: service for name, service in own.items() if service.get("profiles") == ["cache"]}
    assert prepare("regions", tmp_path / "etc", COMPOSE_PROFILES="other,cache").returncode == 0
    cache = yaml.safe_load((tmp_path / "etc/portolan.yaml").read_text())["caches"]["near"]
    assert cache["nodes"] == [f"http://{name}:8300" for name in nodes]
    assert [service["command"][2] for service in nodes.values()] == ["near-1", "near-2"]
    for front in ("portolan", "forwarded"):
        assert own[front]["command"][-2:] == ["--cache-fill", "0.0.0.0:8081"]
        assert not [port for port in own[front]["ports"] if port.endswith(":8081")], "nobody outside is to reach it"
    assert prepare("regions", tmp_path / "without").returncode == 0
    without = yaml.safe_load((tmp_path / "without/portolan.yaml").read_text())
    assert "caches" not in without and without["rules"][0]["chains"]["default"] == ["eu", "cn"]


def test_the_image_is_that_of_this_version() -> None:
    version = re.search(r'^version = "(.+)"', (paths.ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert version
    for file in [COMPOSE / "common.yaml", *COMPOSE.glob("*/.env.example")]:
        assert f"portolan:{version.group(1)}" in file.read_text(), file


def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    text = (COMPOSE / "prometheus.yml").read_text().replace("/etc/prometheus/rules", str(paths.EXAMPLES / "observability"))
    (tmp_path / "prometheus.yml").write_text(text)
    command = [paths.need_command("promtool"), "check", "config", tmp_path / "prometheus.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "geography.rules.yaml" in done.stdout
