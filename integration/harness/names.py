"""Names of clusters: what is behind `~` is the fingerprint of what a cluster connects to."""

import re

FINGERPRINT = re.compile("~[0-9a-f]{16}")


def plain(cluster: str) -> str:
    """The name that the policy has for a cluster, as in statistics: `quay@owner` of `quay~3f9a0c1b2d4e5f60@owner`."""
    return FINGERPRINT.sub("", cluster)
