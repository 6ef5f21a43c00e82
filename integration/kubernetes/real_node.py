"""The chart on a real node: `make test-kubernetes`, with real_cache.py. The tests are about one release, in this order.

Kubernetes, Helm, containerd, CoreDNS, kube-proxy and the clients are real. Not seen here: a second node, a load balancer,
cert-manager and the Prometheus operator at work, a network plugin that heeds NetworkPolicy.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import paths, portolan
from harness.digest import check, sha256
from harness.helm import rendered
from harness.waiting import eventually

from kubernetes import images
from kubernetes.clients import CLIENTS, Load, address_of, inside, load, pod
from kubernetes.namespace import ADDRESS, Failed
from kubernetes.node import Node
from kubernetes.settings import FRONT, FRONT_ADDRESS, NODE
from kubernetes.site import CHART, MIRROR, NAMESPACE, RELEASE, REPOSITORY, Site, restricted

EVERYTHING = Path(__file__).with_name("everything.yaml")
RESOURCES = paths.ROOT / ".tools/kubernetes/resources"
SOMEWHERE_ELSE = "198.51.100.7"
UPGRADE_SECONDS = 300.0


@pytest.fixture(scope="module", autouse=True)
def installed(site: Site) -> Iterator[None]:
    site.node.apply(restricted(NAMESPACE))
    said = site.upgrade(site.values(site.policy()))
    assert "STATUS: deployed" in said
    yield
    print(f"\nrequests: {len(site.logs().splitlines())} lines of the access log at the end")


def pull_forwarded(node: Node, client: str, reference: str) -> str:
    """Reads a manifest through the Service as a client behind a proxy that is believed; its text.

    By the address: the static program cannot ask name servers.
    """
    accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"
    url = f"http://{FRONT_ADDRESS}/v2/{REPOSITORY}/manifests/{reference}"
    headers = ("--header", f"Host: {FRONT}", "--header", f"X-Forwarded-For: {client}", "--header", f"Accept: {accept}")
    return inside(node, "near", "wget", "-q", "-O", "-", *headers, url)


def test_two_pods_serve_and_are_restricted(site: Site) -> None:
    pods = site.pods()
    assert [status["ready"] for each in pods for status in each["status"]["containerStatuses"]] == [True, True]
    assert {each["metadata"]["labels"]["app.kubernetes.io/version"] for each in pods} == {portolan_version()}
    for each in pods:
        assert each["spec"]["securityContext"]["runAsUser"] == 101
    # The namespace enforces it, as it shows with a pod that is not so.
    with pytest.raises(Failed, match="violates PodSecurity"):
        bad = pod("bad", images.CLIENT)
        bad["metadata"]["namespace"] = NAMESPACE
        site.node.apply(bad)


def test_every_object_of_the_chart_is_one_that_the_server_takes(site: Site) -> None:
    """Custom resources too, whose definitions are those of the Prometheus operator and cert-manager."""
    site.node.kubectl("apply", "--server-side", "--filename", str(RESOURCES))
    site.node.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    objects = [*rendered(CHART, "--values", EVERYTHING), *cache_with_tls()]
    mine = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "everything"}}
    site.node.apply(mine)
    said = site.node.kubectl(
        *("apply", "--dry-run=server", "--validate=strict", "--namespace", "everything", "--filename", "-"),
        stdin="---\n".join(
            json.dumps({**each, "metadata": {**each["metadata"], "namespace": "everything"}}) + "\n" for each in objects
        ),
    )
    assert said.count("(server dry run)") == len(objects), said
    wrong = next(each for each in objects if each["kind"] == "ServiceMonitor")
    wrong["spec"]["endpoints"][0]["intervall"] = "30s"
    with pytest.raises(Failed, match="intervall"):
        site.node.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename", "-", stdin=json.dumps(wrong))


def cache_with_tls() -> list[dict[str, Any]]:
    """What the chart makes for a cache beside the rest, under names of its own."""
    files = [CHART.parent / "values/cache.yaml", Path(__file__).with_name("cache-tls.yaml")]
    made = rendered(CHART, *(word for path in files for word in ("--values", path)), "--set", "fullnameOverride=cached")
    return [each for each in made if each["metadata"]["labels"]["app.kubernetes.io/component"] == "cache"]


def portolan_version() -> str:
    """The version of what is tested."""
    return portolan.output("--version").split()[1]


def test_helm_test_passes(site: Site) -> None:
    said = site.node.helm("test", RELEASE, "--namespace", NAMESPACE, "--logs", "--timeout", "120s")
    assert said.count("Phase:          Succeeded") == 2, said
    for name in ("test", "test-pull"):
        assert f"POD LOGS: {RELEASE}-portolan-{name}\n" in said, said


def test_a_forwarded_client_is_served_from_its_region(site: Site) -> None:
    for client, region, backend in (("203.0.113.9", "default", "eu"), (SOMEWHERE_ELSE, "cn", "cn")):
        digest = sha256(pull_forwarded(site.node, client, "v1").encode())
        text = pull_forwarded(site.node, client, digest)
        check(text.encode(), digest)
        path = f"/v2/{REPOSITORY}/manifests/{digest}"

        def logged(client: str = client, path: str = path) -> list[dict[str, Any]]:
            return [entry for entry in site.requests(path) if entry["client"] == client]

        entry = eventually(logged)[-1]
        assert (entry["region"], entry["backend"]) == (region, backend), entry


def test_memory_is_within_what_the_chart_requests(site: Site) -> None:
    """As the kubelet counts it: what it may not take from a pod that is asked for more."""
    names = {each["metadata"]["name"] for each in site.pods()}

    def counted() -> list[int]:
        summary = json.loads(site.node.kubectl("get", "--raw", f"/api/v1/nodes/{NODE}/proxy/stats/summary"))
        pods = [each for each in summary["pods"] if each["podRef"]["name"] in names]
        working = [each.get("memory", {}).get("workingSetBytes", 0) for each in pods]
        return working if len(working) == len(names) and all(working) else []

    working = eventually(counted, within=UPGRADE_SECONDS)
    print(f"\nworking sets of the pods: {', '.join(f'{each / 1e6:.0f} MB' for each in working)}")
    requested = yaml.safe_load((CHART / "values.yaml").read_text())["resources"]["requests"]["memory"]
    assert max(working) < int(requested.removesuffix("Mi")) << 20


def test_a_changed_policy_is_taken_over_and_pods_stay(site: Site) -> None:
    """Each client of a region of its own, by its own address; crane checks every digest."""
    before = {each["metadata"]["uid"] for each in site.pods()}
    far = address_of(site.node, "far")
    regions = {"cn": {"networks": ["198.51.100.0/24", f"{far}/32"]}, "default": {}}
    policy = site.policy(regions=regions)
    begun = time.monotonic()
    site.upgrade(site.values(policy))
    eventually(lambda: site.logs().count("is in force at") >= 2, within=180)
    print(f"\na changed ConfigMap was in force after {time.monotonic() - begun:.0f} s")
    assert {each["metadata"]["uid"] for each in site.pods()} == before
    for name, region in (("near", "default"), ("far", "cn")):
        inside(site.node, name, "crane", "validate", "--insecure", "--remote", f"{FRONT}:80/{REPOSITORY}:v1")
        client = address_of(site.node, name)
        path = f"/v2/{REPOSITORY}/manifests/v1"

        def logged(client: str = client, path: str = path) -> list[dict[str, Any]]:
            return [entry for entry in site.requests(path) if entry["client"] == client]

        assert {entry["region"] for entry in eventually(logged)} == {region}


def test_a_policy_that_is_refused_ends_the_upgrade_and_nothing_else(site: Site) -> None:
    broken = site.policy(backends={"eu": {"url": f"http://{ADDRESS}:5001"}})
    with pytest.raises(Failed, match="policy-check"):
        site.upgrade(site.values(broken))
    said = site.node.kubectl("logs", "--namespace", NAMESPACE, f"job/{RELEASE}-portolan-policy-check")
    assert "cn" in said, said
    pull_forwarded(site.node, SOMEWHERE_ELSE, "v1")


def test_a_configmap_that_is_broken_by_hand_changes_nothing(site: Site) -> None:
    name = f"{RELEASE}-portolan-policy"
    broken = {"portolan.yaml": "version: 1\n"}
    patch = json.dumps({"data": broken})
    site.node.kubectl("patch", "configmap", name, "--namespace", NAMESPACE, "--patch", patch)
    eventually(lambda: "the policy is refused" in site.logs(), within=120)
    pull_forwarded(site.node, SOMEWHERE_ELSE, "v1")
    # What somebody else has written Helm replaces only when it is told to.
    site.upgrade(site.values(site.policy()), "--force-conflicts")
    assert site.node.get("configmap", name, "--namespace", NAMESPACE)["data"] != broken


def read(site: Site) -> Load:
    """The small blobs of the image, and a layer."""
    return Load(FRONT_ADDRESS, FRONT, REPOSITORY, (*configurations(site), site.app.layers()[0]))


def configurations(site: Site) -> list[str]:
    """The small blobs of the image, one for each platform."""
    return sorted(set(site.app.blobs) - set(site.app.layers()))


def test_a_rolling_restart_loses_no_request(site: Site) -> None:
    before = {each["metadata"]["uid"] for each in site.pods()}
    with load(site.node, site.directory, "restart", read(site)):
        site.node.kubectl("rollout", "restart", f"deployment/{RELEASE}-portolan", "--namespace", NAMESPACE)
        ended(site, before)
    assert not before & {each["metadata"]["uid"] for each in site.pods()}


def ended(site: Site, before: set[str]) -> None:
    """Waits until the new pods serve and those from before are gone."""
    rollout = ("rollout", "status", f"deployment/{RELEASE}-portolan", "--namespace", NAMESPACE, "--timeout=280s")
    site.node.kubectl(*rollout)

    def gone() -> bool:
        found = site.node.get("pods", "--namespace", NAMESPACE)["items"]
        return not before & {each["metadata"]["uid"] for each in found}

    eventually(gone, within=UPGRADE_SECONDS)


def revision_in_force(site: Site) -> str:
    """The revision that Helm has deployed. One that was refused has a number, too."""
    history = json.loads(site.node.helm("history", RELEASE, "--namespace", NAMESPACE, "--output", "json"))
    return str(next(each["revision"] for each in history if each["status"] == "deployed"))


def test_an_upgrade_and_a_rollback_lose_no_request(site: Site) -> None:
    policy, revision = site.policy(), revision_in_force(site)
    before = {each["metadata"]["uid"] for each in site.pods()}
    with load(site.node, site.directory, "upgrade", read(site)):
        site.upgrade(site.values(policy, podAnnotations={"portolan.test/release": "next"}))
        ended(site, before)
    assert all("portolan.test/release" in each["metadata"]["annotations"] for each in site.pods())
    before = {each["metadata"]["uid"] for each in site.pods()}
    with load(site.node, site.directory, "rollback", read(site)):
        site.node.helm("rollback", RELEASE, revision, "--namespace", NAMESPACE, "--wait", "--timeout", "300s")
        ended(site, before)
    assert not any("portolan.test/release" in each["metadata"].get("annotations", {}) for each in site.pods())


def test_the_nodes_own_containerd_pulls_through_the_front(site: Site, tmp_path: Path) -> None:
    """The kubelet starts a pod whose image only the registries behind the front have; its name is of Docker Hub."""
    policy = tmp_path / "portolan.yaml"
    policy.write_text(json.dumps(site.policy()))
    registries = site.node.place / "registries"
    options = ("--for", "containerd", "--front", "mirror", "--scheme", "http", "--output", registries)
    portolan.output("clients", policy, *options)
    site.node.namespace.resolve({MIRROR.partition(":")[0]: ADDRESS})
    site.node.apply(pod("pulled", "docker.io/library/puller:1", imagePullPolicy="Always"))
    site.node.kubectl("wait", "--for=condition=Ready", "pod/pulled", "--namespace", CLIENTS, "--timeout=120s")
    status = site.node.get("pod", "pulled", "--namespace", CLIENTS)["status"]["containerStatuses"][0]
    assert "library/puller@sha256:" in status["imageID"], status
    entries = eventually(lambda: [each for each in site.requests("/v2/library/puller/manifests/1") if each])
    assert entries[-1]["front"] == "mirror", entries


def test_no_pod_is_left_after_uninstall(site: Site) -> None:
    site.node.helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", "--timeout", "200s")
    eventually(lambda: not site.node.get("pods", "--namespace", NAMESPACE)["items"], within=200)
