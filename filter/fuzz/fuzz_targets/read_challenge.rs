//! The reader of `WWW-Authenticate` on field lines, and what is made of them.
//!
//! Whatever it accepts must be printed and read back as the same challenges; whatever a client
//! is told must be readable and name the front alone; and a token service that is found must be
//! at one host, however it is read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_core::challenge::{
    Accepts, Challenge, FrontChallenge, ScopeList, Unreadable, bare, print, read, rewrite,
    token_service,
};

const REALM: &str = "https://registry.example.com/portolan/token";
const SERVICE: &str = "registry.example.com";
const LABEL: &str = "Registry";

fuzz_target!(|input: &[u8]| {
    let values: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    let challenges = read(&values);
    if let Ok(challenges) = &challenges {
        check_read(challenges, &values);
    }
    for accepts in [Accepts::Bearer, Accepts::Basic, Accepts::Nothing] {
        for keep_scope in [true, false] {
            check_told(&values, accepts, keep_scope, challenges.is_ok());
        }
    }
    if let Some(found) = token_service(&values) {
        check_realm(&found.realm);
    }
    if let Ok(text) = str::from_utf8(input) {
        check_scopes(text);
    }
});

fn reread(values: &[Vec<u8>]) -> Result<Vec<Challenge>, Unreadable> {
    read(&values.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn check_read(challenges: &[Challenge], values: &[&[u8]]) {
    let plain = |byte: &u8| *byte == b'\t' || (b' '..=b'~').contains(byte);
    assert!(values.iter().all(|value| value.iter().all(plain)));
    assert!(challenges.len() <= 32);

    // In several lines and in one.
    let printed = print(challenges);
    let again = reread(&printed);
    // Escapes may make a header longer than is read.
    if printed.iter().map(Vec::len).sum::<usize>() <= 8 * 1024 {
        let again = again.expect("what is printed is readable");
        assert_eq!(again.len(), challenges.len());
        assert!(again.iter().all(|challenge| challenges.contains(challenge)));
        assert_eq!(print(&again), printed);
    }
    let joined = printed.join(b", ".as_slice());
    if joined.len() <= 8 * 1024 {
        assert_eq!(reread(&[joined]), reread(&printed));
    }
}

fn check_told(values: &[&[u8]], accepts: Accepts, keep_scope: bool, readable: bool) {
    let front = FrontChallenge { realm: REALM, service: SERVICE, label: LABEL, accepts };
    let told = rewrite(values, &front, &|name| Some(format!("front/{name}")), keep_scope);
    if !readable {
        assert_eq!(told, Vec::from_iter(bare(&front)));
    }
    for line in &told {
        // Escapes, names of the front and its realm make a line longer than one that is read.
        let Ok(challenges) = reread(std::slice::from_ref(line)) else {
            assert!(line.len() > 8 * 1024);
            continue;
        };
        let [challenge] = challenges.as_slice() else { panic!("{challenges:?}") };
        match challenge {
            Challenge::Bearer(parameters) => {
                assert_eq!(accepts, Accepts::Bearer);
                assert_eq!(parameters.get("realm"), Some(REALM));
                assert_eq!(parameters.get("service"), Some(SERVICE));
                assert_eq!(parameters.get("error_uri"), None);
                assert!(keep_scope || parameters.get("scope").is_none());
                let known = ["scope", "error", "error_description", "realm"];
                let unknown = |name: &str| !known.contains(&name);
                assert!(
                    parameters.iter().all(|(name, value)| !unknown(name) || !value.contains("://"))
                );
            }
            Challenge::Basic(parameters) => {
                assert_eq!(accepts, Accepts::Basic);
                assert_eq!(parameters.get("realm"), Some(LABEL));
                assert!(parameters.iter().all(|(name, _)| name == "realm" || name == "charset"));
            }
            Challenge::Other(_) => {}
        }
    }
}

fn check_realm(realm: &str) {
    let rest = realm.strip_prefix("https://").or_else(|| realm.strip_prefix("http://"));
    let authority = rest.expect("absolute").split(['/', '?']).next().unwrap_or_default();
    assert!(!authority.is_empty() && !authority.contains(['@', '%']), "{realm}");
    assert!(!realm.contains(['#', '\\', ' ', '"']), "{realm}");
}

fn check_scopes(text: &str) {
    let Ok(list) = ScopeList::parse([text]) else {
        assert!(text.len() > 100);
        return;
    };
    let printed = list.to_string();
    assert_eq!(ScopeList::parse([&*printed]).as_ref(), Ok(&list));
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    assert_eq!(printed, words.join(" "));
    let merged = list.merged();
    assert!(merged.entries().len() <= words.len());
    assert_eq!(merged.clone().merged(), merged);
}
