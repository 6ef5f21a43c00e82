"""What the tests of changing policies share: a policy with one backend, and what asks through it."""

from harness.digest import sha256
from harness.envoy import Policy
from harness.files_envoy import FilesEnvoy
from harness.policies import build_policy, rule_for_all

HOST = "registry.test"
CONTENT = b"content"
BLOB = f"/v2/acme/app/blobs/{sha256(CONTENT)}"


def policy(url: str, **more: object) -> Policy:
    """One backend, `quay`."""
    return build_policy(
        {"quay": {"url": url, **more}},
        rule_for_all(["quay"]),
        fronts={"main": {"hosts": [HOST], "health": True}},
    )


def asked(envoy: FilesEnvoy) -> int:
    """The status of a pull."""
    return envoy.request("GET", BLOB, host=HOST).status


def policy_of(envoy: FilesEnvoy) -> str:
    """The fingerprint of the policy in force."""
    return envoy.run("history").splitlines()[0].rpartition(" ")[2]
