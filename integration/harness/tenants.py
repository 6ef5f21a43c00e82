"""Two tenants of one installation: a front, a rule and a registry each."""

from harness.envoy import Policy
from harness.policies import build_policy

# What each may read, and what it may not.
OURS = "/v2/ours/app/manifests/v1"
THEIRS = "/v2/theirs/app/manifests/v1"


def policy(ours: str, theirs: str) -> Policy:
    """`registry.test` shows `ours/`, `other.test` shows `theirs/`; neither is the default."""

    def rule(name: str, front: str) -> Policy:
        return {
            "name": name,
            "repositories": [f"{name}/**"],
            "fronts": [front],
            "chains": {"default": [name]},
            "owner": name,
        }

    return build_policy(
        {"ours": ours, "theirs": theirs},
        fronts={"one": {"hosts": ["registry.test"]}, "two": {"hosts": ["other.test"]}},
        rules=[rule("ours", "one"), rule("theirs", "two")],
    )
