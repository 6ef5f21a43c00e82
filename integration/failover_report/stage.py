"""What one scenario plays on: two registries, what stands between them and Envoy, Envoy, and the load."""

import asyncio
import time
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from failover_report import certificates, low_ports, registry
from failover_report.clients.client import Client
from failover_report.contents import App
from failover_report.fault import BLOBS, Fault, Kind
from failover_report.front import Front
from failover_report.load.pulls import Pulls
from failover_report.load.pushes import Pushes
from failover_report.load.requests import Requests
from failover_report.load.sample import Sample
from failover_report.name_server import NameServer
from failover_report.proxy import FaultProxy
from failover_report.registry import Registry
from harness.bootstrap import Bootstrap
from harness.envoy import Policy, render
from harness.name_server import use_name_server
from harness.policies import build_policy

PRIMARY, SECONDARY = "primary", "secondary"
# The delivery network that one scenario has, which is a proxy like those before the registries.
DELIVERY = "delivery"
DELIVERY_HOST = "delivery.test"
# The name of the primary, for the one scenario in which it has a name.
PRIMARY_HOST = "registry.primary.test"
RESOLVER = "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"
DNS_CLUSTER = "envoy.clusters.dns"


class Link(Enum):
    """How Envoy reaches a registry."""

    DIRECT = "directly"
    PROXIED = "through a proxy that can fail"
    TLS = "the same over TLS"
    NAMED = "the same by a name"
    DELIVERED = "the same; its blobs are at a delivery network, and redirects are followed"


@dataclass(frozen=True)
class World:
    """What all scenarios share."""

    directory: Path
    primary: Registry
    secondary: Registry
    clients: list[Client]
    apps: list[App]
    small: App
    aside: App
    certificates: Path
    layout: Path
    """An OCI layout of the first image, for pushes."""


@dataclass
class Marks:
    """When the trouble began and ended, in seconds since the epoch."""

    began: float = 0.0
    ended: float = 0.0


@dataclass
class Stage:
    """The stage of one scenario. Use it as a context manager."""

    world: World
    name: str
    links: dict[str, Link]
    can_restart_hot: bool = False
    is_hedged: bool = True
    """Whether reads are hedged, which they are unless the policy says otherwise."""
    marks: Marks = field(default_factory=Marks)
    proxies: dict[str, FaultProxy] = field(default_factory=dict)
    names: NameServer = field(default_factory=NameServer)
    image_pushes: list[Sample] = field(default_factory=list)
    asides: list[Sample] = field(default_factory=list)
    """Requests that are not part of the load; see `load.asides`."""

    async def __aenter__(self) -> "Stage":
        world = self.world
        self.directory = world.directory / self.name
        self.directory.mkdir(parents=True)
        await registry.both_started(world.primary, world.secondary)
        for each in (world.primary, world.secondary):
            each.requests()
        await self.names.start()
        for each in (world.primary, world.secondary):
            await self._link(each)
        port = low_ports.take()
        self.front = Front(self._bootstrap(port), self.directory, port, self.can_restart_hot)
        await self.front.start()
        self.requests = Requests(port, world.small)
        self.pulls = Pulls(f"127.0.0.1:{port}", world.clients, world.apps)
        self.pushes = Pushes(port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.world.primary.thaw()
        self.world.secondary.thaw()
        self.front.stop()
        for proxy in self.proxies.values():
            proxy.stop()
        self.names.stop()

    @property
    def registries(self) -> dict[str, Registry]:
        """Both, by name."""
        return {PRIMARY: self.world.primary, SECONDARY: self.world.secondary}

    def begin(self) -> None:
        """The trouble begins."""
        self.marks.began = time.time()

    def end(self) -> None:
        """The trouble is over."""
        self.marks.ended = time.time()

    async def fail(self, fault: Fault, *backends: str) -> None:
        """Has proxies fail; the primary's, unless told."""
        await asyncio.gather(*(self.proxies[name].fail(fault) for name in backends or (PRIMARY,)))

    def start_load(self) -> None:
        """The load begins."""
        for load in (self.requests, self.pulls, self.pushes):
            load.start()

    async def stop_load(self) -> None:
        """The load ends, when everything that has begun is done."""
        loads = ((self.requests, 35.0), (self.pulls, 60.0), (self.pushes, 35.0))
        await asyncio.gather(*(load.stop(seconds) for load, seconds in loads))

    async def _link(self, each: Registry) -> None:
        link = self.links[each.name]
        if link == Link.DIRECT:
            return
        tls = self.world.certificates if link == Link.TLS else None
        proxy = FaultProxy(f"{each.name}-proxy", each.port, self.directory, tls)
        self.proxies[each.name] = proxy
        await proxy.ready()
        if link == Link.DELIVERED:
            delivery = FaultProxy(f"{each.name}-{DELIVERY}", each.port, self.directory)
            self.proxies[DELIVERY] = delivery
            await delivery.ready()
            base = f"http://{self._delivery_host()}"
            await proxy.fail(Fault(Kind.REDIRECT, paths=BLOBS, base=base))

    def _delivery_host(self) -> str:
        return f"{DELIVERY_HOST}:{self.proxies[DELIVERY].port}"

    def _bootstrap(self, port: int) -> Bootstrap:
        document = render(self._policy(port), self.directory, port)
        use_name_server(document, self.names.port)
        for cluster in document["static_resources"]["clusters"]:
            kind = cluster.get("cluster_type", {})
            if kind.get("name") == DNS_CLUSTER:
                kind["typed_config"]["typed_dns_resolver_config"] = self._resolver()
        return document

    def _policy(self, port: int) -> Policy:
        more = {} if self.is_hedged else {"hedge_after": "off"}
        backends = {name: self._backend(name) | more for name in self.registries}
        rule = {
            "name": "team",
            "repositories": ["team/**"],
            "chains": {"default": [PRIMARY, SECONDARY]},
            "owner": PRIMARY,
            "replicas": [PRIMARY, SECONDARY],
        }
        return build_policy(
            backends, fronts={"main": {"hosts": [f"127.0.0.1:{port}"], "default": True}}, rules=[rule]
        )

    def _backend(self, name: str) -> dict[str, Any]:
        port = self.proxies[name].port if name in self.proxies else self.registries[name].port
        match self.links[name]:
            case Link.TLS:
                ca_file = certificates.authority(self.world.certificates)
                tls = {"ca_file": str(ca_file), "server_name": certificates.SERVER_NAME}
                return {"url": f"https://127.0.0.1:{port}", "tls": tls}
            case Link.NAMED:
                return {"url": f"http://{PRIMARY_HOST}:{port}"}
            case Link.DELIVERED:
                follow = {"hosts": [self._delivery_host()], "private_addresses": True}
                return {"url": f"http://127.0.0.1:{port}", "redirect_handling": "follow", "followed_redirects": follow}
            case _:
                return {"url": f"http://127.0.0.1:{port}"}

    def _resolver(self) -> dict[str, Any]:
        address = {"address": "127.0.0.1", "port_value": self.names.port}
        return {
            "name": "envoy.network.dns_resolver.cares",
            "typed_config": {
                "@type": RESOLVER,
                "resolvers": [{"socket_address": address}],
                "dns_resolver_options": {"no_default_search_domain": True},
            },
        }
