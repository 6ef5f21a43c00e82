//! What happens step by step, as tables: after so many milliseconds, a step; then some streams go
//! on.

use portolan_core::policy::Password as PasswordCheck;
use portolan_core::probe::Presence;

use super::simulator::{Others, Question, Told, World};
use crate::call::StreamId;

/// One step of a story. Streams are numbered in the order in which they ask.
enum Step {
    /// A new stream asks, and goes on with this at once, or waits.
    Asks(Question, Option<Told>),
    /// The service behind a cluster answers with a status, headers and a body.
    Answers(&'static str, &'static [(&'static str, &'static str)], &'static str),
    /// The client of a stream goes away.
    Closes(u32),
    /// Another policy comes into use.
    Reloads(u8),
    /// Nothing but time.
    Passes,
}

use Step::{Answers, Asks, Closes, Passes, Reloads};

/// Milliseconds, the step after them, the streams that go on then, and the reason.
type Row<'r> = (u64, Step, &'r [(StreamId, Told)], &'static str);

/// It waits.
const WAITS: Option<Told> = None;

const OK: &[(&str, &str)] = &[(":status", "200")];
const DENIED: &[(&str, &str)] = &[(":status", "401")];
const DOWN: &[(&str, &str)] = &[(":status", "503")];
const MISSING: &[(&str, &str)] = &[(":status", "404")];
/// Of the service of `hub`.
const TOKEN: &str = r#"{"token": "of-hub.example-1", "expires_in": 300}"#;
const CLUSTERS: &str = r#"{"cluster_statuses": []}"#;

/// A token, of a backend that another one could stand in for.
const fn token(backend: &'static str) -> Question {
    Question::Token { backend, others: Others::Some }
}

/// A token of the only backend of a list.
const fn token_of_only(backend: &'static str) -> Question {
    Question::Token { backend, others: Others::None }
}

const fn blob(store: usize, blob: u8) -> Question {
    Question::Blob { store, blob }
}

const fn password(client: u8) -> Question {
    Question::Password { password: "x", client }
}

const NEEDS_HEALTH: Question = Question::Health { is_optional: false };
const WANTS_HEALTH: Question = Question::Health { is_optional: true };

fn of_hub() -> Told {
    Told::Token("of-hub.example-1".to_owned())
}

const UNAVAILABLE: Told = Told::TokenUnavailable;
const PRESENT: Told = Told::Content(Presence::Present);
const ABSENT: Told = Told::Content(Presence::Absent);
const UNKNOWN: Told = Told::Content(Presence::Unknown);
const RIGHT: Told = Told::Password(PasswordCheck::Right);
const WRONG: Told = Told::Password(PasswordCheck::Wrong);

fn run(story: &str, rows: &[Row<'_>]) {
    let mut world = World::new();
    for (number, (after, step, expected, reason)) in rows.iter().enumerate() {
        let mut woken = world.pass(*after);
        match step {
            Asks(question, answer) => {
                assert_eq!(world.ask(*question), *answer, "{story}, {number}: {reason}");
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
        (0, Asks(token("hub"), WAITS), &[], "it can go on elsewhere"),
        (500, Asks(token_of_only("hub"), WAITS), &[], "it cannot"),
        (1499, Passes, &[], "a millisecond before two seconds"),
        (1, Passes, &[(1, UNAVAILABLE)], "two seconds: it goes on to the next backend"),
        (0, Asks(token("hub"), Some(UNAVAILABLE)), &[], "one has waited long enough for all"),
        (0, Asks(token_of_only("hub"), WAITS), &[], "but those that have no other backend"),
        (6000, Answers("hub@token", OK, TOKEN), &[(2, of_hub()), (4, of_hub())], "eight seconds"),
        (0, Asks(token("hub"), Some(of_hub())), &[], "it is there"),
    ]);
}

#[test]
fn a_token_service_that_hangs() {
    #[rustfmt::skip]
    run("hangs", &[
        (0, Asks(token_of_only("hub"), WAITS), &[], "the first"),
        (9999, Passes, &[], "a millisecond before ten seconds"),
        (1, Passes, &[(1, UNAVAILABLE)], "ten seconds"),
        (0, Asks(token_of_only("hub"), WAITS), &[], "the call is not lost yet"),
        (999, Passes, &[], "the host may still report it"),
        (1, Passes, &[(2, UNAVAILABLE)], "eleven seconds: the host has lost the call"),
        (0, Asks(token_of_only("hub"), Some(UNAVAILABLE)), &[], "it is left alone"),
        (1999, Asks(token_of_only("hub"), Some(UNAVAILABLE)), &[], "for two seconds"),
        (1, Asks(token_of_only("hub"), WAITS), &[], "one probes"),
        (0, Asks(token_of_only("hub"), Some(UNAVAILABLE)), &[], "the others do not wait for it"),
        (0, Answers("hub@token", DOWN, ""), &[(5, UNAVAILABLE)], "still down"),
        (3999, Asks(token_of_only("hub"), Some(UNAVAILABLE)), &[], "left alone for four seconds"),
        (1, Asks(token_of_only("hub"), WAITS), &[], "one probes"),
        (0, Answers("hub@token", OK, TOKEN), &[(8, of_hub())], "well again"),
    ]);
}

#[test]
fn clients_that_go_away_take_nothing_with_them() {
    #[rustfmt::skip]
    run("go away", &[
        (0, Asks(token("hub"), WAITS), &[], "the first, for whom the service is asked"),
        (0, Asks(token("hub"), WAITS), &[], "the second"),
        (0, Closes(1), &[], "the first goes away"),
        (0, Answers("hub@token", OK, TOKEN), &[(2, of_hub())], "the second has its token"),
        (0, Asks(blob(0, 1), WAITS), &[], "a blob"),
        (0, Closes(3), &[], "nobody waits any more"),
        (0, Answers("east@probe", OK, ""), &[], "what was found is remembered"),
        (0, Asks(blob(0, 1), Some(PRESENT)), &[], "for the next one"),
        (0, Asks(password(1), WAITS), &[], "a password"),
        (0, Closes(5), &[], "its client goes away"),
        (0, Answers("p@verifier", OK, ""), &[], "it was right"),
        (0, Asks(password(1), Some(RIGHT)), &[], "the next one need not wait"),
    ]);
}

#[test]
fn another_policy_means_other_services_by_the_same_names() {
    #[rustfmt::skip]
    run("reload", &[
        (0, Asks(token_of_only("hub"), WAITS), &[], "a token"),
        (0, Answers("hub@token", OK, TOKEN), &[(1, of_hub())], "of the old credentials"),
        (0, Asks(blob(0, 1), WAITS), &[], "a blob"),
        (0, Answers("east@probe", OK, ""), &[(2, PRESENT)], "of the old store"),
        (0, Asks(password(1), WAITS), &[], "a password"),
        (0, Answers("p@verifier", OK, ""), &[(3, RIGHT)], "at the old verifier"),
        (0, Asks(blob(1, 1), WAITS), &[], "a question is under way"),
        (0, Reloads(2), &[], "other stores, another verifier, other credentials"),
        (0, Asks(token_of_only("hub"), WAITS), &[], "no token of the old ones"),
        (0, Asks(blob(0, 1), WAITS), &[], "nothing of the old store"),
        (0, Asks(password(1), WAITS), &[], "nothing of the old verifier"),
        (0, Answers("west@probe", OK, ""), &[(4, PRESENT)], "the old store answers who asked it"),
        (0, Asks(blob(1, 1), WAITS), &[], "and nobody else"),
        (0, Answers("p@verifier", DENIED, ""), &[(7, WRONG)], "the new verifier"),
        (0, Reloads(2), &[], "the same policy again"),
        (0, Asks(password(1), Some(WRONG)), &[], "what is known stays"),
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
        (0, Asks(token("discovered"), WAITS), &[], "the backend is asked first"),
        (0, Answers("discovered@token", CHALLENGE, ""), &[], "it names its service, at its own host"),
        (0, Answers("discovered@token", OK, TOKEN), &[(1, Told::Token("of-discovered.example-1".to_owned()))], "which is asked then"),
    ]);
}

#[test]
fn health_of_backends_is_asked_once_a_second() {
    #[rustfmt::skip]
    run("health", &[
        (0, Asks(NEEDS_HEALTH, WAITS), &[], "one asks"),
        (0, Asks(WANTS_HEALTH, WAITS), &[], "for all"),
        (100, Answers("portolan@admin", OK, CLUSTERS), &[(1, Told::HealthKnown), (2, Told::HealthKnown)], "Envoy says it"),
        (999, Asks(WANTS_HEALTH, Some(Told::HealthKnown)), &[], "for a second"),
        (1, Asks(WANTS_HEALTH, WAITS), &[], "then it is asked again"),
        (0, Asks(WANTS_HEALTH, Some(Told::HealthKnown)), &[], "the others go on with what was known"),
        (3000, Asks(WANTS_HEALTH, WAITS), &[(4, Told::HealthUnknown)], "the call was lost: two seconds and one"),
        (0, Answers("portolan@admin", DOWN, ""), &[(6, Told::HealthUnknown)], "it does not say"),
    ]);
}

#[test]
fn a_store_that_does_not_answer() {
    #[rustfmt::skip]
    run("store", &[
        (0, Asks(blob(0, 1), WAITS), &[], "a blob"),
        (0, Asks(blob(0, 2), WAITS), &[], "another one of the same store"),
        (0, Asks(blob(1, 1), WAITS), &[], "the same of another store"),
        (0, Answers("east@probe", DOWN, ""), &[(1, UNKNOWN)], "trouble"),
        (0, Asks(blob(0, 3), Some(UNKNOWN)), &[], "nobody waits for it"),
        (0, Answers("west@probe", MISSING, ""), &[(3, ABSENT)], "the other store is well"),
        (0, Answers("east@probe", OK, ""), &[(2, PRESENT)], "it answers the other question"),
        (0, Asks(blob(0, 3), WAITS), &[], "it is well again"),
    ]);
}

#[test]
fn warnings_for_the_operator() {
    let mut world = World::new();
    let lines = |world: &mut World| world.lookups.take_lines();
    world.ask(token_of_only("robot"));
    world.answer("robot@token", DENIED, "");
    let told = lines(&mut world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("backend `robot`, credential `robot-credential`"), "{told:?}");
    world.ask(blob(0, 1));
    world.answer("east@probe", DOWN, "");
    assert!(lines(&mut world)[0].contains("blob store `east` is in trouble"));
    world.ask(token_of_only("hub"));
    world.answer("hub@token", DOWN, "");
    assert!(lines(&mut world)[0].contains("backend `hub`, cluster `hub@token`"));
    world.pass(2000);
    world.ask(token_of_only("hub"));
    world.answer("hub@token", DOWN, "");
    assert_eq!(lines(&mut world), [""; 0], "once a minute");
}
