"""The nodes of a cache on a real node: `make test-kubernetes`. The tests are about one release, in this order.

The nodes are the image `portolan-cache` in the StatefulSet of the chart, each with a volume. Not seen here: volumes that are
provisioned, nodes of a cache on several nodes of a cluster, cert-manager at work, a network plugin that heeds NetworkPolicy.
"""

from pathlib import Path

import pytest
from harness.tls import Authority

from kubernetes.clients import inside, load
from kubernetes.namespace import Failed
from kubernetes.site import Site
from kubernetes.tier import NODES, TIER, Tier, number_of


@pytest.fixture(scope="module")
def tier(site: Site) -> Tier:
    tier = Tier(site)
    tier.upgrade()
    return tier


def test_a_pull_by_digest_fills_a_node_and_the_next_ones_hit(tier: Tier) -> None:
    digest = tier.site.app.layers()[1]
    assert [tier.statistics(number)["hits"] for number in NODES] == [0, 0]
    hit = tier.until_a_hit(digest)
    first, *_ = tier.answered(digest)
    assert first["cache_use"] in ("miss", "coalesced"), first
    assert hit["cache_node"] == first["cache_node"]
    number = number_of(hit)
    there = tier.statistics(number)
    print(f"\nnode {number}: {there}")
    assert there["hits"] >= 1 and there["misses"] >= 1
    assert there["fetched_bytes"] >= len(tier.site.app.blobs[digest]) <= there["sent_bytes"]


@pytest.mark.parametrize(("what", "how"), [("deleted", ["--wait"]), ("killed", ["--grace-period=0", "--force"])])
def test_a_node_whose_pod_is_deleted_loses_no_pull(tier: Tier, what: str, how: list[str]) -> None:
    """Its volume and its digests are those of the pod that comes in its place."""
    digest = tier.load().digests[-1]
    hit = tier.until_a_hit(digest)
    number = number_of(hit)
    with load(tier.node, tier.site.directory, what, tier.load()):
        tier.delete(number, *how)
        again = tier.until_a_hit(digest)
    assert again["cache_node"] == hit["cache_node"]


def names(tier: Tier) -> list[str]:
    """What nodes, and what fills them, are asked by."""
    of_nodes = [f"{tier.name(number)}.{TIER}-portolan-cache.{TIER}.svc" for number in NODES]
    return [*of_nodes, f"{TIER}-portolan-fill.{TIER}.svc"]


def test_a_cache_that_is_given_tls_loses_no_pull_and_answers_nobody_without_its_certificate(
    tier: Tier, tmp_path: Path
) -> None:
    first, *more = names(tier)
    authority = Authority(tmp_path)
    own = authority.issue(first, more=more)
    files = {"ca.crt": authority.certificate, "tls.crt": own.certificate, "tls.key": own.key}
    data = {name: path.read_text() for name, path in files.items()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cache", "namespace": TIER}, "stringData": data}
    tier.node.apply(secret)
    digest = tier.load().digests[-1]
    with load(tier.node, tier.site.directory, "tls", tier.load()):
        tier.upgrade(tls={"secretName": "cache"})
        hit = tier.until_a_hit(digest)
    number = number_of(hit)
    assert tier.statistics(number, 8301)["hits"] >= 1
    with pytest.raises(Failed):
        url = f"http://{tier.pod(number)['status']['podIP']}:8300/v2/"
        inside(tier.node, "near", "wget", "-q", "-O", "-", "--header", "Host: cache.internal", url)


def test_volumes_are_kept_after_uninstall(tier: Tier) -> None:
    tier.node.helm("uninstall", TIER, "--namespace", TIER, "--wait", "--timeout", "200s")
    claims = tier.node.get("persistentvolumeclaims", "--namespace", TIER)["items"]
    assert [claim["status"]["phase"] for claim in claims] == ["Bound"] * len(NODES)
