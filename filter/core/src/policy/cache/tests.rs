use super::*;
use crate::oci::parse;

const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn requests_that_a_cache_may_answer() {
    let blob = format!("/v2/team/app/blobs/sha256:{DIGEST}");
    let manifest = format!("/v2/team/app/manifests/sha256:{DIGEST}");
    let sha512 = format!("/v2/team/app/blobs/sha512:{DIGEST}{DIGEST}");
    let referrers = format!("/v2/team/app/referrers/sha256:{DIGEST}");
    #[rustfmt::skip]
    let rows = [
        ("GET", blob.as_str(), true, "content by its digest"),
        ("GET", manifest.as_str(), true, "content by its digest"),
        ("HEAD", blob.as_str(), false, "some nodes would fetch all of it"),
        ("HEAD", manifest.as_str(), false, "some nodes would fetch all of it"),
        ("GET", sha512.as_str(), false, "nodes keep sha256"),
        ("GET", "/v2/team/app/manifests/v1", false, "a tag may change"),
        ("HEAD", "/v2/team/app/manifests/v1", false, "a tag may change"),
        ("GET", "/v2/team/app/tags/list", false, "tags change"),
        ("GET", referrers.as_str(), false, "referrers change"),
        ("GET", "/v2/_catalog", false, "no content"),
        ("GET", "/v2/", false, "no content"),
        ("DELETE", manifest.as_str(), false, "a write"),
        ("PUT", manifest.as_str(), false, "a write"),
        ("POST", "/v2/team/app/blobs/uploads/", false, "a write"),
    ];
    for (method, target, expected, reason) in rows {
        let request = parse(method.as_bytes(), target.as_bytes()).unwrap();
        assert_eq!(may_be_cached(&request), expected, "{method} {target}: {reason}");
    }
}

#[test]
fn ranges_that_are_the_whole() {
    let rows = [
        ("bytes=0-", true, "the first byte and all behind it"),
        ("Bytes=0-", true, "the unit has no case"),
        ("bytes=0-0", false, "one byte"),
        ("bytes=1-", false, "a resume"),
        ("bytes=-0", false, "the last none"),
        ("bytes=0-,5-", false, "two"),
        ("", false, "nothing"),
    ];
    for (range, expected, reason) in rows {
        assert_eq!(is_whole(range.as_bytes()), expected, "{range}: {reason}");
    }
}

#[test]
fn a_fill_names_its_front_and_region() {
    let target = format!("/v2/alias/app/blobs/sha256:{DIGEST}");
    let request = parse(b"GET", target.as_bytes()).unwrap();
    for (front, region) in [("main", "default"), ("a.b-c_d", "eu.1")] {
        let target = fill_target(&request.endpoint, "team/app", front, region);
        let beginning = format!("/v2/team/app/blobs/sha256:{DIGEST}?");
        assert!(target.starts_with(&beginning), "{target}");
        let fill = parse(b"GET", target.as_bytes()).unwrap();
        let whose = OfFill { front: front.to_owned(), region: region.to_owned(), through: None };
        assert_eq!(OfFill::read(fill.query.unwrap()), Some(whose.clone()));
        assert_eq!(OfFill::cache_of(target.as_bytes()), None, "a node asks so");
        let target = target_through(&target, "eu");
        assert_eq!(OfFill::cache_of(target.as_bytes()).as_deref(), Some("eu"));
        let fill = parse(b"GET", target.as_bytes()).unwrap();
        let through = OfFill { through: Some("eu".to_owned()), ..whose };
        assert_eq!(OfFill::read(fill.query.unwrap()), Some(through));
    }
    for query in ["", "front=a", "region=b", "front=&region=b", "front=a&front=b&region=c"] {
        assert_eq!(OfFill::read(query.as_bytes()), None, "{query}");
    }
}
