//! The probes of a store as a list of everything that happened, read from the start each time.

use portolan_core::probe::{Finding, Presence};

use super::Lookup;
use portolan_core::config::Probing;

const SECOND: u64 = 1_000_000_000;

enum Event {
    /// A fact of the memory was noted or used.
    Used {
        blob: String,
    },
    Asked {
        at: u64,
    },
    Settled {
        blob: String,
        finding: Finding,
        at: u64,
    },
}

/// The naive twin of `Probes`.
pub(super) struct Twin {
    settings: Probing,
    events: Vec<Event>,
    /// Blob and waiters, in the order in which the questions were asked.
    flights: Vec<(String, Vec<u32>)>,
    most_flights: usize,
}

impl Twin {
    pub(super) const fn new(settings: Probing, most_flights: usize) -> Self {
        Self { settings, events: Vec::new(), flights: Vec::new(), most_flights }
    }

    /// The blobs in memory: of all that were ever found present or absent, those used last.
    fn remembered_blobs(&self) -> Vec<String> {
        let mut blobs: Vec<String> = Vec::new();
        for event in &self.events {
            let (blob, is_known) = match event {
                Event::Asked { .. } | Event::Settled { finding: Finding::Trouble, .. } => continue,
                Event::Used { blob } => (blob, true),
                Event::Settled { blob, finding, .. } => (blob, *finding != Finding::Unclear),
            };
            blobs.retain(|other| other != blob);
            if is_known {
                blobs.push(blob.clone());
            }
            if blobs.len() > self.settings.entries {
                blobs.remove(0);
            }
        }
        blobs
    }

    pub(super) fn remembered(&self) -> usize {
        self.remembered_blobs().len()
    }

    fn known(&self, blob: &str, now: u64) -> Option<Presence> {
        if !self.remembered_blobs().iter().any(|other| other == blob) {
            return None;
        }
        let last = self.events.iter().rev().find_map(|event| match event {
            Event::Settled { blob: other, finding, at } if other == blob => match finding {
                Finding::Present => Some((Presence::Present, self.settings.present, *at)),
                Finding::Absent => Some((Presence::Absent, self.settings.absent, *at)),
                Finding::Unclear | Finding::Trouble => None,
            },
            _ => None,
        });
        // What it does not say of a blob any more is not known any more: that blob is not among
        // those that are remembered.
        let (presence, lasts, at) = last?;
        let lasts = u64::try_from(lasts.as_nanos()).unwrap();
        (at <= now && now - at < lasts).then_some(presence)
    }

    /// Whether the store was in trouble when it was last heard of, and whether that is remembered.
    fn trouble(&self, now: u64) -> Option<bool> {
        let mut memory: Option<(u64, u64)> = None;
        for event in &self.events {
            let Event::Settled { finding, at, .. } = event else { continue };
            memory = match (finding, memory) {
                (Finding::Trouble, None) => Some((*at, 2 * SECOND)),
                (Finding::Trouble, Some((since, lasts))) => {
                    let remembered = since <= *at && at - since < lasts;
                    let longer = (2 * lasts).min(30 * SECOND);
                    Some(if remembered { (since, lasts) } else { (*at, longer) })
                }
                _ => None,
            };
        }
        memory.map(|(since, lasts)| since <= now && now - since < lasts)
    }

    pub(super) fn look_up(&mut self, blob: &str, now: u64, waiter: u32) -> Lookup {
        if let Some(presence) = self.known(blob, now) {
            self.events.push(Event::Used { blob: blob.to_owned() });
            return match presence {
                Presence::Present => self.confirm(blob, now),
                _ => Lookup::Known(presence),
            };
        }
        match self.trouble(now) {
            Some(true) => return Lookup::Known(Presence::Unknown),
            Some(false) if !self.flights.is_empty() => return Lookup::Known(Presence::Unknown),
            _ => {}
        }
        let is_full = self.flights.len() == self.most_flights;
        match self.flights.iter_mut().find(|(other, _)| other == blob) {
            Some((_, waiters)) => {
                waiters.push(waiter);
                Lookup::Wait
            }
            None if is_full => Lookup::Known(Presence::Unknown),
            None => {
                self.flights.push((blob.to_owned(), vec![waiter]));
                self.events.push(Event::Asked { at: now });
                Lookup::Ask
            }
        }
    }

    /// A blob that is known to be there.
    fn confirm(&mut self, blob: &str, now: u64) -> Lookup {
        let presence = match self.trouble(now) {
            None => Presence::Present,
            Some(_) => Presence::Unknown,
        };
        let heard = self.events.iter().rev().find_map(|event| match event {
            Event::Asked { at } => Some(*at),
            Event::Settled { finding, at, .. } if *finding != Finding::Trouble => Some(*at),
            _ => None,
        });
        let recheck = u64::try_from(self.settings.recheck.as_nanos()).unwrap();
        let is_silent = heard.is_none_or(|at| at > now || now - at >= recheck);
        let asks = match self.trouble(now) {
            Some(is_remembered) => !is_remembered && self.flights.is_empty(),
            None => is_silent,
        };
        let is_asked = self.flights.iter().any(|(other, _)| other == blob);
        if !asks || is_asked || self.flights.len() == self.most_flights {
            return Lookup::Known(presence);
        }
        self.flights.push((blob.to_owned(), Vec::new()));
        self.events.push(Event::Asked { at: now });
        Lookup::Confirm(presence)
    }

    /// Who waited, each once, in the order in which they came.
    pub(super) fn settle(&mut self, blob: &str, finding: Finding, at: u64) -> Vec<u32> {
        let Some(index) = self.flights.iter().position(|(other, _)| other == blob) else {
            return Vec::new();
        };
        let (blob, joined) = self.flights.remove(index);
        let mut waiters = Vec::new();
        self.events.push(Event::Settled { blob, finding, at });
        for waiter in joined {
            if !waiters.contains(&waiter) {
                waiters.push(waiter);
            }
        }
        waiters
    }

    pub(super) fn forget_waiter(&mut self, blob: &str, waiter: u32) {
        for (other, waiters) in &mut self.flights {
            if other == blob {
                waiters.retain(|other| *other != waiter);
            }
        }
    }
}
