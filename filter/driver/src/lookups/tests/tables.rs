//! What happens step by step, as tables: after so many milliseconds, this; then those go on so.

use super::simulator::{Question, World};

/// One step of a story.
enum Step {
    /// A new stream asks, and goes on with this at once, or `waits`.
    Asks(Question, &'static str),
    /// The service behind a cluster answers with a status, headers and a body.
    Answers(&'static str, &'static [(&'static str, &'static str)], &'static str),
    /// The client of a stream goes away.
    Closes(u32),
    /// Another policy comes into use.
    Reloads(u8),
    /// Nothing but time.
    Passes,
}

use Question::{Blob, Health, Password, Token};
use Step::{Answers, Asks, Closes, Passes, Reloads};

type Row = (u64, Step, &'static [&'static str], &'static str);

const OK: &[(&str, &str)] = &[(":status", "200")];
const DENIED: &[(&str, &str)] = &[(":status", "401")];
const DOWN: &[(&str, &str)] = &[(":status", "503")];
const MISSING: &[(&str, &str)] = &[(":status", "404")];
/// Of the service of `hub`.
const TOKEN: &str = r#"{"token": "of-hub.example-1", "expires_in": 300}"#;
const CLUSTERS: &str = r#"{"cluster_statuses": []}"#;

fn run(story: &str, rows: &[Row]) {
    let mut world = World::new();
    for (number, (after, step, expected, reason)) in rows.iter().enumerate() {
        let mut woken = world.pass(*after);
        match step {
            Asks(question, answer) => {
                assert_eq!(world.ask(*question).1, *answer, "{story}, {number}: {reason}");
            }
            Answers(cluster, headers, body) => woken.extend(world.answer(cluster, headers, body)),
            Closes(stream) => world.close(*stream),
            Reloads(version) => world.reload(*version),
            Passes => {}
        }
        assert_eq!(woken, *expected, "{story}, {number}: {reason}");
    }
}

#[test]
fn a_token_service_that_is_slow() {
    #[rustfmt::skip]
    run("slow", &[
        (0, Asks(Token("hub", false), "waits"), &[], "it can go on elsewhere"),
        (500, Asks(Token("hub", true), "waits"), &[], "it cannot"),
        (1499, Passes, &[], "a millisecond before two seconds"),
        (1, Passes, &["1 unavailable"], "two seconds: it goes on to the next backend"),
        (0, Asks(Token("hub", false), "unavailable"), &[], "one has waited long enough for all"),
        (0, Asks(Token("hub", true), "waits"), &[], "but those that have no other backend"),
        (6000, Answers("hub@token", OK, TOKEN), &["2 token of-hub.example-1", "4 token of-hub.example-1"], "eight seconds"),
        (0, Asks(Token("hub", false), "token of-hub.example-1"), &[], "it is there"),
    ]);
}

#[test]
fn a_token_service_that_hangs() {
    #[rustfmt::skip]
    run("hangs", &[
        (0, Asks(Token("hub", true), "waits"), &[], "the first"),
        (9999, Passes, &[], "a millisecond before ten seconds"),
        (1, Passes, &["1 unavailable"], "ten seconds"),
        (0, Asks(Token("hub", true), "waits"), &[], "the call is not lost yet"),
        (999, Passes, &[], "the host may still report it"),
        (1, Passes, &["2 unavailable"], "eleven seconds: the host has lost the call"),
        (0, Asks(Token("hub", true), "unavailable"), &[], "it is left alone"),
        (1999, Asks(Token("hub", true), "unavailable"), &[], "for two seconds"),
        (1, Asks(Token("hub", true), "waits"), &[], "one probes"),
        (0, Asks(Token("hub", true), "unavailable"), &[], "the others do not wait for it"),
        (0, Answers("hub@token", DOWN, ""), &["5 unavailable"], "still down"),
        (3999, Asks(Token("hub", true), "unavailable"), &[], "left alone for four seconds"),
        (1, Asks(Token("hub", true), "waits"), &[], "one probes"),
        (0, Answers("hub@token", OK, TOKEN), &["8 token of-hub.example-1"], "well again"),
    ]);
}

#[test]
fn clients_that_go_away_take_nothing_with_them() {
    #[rustfmt::skip]
    run("go away", &[
        (0, Asks(Token("hub", false), "waits"), &[], "the first, for whom the service is asked"),
        (0, Asks(Token("hub", false), "waits"), &[], "the second"),
        (0, Closes(1), &[], "the first goes away"),
        (0, Answers("hub@token", OK, TOKEN), &["2 token of-hub.example-1"], "the second has its token"),
        (0, Asks(Blob(0, 1), "waits"), &[], "a blob"),
        (0, Closes(3), &[], "nobody waits any more"),
        (0, Answers("east@probe", OK, ""), &[], "what was found is remembered"),
        (0, Asks(Blob(0, 1), "present"), &[], "for the next one"),
        (0, Asks(Password("x", 1), "waits"), &[], "a password"),
        (0, Closes(5), &[], "its client goes away"),
        (0, Answers("p@verifier", OK, ""), &[], "it was right"),
        (0, Asks(Password("x", 1), "right"), &[], "the next one need not wait"),
    ]);
}

#[test]
fn another_policy_means_other_services_by_the_same_names() {
    #[rustfmt::skip]
    run("reload", &[
        (0, Asks(Token("hub", true), "waits"), &[], "a token"),
        (0, Answers("hub@token", OK, TOKEN), &["1 token of-hub.example-1"], "of the old credentials"),
        (0, Asks(Blob(0, 1), "waits"), &[], "a blob"),
        (0, Answers("east@probe", OK, ""), &["2 present"], "of the old store"),
        (0, Asks(Password("x", 1), "waits"), &[], "a password"),
        (0, Answers("p@verifier", OK, ""), &["3 right"], "at the old verifier"),
        (0, Asks(Blob(1, 1), "waits"), &[], "a question is under way"),
        (0, Reloads(2), &[], "other stores, another verifier, other credentials"),
        (0, Asks(Token("hub", true), "waits"), &[], "no token of the old ones"),
        (0, Asks(Blob(0, 1), "waits"), &[], "nothing of the old store"),
        (0, Asks(Password("x", 1), "waits"), &[], "nothing of the old verifier"),
        (0, Answers("west@probe", OK, ""), &["4 present"], "the old store answers who asked it"),
        (0, Asks(Blob(1, 1), "waits"), &[], "and nobody else"),
        (0, Answers("p@verifier", DENIED, ""), &["7 wrong"], "the new verifier"),
        (0, Reloads(2), &[], "the same policy again"),
        (0, Asks(Password("x", 1), "wrong"), &[], "what is known stays"),
    ]);
}

#[test]
fn a_backend_that_says_where_its_tokens_come_from() {
    const CHALLENGE: &[(&str, &str)] = &[
        (":status", "401"),
        ("www-authenticate", r#"Bearer realm="https://discovered.example/t",service="d""#),
    ];
    const TOKEN: &str = r#"{"token": "of-discovered.example-1"}"#;
    #[rustfmt::skip]
    run("discovery", &[
        (0, Asks(Token("discovered", false), "waits"), &[], "the backend is asked first"),
        (0, Answers("discovered@token", CHALLENGE, ""), &[], "it names its service, at its own host"),
        (0, Answers("discovered@token", OK, TOKEN), &["1 token of-discovered.example-1"], "which is asked then"),
    ]);
}

#[test]
fn health_of_backends_is_asked_once_a_second() {
    #[rustfmt::skip]
    run("health", &[
        (0, Asks(Health(false), "waits"), &[], "one asks"),
        (0, Asks(Health(true), "waits"), &[], "for all"),
        (100, Answers("portolan@admin", OK, CLUSTERS), &["1 known", "2 known"], "Envoy says it"),
        (999, Asks(Health(true), "known"), &[], "for a second"),
        (1, Asks(Health(true), "waits"), &[], "then it is asked again"),
        (0, Asks(Health(true), "known"), &[], "the others go on with what was known"),
        (3000, Asks(Health(true), "waits"), &["4 unknown"], "the call was lost: two seconds and one"),
        (0, Answers("portolan@admin", DOWN, ""), &["6 unknown"], "it does not say"),
    ]);
}

#[test]
fn a_store_that_does_not_answer() {
    #[rustfmt::skip]
    run("store", &[
        (0, Asks(Blob(0, 1), "waits"), &[], "a blob"),
        (0, Asks(Blob(0, 2), "waits"), &[], "another one of the same store"),
        (0, Asks(Blob(1, 1), "waits"), &[], "the same of another store"),
        (0, Answers("east@probe", DOWN, ""), &["1 unknown"], "trouble"),
        (0, Asks(Blob(0, 3), "unknown"), &[], "nobody waits for it"),
        (0, Answers("west@probe", MISSING, ""), &["3 absent"], "the other store is well"),
        (0, Answers("east@probe", OK, ""), &["2 present"], "it answers the other question"),
        (0, Asks(Blob(0, 3), "waits"), &[], "it is well again"),
    ]);
}

#[test]
fn warnings_for_the_operator() {
    let mut world = World::new();
    let lines = |world: &mut World| world.lookups.take_lines();
    world.ask(Token("robot", true));
    world.answer("robot@token", DENIED, "");
    let told = lines(&mut world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("backend `robot`, credential `robot-credential`"), "{told:?}");
    world.ask(Blob(0, 1));
    world.answer("east@probe", DOWN, "");
    assert!(lines(&mut world)[0].contains("blob store `east` is in trouble"));
    world.ask(Token("hub", true));
    world.answer("hub@token", DOWN, "");
    assert!(lines(&mut world)[0].contains("backend `hub`, cluster `hub@token`"));
    world.pass(2000);
    world.ask(Token("hub", true));
    world.answer("hub@token", DOWN, "");
    assert_eq!(lines(&mut world), [""; 0], "once a minute");
}
