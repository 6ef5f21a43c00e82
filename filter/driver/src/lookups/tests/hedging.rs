//! What hedged reads cost, by a clock of its own: registries that are well, hang, are slow now and
//! then or always, and a machine that lacks processor time, where each extra request makes all
//! others slower.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use portolan_core::attempt::Hedge;
use portolan_core::config::{Ejection, HedgeAfter};

use super::super::pace::Paces;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
const EJECTION: Ejection = Ejection { failures: 3, time: Duration::from_secs(8) };
const NAMES: [&str; 2] = ["a", "b"];
const ATTEMPT: u64 = 3 * SECOND;
const BEGIN: u64 = 1_000 * SECOND;
const MIDDLE: u64 = 30 * SECOND;

/// How soon a registry answers.
#[derive(Clone, Copy, Debug)]
enum Registry {
    /// In 20 ms, more or less.
    Well,
    Hangs,
    /// Well, but for a share, in a hundred, that takes two seconds longer.
    SlowNowAndThen(u64),
    /// A second later.
    Slow,
    /// It shares one processor with the other; each answer takes it so many milliseconds, and comes
    /// at any time after.
    Starved(u64),
    /// The same, and hangs from the middle of the minute on.
    StarvedThenHangs(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Read,
    /// The time until the second one is asked too.
    Hedge(usize),
    /// The time of the whole request, or of the first attempt where nobody is asked too.
    TimeUp(usize),
    Answer(usize, usize),
}

#[derive(Debug, Default)]
struct Read {
    begun: u64,
    /// When each was asked.
    asked: [Option<u64>; 2],
    is_hedged: bool,
    ended: Option<u64>,
    has_gone_on: bool,
    has_failed: bool,
}

struct Simulation {
    registries: [Registry; 2],
    a_second: u64,
    now: u64,
    busy_until: u64,
    dice: u64,
    events: BinaryHeap<Reverse<(u64, usize, Event)>>,
    number: usize,
    reads: Vec<Read>,
    paces: Paces,
    extra: usize,
}

/// What came of it.
#[derive(Debug)]
struct Found {
    /// Extra requests, in thousandths of the reads.
    extra: usize,
    failed: usize,
    /// Milliseconds.
    p99: u64,
    slowest: u64,
}

impl Simulation {
    fn run(registries: [Registry; 2], a_second: u64, seconds: u64, seed: u64) -> Found {
        let mut simulation = Self {
            registries,
            a_second,
            now: BEGIN,
            busy_until: 0,
            dice: seed,
            events: BinaryHeap::new(),
            number: 0,
            reads: Vec::new(),
            paces: Paces::default(),
            extra: 0,
        };
        let end = simulation.now + seconds * SECOND;
        simulation.after(0, Event::Read);
        while let Some(Reverse((at, _, event))) = simulation.events.pop() {
            simulation.now = at;
            match event {
                Event::Read if at >= end => {}
                Event::Read => simulation.read(),
                Event::Hedge(read) => simulation.hedge(read),
                Event::TimeUp(read) => simulation.time_up(read),
                Event::Answer(read, who) => simulation.answer(read, who),
            }
        }
        simulation.found()
    }

    fn found(&self) -> Found {
        let reads = self.reads.len();
        let took = self.reads.iter().map(|read| (read.ended.unwrap() - read.begun) / MILLISECOND);
        let mut took: Vec<u64> = took.collect();
        took.sort_unstable();
        Found {
            extra: self.extra * 1000 / reads,
            failed: self.reads.iter().filter(|read| read.has_failed).count(),
            p99: took[reads * 99 / 100],
            slowest: took[reads - 1],
        }
    }

    fn after(&mut self, time: u64, event: Event) {
        self.number += 1;
        self.events.push(Reverse((self.now + time, self.number, event)));
    }

    /// A number below a million.
    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.dice >> 33) % 1_000_000
    }

    /// Any time of which this is the mean; long ones are rare.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few seconds"
    )]
    fn about(&mut self, mean: u64) -> u64 {
        let share = (self.roll() + 1) as f64 / 1_000_001.0;
        (-share.ln() * mean as f64) as u64
    }

    fn read(&mut self) {
        let next = self.about(SECOND / self.a_second);
        self.after(next, Event::Read);
        let read = self.reads.len();
        self.reads.push(Read { begun: self.now, ..Read::default() });
        if self.paces.is_silent("a", EJECTION, true, self.now) {
            self.ask(read, 1);
            self.after(ATTEMPT, Event::TimeUp(read));
            return;
        }
        let hedge = Hedge { first: "a", second: "b", after: HedgeAfter::Usual };
        let is_list_as_it_is =
            self.paces.all_answer() || !self.paces.is_silent("b", EJECTION, false, self.now);
        let wait = if is_list_as_it_is { self.paces.hedge(&hedge, self.now) } else { None };
        self.ask(read, 0);
        if let Some(wait) = wait {
            let wait = u64::try_from(wait.as_nanos()).unwrap();
            self.reads[read].is_hedged = true;
            self.after(wait, Event::Hedge(read));
            self.after(ATTEMPT + wait, Event::TimeUp(read));
        } else {
            self.after(ATTEMPT, Event::TimeUp(read));
        }
    }

    fn ask(&mut self, read: usize, who: usize) {
        self.reads[read].asked[who] = Some(self.now);
        self.paces.asked(NAMES[who], self.now);
        let well = 10 * MILLISECOND + self.about(10 * MILLISECOND);
        let rolled = self.roll();
        let registry = self.registries[who];
        let time = match registry {
            Registry::Hangs => return,
            Registry::SlowNowAndThen(share) if rolled < share * 10_000 => well + 2 * SECOND,
            Registry::Well | Registry::SlowNowAndThen(_) => well,
            Registry::Slow => well + SECOND,
            Registry::StarvedThenHangs(_) if self.now >= BEGIN + MIDDLE => return,
            Registry::Starved(milliseconds) | Registry::StarvedThenHangs(milliseconds) => {
                let work = self.about(milliseconds * MILLISECOND);
                self.busy_until = self.busy_until.max(self.now) + work;
                self.busy_until - self.now + self.about(150 * MILLISECOND)
            }
        };
        self.after(time, Event::Answer(read, who));
    }

    fn hedge(&mut self, read: usize) {
        if self.reads[read].ended.is_none() {
            self.extra += 1;
            self.ask(read, 1);
        }
    }

    fn answer(&mut self, number: usize, who: usize) {
        let read = &mut self.reads[number];
        let Some(asked) = read.asked[who] else { return };
        if read.ended.is_some() {
            return;
        }
        read.ended = Some(self.now);
        let (first, second) = (read.asked[0], read.asked[1]);
        let is_hedged = read.is_hedged && second.is_some();
        self.paces.answered(NAMES[who], self.now - asked);
        if let (true, Some(first)) = (who == 1 && is_hedged, first) {
            self.paces.unanswered("a", self.now - first, self.now);
        }
        if is_hedged {
            self.paces.note_hedged("a", "b", who == 0, self.now);
        }
    }

    fn time_up(&mut self, number: usize) {
        let read = &mut self.reads[number];
        if read.ended.is_some() {
            return;
        }
        let has_gone_on = read.has_gone_on;
        for (name, asked) in NAMES.iter().zip(read.asked) {
            if let Some(asked) = asked {
                self.paces.unanswered(name, self.now - asked, self.now);
            }
        }
        let is_hedged = read.is_hedged;
        let other = read.asked.iter().position(Option::is_none);
        // The attempt before is over, and its answer is nobody's.
        (read.asked, read.has_gone_on) = ([None; 2], true);
        if is_hedged {
            self.paces.note_hedged("a", "b", false, self.now);
        } else if let (Some(other), false) = (other, has_gone_on) {
            self.after(ATTEMPT, Event::TimeUp(number));
            self.ask(number, other);
            return;
        }
        let read = &mut self.reads[number];
        (read.ended, read.has_failed) = (Some(self.now), true);
    }
}

/// Each for a minute, with so many reads a second: extra requests in thousandths, reads that fail,
/// the 99th percentile and the slowest in milliseconds, each at most. Without a budget hedges are
/// what takes the last of the processor's time, and reads fail.
#[test]
fn cost_of_hedged_reads() {
    use Registry::{Hangs, Slow, SlowNowAndThen, Starved, StarvedThenHangs, Well};
    const ALL: usize = usize::MAX;
    #[rustfmt::skip]
    let rows = [
        ("both are well", [Well, Well], 50, 0, 0, 300, 300),
        ("both are well, many reads", [Well, Well], 300, 0, 0, 300, 300),
        ("the first hangs", [Hangs, Well], 50, 80, 0, 900, 1000),
        ("the first hangs, few reads", [Hangs, Well], 1, 300, 0, 1000, 1000),
        ("the second hangs", [Well, Hangs], 50, 0, 0, 300, 300),
        ("one in ten is slow", [SlowNowAndThen(10), Well], 50, 120, 0, 500, 1700),
        ("one in ten is slow, few reads", [SlowNowAndThen(10), Well], 1, 200, 0, 1000, 1000),
        ("one in ten is slow, of both", [SlowNowAndThen(10), SlowNowAndThen(10)], 50, 80, 0, 2100, 2500),
        ("both are slow", [Slow, Slow], 50, 20, 0, 1200, 1300),
        ("both are slow, few reads", [Slow, Slow], 1, 120, 0, 1200, 1300),
        ("both hang", [Hangs, Hangs], 50, 80, ALL, 6100, 6100),
        ("little processor time", [Starved(15), Starved(15)], 50, 15, 0, 1500, 2500),
        ("hardly any processor time", [Starved(18), Starved(18)], 50, 15, 0, 3000, 4000),
        ("the first hangs then", [StarvedThenHangs(15), Starved(15)], 50, 90, 0, 2000, 2900),
    ];
    for (name, registries, a_second, extra, failed, p99, slowest) in rows {
        for seed in 1..=5 {
            let found = Simulation::run(registries, a_second, 60, seed);
            assert!(found.extra <= extra, "{name}: {found:?}");
            assert!(found.failed <= failed, "{name}: {found:?}");
            assert!(found.p99 <= p99 && found.slowest <= slowest, "{name}: {found:?}");
        }
    }
}
