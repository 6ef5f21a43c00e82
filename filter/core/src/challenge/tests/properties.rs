//! Properties that hold for every header.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const FRONT: FrontChallenge<'static> = FrontChallenge {
    realm: "https://registry.example.com/portolan/token",
    service: "registry.example.com",
    label: "Registry",
    accepts: Accepts::Bearer,
};

fn any_accepts() -> impl Strategy<Value = Accepts> {
    select(vec![Accepts::Bearer, Accepts::Basic, Accepts::Nothing])
}

/// Parameters with names that are all different, if one looks away from their case.
fn any_parameters() -> impl Strategy<Value = Parameters> {
    vec(("[a-zA-Z*!_-]{1,6}", "[\\t -~]{0,12}"), 0..5).prop_map(|pairs| {
        let mut parameters = Parameters::default();
        for (name, value) in pairs {
            let _ = parameters.add(&name, &value);
        }
        parameters
    })
}

fn any_challenge() -> impl Strategy<Value = Challenge> {
    let other = "[C-Z][a-z]{0,4}( [a-z0-9/+]{1,6}={0,2}| [a-z]{1,3} = \"([ -~&&[^\"\\\\]]|\\\\[ -~]){0,6}\"| a=b ,, c=d)?";
    prop_oneof![
        any_parameters().prop_map(Challenge::Bearer),
        any_parameters().prop_map(Challenge::Basic),
        other.prop_map(|text| Challenge::Other(text.into_bytes())),
    ]
}

/// A challenge written as carelessly as the grammar allows, by the given dice.
fn scrawl(challenge: &Challenge, dice: &mut impl FnMut(usize) -> usize) -> String {
    let (scheme, parameters) = match challenge {
        Challenge::Bearer(parameters) => ("Bearer", parameters),
        Challenge::Basic(parameters) => ("Basic", parameters),
        Challenge::Other(bytes) => return String::from_utf8(bytes.clone()).unwrap(),
    };
    let scheme = if dice(2) == 0 { scheme.to_uppercase() } else { scheme.to_lowercase() };
    let mut text = scheme + [" ", " \t", " ,"][dice(3)];
    for (name, value) in parameters.iter() {
        let name = if dice(2) == 0 { name.to_uppercase() } else { name.to_owned() };
        let equals = ["=", " =", "\t= "][dice(3)];
        let is_token = value.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let value = if is_token && !value.is_empty() && dice(2) == 0 {
            value.to_owned()
        } else {
            scrawl_quoted(value, dice)
        };
        text += &[&name, equals, &value, [",", " , ", ",\t,"][dice(3)]].concat();
    }
    text
}

fn scrawl_quoted(value: &str, dice: &mut impl FnMut(usize) -> usize) -> String {
    let mut text = String::from("\"");
    for character in value.chars() {
        if "\"\\".contains(character) || dice(4) == 0 {
            text.push('\\');
        }
        text.push(character);
    }
    text + "\""
}

/// Bearer before Basic before others, each kind in its order.
fn sorted(challenges: &[Challenge]) -> Vec<Challenge> {
    let of =
        |wanted: fn(&Challenge) -> bool| challenges.iter().filter(move |it| wanted(it)).cloned();
    of(|it| matches!(it, Challenge::Bearer(_)))
        .chain(of(|it| matches!(it, Challenge::Basic(_))))
        .chain(of(|it| matches!(it, Challenge::Other(_))))
        .collect()
}

fn reread(values: &[Vec<u8>]) -> Result<Vec<Challenge>, Unreadable> {
    read(&values.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Words of headers that name an upstream, `upstream.invalid`, wherever an upstream can.
fn any_hostile_value() -> impl Strategy<Value = String> {
    let words = select(vec![
        "Bearer ",
        "bearer ",
        "Basic ",
        "Digest ",
        "Negotiate abc==",
        ",",
        ", ",
        " ",
        "\"",
        "\\",
        "realm=\"https://upstream.invalid/token\"",
        "Realm = upstream.invalid",
        "service=upstream.invalid",
        "error_uri=\"https://upstream.invalid/e\"",
        "resource_metadata=\"https://upstream.invalid/m\"",
        "x=\"//upstream.invalid\"",
        "error=invalid_token",
        "scope=\"repository:acme/a:pull\"",
        "scope=\"\"",
        "charset=UTF-8",
        "charset=\"https://upstream.invalid\"",
    ]);
    vec(words, 0..12).prop_map(|words| words.concat())
}

/// Field lines of the front that hold nothing but what a front may say.
fn check_told(told: &[Vec<u8>], front: &FrontChallenge<'_>, keep_scope: bool) {
    for line in told {
        let challenges = reread(std::slice::from_ref(line)).unwrap();
        let [challenge] = challenges.as_slice() else { panic!("{challenges:?}") };
        match challenge {
            Challenge::Bearer(parameters) => {
                assert_eq!(front.accepts, Accepts::Bearer);
                assert_eq!(parameters.get("realm"), Some(front.realm));
                assert_eq!(parameters.get("service"), Some(front.service));
                assert!(keep_scope || parameters.get("scope").is_none());
            }
            Challenge::Basic(parameters) => {
                assert_eq!(front.accepts, Accepts::Basic);
                assert_eq!(parameters.get("realm"), Some(front.label));
            }
            Challenge::Other(_) => continue,
        }
        assert!(!String::from_utf8_lossy(line).contains("upstream.invalid"), "{line:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn printing_then_reading_gives_the_same_challenges(challenges in vec(any_challenge(), 0..6)) {
        prop_assert_eq!(reread(&print(&challenges)), Ok(sorted(&challenges)));
    }

    #[test]
    fn careless_writing_is_read_the_same(
        challenges in vec(any_challenge(), 0..4),
        throws in vec(any::<usize>(), 64),
        in_one_line in any::<bool>(),
    ) {
        let mut throws = throws.into_iter().cycle();
        let mut dice = |sides: usize| throws.next().unwrap() % sides;
        let lines: Vec<String> = challenges.iter().map(|it| scrawl(it, &mut dice)).collect();
        let lines = if in_one_line { vec![lines.join(" ,\t")] } else { lines };
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        prop_assert_eq!(read(&lines), Ok(challenges));
    }

    #[test]
    fn agrees_with_the_twin(
        words in vec(select(vec!["Bearer", "basic", "a", "b", "/", "=", "==", " ", "\t", ",", "\"", "\\", "a=b"]), 0..10)
    ) {
        let value = words.concat();
        let derived = twin::derive(&value);
        prop_assert!(derived.len() <= 1, "ambiguous: {:?}", derived);
        prop_assert_eq!(read(&[value.as_bytes()]).ok(), derived.into_iter().next(), "{}", value);
    }

    #[test]
    fn nothing_of_the_upstream_passes(
        values in vec(any_hostile_value(), 0..3), accepts in any_accepts(), keep_scope in any::<bool>()
    ) {
        let values: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
        let front = FrontChallenge { accepts, ..FRONT };
        let told = rewrite(&values, &front, &|name| Some(name.to_owned()), keep_scope);
        check_told(&told, &front, keep_scope);
        let told_again: Vec<&[u8]> = told.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(rewrite(&told_again, &front, &|name| Some(name.to_owned()), keep_scope), told.clone());
    }

    #[test]
    fn any_bytes_are_answered(
        values in vec(vec(any::<u8>(), 0..40), 0..3), accepts in any_accepts(), keep_scope in any::<bool>()
    ) {
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let front = FrontChallenge { accepts, ..FRONT };
        check_told(&rewrite(&values, &front, &|name| Some(name.to_owned()), keep_scope), &front, keep_scope);
        let found = token_service(&values);
        prop_assert!(found.is_none_or(|found| found.realm.starts_with("http")));
    }

    #[test]
    fn a_realm_is_plain(realm in "(https?://|)[a@]{0,2}[a1:@/?#\\\\ \\[]{0,8}") {
        let mut parameters = Parameters::default();
        parameters.add("realm", &realm).unwrap();
        let printed = print(&[Challenge::Bearer(parameters)]);
        let found = token_service(&[&printed[0]]);
        let plain = |found: &str| {
            let authority = found.split("://").nth(1).unwrap().split(['/', '?']).next().unwrap();
            let host = authority.split(':').next().unwrap();
            !host.is_empty() && !authority.contains('@') && !found.contains(['#', '\\', ' '])
        };
        prop_assert!(found.is_none_or(|found| realm.starts_with(&found.realm) && plain(&found.realm)));
    }
}
