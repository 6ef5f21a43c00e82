"""What a number of replicas in a number of regions does at a number of pulls an hour. Numbers in, numbers out.

Everything that a registry notices is either a matter of the pulls, however many replicas share them, or of the replicas,
however few pulls there are. The second kind is what has to be bounded.
"""

from dataclasses import dataclass

HOUR = 3600
MIB = 1 << 20


@dataclass(frozen=True)
class Pull:
    """One pull of a client that has nothing of the image: what its runtime asks for."""

    # HEAD of the tag, GET of the index, GET of the manifest for the platform.
    manifests: int = 3
    # The layers and the configuration.
    blobs: int = 7
    bytes: int = 100 * MIB

    @property
    def requests(self) -> int:
        """All that it asks a front."""
        return self.manifests + self.blobs


@dataclass(frozen=True)
class Fleet:
    """The Envoys."""

    regions: int
    # In each region.
    replicas: int
    # Of each Envoy.
    workers: int = 2

    @property
    def envoys(self) -> int:
        """All of them."""
        return self.regions * self.replicas

    @property
    def memories(self) -> int:
        """How many of what each worker remembers for itself."""
        return self.envoys * self.workers


@dataclass(frozen=True)
class Cost:
    """What was measured (docs/performance.md, docs/operating.md)."""

    # Processor time of one core for a request, whatever it asks for, in microseconds.
    request_microseconds: float = 73.16
    # And for each MiB of a body that passes.
    mib_microseconds: float = 314.7


@dataclass(frozen=True)
class Settings:
    """What the policy and the registries say."""

    # `health_check.interval` of the policy.
    check_seconds: float = 2.0
    # Clusters of a backend that are checked: one for reads, and one more where it is an owner.
    checked_clusters: int = 1
    # Repositories that are asked for with a token, and how long a token is used.
    repositories: int = 100
    token_seconds: float = 300.0
    # Blobs that a store is asked about, and how long the answer is kept (`probe.present`).
    stored_blobs: int = 10_000
    probe_seconds: float = 24 * HOUR
    # `limits.connections` of the policy.
    connections: int = 1024


@dataclass(frozen=True)
class Load:
    """What comes of it."""

    # Of all Envoys together.
    requests_per_second: float
    bytes_per_second: float
    cores: float
    # Of one Envoy.
    requests_per_second_each: float
    cores_each: float
    # At one registry that every region has in its chains, and at its token service.
    checks_per_second: float
    tokens_per_hour: float
    connections_at_most: int
    # At one blob store.
    probes_per_hour: float


def load(pulls_per_hour: float, pull: Pull, fleet: Fleet, cost: Cost, settings: Settings) -> Load:
    """Computes it. Clients are spread evenly; what a worker remembers it has learnt once for each time that it is kept."""
    per_second = pulls_per_hour / HOUR
    requests, sent = per_second * pull.requests, per_second * pull.bytes
    cores = (requests * cost.request_microseconds + sent / MIB * cost.mib_microseconds) / 1e6
    return Load(
        requests_per_second=requests,
        bytes_per_second=sent,
        cores=cores,
        requests_per_second_each=requests / fleet.envoys,
        cores_each=cores / fleet.envoys,
        checks_per_second=checks_per_second(fleet, settings),
        tokens_per_hour=tokens(fleet, settings, HOUR, pulls_per_hour * pull.requests),
        connections_at_most=fleet.envoys * settings.connections,
        probes_per_hour=min(fleet.memories * settings.stored_blobs * HOUR / settings.probe_seconds, pulls_per_hour * pull.blobs),
    )


def checks_per_second(fleet: Fleet, settings: Settings) -> float:
    """How often a registry is asked whether it is there."""
    return fleet.envoys * settings.checked_clusters / settings.check_seconds


def tokens(fleet: Fleet, settings: Settings, seconds: float, requests: float) -> float:
    """How often a token service is asked: at most once for each request, and by each worker once for each repository and time."""
    return min(fleet.memories * settings.repositories * max(1.0, seconds / settings.token_seconds), requests)
