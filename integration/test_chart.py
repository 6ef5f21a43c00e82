"""The Helm chart without a cluster: what it makes is what Kubernetes takes, and wrong values are refused.

The schemas are Kubernetes' own. Custom resources (but for the rules, which promtool reads) are given to a real server with their
definitions by `make test-kubernetes`, and so is all of it.
"""

import json
import re
import subprocess
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import paths, portolan
from harness.helm import HelmFailed, complaints, helm, is_built_in, rendered

from release import chart as documented
from release.source import find

KUBERNETES = paths.EXAMPLES / "kubernetes"
CHART = KUBERNETES / "chart"
EVERYTHING = paths.ROOT / "integration/kubernetes/everything.yaml"
CACHE_TLS = [KUBERNETES / "values/cache.yaml", paths.ROOT / "integration/kubernetes/cache-tls.yaml"]
VALUE_FILES = {
    "mirror": [KUBERNETES / "values/mirror.yaml"],
    "gitlab-geo": [KUBERNETES / "values/gitlab-geo.yaml"],
    "gitlab-geo-apac": [KUBERNETES / "values/gitlab-geo.yaml", KUBERNETES / "values/gitlab-geo-apac.yaml"],
    "cache": [KUBERNETES / "values/cache.yaml"],
    "cache-tls": CACHE_TLS,
    "everything": [EVERYTHING],
}
# The oldest that the chart takes, and the newest that there are schemas of; `make test-kubernetes` runs one in between.
VERSIONS = ["1.30", "1.37"]


def options(name: str) -> list[str | Path]:
    """Helm's options for a set of value files."""
    return [word for path in VALUE_FILES[name] for word in ("--values", path)]


def objects(name: str) -> dict[str, dict[str, Any]]:
    """The objects by kind and name."""
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in deepcopy(made(name))}


@cache
def made(name: str) -> list[dict[str, Any]]:
    """The objects, made once: each Helm takes half a second."""
    return rendered(CHART, *options(name))


def policy_of(found: dict[str, dict[str, Any]], directory: Path) -> Path:
    """The policy and the files beside it, as they are mounted."""
    for name, text in found["ConfigMap/registry-portolan-policy"]["data"].items():
        (directory / name).write_text(text)
    return directory / "portolan.yaml"


@pytest.mark.parametrize("name", VALUE_FILES)
def test_every_object_is_one_that_kubernetes_takes(name: str) -> None:
    found = objects(name)
    built_in = [each for each in found.values() if is_built_in(each)]
    said = [f"{version}: {text}" for version in VERSIONS for each in built_in for text in complaints(each, version)]
    assert said == []
    kinds = {each["kind"] for each in found.values()}
    assert {"Deployment", "Service", "ConfigMap", "PodDisruptionBudget", "ServiceAccount", "Job", "Pod"} <= kinds
    if name == "everything":
        more = {"HorizontalPodAutoscaler", "NetworkPolicy", "CronJob", "Certificate", "ServiceMonitor", "PrometheusRule"}
        assert {*more, "PersistentVolumeClaim"} <= kinds


def test_the_schemas_find_mistakes() -> None:
    deployment = objects("mirror")["Deployment/registry-portolan"]
    deployment["spec"]["template"]["spec"]["containers"][0]["imagepullpolicy"] = "Always"
    assert "imagepullpolicy" in str(complaints(deployment, "1.34"))


@pytest.mark.parametrize("name", VALUE_FILES)
def test_helm_finds_nothing_to_say(name: str) -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in helm("lint", CHART, "--strict", *options(name))


@pytest.mark.parametrize("name", VALUE_FILES)
def test_the_policy_that_is_mounted_is_good(name: str, tmp_path: Path) -> None:
    checked = portolan.run("check", policy_of(objects(name), tmp_path))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", VALUE_FILES)
def test_every_pod_is_restricted(name: str) -> None:
    """What Pod Security's level `restricted` looks at; the real admission is asked by `make test-kubernetes`."""
    pods = [spec for each in objects(name).values() if (spec := pod_of(each))]
    assert len(pods) >= 3
    for spec in pods:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
        assert {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"} <= allowed
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_each_pod_of_helm_test_has_one_container() -> None:
    """`helm test --logs` asks for the log of a pod and names no container, which the API server refuses where there are two."""
    pods = {name: each["spec"]["containers"] for name, each in objects("everything").items() if each["kind"] == "Pod"}
    assert {name: len(containers) for name, containers in pods.items()} == {
        "Pod/registry-portolan-test": 1,
        "Pod/registry-portolan-test-pull": 1,
    }


def pod_of(document: dict[str, Any]) -> dict[str, Any] | None:
    """The pod that an object makes."""
    spec = document.get("spec", {})
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    found: dict[str, Any] | None = spec.get("template", {}).get("spec") if document["kind"] != "Pod" else spec
    return found


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "there is no policy: give one by --set-file policy=portolan.yaml"),
        ({"policy": "a: b: c"}, "`portolan check` says where"),
        ({"policy": {"version": 1}, "existingPolicy": "mine"}, "policy and existingPolicy are both given"),
        ({"existingPolicy": "mine", "region": {"name": "eu"}}, "existingPolicy is taken as it is"),
        ({"existingPolicy": "mine", "replica": 3}, "replica"),
        ({"existingPolicy": "mine", "replicas": "three"}, "replicas"),
        ({"existingPolicy": "mine", "service": {"type": "Loadbalancer"}}, "service"),
        ({"existingPolicy": "mine", "image": {"digest": "sha256:1"}}, "digest"),
        ({"existingPolicy": "mine", "tls": {"certManager": {"enabled": True}}}, "issuerRef"),
        ({"existingPolicy": "mine", "drain": {"timeout": "10m"}}, "timeout"),
        ({"existingPolicy": "mine", "region": {"networks": ["10.0.0.0"]}}, "networks"),
        ({"existingPolicy": "mine", "metrics": {"port": 80}}, "port"),
        ({"existingPolicy": "mine", "secrets": [{"secretName": "x", "mountPath": "credentials"}]}, "mountPath"),
        ({"existingPolicy": "mine", "resources": {"limit": {"cpu": 1}}}, "limit"),
        ({"existingPolicy": "mine", "geo": {"enabled": True}}, "geo.source is empty"),
        ({"policy": {"version": 1}, "cache": {"enabled": True}}, "cache.podNetworks is empty, and so is region.networks"),
        (
            {"policy": {"caches": {"local": {"nodes": ["http://a"]}}}, "cache": {"enabled": True, "podNetworks": ["10.0.0.0/8"]}},
            "caches.local of the policy has `nodes` or `fill_from`",
        ),
        ({"existingPolicy": "mine", "cache": {"enabled": True, "storeSize": "45Gi"}}, "storeSize"),
        ({"existingPolicy": "mine", "cache": {"tls": {"certManager": {"enabled": True}}}}, "issuerRef"),
        (
            {"policy": {"caches": {"local": {"tls": {"ca_file": "/a"}}}}, "cache": {"enabled": True, "podNetworks": ["10.0.0.0/8"]}},
            "caches.local of the policy has `tls`, which cache.tls adds",
        ),
        ({"existingPolicy": "mine", "metrics": {"enabled": False, "rules": {"enabled": True}}}, "need the metrics"),
        ({"policy": {"regions": {"default": {}}}, "region": {"name": "eu"}}, "the policy has no such region: default"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], said: str, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(json.dumps(values))
    with pytest.raises(HelmFailed, match=re.escape(said)):
        helm("template", "registry", CHART, "--values", tmp_path / "values.yaml")


def test_a_policy_in_a_file_keeps_its_comments(tmp_path: Path) -> None:
    policy = paths.EXAMPLES / "two-regions/portolan.yaml"
    found = rendered(CHART, "--set-file", f"policy={policy}")
    (mounted,) = (each for each in found if each["metadata"]["name"] == "registry-portolan-policy")
    assert mounted["data"]["portolan.yaml"].strip() == policy.read_text().strip()


def test_fields_that_the_chart_adds_to_a_policy(tmp_path: Path) -> None:
    """The certificate, the place of the database, the networks of the cluster's region; the rest is as it was."""
    written = policy_of(objects("everything"), tmp_path)
    policy = yaml.safe_load(written.read_text())
    tls = {"certificate_file": "/etc/portolan/tls/tls.crt", "key_file": "/etc/portolan/tls/tls.key"}
    assert policy["fronts"]["main"]["tls"] == tls
    assert policy["clients"]["geo"]["database"] == "/geo/geoip.mmdb"
    assert policy["regions"]["eu"] == {"labels": ["office"], "networks": ["10.0.0.0/8"]}
    given = yaml.safe_load(yaml.safe_load(EVERYTHING.read_text())["policy"])
    del policy["fronts"]["main"]["tls"], policy["regions"]["eu"]["networks"]
    policy["clients"] = given["clients"]
    assert policy == given


def test_the_nodes_of_a_cache_are_those_of_the_policy(tmp_path: Path) -> None:
    """Each pod is the node of its number, and nobody but pods of the front and of the cache may ask and fill."""
    found = objects("cache")
    nodes = found["StatefulSet/registry-portolan-cache"]["spec"]
    policy = policy_of(found, tmp_path)
    cache = yaml.safe_load(policy.read_text())["caches"]["local"]
    assert nodes["ordinals"] == {"start": 1}
    names = [f"registry-portolan-cache-{number}" for number in range(1, nodes["replicas"] + 1)]
    assert cache["nodes"] == [f"http://{name}.registry-portolan-cache.registry.svc:8300" for name in names]
    assert nodes["serviceName"] == "registry-portolan-cache"
    assert (cache["fill_from"], cache["known"]) == (["10.0.0.0/8"], {"present": "6h"})
    # What the pods run is a command that takes the policy.
    arguments = [word.replace("$(NUMBER)", "2") for word in nodes["template"]["spec"]["containers"][0]["args"]]
    assert arguments[2:6] == ["--node", "local-2", "--fill-url", "http://registry-portolan-fill.registry.svc:8081"]
    here = ["--directory", tmp_path / "run", "--store", tmp_path / "store", "--server-program", "/bin/true"]
    done = portolan.run("cache", "serve", policy, *arguments[2:], *here)
    assert (done.returncode, done.stderr) == (0, "")
    front = found["Deployment/registry-portolan"]["spec"]["template"]["spec"]["containers"][0]
    assert front["args"][front["args"].index("--cache-fill") + 1] == "0.0.0.0:8081"
    of_fill = found["NetworkPolicy/registry-portolan-fill"]["spec"]
    assert [port for rule in of_fill["ingress"] if "from" not in rule for port in rule["ports"]] == [
        {"port": 1, "endPort": 8080, "protocol": "TCP"},
        {"port": 8082, "endPort": 65535, "protocol": "TCP"},
        {"port": 1, "endPort": 65535, "protocol": "UDP"},
    ]
    selected = nodes["selector"]["matchLabels"]
    assert [rule["from"][0]["podSelector"]["matchLabels"] for rule in of_fill["ingress"] if "from" in rule] == [selected]
    assert found["NetworkPolicy/registry-portolan-cache"]["spec"]["podSelector"]["matchLabels"] == selected


def test_a_cache_with_tls_has_its_certificate_in_all_its_pods(tmp_path: Path) -> None:
    """The same places in the pods of both kinds, names for all that are asked, and probes that need no certificate."""
    found = objects("cache-tls")
    cache = yaml.safe_load(policy_of(found, tmp_path).read_text())["caches"]["local"]
    place = "/etc/portolan/cache"
    files = {"ca_file": f"{place}/ca.crt", "certificate_file": f"{place}/tls.crt", "key_file": f"{place}/tls.key"}
    assert cache["tls"] == files
    hosts = [f"registry-portolan-cache-{number}.registry-portolan-cache.registry.svc" for number in (1, 2)]
    assert cache["nodes"] == [f"https://{host}:8300" for host in hosts]
    certificate = found["Certificate/registry-portolan-cache"]["spec"]
    assert certificate["dnsNames"] == [*hosts, "registry-portolan-fill.registry.svc"]
    assert certificate["usages"] == ["server auth", "client auth"]
    volume = {"name": "cache-tls", "secret": {"secretName": certificate["secretName"], "defaultMode": 0o440}}
    for name in ("StatefulSet/registry-portolan-cache", "Deployment/registry-portolan"):
        pods = found[name]["spec"]["template"]["spec"]
        assert volume in pods["volumes"], name
        assert {"name": "cache-tls", "mountPath": place, "readOnly": True} in pods["containers"][0]["volumeMounts"], name
    node = found["StatefulSet/registry-portolan-cache"]["spec"]["template"]["spec"]["containers"][0]
    assert node["args"][5] == "https://registry-portolan-fill.registry.svc:8081"
    asks = {"exec": {"command": ["/usr/local/bin/portolan", "cache", "status", "http://127.0.0.1:8301"]}}
    assert [node[f"{each}Probe"].items() >= asks.items() for each in ("startup", "readiness", "liveness")] == [True] * 3


def test_a_secret_of_ones_own_is_the_certificate_of_the_cache() -> None:
    found = rendered(CHART, *options("cache-tls"), "--set", "cache.tls.certManager.enabled=false,cache.tls.secretName=mine")
    assert [each for each in found if each["kind"] == "Certificate"] == []
    (pods,) = (each["spec"]["template"]["spec"] for each in found if each["kind"] == "StatefulSet")
    assert [each["secret"]["secretName"] for each in pods["volumes"] if "secret" in each] == ["mine"]


def test_regions_of_the_sites_of_gitlab_geo(tmp_path: Path) -> None:
    """A pod of the secondary's cluster reads there; the same policy without the site's values sends it to the primary."""
    blob = "/v2/group/project/blobs/sha256:" + "0" * 64
    for name, expected in (("gitlab-geo", ["primary", "secondary"]), ("gitlab-geo-apac", ["secondary", "primary"])):
        policy = policy_of(objects(name), tmp_path)
        said = portolan.output("explain", policy, "GET", blob, "--address", "10.40.0.9", "--json")
        assert json.loads(said)["chain"] == expected, said


def test_the_archive_of_a_release_is_a_chart(tmp_path: Path) -> None:
    """What is installed of it is what is installed of the directory, and two archives are the same."""
    archives = [documented.archive(find()) for _ in range(2)]
    assert archives[0] == archives[1]
    (tmp_path / "chart.tgz").write_bytes(archives[0])
    assert rendered(tmp_path / "chart.tgz", *options("everything")) == made("everything")


def test_the_chart_has_the_version_of_the_rest() -> None:
    version = re.search(r'^version = "(.+)"', (paths.ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    found = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert version and found["version"] == found["appVersion"] == version.group(1)


def test_every_rule_for_prometheus_is_in_the_chart(tmp_path: Path) -> None:
    rules = {path.name for path in (paths.EXAMPLES / "observability").glob("*.rules.yaml")}
    assert {path.name for path in (CHART / "rules").iterdir()} == rules
    spec = objects("everything")["PrometheusRule/registry-portolan"]["spec"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(spec))
    command: list[str | Path] = [paths.need_command("promtool"), "check", "rules", tmp_path / "rules.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    alerts = [path.read_text().count("- alert:") for path in (CHART / "rules").iterdir()]
    assert f"SUCCESS: {sum(alerts)} rules found" in done.stdout


def test_the_objects_of_the_command_line_are_those_of_the_chart() -> None:
    """`portolan render --target kubernetes` has them in it; they differ in the policy and in what names Helm."""
    assert documented.objects() == documented.OBJECTS.read_text(), "run: make examples"


def test_kubernetes_accepts_the_rendered_objects(tmp_path: Path) -> None:
    (tmp_path / "portolan.yaml").write_text(WITH_FILES)
    said = portolan.run("render", tmp_path / "portolan.yaml", "--target", "kubernetes")
    assert said.returncode == 0, said.stderr
    assert "Secret `portolan-credentials` with the key `robot`" in said.stderr
    found = list(yaml.safe_load_all(said.stdout))
    assert [text for each in found for text in complaints(each, "1.34")] == []
    (mounted,) = (each["data"]["portolan.yaml"] for each in found if each["kind"] == "ConfigMap")
    (tmp_path / "mounted.yaml").write_text(mounted)
    filters = [portolan.output("render", tmp_path / f"{name}.yaml", "--filter-configuration") for name in ("portolan", "mounted")]
    assert filters[0] == filters[1]


WITH_FILES = """\
version: 1
fronts: {main: {hosts: [registry.example.com]}}
backends: {eu: {url: "https://registry.eu.example.com", auth: token, credential: robot}}
credentials: {robot: {file: /etc/portolan/credentials/robot}}
regions: {default: {}}
rules: [{name: all, repositories: ["acme/**"], readers: anyone, chains: {default: [eu]}}]
"""


def test_the_rendered_objects_have_the_cache_nodes_of_the_policy(tmp_path: Path) -> None:
    nodes = ", ".join(f'"http://portolan-cache-{number}.portolan-cache:8300"' for number in (1, 2, 3))
    text = WITH_FILES.replace("rules:", f"caches: {{eu: {{nodes: [{nodes}], fill_from: [10.0.0.0/8]}}}}\nrules:")
    (tmp_path / "portolan.yaml").write_text(text.replace("default: [eu]", "default: [cache@eu, eu]"))
    found = list(yaml.safe_load_all(portolan.output("render", tmp_path / "portolan.yaml", "--target", "kubernetes")))
    assert [text for each in found for text in complaints(each, "1.34")] == []
    (made,) = (each["spec"] for each in found if each["kind"] == "StatefulSet")
    arguments = made["template"]["spec"]["containers"][0]["args"]
    assert (made["replicas"], arguments[3], arguments[5]) == (3, "eu-$(NUMBER)", "http://portolan-fill:8081")


def test_every_value_is_in_the_table_and_in_the_schema() -> None:
    text = documented.VALUES.read_text()
    described = [each.path for each in documented.values(text)]
    for path in documented.leaves(yaml.safe_load(text)):
        assert any(path == each or path.startswith(f"{each}.") for each in described), f"{path} has no comment"
    page = documented.PAGE.read_text()
    assert page == documented.page(page), "run: .tools/venv/bin/python -m release.chart --write-docs"
    schema = json.loads((CHART / "values.schema.json").read_text())
    for path in described:
        place = schema
        for name in path.split("."):
            assert name in place["properties"], path
            place = place["properties"][name]
