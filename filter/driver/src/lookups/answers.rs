//! Results of the answers to the worker's calls: remembered values, and streams that resume.

use portolan_core::record::ProbeResult;

use super::fetches::{Answered, TokenFetch};
use super::learned::{Learned, Woken};
use super::{Lookups, Purpose, stores};
use crate::call::{CallAnswer, CallId, StreamId};
use crate::measured::Measured;

impl Lookups {
    /// The answer to a call, or that it could not be made. Returns who waited for it.
    pub(crate) fn answered(&mut self, id: CallId, answer: &CallAnswer<'_>, now: u64) -> Vec<Woken> {
        match self.calls.answered(id) {
            None => Vec::new(),
            Some(Purpose::Token(fetch)) => self.token_answered(*fetch, answer, now),
            Some(Purpose::Blob(store, digest)) => {
                let status = answer.status();
                let result = ProbeResult::of(status, answer.silence());
                self.measured.push(Measured::probe(store.name(), result));
                let (streams, presence, is_news) = self.stores.settle(&store, &digest, status, now);
                if is_news {
                    self.lines.push(stores::in_trouble(&store));
                }
                self.wake(streams, &Learned::Blob(presence))
            }
            Some(Purpose::Content(pair)) => {
                let (streams, presence) = self.contents.settle(&pair, answer.status(), now);
                self.wake(streams, &Learned::Content(presence))
            }
            Some(Purpose::Fill(target)) => {
                self.fills.remove(&target);
                Vec::new()
            }
            Some(Purpose::Health) => {
                let (streams, health) = self.health.settle(answer, now);
                self.wake(streams, &Learned::Health(health))
            }
            Some(Purpose::Password(password)) => {
                let (streams, found) = self.passwords.settle(password, answer.status(), now);
                self.wake(streams, &Learned::Password(found))
            }
        }
    }

    fn token_answered(
        &mut self,
        fetch: TokenFetch,
        answer: &CallAnswer<'_>,
        now: u64,
    ) -> Vec<Woken> {
        match self.tokens.answered(fetch, answer, now) {
            Answered::Ask(fetch) => {
                self.fetch(Some(fetch), now);
                Vec::new()
            }
            Answered::Settled { woken, again, complaints, measured } => {
                self.measured.extend(measured);
                for line in complaints {
                    if self.warnings.is_due(&line, now) {
                        self.lines.push(format!("portolan: {line}"));
                    }
                }
                self.fetch(again, now);
                let woken = woken.into_iter();
                woken
                    .flat_map(|(stream, found)| self.wake(vec![stream], &Learned::Token(found)))
                    .collect()
            }
        }
    }

    pub(super) fn fetch(&mut self, fetch: Option<TokenFetch>, now: u64) {
        if let Some(fetch) = fetch {
            self.calls.make(fetch.call(), Purpose::Token(Box::new(fetch)), now);
        }
    }

    fn wake(&mut self, streams: Vec<StreamId>, learned: &Learned) -> Vec<Woken> {
        let streams = streams.into_iter().filter(|stream| self.waits.remove(*stream).is_some());
        streams.map(|stream| Woken { stream, learned: learned.clone() }).collect()
    }
}
