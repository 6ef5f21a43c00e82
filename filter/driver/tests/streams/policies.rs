//! The policies of these tests.

pub(super) const DIGEST: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// The path of a blob behind a repository.
pub(super) fn blob(repository: &str) -> String {
    format!("/v2/{repository}/blobs/{DIGEST}")
}

/// Three backends that are each shown something else: `hub` tokens, `robot` a credential, `open`
/// nothing.
pub(super) const LIST: &str = r#"{
    "version": 1,
    "fronts": {"main": {"hosts": ["main.example"]}},
    "backends": {
        "hub": {"url": "https://hub.example/base",
                "auth": {"token": {"realm": "https://auth.example/token", "service": "hub"}}},
        "robot": {"url": "https://robot.example", "auth": "basic", "credential": "c",
                  "names": [{"front": "team/", "backend": "robots/"}]},
        "open": {"url": "https://open.example"}
    },
    "credentials": {"c": {"file": "/c/robot"}},
    "regions": {"default": {}},
    "rules": [{"name": "team", "repositories": ["team/**"], "readers": "anyone",
               "chains": {"default": ["hub", "robot", "open"]}}]
}"#;

/// A list whose first backend is followed where it redirects to.
pub(super) const FOLLOWED: &str = r#"{
    "version": 1,
    "fronts": {"main": {"hosts": ["main.example"], "say_backend": true}},
    "backends": {
        "near": {"url": "https://near.example", "redirect_handling": "follow", "followed_redirects": {"hosts": ["cdn.example"]}},
        "far": {"url": "https://far.example/base"}
    },
    "regions": {"default": {}},
    "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["near", "far"]}}]
}"#;

/// A policy that needs every kind of fact. `VERSION` makes another policy of it: other stores and
/// another verifier by the same names.
pub(super) const FACTS: &str = r#"{
    "version": 1,
    "fronts": {
        "main": {"hosts": ["main.example"]},
        "private": {"hosts": ["private.example"], "auth": {"basic": {"verifier": "http://127.0.0.VERSION:9"}}}
    },
    "backends": {
        "ar": {"url": "https://ar.example"},
        "us": {"url": "https://us.example"},
        "robot": {"url": "https://robot.example", "auth": "basic", "credential": "c"}
    },
    "blob_stores": {"east": {"url": "https://east-VERSION.example/{digest}"}},
    "credentials": {"c": {"file": "/c/VERSION"}},
    "regions": {"default": {}},
    "rules": [
        {"name": "own", "fronts": ["private"], "repositories": ["own/**"], "readers": "authenticated",
         "writers": "authenticated", "owner": "robot", "chains": {"default": ["robot"]}},
        {"name": "pushed", "fronts": ["main"], "repositories": ["pushed/**"], "owner": "us",
         "read_your_writes": "60s", "chains": {"default": ["ar"]}},
        {"name": "sent", "fronts": ["main"], "repositories": ["sent/**"], "chains": {"default": ["ar", "us"]},
         "client_redirects": {"classes": ["blobs", "manifests"], "stores": "east"}},
        {"name": "limited", "fronts": ["main"], "repositories": ["limited/**"],
         "chains": {"default": ["ar", "us"]}}
    ]
}"#;

/// That policy in one of its versions.
pub(super) fn facts(version: u8) -> String {
    FACTS.replace("VERSION", &version.to_string())
}

/// A front whose clients log in to a backend with tokens. Where `found` keeps its tokens it says
/// itself.
pub(super) const LOGIN: &str = r#"{
    "version": 1,
    "fronts": {
        "login": {"hosts": ["login.example"], "auth": {"upstream": {"login": "home"}}},
        "found": {"hosts": ["found.example"], "auth": {"upstream": {"login": "self"}}}
    },
    "backends": {
        "home": {"url": "https://home.example",
                 "auth": {"token": {"realm": "https://auth.example/token", "service": "home"}}},
        "self": {"url": "https://self.example", "auth": "token"}
    },
    "regions": {"default": {}},
    "rules": [
        {"name": "home", "fronts": ["login"], "repositories": ["team/**"], "chains": {"default": ["home"]}},
        {"name": "self", "fronts": ["found"], "repositories": ["team/**"], "chains": {"default": ["self"]}}
    ]
}"#;
