"""Where a client is: from an address or a header to a region and the backend near to it.

Sees which address Envoy trusts, what the geoip filter finds of it, whose headers are believed,
and what the access log says about it. Cannot see every form of a country code or prefix; the
core's own tests hold those.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import raw
from harness.envoy import Envoy, Policy
from harness.policies import build_policy, rule_for_all
from harness.scripted import Scripted

TARGET = "/v2/app/tags/list"

# fmt: off
REGIONS: dict[str, Any] = {
    "cn": {"countries": ["CN", "HK"]},
    "asia": {"continents": ["AS", "OC"]},
    "us": {"countries": ["US"]},
    "california": {"subdivisions": ["US-CA"]},
    "office": {"networks": ["10.0.0.0/8", "203.0.113.66/32", "2001:db8:5:1::/64"]},
    "cloud": {"labels": ["aws:eu-*"], "networks": ["10.20.0.0/16"]},
    "default": {},
}
# fmt: on


def policy(upstream: Scripted, clients: Policy) -> Policy:
    """Every region has a backend of its own, all of them one server."""
    return build_policy(
        {f"near-{name}": f"{upstream.url}/{name}" for name in REGIONS},
        rule_for_all({name: [f"near-{name}"] for name in REGIONS}),
        regions=REGIONS,
        networks={
            "aws:eu-west-1": ["10.20.30.0/24", "198.51.100.7/32"],
            "aws:us-east-1": ["10.20.40.0/24"],
        },
        clients=clients,
    )


def check_placed(envoy: Envoy, upstream: Scripted, headers: list[raw.Header], region: str, why: str) -> None:
    """One request, and what the upstream and the access log say of it."""
    upstream.forget()
    envoy.forget_log()
    assert envoy.request("GET", TARGET, headers).status == 200
    (entry,) = envoy.log_entries(1)
    assert (entry["region"], entry["reason"].split(";")[0]) == (region, why)
    assert (entry["backend"], entry["rule"]) == (f"near-{region}", "all")
    assert upstream.last().target.decode() == f"/{region}{TARGET}"


@pytest.fixture(scope="module")
def by_address(west: Scripted, geo_database: Path, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """One hop is trusted; the database says where its client is."""
    return start_envoy(policy(west, {"trusted_hops": 1, "geo": {"database": str(geo_database)}}))


# fmt: off
BY_ADDRESS = [
    ("192.0.2.5", "cn", "country CN", "a country"),
    ("198.18.128.1", "cn", "country HK", "a longer prefix of the database inside a shorter"),
    ("192.0.2.40", "asia", "continent AS", "a country of no region: its continent"),
    ("192.0.2.130", "asia", "continent OC", "another continent of the same region"),
    ("203.0.113.5", "us", "country US", "the country"),
    ("203.0.113.70", "california", "subdivision US-CA", "a subdivision beats its country"),
    ("203.0.113.130", "us", "country US", "a subdivision of no region: its country"),
    ("203.0.113.66", "office", "network 203.0.113.66/32", "a network beats a subdivision"),
    ("198.51.100.5", "default", "default", "a country and continent of no region"),
    ("198.51.100.7", "cloud", "network 198.51.100.7/32", "a labelled network"),
    ("10.1.2.3", "office", "network 10.0.0.0/8", "a network that no database knows"),
    ("10.20.1.1", "cloud", "network 10.20.0.0/16", "the longer prefix"),
    ("10.20.30.1", "cloud", "network 10.20.30.0/24", "the longest prefix, by its label"),
    ("10.20.40.1", "cloud", "network 10.20.0.0/16", "a label of no region: the prefix around it"),
    ("192.0.2.200", "default", "default", "an address that nobody knows"),
    ("2001:db8:1::1", "cn", "country CN", "IPv6"),
    ("2001:db8:7:ca::1", "california", "subdivision US-CA", "IPv6 and a subdivision"),
    ("2001:db8:5:1::9", "office", "network 2001:db8:5:1::/64", "an IPv6 network"),
    ("::ffff:10.1.2.3", "office", "network 10.0.0.0/8", "IPv4 inside of IPv6"),
    ("203.0.113.5, 192.0.2.5", "cn", "country CN", "what the trusted hop added, not what its client claims"),
    ("192.0.2.5,,203.0.113.5", "us", "country US", "empty items"),
    ("203.0.113.5:51234", "us", "country US", "a port"),
    ("[2001:db8:1::1]", "cn", "country CN", "IPv6 in brackets"),
    ("[2001:db8:1::1]:443", "cn", "country CN", "IPv6 with a port"),
    ("2001:db8:1::1%eth0", "cn", "country CN", "a zone"),
    ("[2001:db8:1::1%eth0]:443", "cn", "country CN", "a zone, brackets and a port"),
    ("203.0.113.5,", "us", "country US", "a comma at the end"),
    ("203.0.113.5, , ", "us", "country US", "empty items at the end"),
    ("::ffff:203.0.113.5", "us", "country US", "IPv4 inside of IPv6, by the database"),
    ("64:ff9b::203.0.113.5", "us", "country US", "NAT64: the address inside, by the database"),
    ("64:ff9b::203.0.113.66", "office", "network 203.0.113.66/32", "NAT64: the address inside, by the policy"),
    ("64:ff9b::10.1.2.3", "default", "default", "NAT64 shows no private address"),
    ("unknown", "default", "default", "no address"),
    ("10.1.2.3, unknown", "default", "default", "a client that its proxy hides"),
    ("_hidden", "default", "default", "a name in place of an address"),
    ("'; DROP TABLE clients", "default", "default", "junk"),
    (b"\xff\xfe", "default", "default", "no text"),
]
# fmt: on


@pytest.mark.parametrize(
    ("forwarded_for", "region", "why", "_case"), BY_ADDRESS, ids=[row[3] for row in BY_ADDRESS]
)
def test_an_address_is_placed(
    by_address: Envoy, west: Scripted, forwarded_for: str | bytes, region: str, why: str, _case: str
) -> None:
    check_placed(by_address, west, [("X-Forwarded-For", forwarded_for)], region, why)


def test_without_a_forwarding_hop_the_connection_counts(by_address: Envoy, west: Scripted) -> None:
    check_placed(by_address, west, [], "default", "default")


# Envoy's geoip filter overwrites these headers only where it finds the address.
@pytest.mark.parametrize("address", ["192.0.2.5", "192.0.2.200"])
def test_a_client_cannot_say_where_it_is(by_address: Envoy, west: Scripted, address: str) -> None:
    region, why = ("cn", "country CN") if address == "192.0.2.5" else ("default", "default")
    claims: list[raw.Header] = [
        ("x-geo-country", "US"),
        ("X-Geo-Region", "CA"),
        ("x-geo-continent", "AS"),
        ("cf-ipcountry", "US"),
        ("x-portolan-peer", "10.1.2.3"),
        ("x-envoy-external-address", "10.1.2.3"),
        ("x-real-ip", "10.1.2.3"),
        ("forwarded", "for=10.1.2.3"),
    ]
    check_placed(by_address, west, [("X-Forwarded-For", address), *claims], region, why)


@pytest.fixture(scope="module")
def no_hops(west: Scripted, geo_database: Path, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """No hop is trusted."""
    return start_envoy(policy(west, {"geo": {"database": str(geo_database)}}))


@pytest.mark.parametrize("forwarded_for", ["192.0.2.5", "10.1.2.3", "192.0.2.5, 203.0.113.5"])
def test_without_trusted_hops_no_client_sets_its_address(
    no_hops: Envoy, west: Scripted, forwarded_for: str
) -> None:
    check_placed(no_hops, west, [("X-Forwarded-For", forwarded_for)], "default", "default")


@pytest.fixture(scope="module")
def behind_cdn(west: Scripted, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """A CDN locates clients; it connects from this machine."""
    return start_envoy(policy(west, cdn_at("127.0.0.0/8")))


@pytest.fixture(scope="module")
def beside_cdn(west: Scripted, start_envoy: Callable[[Policy], Envoy]) -> Envoy:
    """The same, but who connects from this machine is not the CDN."""
    return start_envoy(policy(west, cdn_at("192.0.2.0/24")))


def cdn_at(prefix: str) -> Policy:
    """Headers of a CDN, believed from one network."""
    headers = {"country": "cf-ipcountry", "subdivision": "cf-region-code", "continent": "cf-ipcontinent"}
    return {"trusted_proxies": [prefix], "geo": {"headers": headers}}


# fmt: off
BY_HEADER = [
    ({"cf-ipcountry": "CN"}, "cn", "country CN", "a country"),
    ({"CF-IPCountry": "cn"}, "cn", "country CN", "lower case"),
    ({"cf-ipcountry": "US", "cf-region-code": "CA"}, "california", "subdivision US-CA", "a subdivision"),
    ({"cf-ipcountry": "US", "cf-region-code": "NY"}, "us", "country US", "a subdivision of no region"),
    ({"cf-ipcountry": "XX", "cf-ipcontinent": "AS"}, "asia", "continent AS", "an unknown country, a known continent"),
    ({"cf-ipcountry": "T1"}, "default", "default", "Tor"),
    ({"cf-ipcountry": "USA"}, "default", "default", "three letters"),
    ({"cf-ipcountry": ""}, "default", "default", "empty"),
    ({"x-geo-country": "CN"}, "default", "default", "another header"),
    ({"cf-ipcountry": "CN", "x-forwarded-for": "10.1.2.3"}, "office", "network 10.0.0.0/8", "a network beats the CDN"),
    ({"cf-ipcountry": "CN", "x-forwarded-for": "10.1.2.3, 203.0.113.5"}, "cn", "country CN", "beyond the last untrusted hop"),
]
# fmt: on


@pytest.mark.parametrize(("headers", "region", "why", "_case"), BY_HEADER, ids=[row[3] for row in BY_HEADER])
def test_a_trusted_proxy_says_where_a_client_is(
    behind_cdn: Envoy, west: Scripted, headers: dict[str, str], region: str, why: str, _case: str
) -> None:
    check_placed(behind_cdn, west, list(headers.items()), region, why)


def test_header_bytes_that_are_no_text_place_nobody(behind_cdn: Envoy, west: Scripted) -> None:
    check_placed(
        behind_cdn, west, [("cf-ipcountry", b"\xff\xfe"), ("cf-region-code", b"\x80")], "default", "default"
    )


# fmt: off
BY_PROXY = [
    ("10.1.2.3, ::ffff:127.0.0.9", "office", "network 10.0.0.0/8", "a proxy as IPv4 inside of IPv6"),
    ("10.1.2.3, ::ffff:7f00:9", "office", "network 10.0.0.0/8", "the same in hexadecimal"),
    ("10.1.2.3:1, [::ffff:127.0.0.9]:2, 127.0.0.8:3", "office", "network 10.0.0.0/8", "ports on every hop"),
    ("[2001:db8:5:1::9%eth0]:80, 127.0.0.9", "office", "network 2001:db8:5:1::/64", "brackets, a zone and a port"),
    ("10.1.2.3,, 127.0.0.9, , 127.0.0.8,", "office", "network 10.0.0.0/8", "empty items"),
    ("10.1.2.3, unknown, 127.0.0.9", "default", "default", "a client that its proxy hides"),
    ("10.1.2.3, _x.1, 127.0.0.9", "default", "default", "a name in place of an address"),
    ("unknown, 10.1.2.3", "office", "network 10.0.0.0/8", "what a client claims, and what its proxy saw"),
    ("64:ff9b::198.51.100.7, 127.0.0.9", "cloud", "network 198.51.100.7/32", "NAT64"),
]
# fmt: on


@pytest.mark.parametrize(
    ("forwarded_for", "region", "why", "_case"), BY_PROXY, ids=[row[3] for row in BY_PROXY]
)
def test_trusted_proxies_write_addresses_as_they_like(
    behind_cdn: Envoy, west: Scripted, forwarded_for: str, region: str, why: str, _case: str
) -> None:
    check_placed(behind_cdn, west, [("X-Forwarded-For", forwarded_for)], region, why)


# fmt: off
REPEATED: list[tuple[list[raw.Header], str, str, str | None, str]] = [
    ([("cf-ipcountry", "XX"), ("cf-ipcountry", "CN")], "cn", "country CN", "CN", "the first that means something"),
    ([("cf-ipcountry", "CN"), ("cf-ipcountry", "US")], "cn", "country CN", "CN", "the first of two"),
    ([("cf-ipcountry", "XX, CN")], "cn", "country CN", "CN", "joined by a hop"),
    ([("cf-ipcountry", "US"), ("cf-region-code", "??"), ("cf-region-code", "CA")], "california", "subdivision US-CA", "US", "another header"),
    ([("cf-ipcountry", "XX"), ("cf-ipcountry", "T1")], "default", "default", None, "none of them"),
]
# fmt: on


@pytest.mark.parametrize(
    ("headers", "region", "why", "country", "_case"), REPEATED, ids=[row[4] for row in REPEATED]
)
def test_a_header_that_stands_twice_is_one_with_both_values(
    behind_cdn: Envoy,
    west: Scripted,
    headers: list[raw.Header],
    region: str,
    why: str,
    country: str | None,
    _case: str,
) -> None:
    behind_cdn.forget_log()
    assert behind_cdn.request("GET", TARGET, headers).status == 200
    (entry,) = behind_cdn.log_entries(1)
    assert (entry["region"], entry["reason"].split(";")[0], entry["country"]) == (region, why, country)


def test_the_log_has_no_country_that_was_not_believed(beside_cdn: Envoy) -> None:
    beside_cdn.forget_log()
    beside_cdn.request("GET", TARGET, [("cf-ipcountry", "CN")])
    (entry,) = beside_cdn.log_entries(1)
    assert entry["country"] is None


def test_forwarded_is_not_read(behind_cdn: Envoy, west: Scripted) -> None:
    check_placed(behind_cdn, west, [("Forwarded", "for=10.1.2.3")], "default", "default")
    assert "forwarded" not in west.last().names


@pytest.mark.parametrize(
    "headers",
    [
        {"cf-ipcountry": "CN"},
        {"cf-ipcountry": "CN", "x-forwarded-for": "192.0.2.1"},
        {"cf-ipcountry": "CN", "x-portolan-peer": "192.0.2.1"},
        {"cf-ipcountry": "CN", "x-forwarded-for": "10.1.2.3"},
    ],
    ids=[
        "a header",
        "an address of the CDN",
        "the header in which Envoy notes the peer",
        "an address of a network",
    ],
)
def test_geo_headers_of_clients_are_ignored(
    beside_cdn: Envoy, west: Scripted, headers: dict[str, str]
) -> None:
    check_placed(beside_cdn, west, list(headers.items()), "default", "default")


@pytest.mark.parametrize(
    "header", ["cf-ipcountry", "cf-region-code", "x-forwarded-for", "x-portolan-peer", "x-portolan-cluster"]
)
def test_no_backend_gets_the_location_of_a_client(behind_cdn: Envoy, west: Scripted, header: str) -> None:
    west.forget()
    behind_cdn.request(
        "GET", TARGET, [("cf-ipcountry", "CN"), ("cf-region-code", "X"), ("x-forwarded-for", "10.1.2.3")]
    )
    assert header not in west.last().names
