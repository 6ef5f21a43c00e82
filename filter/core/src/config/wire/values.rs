//! Reads values that many parts of a policy have: names, lists, durations, switches.

use std::time::Duration;

use crate::config::advice;
use crate::config::duration;
use crate::config::fields::Table;
use crate::config::reader::{Fields, Node};
use crate::config::reason;
use crate::config::wanted::Wanted;

pub(crate) const NAME: Wanted<'static> = Wanted::explained(
    "a name of letters, digits, `-`, `_` and `.`, at most 63 long",
    advice::name::why,
);

/// A mapping whose keys are names.
pub(crate) fn read_named<T>(
    node: &Node<'_>,
    wanted: &str,
    read: fn(String, &Node<'_>) -> T,
) -> Option<Vec<T>> {
    node.entries(wanted, |name, node| {
        if !is_name(name) {
            node.refuse(match NAME.reason(name) {
                Some(reason) => format!("the name {reason}"),
                None => format!("the name is not valid; write {NAME}"),
            });
        }
        Some(read(name.to_owned(), &node))
    })
}

/// A switch that is off if it is left out.
pub(crate) fn flag(fields: &Fields<'_>, name: &'static str) -> bool {
    fields.optional(name, |node| node.boolean()).unwrap_or(false)
}

/// Why writes are refused.
pub(crate) fn read_writes(node: &Node<'_>, table: &'static Table) -> Option<String> {
    let fields = node.fields(table);
    fields.required("refused", reason::WANTED, |node| node.parse(reason::WANTED, reason::parse))
}

/// A length of time, or its default.
pub(crate) fn time(fields: &Fields<'_>, name: &'static str, default: Duration) -> Duration {
    let read = fields.optional(name, |node| node.parse(advice::time::WANTED, duration::parse));
    read.unwrap_or(default)
}

/// How many of something, at least one.
pub(crate) fn read_count(node: &Node<'_>) -> Option<u32> {
    const COUNT: &str = "a whole number from 1 to 1000000";
    let number = node.number(COUNT)?;
    let count = u32::try_from(number).ok().filter(|count| (1..=1_000_000).contains(count));
    if count.is_none() {
        node.refuse(format!("is {number}; write {COUNT}"));
    }
    count
}

/// A text that is not empty, if it is there.
pub(crate) fn optional_text(
    fields: &Fields<'_>,
    name: &'static str,
    wanted: &str,
) -> Option<String> {
    fields.optional(name, |node| node.parse(wanted, some_text))
}

/// A text that is not empty and has to be there.
pub(crate) fn required_text(
    fields: &Fields<'_>,
    name: &'static str,
    wanted: &str,
) -> Option<String> {
    fields.required(name, wanted, |node| node.parse(wanted, some_text))
}

fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A list of values of one kind; empty if it is left out.
pub(crate) fn list<'w, T>(
    fields: &Fields<'_>,
    name: &'static str,
    wanted: impl Into<Wanted<'w>>,
    parse: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let wanted = wanted.into();
    let items = fields.optional(name, |node| {
        let list = format!("a list, each {wanted}");
        node.list(list.as_str(), |item| item.parse(wanted, &parse))
    });
    items.unwrap_or_default()
}

/// The names of fronts, backends, blob stores, regions and rules: they become parts of stats,
/// labels and cluster names.
pub(crate) fn is_name(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=63).contains(&text.len())
        && text.bytes().all(known)
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}
