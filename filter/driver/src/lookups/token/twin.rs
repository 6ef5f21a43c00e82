//! The table of tokens as a list of everything that happened, read from the start each time.

use portolan_core::token::{Denial, Outcome};

const MILLISECOND: u64 = 1_000_000;

enum Event {
    Started { at: u64 },
    Token { value: String, life: u64, at: u64 },
    Denied { at: u64 },
    Unavailable { at: u64 },
    Refused { at: u64 },
}

struct Key {
    name: String,
    events: Vec<Event>,
    waiters: Vec<u32>,
    last_use: usize,
}

/// The naive twin of `Tokens`. Answers are the words of `tests::word`.
pub(super) struct Twin {
    keys: Vec<Key>,
    capacity: usize,
    uses: usize,
}

/// One token of a key, with everything that follows from what happened up to the next one.
struct Past<'k> {
    value: &'k str,
    life: u64,
    at: u64,
    started: u64,
    was_dropped: bool,
    is_doubtful: bool,
    /// Whether the last refusal came within a second after the fetch was started.
    refused_young: bool,
}

impl Key {
    fn is_in_flight(&self) -> bool {
        let counted = self.events.iter().rfind(|event| !matches!(event, Event::Refused { .. }));
        matches!(counted, Some(Event::Started { .. }))
    }

    /// The last token of all, found by walking through them from the first.
    fn last_token(&self) -> Option<Past<'_>> {
        let (mut last, mut started, mut is_replacement) = (None::<Past<'_>>, 0, false);
        for event in &self.events {
            match (event, &mut last) {
                (Event::Started { at }, _) => started = *at,
                (Event::Token { value, life, at }, before) => {
                    is_replacement = before.as_ref().is_some_and(|past| past.refused_young);
                    let (was_dropped, is_doubtful, refused_young) = (false, false, false);
                    let (life, at) = (*life, *at);
                    last = Some(Past {
                        value,
                        life,
                        at,
                        started,
                        was_dropped,
                        is_doubtful,
                        refused_young,
                    });
                }
                (Event::Refused { at }, Some(past)) if !past.was_dropped => {
                    past.refused_young =
                        past.started <= *at && *at < past.started + 1000 * MILLISECOND;
                    if past.refused_young && is_replacement {
                        past.is_doubtful = true;
                    } else {
                        past.was_dropped = true;
                    }
                }
                _ => {}
            }
        }
        last
    }

    /// The token that may be used, and whether it is due.
    fn held(&self, now: u64) -> Option<(&str, bool)> {
        let past = self.last_token().filter(|past| !past.was_dropped)?;
        let Past { value, life, at, .. } = past;
        let seconds = |count: u64| count * 1000 * MILLISECOND;
        let margin = if life < seconds(10) {
            life / 2
        } else if life < seconds(50) {
            seconds(5)
        } else if life < seconds(600) {
            life / 10
        } else {
            seconds(60)
        };
        let usable = if life - margin < seconds(1) { seconds(1) } else { life - margin };
        let is_due = now >= at + life - life / 5 && now >= at + seconds(1);
        if past.is_doubtful {
            let is_good = now < past.started + seconds(1) && now < at + usable;
            return is_good.then_some((value, false));
        }
        (now < at + usable).then_some((value, is_due))
    }

    /// The failure that counts, and whether it is remembered still.
    fn failure(&self, now: u64) -> Option<(&'static str, bool)> {
        let between =
            |from: u64, milliseconds: u64| from <= now && now < from + milliseconds * MILLISECOND;
        let ends: Vec<&Event> = self
            .events
            .iter()
            .filter(|event| !matches!(event, Event::Started { .. } | Event::Refused { .. }))
            .collect();
        match ends.last()? {
            Event::Denied { at } => Some(("denied", between(*at, 30_000))),
            Event::Unavailable { at } => {
                let is_one = |event: &&&Event| matches!(event, Event::Unavailable { .. });
                let times = ends.iter().rev().take_while(is_one).count();
                let lengths = [2000, 4000, 8000, 16_000, 30_000];
                Some(("unavailable", between(*at, lengths[times.min(5) - 1])))
            }
            _ => None,
        }
    }

    fn answer(&self, now: u64) -> String {
        let failure = self.failure(now);
        if let Some((value, is_due)) = self.held(now) {
            let may_fetch = !self.is_in_flight() && failure.is_none_or(|(_, lasts)| !lasts);
            return format!("held {value}{}", if is_due && may_fetch { " refresh" } else { "" });
        }
        if self.is_in_flight() {
            return match failure {
                Some((word @ ("denied" | "unavailable"), _)) => word.to_owned(),
                _ => "wait".to_owned(),
            };
        }
        match failure {
            Some((word, true)) => word.to_owned(),
            _ => "fetch".to_owned(),
        }
    }
}

impl Twin {
    pub(super) const fn new(capacity: usize) -> Self {
        Self { keys: Vec::new(), capacity, uses: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    fn find(&mut self, name: &str) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.name == name)
    }

    fn touch(&mut self, name: &str, now: u64) -> Option<&mut Key> {
        if self.find(name).is_none() {
            if self.keys.len() == self.capacity {
                self.keys.retain(|key| key.answer(now) != "fetch");
            }
            if self.keys.len() == self.capacity {
                let oldest = self.keys.iter().filter(|key| !key.is_in_flight());
                let oldest = oldest.map(|key| key.last_use).min()?;
                self.keys.retain(|key| key.last_use != oldest);
            }
            let name = name.to_owned();
            self.keys.push(Key { name, events: Vec::new(), waiters: Vec::new(), last_use: 0 });
        }
        self.uses += 1;
        let uses = self.uses;
        let key = self.find(name)?;
        key.last_use = uses;
        Some(key)
    }

    pub(super) fn look_up(&mut self, name: &str, now: u64, waiter: u32) -> String {
        let Some(key) = self.touch(name, now) else { return "unavailable".to_owned() };
        let answer = key.answer(now);
        if answer == "fetch" || answer.ends_with("refresh") {
            key.events.push(Event::Started { at: now });
        }
        if (answer == "fetch" || answer == "wait") && !key.waiters.contains(&waiter) {
            key.waiters.push(waiter);
        }
        answer
    }

    pub(super) fn prefetch(&mut self, name: &str, now: u64) -> bool {
        let Some(key) = self.touch(name, now) else { return false };
        let answer = key.answer(now);
        let is_wanted = answer == "fetch" || answer.ends_with("refresh");
        if is_wanted {
            key.events.push(Event::Started { at: now });
        }
        is_wanted
    }

    pub(super) fn settle(&mut self, name: &str, outcome: &Outcome, at: u64) -> Vec<u32> {
        let Some(key) = self.find(name).filter(|key| key.is_in_flight()) else {
            return Vec::new();
        };
        key.events.push(match outcome {
            Outcome::Token { value, expires_in } => Event::Token {
                value: value.expose().to_owned(),
                life: u64::try_from(expires_in.as_nanos()).unwrap(),
                at,
            },
            Outcome::Denied(Denial::Access | Denial::Credential) => Event::Denied { at },
            Outcome::Unavailable { .. } => Event::Unavailable { at },
        });
        std::mem::take(&mut key.waiters)
    }

    pub(super) fn refuse(&mut self, name: &str, value: &str, at: u64) {
        let Some(key) = self.find(name) else { return };
        if key.last_token().is_some_and(|past| past.value == value && !past.was_dropped) {
            key.events.push(Event::Refused { at });
        }
    }

    pub(super) fn forget_waiter(&mut self, name: &str, waiter: u32) {
        if let Some(key) = self.find(name) {
            key.waiters.retain(|other| *other != waiter);
        }
    }
}
