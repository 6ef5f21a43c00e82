"""A policy has the fields that a suite does not name, and loses none that it names."""

from harness.policies import build_policy, rule_for_all, rule_of


def test_the_smallest_policy() -> None:
    assert build_policy({"a": "http://a.test"}) == {
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.test"]}},
        "backends": {"a": {"url": "http://a.test"}},
        "regions": {"default": {}},
        "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["a"]}}],
    }


def test_fields_that_a_suite_names() -> None:
    chains = {"cn": ["a"], "default": ["b", "a"]}
    made = build_policy(
        {"a": {"url": "http://a.test", "auth": "token"}, "b": "http://b.test"},
        rule_of("team", chains, owner="a"),
        rule_for_all(["b"]),
        front={"default": True},
        regions={"cn": {"countries": ["CN"]}},
        clients={"trusted_hops": 1},
    )
    assert made["backends"]["a"] == {"url": "http://a.test", "auth": "token"}
    assert made["fronts"] == {"main": {"hosts": ["registry.test"], "default": True}}
    assert made["regions"] == {"cn": {"countries": ["CN"]}, "default": {}}
    assert made["clients"] == {"trusted_hops": 1}
    assert made["rules"] == [
        {"name": "team", "repositories": ["team/**"], "chains": chains, "owner": "a"},
        {"name": "all", "repositories": ["**"], "chains": {"default": ["b"]}},
    ]


def test_other_fronts_take_the_place_of_the_usual_one() -> None:
    made = build_policy({"a": "http://a.test"}, fronts={"other": {"hosts": ["other.test"]}})
    assert list(made["fronts"]) == ["other"]
