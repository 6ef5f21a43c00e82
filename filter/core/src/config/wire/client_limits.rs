//! The wire form of the limits of clients.

use crate::config::advice;
use crate::config::budget::Budget;
use crate::config::client_limits::{ClientLimits, NetworkLimit};
use crate::config::fields::{CLIENT_LIMITS, NETWORK_LIMIT};
use crate::config::reader::{Fields, Node};
use crate::config::wanted::Wanted;
use crate::config::wire::budget::read_budget;
use crate::config::wire::proxy::ProxyWire;
use crate::config::wire::rate::{Rate, read_rate};
use crate::config::wire::values::{list, read_count};

pub(crate) struct ClientLimitsWire {
    pub(crate) networks: Vec<NetworkLimit>,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) except: Vec<ProxyWire>,
    pub(crate) entries: u32,
}

const LIST: &str = "a list of limits, such as `[{requests: 600, per: 1m}]`";

pub(super) fn read_client_limits(node: &Node<'_>) -> ClientLimitsWire {
    const EXCEPT: Wanted<'_> = Wanted::explained(
        "an address prefix such as `10.0.0.0/8` or `2001:db8::/32`, host bits zero, or a label of \
         `networks` such as `office`",
        advice::network::of_proxy,
    );
    let fields = node.fields(&CLIENT_LIMITS);
    if fields.are_all_known() && !fields.has_any(&["networks", "budgets"]) {
        node.refuse("says no limit; write `networks` or `budgets`");
    }
    let networks = fields.optional("networks", |node| {
        node.refuse_empty("is empty; write at least one limit, such as `{requests: 600, per: 1m}`");
        node.list(LIST, |item| read_limit(&item))
    });
    let budgets = fields.optional("budgets", |node| {
        node.refuse_empty("is empty; write at least one, such as `{requests: 600, per: 1m}`");
        node.list(LIST, |item| read_budget(&item))
    });
    ClientLimitsWire {
        networks: networks.unwrap_or_default(),
        budgets: budgets.unwrap_or_default(),
        except: list(&fields, "except", EXCEPT, ProxyWire::parse),
        entries: fields
            .optional("entries", |node| read_count(&node))
            .unwrap_or(ClientLimits::ENTRIES),
    }
}

fn read_limit(node: &Node<'_>) -> Option<NetworkLimit> {
    let fields = node.fields(&NETWORK_LIMIT);
    let ipv4 = prefix_length(&fields, "ipv4", 8..=32).unwrap_or(32);
    let ipv6 = prefix_length(&fields, "ipv6", 16..=128).unwrap_or(64);
    let Rate { requests, per, burst } = read_rate(&fields)?;
    Some(NetworkLimit { requests, per, burst, ipv4, ipv6 })
}

fn prefix_length(
    fields: &Fields<'_>,
    name: &'static str,
    range: std::ops::RangeInclusive<u8>,
) -> Option<u8> {
    let wanted = format!("the length of a prefix, from {} to {}", range.start(), range.end());
    fields.optional(name, |node| {
        let length = u8::try_from(node.number(wanted.as_str())?).ok();
        let length = length.filter(|length| range.contains(length));
        if length.is_none() {
            node.refuse(format!("is out of range; write {wanted}"));
        }
        length
    })
}
