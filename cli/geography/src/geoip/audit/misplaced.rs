//! Networks that the database puts into another region than a better source.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use portolan_core::config::Config;
use portolan_core::config::ids::RegionId;

use super::truth::Truth;
use crate::geoip::answers::placed;
use crate::geoip::compare::pieces;
use crate::geoip::location::Location;
use crate::geoip::merge::Segment;
use crate::geoip::public_space::share;
use crate::geoip::span::Span;

/// One network that is not where it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misplaced {
    pub(super) prefix: IpNet,
    /// The region that its clients are in.
    pub(super) region: RegionId,
    /// The region that they should be in.
    pub(super) right: RegionId,
    /// Why: what the database says, and who says otherwise.
    pub(super) reason: String,
    /// How many requests they made, by the access log.
    pub(super) requests: u64,
}

/// What one source says against the database.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) misplaced: Vec<Misplaced>,
    /// The share of the source's IPv4 addresses that the database puts into another country, from 0
    /// to 1.
    pub(super) other_country: f64,
    /// The same into another region of the policy.
    pub(super) other_region: f64,
}

/// Compares the segments of a database with a source.
pub(super) fn compare(config: &Config, database: &[Segment], truth: &Truth) -> Comparison {
    let region = |place| placed(config, None, place).region;
    let (mut total, mut country, mut regions) = (0_u128, 0_u128, 0_u128);
    let mut misplaced = Vec::new();
    for (span, said, right) in pieces(database, &truth.segments) {
        let Some(right) = right else { continue };
        let count = if span.last >> 32 == 0 { span.width().saturating_add(1) } else { 0 };
        total = total.saturating_add(count);
        if said.is_some_and(|said| said.country() == right.country())
            && region(said) == region(Some(right))
        {
            continue;
        }
        if said.is_none_or(|said| said.country() != right.country()) {
            country = country.saturating_add(count);
        }
        let (from, to) = (region(said), region(Some(right)));
        if from == to {
            continue;
        }
        let found: Vec<IpNet> =
            networks(span).filter(|prefix| !is_settled(config, *prefix)).collect();
        if !found.is_empty() {
            regions = regions.saturating_add(count);
        }
        let database =
            said.map_or_else(|| "nothing".to_owned(), |place: Location| place.to_string());
        let reason = format!("the database says {database}, {} says {right}", truth.name);
        misplaced.extend(found.into_iter().map(|prefix| Misplaced {
            prefix,
            region: from,
            right: to,
            reason: reason.clone(),
            requests: 0,
        }));
    }
    Comparison {
        misplaced,
        other_country: share(country, total),
        other_region: share(regions, total),
    }
}

/// Whether the policy says itself where the clients of a network are, and geography does not
/// matter.
fn is_settled(config: &Config, prefix: IpNet) -> bool {
    let found = config.regions().networks().lookup(prefix.network()).and_then(|found| found.region);
    found.is_some_and(|(_, around)| around.contains(&prefix))
}

/// The networks of positions in the tree.
fn networks(span: Span) -> impl Iterator<Item = IpNet> {
    span.networks().filter_map(|network| {
        let v4 = network.network().to_bits().try_into().ok().map(std::net::Ipv4Addr::from_bits);
        match (v4, network.prefix_len().checked_sub(96)) {
            (Some(address), Some(length)) => Ipv4Net::new(address, length).ok().map(IpNet::V4),
            _ => Ipv6Net::new(network.network(), network.prefix_len()).ok().map(IpNet::V6),
        }
    })
}

#[cfg(test)]
pub(super) mod tests {
    use portolan_policy_builder::{Backend, Front, Policy, Region, Rule};

    use super::*;

    pub(in crate::geoip::audit) fn policy() -> Policy {
        Policy::new()
            .front("m", Front::at(["r.example"]))
            .backend("us", Backend::at("https://us.example"))
            .backend("eu", Backend::at("https://eu.example"))
            .region("eu", Region::continents(["EU"]))
            .region("default", Region::default())
            .region("office", Region::networks(["8.8.0.0/16"]))
            .geo_database()
            .rule(
                Rule::of("r")
                    .repositories(["**"])
                    .chain_of("eu", ["eu", "us"])
                    .chain(["us", "eu"])
                    .replicas(["eu", "us"]),
            )
    }

    fn segments(rows: &[(&str, &str)]) -> Vec<Segment> {
        let mut found: Vec<Segment> = rows
            .iter()
            .flat_map(|(prefix, country)| {
                let location = Location::parse(country, "").unwrap().unwrap();
                let spans = Span::of(prefix.parse().unwrap()).unwrap().into_iter();
                spans.map(move |span| Segment { span, location })
            })
            .collect();
        found.sort_by_key(|segment| segment.span.first);
        found
    }

    /// What the source says, what is misplaced, and the reason.
    type Row = (&'static [(&'static str, &'static str)], &'static [&'static str], &'static str);

    #[test]
    fn only_what_changes_a_region_is_misplaced() {
        let config = policy().read_by(Config::from_json);
        let database =
            segments(&[("8.0.0.0/7", "US"), ("2001:db8::/32", "US"), ("16.0.0.0/16", "FR")]);
        #[rustfmt::skip] // one row a case
        let rows: [Row; 8] = [
            (&[("8.0.0.0/16", "US")], &[], "they agree"),
            (&[("8.0.0.0/16", "CA")], &[], "another country of the same region"),
            (&[("8.0.0.0/16", "IE")], &["8.0.0.0/16 to eu: the database says US, x says IE"], "another region"),
            (&[("16.0.0.0/16", "DE")], &[], "a region by continent"),
            (&[("17.0.0.0/16", "IE")], &["17.0.0.0/16 to eu: the database says nothing, x says IE"], "nothing said"),
            (&[("2001:db8::/48", "IE")], &["2001:db8::/48 to eu: the database says US, x says IE"], "IPv6"),
            (&[("8.8.8.0/24", "IE")], &[], "the policy knows better"),
            (&[("9.255.0.0/16", "IE"), ("10.0.0.0/16", "IE")], &["9.255.0.0/16 to eu: the database says US, x says IE", "10.0.0.0/16 to eu: the database says nothing, x says IE"], "an edge"),
        ];
        for (truth, expected, reason) in rows {
            let truth = Truth { name: "x".into(), segments: segments(truth) };
            let found = compare(&config, &database, &truth);
            let shown: Vec<String> = found
                .misplaced
                .iter()
                .map(|one| {
                    format!(
                        "{} to {}: {}",
                        one.prefix,
                        config.regions().name(one.right),
                        one.reason
                    )
                })
                .collect();
            assert_eq!(shown, expected, "{reason}");
        }
        let truth = Truth {
            name: "x".into(),
            segments: segments(&[("8.0.0.0/16", "IE"), ("8.1.0.0/16", "CA"), ("8.2.0.0/15", "US")]),
        };
        let found = compare(&config, &database, &truth);
        assert!(
            (found.other_country - 0.5).abs() < 1e-9 && (found.other_region - 0.25).abs() < 1e-9,
            "{found:?}"
        );
    }
}
