#!/usr/bin/env python3
"""`make demo`: one image name, two countries, two registries, and who was served by whom.

Starts two real registries with the same image in both and a real Envoy with the filter and the
policy of envoy/two-regions, pulls as a client from two countries, and shows what the access log
says. Everything runs on this machine, from free ports, and is gone afterwards.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from harness import image, paths, portolan, ports, shows, skopeo
from harness.digest import sha256
from harness.envoy import Envoy, Policy, render
from harness.forwarder import Forwarder
from harness.image import ACCEPT, Image
from harness.registry import Registry
from harness.shows import relative

POLICY = paths.EXAMPLES / "two-regions/portolan.yaml"
REPOSITORY = "demo/app"
TAG = "v1"
TARGET = f"/v2/{REPOSITORY}/manifests/{TAG}"
FRONT_PORT = 8080
# Two addresses of geoip-data/synthetic.csv.
COUNTRIES = {"China": "192.0.2.5", "Germany": "198.51.100.5"}


class Wrong(RuntimeError):
    """The demo ran, but did not show what it should."""


@dataclass(frozen=True)
class Row:
    """One pull: who pulled from where, and what the access log and the client say about it."""

    client: str
    country: str
    region: str
    why: str
    backend: str
    digest: str


def main() -> int:
    """Runs the demo; the exit status."""
    return shows.run("demo", show, (skopeo.SkopeoFailed, Wrong))


def show(directory: Path) -> None:
    """The whole demo, step by step."""
    check_tools()
    say(f"making an image for {' and '.join(image.PLATFORMS)}")
    demo_image = image.build("demo")
    policy = yaml.safe_load(POLICY.read_text())
    fill_registries(policy, demo_image, directory)
    envoy = start_envoy(policy, directory)
    rows = [row for country in COUNTRIES for row in pull_both_ways(envoy, country, directory)]
    print_table(rows)
    check_rows(rows, demo_image)
    say(f"ask without Envoy: portolan explain {relative(POLICY)} GET {TARGET} --country CN")


def check_tools() -> None:
    """Everything is here, before anything is started."""
    for tool in (paths.envoy, paths.filter_options, paths.portolan):
        tool()
    for command in ("docker-registry", "skopeo", "curl"):
        paths.need_command(command)


def fill_registries(policy: Policy, content: Image, directory: Path) -> None:
    """Starts a registry for every backend, with the image in it under the backend's own name for it.

    The policy's ports are used where they are free; where not, the policy is changed.
    """
    layout = directory / "layout"
    content.write_layout(layout, TAG)
    for name, backend in policy["backends"].items():
        registry = Registry(name, directory, ports.free_or_zero(urlsplit(backend["url"]).port))
        backend["url"] = registry.url
        destination = f"{registry.authority}/{name_at(backend)}:{TAG}"
        skopeo.push(layout, TAG, destination)
        say(f"registry `{name}` is at {registry.authority} and has {name_at(backend)}:{TAG}")


def name_at(backend: dict[str, Any]) -> str:
    """The repository as a backend calls it."""
    for mapping in backend.get("names", []):
        if REPOSITORY.startswith(mapping["front"]):
            return str(mapping["backend"]) + REPOSITORY.removeprefix(mapping["front"])
    return REPOSITORY


def start_envoy(policy: Policy, directory: Path) -> Envoy:
    """Envoy with the filter and the policy; one hop in front of it is trusted."""
    policy["clients"]["geo"]["database"] = str(portolan.build_geo_database(directory / "geoip.mmdb"))
    envoy = Envoy(render(policy, directory, ports.free_or_zero(FRONT_PORT)), directory)
    say(f"Envoy is at 127.0.0.1:{envoy.port}, with the policy of {relative(POLICY)}")
    return envoy


def pull_both_ways(envoy: Envoy, country: str, directory: Path) -> Iterator[Row]:
    """Pulls with skopeo and with curl, as a client in a country."""
    address = COUNTRIES[country]
    with carried(address, envoy.port) as front:
        say(f"skopeo pulls {front}/{REPOSITORY}:{TAG} from {country}, through a load balancer in miniature")
        say(f"    that adds X-Forwarded-For: {address}, since skopeo itself cannot say so")
        envoy.forget_log()
        digest = skopeo.pull(f"{front}/{REPOSITORY}:{TAG}", directory / f"pulled-{country}")
        yield row_of("skopeo", country, digest, envoy)
    url = f"http://127.0.0.1:{envoy.port}{TARGET}"
    say(f"curl gets {url} from {country}, with the same header")
    envoy.forget_log()
    yield row_of("curl", country, sha256(curl(url, address)), envoy)


@contextmanager
def carried(address: str, port: int) -> Iterator[str]:
    """Where a client from an address reaches the front."""
    forwarder = Forwarder(address, port)
    try:
        yield forwarder.authority
    finally:
        forwarder.close()


def curl(url: str, address: str) -> bytes:
    """A manifest, with curl."""
    headers = [f"X-Forwarded-For: {address}", f"Accept: {ACCEPT}"]
    options = [option for header in headers for option in ("--header", header)]
    command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "30", *options, url]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Wrong(f"curl: {done.stderr.decode(errors='replace')}")
    return done.stdout


def row_of(client: str, country: str, digest: str, envoy: Envoy) -> Row:
    """What the access log says of the manifest that was pulled by its tag."""
    tag = [entry for entry in envoy.new_log_entries() if entry["path"] == TARGET]
    if len(tag) != 1:
        raise Wrong(f"the access log has {len(tag)} requests for the tag, not one")
    (entry,) = tag
    return Row(client, country, entry["region"], entry["reason"], entry["backend"], digest)


def print_table(rows: list[Row]) -> None:
    """The rows, with every column as wide as it must be."""
    cells = [("client", "from", "region", "why", "served by", "digest")]
    cells += [(row.client, row.country, row.region, row.why, row.backend, row.digest[:19]) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    print()
    for line in cells:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print()


def check_rows(rows: list[Row], content: Image) -> None:
    """The same digest for everybody, and another registry for each country."""
    wrong = [row for row in rows if row.digest != content.digest]
    if wrong:
        raise Wrong(f"these are not the image that was pushed, {content.digest}: {wrong}")
    served = {row.country: {other.backend for other in rows if other.country == row.country} for row in rows}
    if any(len(backends) != 1 for backends in served.values()) or len(set.union(*served.values())) != len(
        served
    ):
        raise Wrong(f"each country should have a registry of its own: {served}")
    say(f"everything that was pulled matches its digest; all got {content.digest}")


def say(words: str) -> None:
    """One line of progress."""
    print(f"demo: {words}")


if __name__ == "__main__":
    sys.exit(main())
