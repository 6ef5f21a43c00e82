//! `X-Forwarded-For` as proxies write it, made into what Envoy reads.
//!
//! Envoy takes an item that is no bare address for none, and then the proxy for the client. Azure's
//! gateways write `198.51.100.7:51234` and `[2001:db8::1]:443`; a zone may follow an address (RFC
//! 4007 section 11), a list may have empty items (RFC 9110 section 5.6.1), and a proxy that hides
//! its client writes `unknown` or a name of its own (RFC 7239 section 6).

use serde_json::{Value, json};

use super::model::client_address::ForwardedFor;

const HEADER: &str = "request.headers['x-forwarded-for']";

/// How many addresses are looked at, from the last on, where proxies are trusted by their networks;
/// and at most as many, where hops are counted. More than that are trusted by nobody.
const MOST_ADDRESSES: u32 = 8;

/// What stands in a list only if one of the steps has something to do.
const STRANGE: &str = r"[^0-9a-fA-F:., ]|\.[0-9]+:|,\s*(?:,|$)";

/// Commas at the end.
const END: Step = Step { pattern: r"^(?:(.*[^,\s])[,\s]+|(.*))$", rewrite: r"\1\2" };
/// An empty item.
const GAP: Step = Step { pattern: r"^(?:(.*[^,\s]\s*,)(?:\s*,)+(.*)|(.*))$", rewrite: r"\1\2\3" };
/// A zone. A percent sign has a meaning for Envoy's format strings.
const ZONE: Step = Step { pattern: r"^(?:(.*)\x25[0-9A-Za-z._-]*(.*)|(.*))$", rewrite: r"\1\2\3" };
/// Brackets and port of IPv6, the port of IPv4.
const BARE: Step = Step {
    pattern: r"^(?:(.*,\s*|\s*)(?:\[([0-9a-fA-F:.]+)\](?::[0-9]+)?|([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+):[0-9]+)(\s*(?:,.*)?)|(.*))$",
    rewrite: r"\1\2\3\4\5",
};
/// Puts the address of nobody behind the list, for the next step to take: what a step writes cannot
/// depend on what it finds, but by its groups.
const WITH_NOBODY: Step = Step { pattern: r"^(.*)$", rewrite: r"\1|0.0.0.0" };
/// A client whom its proxy hides. It is at no address, and least of all at the proxy's: that may be
/// of a network whose clients may read what others may not.
const HIDDEN: Step = Step {
    pattern: r"^(?:(.*,\s*|\s*)(?:[uU][nN][kK][nN][oO][wW][nN]|_[0-9A-Za-z._-]+)(\s*(?:,.*)?)\|(0\.0\.0\.0)|(.*)\|0\.0\.0\.0)$",
    rewrite: r"\1\3\2\4",
};

/// One rewriting of the list by a regular expression (RE2).
struct Step {
    pattern: &'static str,
    rewrite: &'static str,
}

impl Step {
    /// The expression that applies it to the value of another.
    fn of(&self, value: &str) -> String {
        format!("re.extract({value}, {}, {})", quoted(self.pattern), quoted(self.rewrite))
    }
}

/// A string of the Common Expression Language.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\"))
}

/// What is done to the header before Envoy reads it; nothing where nobody is believed.
///
/// Most requests pay for the look at whether there is anything to do, and for no more: the header
/// is then left as it is, as Envoy writes no empty value.
pub(super) fn mutation(forwarded: ForwardedFor<'_>) -> Option<Value> {
    let addresses = match forwarded {
        ForwardedFor::Nobody => return None,
        ForwardedFor::Hops(hops) => hops.min(MOST_ADDRESSES),
        ForwardedFor::Proxies(_) => MOST_ADDRESSES,
    };
    let times =
        |count: u32, value: String, step: &Step| (0..count).fold(value, |value, _| step.of(&value));
    let plain =
        [GAP, ZONE, BARE].iter().fold(END.of(HEADER), |value, step| times(addresses, value, step));
    // From the last item to the first that is not trusted, one hidden client ends the search.
    let hidden = if matches!(forwarded, ForwardedFor::Proxies(_)) { 1 } else { addresses };
    let readable = (0..hidden).fold(plain, |value, _| HIDDEN.of(&WITH_NOBODY.of(&value)));
    let condition = format!("{HEADER}.matches({})", quoted(STRANGE));
    Some(json!({"append": {
        "header": {
            "key": "x-forwarded-for",
            "value": format!("%CEL({condition} ? {readable} : '')%"),
        },
        "append_action": "OVERWRITE_IF_EXISTS",
    }}))
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::*;

    /// Of how many steps the mutation is.
    fn steps(forwarded: ForwardedFor<'_>) -> usize {
        let found = mutation(forwarded).map(|found| found.to_string()).unwrap_or_default();
        found.matches("re.extract").count()
    }

    #[test]
    fn as_many_addresses_are_read_as_are_believed() {
        let network: [IpNet; 1] = ["10.0.0.0/8".parse().unwrap()];
        let rows = [
            (ForwardedFor::Nobody, 0, "nobody is believed"),
            (ForwardedFor::Hops(1), 1 + 3 + 2, "one item"),
            (ForwardedFor::Hops(2), 1 + 2 * (3 + 2), "two items"),
            (ForwardedFor::Hops(16), 1 + 8 * (3 + 2), "no more than eight"),
            (ForwardedFor::Proxies(&network), 1 + 8 * 3 + 2, "by their networks"),
        ];
        for (forwarded, expected, reason) in rows {
            assert_eq!(steps(forwarded), expected, "{reason}");
        }
    }

    #[test]
    fn expressions_are_written_as_envoy_reads_them() {
        assert_eq!(WITH_NOBODY.of("x"), r"re.extract(x, '^(.*)$', '\\1|0.0.0.0')");
        assert_eq!(quoted(r"\s'"), r"'\\s''", "no pattern here has a quote");
        for step in [END, GAP, ZONE, BARE, WITH_NOBODY, HIDDEN] {
            assert!(!step.pattern.contains(['\'', '%']), "{}", step.pattern);
        }
    }
}
