//! The reader of policies, on JSON.
//!
//! A policy that is refused says why, in words; one that is accepted is whole: every list has
//! backends, every backend a URL to dial, and requests are planned with it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_core::config::{Config, BackendList};
use portolan_core::{Facts, RequestHead, plan};

fuzz_target!(|input: &[u8]| match Config::from_json(input) {
    Ok(config) => check(&config),
    Err(mistakes) => {
        assert!(!mistakes.is_empty(), "a refusal without a word");
        for mistake in mistakes {
            assert!(!mistake.message.is_empty() && !mistake.to_string().is_empty());
        }
    }
});

fn check(config: &Config) {
    assert!(!config.fronts().all().is_empty() && !config.backends().is_empty());
    for backend in config.backends() {
        let origin = backend.url().origin().to_string();
        assert!(origin.starts_with("https://") || origin.starts_with("http://"), "{origin}");
        assert!(!origin.contains(['@', '?', '#', ' ']), "{origin}");
    }
    for list in config.lists() {
        check_list(config, list);
    }
    for front in config.fronts().all() {
        for host in front.hosts() {
            let authority = host.as_str().as_bytes();
            for target in [
                &b"/v2/"[..],
                b"/v2/a/manifests/b",
                b"/v2/a/blobs/uploads/",
                b"/portolan/token?scope=x",
            ] {
                for method in [&b"GET"[..], b"HEAD", b"POST"] {
                    let head = RequestHead {
                        method,
                        target,
                        scheme: b"https",
                        authority,
                        ..RequestHead::default()
                    };
                    let _ = plan(config, &head, &Facts::default());
                }
            }
        }
    }
}

fn check_list(config: &Config, list: &BackendList) {
    assert!(!list.backends().is_empty() && !list.cluster().is_empty());
    assert!(list.backends().iter().all(|id| config.backend(*id).is_some()));
}
