//! Reads by tag that are answered with what the tag was (`stale_tags`): what is remembered, who is
//! asked, and what becomes of the answers.

use portolan_core::attempt::select;
use portolan_core::contract::StateKey;
use portolan_core::contract::clusters::{FILL, STALE};
use portolan_driver::Exchange as _;

use super::host::{MILLISECOND, View, value};
use super::outcome::{Answered, Attempted, End, for_client, forwarded, replied, retried_at};
use super::policies::DIGEST;
use super::simulator::World;

const POLICY: &str = r#"{
    "version": 1,
    "fronts": {"main": {"hosts": ["main.example"]}},
    "backends": {"near": {"url": "https://near.example"}, "far": {"url": "https://far.example"}},
    "caches": {"eu": {"nodes": ["http://10.0.0.7:8300"]}},
    "regions": {"default": {}},
    "rules": [
        {"name": "two", "repositories": ["two/**"], "readers": "anyone", "stale_tags": "1h", "owner": "far",
         "replicas": ["near", "far"], "chains": {"default": ["cache@eu", "near", "far"]}},
        {"name": "one", "repositories": ["one/**"], "readers": "anyone", "stale_tags": "1h",
         "chains": {"default": ["cache@eu", "far"]}},
        {"name": "never", "repositories": ["never/**"], "readers": "anyone",
         "replicas": ["near", "far"], "chains": {"default": ["cache@eu", "near", "far"]}}
    ]
}"#;
const TWO: &str = "/v2/two/a/manifests/v1";
const ONE: &str = "/v2/one/a/manifests/v1";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json";
const SAID: [(&str, &str); 2] = [("docker-content-digest", DIGEST), ("content-type", INDEX)];
const HOUR: u64 = 60 * 60 * 1000;

fn world() -> World {
    World::new(POLICY)
}

/// A read of a client that takes indexes.
fn read(world: &mut World, target: &str) -> u32 {
    world.request_with("GET", "main.example", target, &[("accept", ACCEPT)])
}

/// An answer of the registry that is asked first, as the client gets it.
fn answered(world: &mut World, request: u32, status: &str, more: &[(&str, &str)]) -> End {
    let attempt = world.attempt(request, "far");
    world.answer(attempt, status, more);
    let response = world.response(attempt);
    world.close(attempt);
    world.respond(request, response)
}

/// A world in which it is remembered what the tags stand for.
fn remembering() -> World {
    let mut world = world();
    for target in [TWO, ONE] {
        let request = read(&mut world, target);
        answered(&mut world, request, "200", &SAID);
        world.pass(1);
        world.service(FILL, "200", &[], "{}");
    }
    world
}

/// Whether a read that comes now may be answered with what the tag was.
fn is_remembered(world: &mut World, target: &str) -> bool {
    let request = read(world, target);
    may_be_stale(world, request)
}

/// Whether the last attempt of a request may be one at the cache.
fn may_be_stale(world: &World, request: u32) -> bool {
    let prepared = View { host: &world.host, stream: request }.state(StateKey::Prepared);
    select(&prepared.unwrap_or_default(), STALE.as_bytes()).is_some()
}

#[test]
fn answers_by_which_a_tag_is_remembered() {
    let [digest, kind] = SAID;
    let index_alone = INDEX;
    #[rustfmt::skip]
    let rows = [
        ("GET", TWO, ACCEPT, "200", &SAID[..], true, "the manifest"),
        ("HEAD", TWO, ACCEPT, "200", &SAID, true, "that it is there"),
        ("GET", ONE, ACCEPT, "200", &SAID, true, "of a list of one"),
        ("GET", TWO, index_alone, "200", &SAID, false, "of a list this client would have been given one image"),
        ("GET", TWO, "*/*", "200", &SAID, false, "this one as well"),
        ("GET", TWO, ACCEPT, "200", &[kind], false, "the registry names no digest"),
        ("GET", TWO, ACCEPT, "200", &[digest], false, "nor a type"),
        ("GET", TWO, ACCEPT, "404", &SAID, false, "there is none"),
        ("GET", TWO, ACCEPT, "307", &SAID, false, "nobody has seen it"),
        ("GET", "/v2/never/a/manifests/v1", ACCEPT, "200", &SAID, false, "no rule says so"),
        ("GET", "/v2/two/a/tags/list", ACCEPT, "200", &SAID, false, "no tag"),
    ];
    for (method, target, accept, status, said, expected, reason) in rows {
        let mut world = world();
        let request = world.request_with(method, "main.example", target, &[("accept", accept)]);
        answered(&mut world, request, status, said);
        let digests = world.host.tags.values().filter(|kept| !kept.is_empty());
        assert_eq!(digests.count() == 1, expected, "{reason}");
        world.pass(1);
        let fills: Vec<_> = world.calls.iter().map(|(_, call)| call.clone()).collect();
        assert_eq!(fills.len() == 1, expected, "{reason}: the cache is to have it");
        for call in fills {
            let name = target.trim_start_matches("/v2/").trim_end_matches("/manifests/v1");
            let path =
                format!("/v2/{name}/manifests/{DIGEST}?front=main&region=default&through=eu");
            assert_eq!((call.header(":path"), &*call.cluster), (Some(&*path), FILL), "{reason}");
        }
    }
}

/// What a tag stands for is fetched once, whoever asks, and again when it is news.
#[test]
fn the_cache_is_filled_once() {
    let mut world = remembering();
    for _ in 0..3 {
        let request = read(&mut world, TWO);
        answered(&mut world, request, "200", &SAID);
        world.pass(1);
        assert!(world.calls.is_empty(), "it has it");
    }
    let other = DIGEST.replace("sha256:0", "sha256:1");
    let said = [("docker-content-digest", other.as_str()), ("content-type", INDEX)];
    for _ in 0..2 {
        let request = read(&mut world, TWO);
        answered(&mut world, request, "200", &said);
    }
    world.pass(1);
    assert_eq!(world.calls.len(), 1, "another image");
}

#[test]
fn what_ends_a_memory() {
    type Change = fn(&mut World);
    fn write(world: &mut World, method: &str, target: &str, status: &str) {
        let request = world.request_with(method, "main.example", target, &[]);
        let response = [(":status".to_owned(), status.as_bytes().to_vec())].to_vec();
        world.respond(request, response);
    }
    fn lacks(world: &mut World, statuses: [&str; 2]) {
        let request = read(world, TWO);
        for (backend, status) in ["near", "far"].into_iter().zip(statuses) {
            let attempt = world.attempt(request, backend);
            world.answer(attempt, status, &[]);
            let response = world.response(attempt);
            world.close(attempt);
            if backend == "far" {
                world.respond(request, response);
            }
        }
    }
    #[rustfmt::skip]
    let rows: [(Change, bool, &str); 9] = [
        (|_| {}, true, "nothing has happened"),
        (|world| world.pass(HOUR - 1000), true, "it is not over"),
        (|world| world.pass(HOUR), false, "it is over"),
        (|world| write(world, "PUT", TWO, "201"), false, "a push of the tag"),
        (|world| write(world, "PUT", TWO, "500"), true, "a push that failed"),
        (|world| write(world, "DELETE", TWO, "202"), false, "the tag was deleted"),
        (|world| write(world, "PUT", "/v2/two/a/manifests/v2", "201"), true, "a push of another tag"),
        (|world| lacks(world, ["404", "404"]), false, "all registries say that there is none"),
        (|world| lacks(world, ["503", "503"]), true, "an outage"),
    ];
    for (change, expected, reason) in rows {
        let mut world = remembering();
        change(&mut world);
        assert_eq!(is_remembered(&mut world, TWO), expected, "{reason}");
    }
}

/// What the registries of a list have answered, and where the request goes next.
#[test]
fn the_cache_is_asked_if_no_registry_could_be() {
    let (both, far, near) = ("near+far", "far+stale@cache@last", "stale@cache@last");
    #[rustfmt::skip]
    let rows = [
        (["500", "503"], [retried_at(far), retried_at(near)], "both fail"),
        (["404", "503"], [retried_at("far@last"), for_client("503")], "one lacks it"),
        (["503", "404"], [retried_at(far), for_client("404")], "the other one lacks it"),
        (["429", "503"], [retried_at("far@last"), for_client("503")], "one can be asked later"),
        (["503", "429"], [retried_at(far), for_client("429")], "the other one can"),
        (["403", "503"], [retried_at("far@last"), for_client("503")], "one refuses it"),
    ];
    for (statuses, expected, reason) in rows {
        let mut world = remembering();
        let request = read(&mut world, TWO);
        assert_eq!(world.end(request), forwarded(both), "{reason}");
        for ((backend, status), expected) in ["near", "far"].into_iter().zip(statuses).zip(expected)
        {
            let attempt = world.attempt(request, backend);
            assert_eq!(world.answer(attempt, status, &[]), expected, "{backend} {reason}");
            world.close(attempt);
        }
    }
    // Attempts that have no answer at all.
    let mut world = remembering();
    let request = read(&mut world, TWO);
    for (backend, next) in [("near", far), ("far", near)] {
        let attempt = world.attempt(request, backend);
        world.close(attempt);
        assert_eq!(world.host.state(request, StateKey::NextCluster), next);
    }
}

/// An only registry is asked in a cluster that has the cache as well: of a cluster of one backend
/// no attempt goes on.
#[test]
fn an_only_registry_and_the_cache() {
    let mut world = remembering();
    let request = read(&mut world, ONE);
    let next = |world: &World| world.host.state(request, StateKey::NextCluster);
    assert_eq!(next(&world), "far+stale@cache@last");
    let headers = &world.host.requests.last().unwrap().headers;
    assert_eq!(value(headers, "x-envoy-max-retries"), Some(b"1".to_vec()));
    let timeout = value(headers, "x-envoy-upstream-rq-per-try-timeout-ms");
    assert_eq!(timeout, Some(b"60000".to_vec()), "as long as without a cache");
    let attempt = world.attempt(request, "far");
    assert_eq!(world.answer(attempt, "502", &[]), retried_at("stale@cache@last"));
}

/// What the cache answers to the last attempt, in the place of the registries of each list.
#[test]
fn answers_of_the_cache_for_a_tag() {
    let unavailable = || replied("503", "portolan_UNAVAILABLE");
    #[rustfmt::skip]
    let rows = [
        ("200", for_client("200"), None, "what the tag was"),
        ("304", for_client("503"), Some(unavailable()), "the client has nothing yet"),
        ("404", for_client("503"), Some(unavailable()), "the cache has lost it: that says nothing of the tag"),
        ("400", for_client("503"), Some(unavailable()), "nor does this"),
        ("503", for_client("503"), Some(unavailable()), "no node is up"),
    ];
    for target in [TWO, ONE] {
        for (status, expected, end, reason) in &rows {
            let mut world = remembering();
            let request = read(&mut world, target);
            for backend in ["near", "far"].into_iter().skip(usize::from(target == ONE)) {
                let attempt = world.attempt(request, backend);
                world.answer(attempt, "503", &[]);
                world.close(attempt);
            }
            let attempt = world.attempt(request, STALE);
            let Attempted::Asked(asked) = world.sent(attempt) else { panic!("nobody is asked") };
            let name = if target == ONE { "one/a" } else { "two/a" };
            let path = format!("/v2/{name}/manifests/DIGEST?front=main&region=default&through=eu");
            assert_eq!((asked.path, asked.authorization), (path, None), "{reason}");
            let headers = [("cache-control", "immutable"), ("etag", "e")];
            assert_eq!(&world.answer(attempt, status, &headers), expected, "{target} {reason}");
            let response = world.response(attempt);
            let is_served = *status == "200";
            let warning = value(&response, "warning");
            let text = is_served.then(|| b"110 - \"Response is Stale\"".to_vec());
            assert_eq!(warning, text, "{reason}");
            assert_eq!(value(&response, "cache-control").is_none(), is_served, "{reason}");
            let said =
                [StateKey::Cache, StateKey::CacheUse].map(|key| world.host.state(request, key));
            let expected = if is_served { ["eu", "stale"] } else { ["", ""] };
            assert_eq!(said, expected, "{reason}");
            world.close(attempt);
            let found = world.respond(request, response);
            let is_as_wanted = match end {
                None => matches!(found, End::Unchanged { .. }),
                Some(_) => found.is_reply_of("503"),
            };
            assert!(is_as_wanted, "{target} {reason}: {found:?}");
        }
    }
}

/// What was served as it was is no news of the tag: it would never be over.
#[test]
fn a_stale_answer_is_not_remembered() {
    let mut world = remembering();
    world.pass(HOUR - 2000);
    let request = read(&mut world, ONE);
    let attempt = world.attempt(request, "far");
    world.answer(attempt, "503", &[]);
    world.close(attempt);
    let attempt = world.attempt(request, STALE);
    assert_eq!(world.answer(attempt, "200", &SAID), for_client("200"));
    let response = world.response(attempt);
    world.close(attempt);
    world.respond(request, response);
    assert!(is_remembered(&mut world, ONE));
    world.host.now += 2000 * MILLISECOND;
    assert!(!is_remembered(&mut world, ONE), "an hour after a registry has said so");
}

/// It would be given something else by a registry.
#[test]
fn a_client_is_served_nothing_that_it_does_not_accept() {
    let mut world = remembering();
    let image = "application/vnd.oci.image.manifest.v1+json";
    for (accept, expected) in [(ACCEPT, true), ("*/*", true), (image, false)] {
        let more = [("accept", accept)];
        let request = world.request_with("GET", "main.example", TWO, &more);
        assert_eq!(may_be_stale(&world, request), expected, "{accept}");
    }
}

/// Nothing is hedged, and a limited registry is still asked last.
#[test]
fn a_limited_registry_is_spared() {
    let mut world = remembering();
    let request = read(&mut world, TWO);
    let attempt = world.attempt(request, "near");
    assert!(matches!(
        world.answer(attempt, "429", &[("retry-after", "60")]),
        Answered::Retried { .. }
    ));
    world.close(attempt);
    let request = read(&mut world, TWO);
    assert_eq!(world.host.state(request, StateKey::NextCluster), "far+near@sparing-1");
    let attempt = world.attempt(request, "far");
    assert_eq!(world.answer(attempt, "503", &[]), retried_at("near+stale@cache@last"));
}
