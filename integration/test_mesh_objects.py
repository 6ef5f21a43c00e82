"""The objects for Istio and Envoy Gateway are such as their own schemas want them, for policies of every kind; and no others would pass.

Sees: types, names of fields, enumerations. Cannot see what Istio and Envoy Gateway make of them: `make test-istio` and `make
test-envoy-gateway` do.
"""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import paths, portolan
from harness.envoy import Policy, write_policy
from harness.policies import build_policy, rule_for_all
from mesh import schemas

BACKENDS = {
    "eu": {"url": "https://registry.eu.example/mirror", "limits": {"connections": 7}},
    "us": {"url": "http://192.0.2.7:5000", "names": [{"front": "", "backend": "mirror/"}]},
}
PLAIN: Policy = build_policy(
    BACKENDS,
    rule_for_all({"eu": ["eu"], "default": ["us"]}),
    fronts={"main": {"hosts": ["registry.example.com"]}},
    regions={"eu": {"networks": ["198.51.100.0/24"]}, "default": {}},
)


IMAGE = "oci://r.example/portolan-wasm:v1"


def rendered(
    policy: Path | Policy, directory: Path, *options: str, target: str = "istio", wasm: str = IMAGE
) -> list[dict[str, Any]]:
    """The objects of a policy."""
    path = write_policy(policy, directory) if isinstance(policy, dict) else policy
    text = portolan.output("render", path, "--target", target, *options, "--wasm", wasm)
    return list(yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """At level `plugin`."""
    return rendered(PLAIN, tmp_path_factory.mktemp("plain"), "--tls-credential", "registry", "--image-pull-secret", "pull")


def mistakes(objects: list[dict[str, Any]]) -> list[str]:
    """Of all objects."""
    return [mistake for each in objects for mistake in schemas.mistakes(each)]


def test_level_plugin(plain: list[dict[str, Any]]) -> None:
    assert mistakes(plain) == []
    kinds = {each["kind"] for each in plain}
    assert kinds == {"WasmPlugin", "Gateway", "ServiceEntry", "DestinationRule", "VirtualService", "EnvoyFilter"}


@pytest.mark.parametrize("example", ["two-regions", "drycc", "gitlab-geo"])
def test_level_full(example: str, tmp_path: Path) -> None:
    objects = rendered(paths.EXAMPLES / example / "portolan.yaml", tmp_path, "--level", "full")
    assert mistakes(objects) == []
    assert {each["kind"] for each in objects} == {"WasmPlugin", "Gateway", "EnvoyFilter"}


@pytest.mark.parametrize(
    ("kind", "path", "wrong"),
    [
        ("WasmPlugin", ["spec", "failStrategy"], "FAIL_LATER"),
        ("WasmPlugin", ["spec", "plugin_config"], {}),
        ("Gateway", ["spec", "servers"], {}),
        ("DestinationRule", ["spec", "trafficPolicy", "tls", "mode"], "VERIFY"),
        ("ServiceEntry", ["spec", "resolution"], "GUESS"),
        ("EnvoyFilter", ["spec", "configPatches", 0, "applyTo"], "EVERYTHING"),
        ("VirtualService", ["spec", "http", 0, "retries", "often"], 3),
        ("Gateway", ["metadata", "name"], "Not A Name"),
    ],
)
def test_objects_that_the_schemas_refuse(
    plain: list[dict[str, Any]], kind: str, path: list[Any], wrong: object
) -> None:
    """Or the tests above could not fail."""
    document = copy.deepcopy(next(each for each in plain if each["kind"] == kind))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = wrong
    assert len(schemas.mistakes(document)) == 1


@pytest.mark.parametrize("wasm", [IMAGE, "https://example.com/portolan.wasm"])
def test_envoy_gateway_that_fetches_the_filter(wasm: str, tmp_path: Path) -> None:
    sum_and_secret = ("--wasm-sha256", "0" * 64, "--image-pull-secret", "pull", "--tls-credential", "registry")
    objects = rendered(PLAIN, tmp_path, *sum_and_secret, target="envoy-gateway", wasm=wasm)
    assert mistakes(objects) == []
    assert [each["kind"] for each in objects] == [
        *("EnvoyExtensionPolicy", "EnvoyPatchPolicy", "HTTPRouteFilter", "HTTPRoute", "Gateway")
    ]
    code = objects[0]["spec"]["wasm"][0]["code"]
    code["type"] = "Guess"
    assert any("Guess" in each for each in schemas.mistakes(objects[0])), "or the test could not fail"


@pytest.mark.parametrize("example", ["two-regions", "drycc", "gitlab-geo"])
def test_envoy_gateway_with_the_filter_as_a_file(example: str, tmp_path: Path) -> None:
    path = paths.EXAMPLES / example / "portolan.yaml"
    objects = rendered(path, tmp_path, target="envoy-gateway", wasm="/etc/portolan/portolan.wasm")
    assert mistakes(objects) == []
    assert [each["kind"] for each in objects] == ["EnvoyPatchPolicy", "HTTPRouteFilter", "HTTPRoute", "Gateway"]


def test_a_policy_that_needs_more_is_refused(tmp_path: Path) -> None:
    """With the path and the line of every field, and nothing is printed."""
    policy = copy.deepcopy(PLAIN)
    policy["rules"][0]["chains"]["eu"] = ["eu", "us"]
    policy["fronts"]["main"]["health"] = True
    path = write_policy(policy, tmp_path)
    with pytest.raises(portolan.PortolanFailed) as failed:
        portolan.output("render", path, "--target", "istio")
    said = str(failed.value)
    assert "rules[0].chains.eu" in said and "fronts.main.health" in said and "--level full" in said
