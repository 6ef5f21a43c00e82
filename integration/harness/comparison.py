"""Two Envoys: one with what is rendered of a policy, and one with a setting of it changed."""

import copy
from collections.abc import Callable
from pathlib import Path

from harness.bootstrap import Bootstrap, connection_manager
from harness.envoy import Envoy, Policy, render
from harness.names import plain
from harness.policies import build_policy, rule_of

Change = Callable[[Bootstrap], None]
# A first check may fail on a busy machine; so many are no accident.
FAILURES = 3


class Comparison:
    """Starts both; each test of it says what was rendered, what one might have written, and why not."""

    def __init__(self, start: Callable[[Bootstrap], Envoy], directory: Path) -> None:
        self._start = start
        self._directory = directory

    def envoys(self, policy: Policy, change: Change) -> tuple[Envoy, Envoy]:
        """Both; they know by now which backends are well, and check so often that no test has to wait."""
        rendered, changed = self._documents(policy, change, _check_often)
        return self._start_and_wait(rendered), self._start_and_wait(changed)

    def starting_envoys(self, policy: Policy, change: Change) -> tuple[Envoy, Envoy]:
        """Both, as soon as they listen, with the intervals of checks as they were rendered."""
        rendered, changed = self._documents(policy, change, lambda _document: None)
        return self._start(rendered), self._start(changed)

    def _start_and_wait(self, document: Bootstrap) -> Envoy:
        envoy = self._start(document)
        envoy.server.wait_until(lambda: _is_settled(envoy, document) or None, "its backends are known")
        return envoy

    def _documents(self, policy: Policy, change: Change, of_both: Change) -> tuple[Bootstrap, Bootstrap]:
        rendered = render(policy, self._directory)
        of_both(rendered)
        changed = copy.deepcopy(rendered)
        change(changed)
        assert changed != rendered, "nothing was changed"
        return rendered, changed


def policy(
    urls: list[str], chain: list[str], settings: Policy | None = None, owner: str | None = None
) -> Policy:
    """One rule for `team/**` and the backends aa, bb, cc; each knows it under a prefix of its own."""
    rule = {} if owner is None else {"owner": owner}
    return build_policy(
        {
            name: {
                "url": url,
                "names": [{"front": "team/", "backend": f"{name}-team/"}],
                **(settings or {}),
            }
            for name, url in zip(("aa", "bb", "cc"), urls, strict=False)
        },
        rule_of("team", chain, **rule),
    )


def cluster(document: Bootstrap, name: str) -> Bootstrap:
    """A cluster by the name that the policy has for it."""
    clusters: list[Bootstrap] = document["static_resources"]["clusters"]
    return next(cluster for cluster in clusters if plain(cluster["name"]) == name)


def protocol_options(cluster: Bootstrap) -> Bootstrap:
    """The protocol options of a cluster."""
    (options,) = cluster["typed_extension_protocol_options"].values()
    found: Bootstrap = options
    return found


def without_attempt_phase(cluster: Bootstrap) -> None:
    """Gives a cluster filters of its own, which do nothing: they take the place of the router's."""
    codec = {"@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"}
    protocol_options(cluster)["http_filters"] = [{"name": "envoy.filters.http.upstream_codec", "typed_config": codec}]


def routes(document: Bootstrap) -> list[Bootstrap]:
    """The routes: reads of several backends, reads of one, writes."""
    found: list[Bootstrap] = connection_manager(document)["route_config"]["virtual_hosts"][0]["routes"]
    return found


def _check_often(document: Bootstrap) -> None:
    for each in document["static_resources"]["clusters"]:
        for check in each.get("health_checks", []):
            names = [name for name in check if name.endswith("interval")]
            check |= dict.fromkeys(names, "0.3s")


def _is_settled(envoy: Envoy, document: Bootstrap) -> bool:
    """Whether every backend has been found well, or surely not."""
    stats = envoy.stats(r"^cluster\.[^.]+\.(membership_healthy|health_check\.failure)$")
    clusters = document["static_resources"]["clusters"]
    checked = [plain(each["name"]) for each in clusters if "health_checks" in each]

    def is_known(name: str) -> bool:
        failures = stats[f"cluster.{name}.health_check.failure"]
        return stats[f"cluster.{name}.membership_healthy"] == 1 or failures >= FAILURES

    return all(is_known(name) for name in checked)
