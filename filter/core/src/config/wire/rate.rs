//! The wire form of a rate of requests.

use std::time::Duration;

use crate::config::advice;
use crate::config::duration;
use crate::config::reader::Fields;
use crate::config::wire::values::read_count;

/// How often, and how many at once.
pub(super) struct Rate {
    pub(super) requests: u32,
    pub(super) per: Duration,
    pub(super) burst: u32,
}

pub(super) fn read_rate(fields: &Fields<'_>) -> Option<Rate> {
    const REQUESTS: &str = "how many requests, from 1 to 1000000";
    let requests = fields.required("requests", REQUESTS, |node| read_count(&node));
    let per = fields.required("per", advice::time::WANTED, |node| {
        let per = node.parse(advice::time::WANTED, duration::parse)?;
        if per < Duration::from_secs(1) {
            node.refuse("is too short; write at least `1s`");
        }
        Some(per)
    });
    let burst = fields.optional("burst", |node| read_count(&node));
    let requests = requests?;
    Some(Rate { requests, per: per?, burst: burst.unwrap_or(requests) })
}
