//! The rules of the table of tokens, as scripts.

use std::time::Duration;

use super::{Lookup, Tokens};
use portolan_core::token::{Denial, Outcome, Refusal, Secret, TokenFault};

pub(super) const MILLISECOND: u64 = 1_000_000;
/// Some time of day, in nanoseconds since 1970.
pub(super) const MORNING: u64 = 1_800_000_000_000 * MILLISECOND;

pub(super) fn token(value: &str, seconds: u64) -> Outcome {
    let expires_in = Duration::from_secs(seconds);
    Outcome::Token { value: Secret::new(value.to_owned()), expires_in }
}

pub(super) const DENIED: Outcome = Outcome::Denied(Denial::Access);
pub(super) const TROUBLE: Outcome = Outcome::Unavailable { why: TokenFault::Status(503) };

/// An answer in words.
pub(super) fn word(lookup: &Lookup<'_>) -> String {
    match lookup {
        Lookup::Held { token, refresh } => {
            format!("held {}{}", token.expose(), if *refresh { " refresh" } else { "" })
        }
        Lookup::Wait => "wait".to_owned(),
        Lookup::Fetch => "fetch".to_owned(),
        Lookup::Denied(Denial::Access) => "denied".to_owned(),
        Lookup::Denied(Denial::Credential) => "refused".to_owned(),
        Lookup::Unavailable => "unavailable".to_owned(),
        Lookup::Limited(wait) => match wait.seconds() {
            Some(seconds) => format!("limited {seconds}"),
            None => "limited".to_owned(),
        },
    }
}

/// Does what a line says to the key `k` and says what came of it. Lines are `look WAITER`,
/// `prefetch`, `token VALUE SECONDS`, `deny`, `wrong` (the credential), `fail`, `limit SECONDS`
/// (`-` for none), `drop VALUE`, `narrow VALUE`, `forgive` and `forget WAITER`.
fn perform(tokens: &mut Tokens, line: &str, now: u64) -> String {
    let mut words = line.split(' ');
    let verb = words.next().unwrap();
    let mut argument = || words.next().unwrap();
    match verb {
        "look" => word(&tokens.look_up("k", now, argument().parse().unwrap())),
        "prefetch" => tokens.prefetch("k", now).to_string(),
        "token" => {
            let outcome = token(argument(), argument().parse().unwrap());
            format!("{:?}", tokens.settle("k", outcome, now))
        }
        "deny" => format!("{:?}", tokens.settle("k", DENIED, now)),
        "wrong" => {
            format!("{:?}", tokens.settle("k", Outcome::Denied(Denial::Credential), now))
        }
        "fail" => format!("{:?}", tokens.settle("k", TROUBLE, now)),
        "limit" => {
            let why = TokenFault::Limited(argument().parse().ok());
            format!("{:?}", tokens.settle("k", Outcome::Unavailable { why }, now))
        }
        "drop" => tokens.refuse("k", argument(), Refusal::Renew, now).to_string(),
        "narrow" => tokens.refuse("k", argument(), Refusal::Narrow, now).to_string(),
        "forgive" => {
            let failed = tokens.fails("k");
            tokens.forgive("k");
            format!("{failed}, {}", tokens.fails("k"))
        }
        "forget" => {
            tokens.forget_waiter("k", argument().parse().unwrap());
            String::new()
        }
        _ => panic!("{line}"),
    }
}

/// Milliseconds, what is done, what comes of it.
type Script<'a> = &'a [(u64, &'a str, &'a str)];

#[test]
fn scripts() {
    let scripts: &[(&str, Script<'_>)] = &[
        (
            "one fetch for all that wait; woken in order",
            &[
                (0, "look 1", "fetch"),
                (10, "look 2", "wait"),
                (20, "look 3", "wait"),
                (90, "token a 300", "[1, 2, 3]"),
                (90, "look 1", "held a"),
            ],
        ),
        (
            "the fetch outlives the client that started it",
            &[
                (0, "look 1", "fetch"),
                (10, "look 2", "wait"),
                (20, "forget 1", ""),
                (30, "look 3", "wait"),
                (90, "token a 300", "[2, 3]"),
            ],
        ),
        (
            "it also outlives all of them",
            &[
                (0, "look 1", "fetch"),
                (20, "forget 1", ""),
                (90, "token a 300", "[]"),
                (91, "look 2", "held a"),
            ],
        ),
        (
            "a prefetch has no waiter, but waiters may join it",
            &[
                (0, "prefetch", "true"),
                (1, "prefetch", "false"),
                (2, "look 7", "wait"),
                (90, "token a 300", "[7]"),
                (91, "prefetch", "false"),
                (240_089, "prefetch", "false"),
                (240_090, "prefetch", "true"),
            ],
        ),
        (
            "one refresh before the margin, and the new token takes over",
            &[
                (0, "look 1", "fetch"),
                (0, "token a 60", "[1]"),
                (47_999, "look 2", "held a"),
                (48_000, "look 2", "held a refresh"),
                (48_001, "look 3", "held a"),
                (49_000, "token b 60", "[]"),
                (49_001, "look 4", "held b"),
            ],
        ),
        (
            "a slow refresh: at the margin requests wait for it",
            &[
                (0, "look 1", "fetch"),
                (0, "token a 60", "[1]"),
                (50_000, "look 2", "held a refresh"),
                (53_999, "look 3", "held a"),
                (54_000, "look 4", "wait"),
                (55_000, "token b 60", "[4]"),
            ],
        ),
        (
            "no refresh in time: one fetch at the margin",
            &[(0, "look 1", "fetch"), (0, "token a 60", "[1]"), (54_000, "look 2", "fetch")],
        ),
        (
            "a failed refresh leaves the token, and is not tried at every request",
            &[
                (0, "look 1", "fetch"),
                (0, "token a 60", "[1]"),
                (50_000, "look 2", "held a refresh"),
                (50_000, "fail", "[]"),
                (51_999, "look 3", "held a"),
                (52_000, "look 4", "held a refresh"),
                (53_000, "fail", "[]"),
                (54_000, "look 5", "unavailable"),
            ],
        ),
        (
            "trouble: 2, 4, 8 seconds without asking, each ended by one probe",
            &[
                (0, "look 1", "fetch"),
                (0, "fail", "[1]"),
                (0, "look 1", "unavailable"),
                (1_999, "look 2", "unavailable"),
                (2_000, "look 3", "fetch"),
                (2_001, "look 4", "unavailable"),
                (3_000, "fail", "[3]"),
                (6_999, "look 5", "unavailable"),
                (7_000, "prefetch", "true"),
                (7_001, "look 6", "unavailable"),
                (7_002, "fail", "[]"),
                (15_001, "look 7", "unavailable"),
                (15_002, "look 8", "fetch"),
                (15_100, "token a 300", "[8]"),
                (15_101, "look 9", "held a"),
            ],
        ),
        (
            "after a token trouble counts from the start again",
            &[
                (0, "look 1", "fetch"),
                (0, "fail", "[1]"),
                (2_000, "look 1", "fetch"),
                (2_000, "token a 4", "[1]"),
                (4_000, "look 1", "fetch"),
                (4_000, "fail", "[1]"),
                (6_000, "look 1", "fetch"),
            ],
        ),
        (
            "denied for 30 seconds; then one asks",
            &[
                (0, "look 1", "fetch"),
                (0, "deny", "[1]"),
                (29_999, "look 2", "denied"),
                (30_000, "look 3", "fetch"),
                (30_001, "look 4", "denied"),
                (31_000, "token a 300", "[3]"),
                (31_001, "look 4", "held a"),
            ],
        ),
        (
            "a token that is revoked late is replaced at once; all wait for the new one",
            &[
                (0, "look 1", "fetch"),
                (0, "token a 300", "[1]"),
                (9_000, "drop a", "true"),
                (9_001, "look 2", "fetch"),
                (9_002, "look 3", "wait"),
                (9_100, "token b 300", "[2, 3]"),
                (9_101, "drop a", "true"),
                (9_102, "look 4", "held b"),
            ],
        ),
        (
            "a token that is refused at once is replaced at once, its replacement once a second; meanwhile \
             it is sent: the refusal may be about one request alone",
            &[
                (0, "look 1", "fetch"),
                (100, "token a 300", "[1]"),
                (200, "drop a", "true"),
                (201, "look 2", "fetch"),
                (300, "token b 300", "[2]"),
                (350, "drop b", "false"),
                (351, "look 3", "held b"),
                (352, "prefetch", "false"),
                (1_200, "look 4", "held b"),
                (1_201, "look 4", "fetch"),
                (1_300, "token c 300", "[4]"),
                (1_400, "drop c", "false"),
                (2_200, "look 5", "held c"),
                (2_201, "look 5", "fetch"),
                (2_300, "token d 300", "[5]"),
                (9_000, "drop d", "true"),
                (9_001, "look 6", "fetch"),
                (9_100, "token e 300", "[6]"),
                (9_200, "drop e", "true"),
            ],
        ),
        (
            "a token for less than was wanted is kept for half a minute",
            &[
                (0, "look 1", "fetch"),
                (100, "token a 300", "[1]"),
                (200, "narrow a", "false"),
                (29_999, "narrow a", "false"),
                (29_999, "look 2", "held a"),
                (30_000, "narrow a", "false"),
                (30_001, "look 3", "fetch"),
                (30_100, "token b 300", "[3]"),
                (30_101, "narrow b", "false"),
                (30_102, "look 4", "held b"),
            ],
        ),
        (
            "a credential that is refused is remembered as that",
            &[
                (0, "look 1", "fetch"),
                (0, "wrong", "[1]"),
                (1, "look 2", "refused"),
                (30_000, "look 3", "fetch"),
                (30_001, "look 4", "refused"),
                (30_100, "deny", "[3]"),
                (30_101, "look 4", "denied"),
            ],
        ),
        (
            "a service that limits is left for as long as it says",
            &[
                (0, "look 1", "fetch"),
                (0, "limit 20", "[1]"),
                (0, "look 1", "limited 20"),
                (4_500, "look 2", "limited 16"),
                (19_999, "look 3", "limited 1"),
                (20_000, "look 4", "fetch"),
                (20_000, "limit 3600", "[4]"),
                (79_999, "look 5", "limited 3541"),
                (80_000, "look 6", "fetch"),
                (80_001, "look 7", "limited 3540"),
            ],
        ),
        (
            "one that does not say for how long is left as one in trouble",
            &[
                (0, "look 1", "fetch"),
                (0, "limit -", "[1]"),
                (1_999, "look 2", "limited"),
                (2_000, "look 3", "fetch"),
                (2_000, "limit -", "[3]"),
                (5_999, "look 4", "limited"),
                (6_000, "look 5", "fetch"),
            ],
        ),
        (
            "who finds out where tokens are asks again at once",
            &[
                (0, "look 1", "fetch"),
                (0, "deny", "[1]"),
                (1, "look 1", "denied"),
                (2, "forgive", "true, false"),
                (3, "look 1", "fetch"),
            ],
        ),
        (
            "a token refused after a failed refresh does not forget the failure",
            &[
                (0, "look 1", "fetch"),
                (0, "token a 60", "[1]"),
                (50_000, "look 2", "held a refresh"),
                (50_000, "fail", "[]"),
                (50_100, "drop a", "true"),
                (50_200, "look 3", "unavailable"),
                (52_000, "look 4", "fetch"),
            ],
        ),
        (
            "what is settled without a fetch is nothing",
            &[(0, "token a 300", "[]"), (0, "look 1", "fetch"), (1, "fail", "[1]")],
        ),
        (
            "a token without a life does not make a circle",
            &[
                (0, "look 1", "fetch"),
                (0, "token a 0", "[1]"),
                (0, "look 1", "held a"),
                (999, "look 2", "held a"),
                (1_000, "look 3", "fetch"),
            ],
        ),
    ];
    for (name, script) in scripts {
        let mut tokens = Tokens::new(8, usize::MAX);
        for (milliseconds, line, expected) in *script {
            let now = MORNING + milliseconds * MILLISECOND;
            let found = perform(&mut tokens, line, now);
            assert_eq!(found, *expected, "{name}: {line} at {milliseconds} ms");
        }
    }
}

#[test]
fn a_full_table_loses_the_expired_first_then_the_least_recently_used() {
    let second = |count: u64| MORNING + count * 1000 * MILLISECOND;
    let mut tokens = Tokens::new(3, usize::MAX);
    for (key, life) in [("long", 300), ("short", 4), ("longer", 600)] {
        assert_eq!(tokens.look_up(key, second(0), 1), Lookup::Fetch);
        tokens.settle(key, token(key, life), second(0));
    }
    assert_eq!(word(&tokens.look_up("long", second(1), 1)), "held long");
    assert_eq!(word(&tokens.look_up("short", second(1), 1)), "held short");

    assert!(tokens.prefetch("new", second(2)), "the short one has expired");
    assert_eq!(word(&tokens.look_up("longer", second(2), 1)), "held longer");
    assert!(tokens.prefetch("newer", second(3)), "the long one was used least recently");
    assert_eq!(tokens.look_up("long", second(3), 1), Lookup::Fetch, "the longer one goes");
    assert_eq!(tokens.look_up("longer", second(4), 1), Lookup::Unavailable, "all are in flight");
    assert_eq!(tokens.len(), 3);
    assert_eq!(tokens.settle("newer", TROUBLE, second(4)), Vec::<u32>::new());
    assert_eq!(tokens.look_up("longer", second(4), 1), Lookup::Fetch, "the failure goes");
    assert!(Tokens::default().is_empty());
}

#[test]
fn a_clock_that_is_set_back_leaves_no_stream_waiting() {
    let mut tokens = Tokens::new(8, usize::MAX);
    let early = MORNING - 3_600_000 * MILLISECOND;
    assert_eq!(perform(&mut tokens, "look 1", MORNING), "fetch");
    assert_eq!(perform(&mut tokens, "deny", MORNING), "[1]");
    assert_eq!(perform(&mut tokens, "look 1", early), "fetch");
    assert_eq!(perform(&mut tokens, "token a 300", early), "[1]");
    assert_eq!(perform(&mut tokens, "look 1", early - MILLISECOND), "held a");
}

#[test]
fn a_table_of_long_tokens_is_bounded_too() {
    let mut tokens = Tokens::new(8, 100);
    let long = |letter: &str| token(&letter.repeat(40), 300);
    for (key, letter) in [("k1", "a"), ("k2", "b")] {
        assert_eq!(tokens.look_up(key, MORNING, 1), Lookup::Fetch);
        tokens.settle(key, long(letter), MORNING);
    }
    assert_eq!(tokens.len(), 2, "84 bytes");
    assert!(matches!(tokens.look_up("k1", MORNING, 1), Lookup::Held { .. }));
    assert_eq!(tokens.look_up("k3", MORNING, 1), Lookup::Fetch);
    assert_eq!(tokens.settle("k3", long("c"), MORNING), [1], "who waits is woken");
    assert!(matches!(tokens.look_up("k1", MORNING, 1), Lookup::Held { .. }));
    assert!(matches!(tokens.look_up("k3", MORNING, 1), Lookup::Held { .. }));
    assert_eq!(tokens.look_up("k2", MORNING, 1), Lookup::Fetch, "used least recently");
    assert_eq!(tokens.look_up("k4", MORNING, 2), Lookup::Fetch);
    tokens.settle("k4", token(&"d".repeat(100), 300), MORNING);
    assert_eq!(tokens.len(), 1, "too long for all of it; a fetch under way stays");
    assert_eq!(tokens.settle("k2", long("b"), MORNING), [1]);
}
