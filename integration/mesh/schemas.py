"""Objects of Kubernetes against the schemas of the systems that read them, as strictly as an API server.

The schemas are files of the systems' own modules, which scripts/setup has got (part mesh-schemas). Rules in CEL are beyond
this: they are seen where the real control plane reads the objects.
"""

import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from harness import paths

MESH = paths.ROOT / ".tools/mesh"
RESOURCES = MESH / "resources"


@cache
def _validators() -> dict[tuple[str, str], Any]:
    """A validator for each version and kind."""
    sys.path.append(str(MESH / "python"))
    from jsonschema import Draft7Validator

    found = {}
    for file in sorted(RESOURCES.glob("*.yaml")):
        # The loader in C: a megabyte of YAML takes the other one ten seconds.
        for document in yaml.load_all(file.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if document and document["kind"] == "CustomResourceDefinition":
                group, kind = document["spec"]["group"], document["spec"]["names"]["kind"]
                for version in document["spec"]["versions"]:
                    schema = strict(version["schema"]["openAPIV3Schema"])
                    schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": METADATA}
                    found[f"{group}/{version['name']}", kind] = Draft7Validator(schema)
    return found


METADATA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "namespace"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
        "namespace": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def mistakes(document: dict[str, Any]) -> list[str]:
    """What an API server would refuse of an object, with the path of each."""
    key = (document["apiVersion"], document["kind"])
    validator = _validators().get(key)
    if validator is None:
        return [f"there is no {key[1]} in {key[0]}"]
    return [f"{key[1]} {'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(document)]


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as JSON Schema that refuses fields which are not listed."""
    found = dict(schema)
    for key in ("properties", "patternProperties"):
        if key in found:
            found[key] = {name: strict(each) for name, each in found[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), dict):
            found[key] = strict(found[key])
    listed = "properties" in found and "additionalProperties" not in found
    if listed and not found.get("x-kubernetes-preserve-unknown-fields"):
        found["additionalProperties"] = False
    if found.get("x-kubernetes-int-or-string"):
        found.pop("type", None)
    # Formats of the API's own, such as int32, say nothing to JSON Schema.
    found.pop("format", None)
    return found


def has_schemas() -> bool:
    """Whether scripts/setup has got them."""
    return any(Path(RESOURCES).glob("*.yaml"))
