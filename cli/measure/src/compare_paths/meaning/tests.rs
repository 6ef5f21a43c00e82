use super::*;

const MEGA: f64 = 1e6;

fn way(role: Role, round_trip: f64, bytes_per_second: Option<f64>) -> Middle {
    let first_byte = round_trip * 1.1;
    Middle { role, dns: 0.001, round_trip, first_byte, bytes_per_second, redirected_to: None }
}

fn front(round_trip: f64, bytes_per_second: Option<f64>) -> Middle {
    way(Role::Registry(Side::Front), round_trip, bytes_per_second)
}

fn upstream(round_trip: f64, bytes_per_second: Option<f64>) -> Middle {
    way(Role::Registry(Side::Upstream), round_trip, bytes_per_second)
}

fn cdn(bytes_per_second: f64) -> Middle {
    way(Role::Other("cdn.example".to_owned()), 0.01, Some(bytes_per_second))
}

/// Each wanted text is in the sentence of its place, and there are no others.
fn hold(found: &[String], wanted: &[&str], reason: &str) {
    assert_eq!(found.len(), wanted.len(), "{reason}: {found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.contains(wanted), "{reason}: {wanted:?} is not in {found:?}");
    }
}

#[test]
fn ways() {
    let near_but_redirecting = Middle {
        redirected_to: Some("store.example".to_owned()),
        first_byte: 0.9,
        ..front(0.002, None)
    };
    let slow_lookup = Middle { dns: 0.2, ..upstream(0.02, None) };
    let thinking = Middle { first_byte: 0.4, ..front(0.02, None) };
    #[rustfmt::skip]
    let rows: [(Vec<Middle>, &[&str], &str); 16] = [
        (vec![], &[], "nothing answered"),
        (vec![upstream(0.02, Some(MEGA))], &[], "one way cannot be compared"),
        (vec![front(0.002, None), upstream(0.08, None)], &["It pays off"], "near and far"),
        (vec![front(0.08, None), upstream(0.002, None)], &["a detour"], "the other way round"),
        (vec![front(0.02, None), upstream(0.03, None)], &["neither is nearer"], "half as far again"),
        (vec![front(0.001, None), upstream(0.004, None)], &["neither is nearer"], "4 times as far, and nobody notices"),
        (vec![front(0.02, Some(30.0 * MEGA)), upstream(0.02, Some(10.0 * MEGA))], &["neither", "3.00 times as fast"], "a faster front"),
        (vec![front(0.02, Some(10.0 * MEGA)), upstream(0.02, Some(30.0 * MEGA))], &["neither", "slows layers down"], "a slower front"),
        (vec![front(0.02, Some(10.0 * MEGA)), upstream(0.02, Some(11.0 * MEGA))], &["neither", "line of this machine"], "as fast"),
        (vec![front(0.02, Some(10.0 * MEGA)), cdn(40.0 * MEGA)], &["redirect to it"], "a fast CDN and a slow front"),
        (vec![front(0.02, Some(40.0 * MEGA)), cdn(10.0 * MEGA)], &["carry the layers itself"], "a fast front"),
        (vec![front(0.02, Some(40.0 * MEGA)), cdn(41.0 * MEGA)], &["save the front's traffic"], "as fast"),
        (vec![front(0.02, None), cdn(41.0 * MEGA)], &[], "nothing was downloaded from the front"),
        (vec![near_but_redirecting, upstream(0.08, None)], &["It pays off", "redirects to store.example"], "the named server is near; who sends the content is another thing"),
        (vec![thinking, upstream(0.02, None)], &["neither", "380 ms more than the way"], "a front that asks first"),
        (vec![front(0.02, None), slow_lookup], &["neither", "address of the upstream takes 200 ms"], "a slow resolver"),
    ];
    for (ways, wanted, reason) in rows {
        hold(&of_ways(&ways), wanted, reason);
    }
}

/// A rate of so many Mbit/s over five seconds.
fn rate(megabits: f64, retransmits: Option<u64>) -> Rate {
    let bytes = [(10.0, 6_250_000), (100.0, 62_500_000), (400.0, 250_000_000)];
    let bytes = bytes
        .iter()
        .find(|(known, _)| (known - megabits).abs() < 0.5)
        .map_or(0, |(_, bytes)| *bytes);
    Rate { bits_per_second: megabits * MEGA, bytes, retransmits }
}

#[test]
fn rates() {
    let some = |megabits| Some(rate(megabits, Some(0)));
    #[rustfmt::skip]
    let rows: [(Rates, &[&str], &str); 10] = [
        (Rates::default(), &[], "nothing was measured"),
        (Rates { single: some(100.0), ..Rates::default() }, &[], "nothing to compare with"),
        (Rates { single: some(100.0), parallel: some(105.0), reverse: None }, &["one stream fills the way"], "the line is the limit"),
        (Rates { single: some(100.0), parallel: some(400.0), reverse: None }, &["window is too small"], "a window, or a limit for each flow"),
        (Rates { single: Some(rate(10.0, Some(43))), parallel: some(100.0), reverse: None }, &["one segment in 99.6 was sent again"], "a loss of 1 %"),
        (Rates { single: Some(rate(10.0, Some(2))), parallel: some(100.0), reverse: None }, &["window is too small"], "2 of 4,281 segments are no loss to speak of"),
        (Rates { single: Some(rate(10.0, None)), parallel: some(100.0), reverse: None }, &["window is too small"], "retransmissions are not counted everywhere"),
        (Rates { single: some(100.0), parallel: None, reverse: some(10.0) }, &["slow in the direction that pulls go"], "an asymmetric route"),
        (Rates { single: some(10.0), parallel: None, reverse: some(100.0) }, &["slow in the direction that pushes go"], "a line at home"),
        (Rates { single: some(100.0), parallel: some(100.0), reverse: some(100.0) }, &["fills the way", "same in both directions"], "a line without a fault"),
    ];
    for (rates, wanted, reason) in rows {
        hold(&of_rates(&rates), wanted, reason);
    }
}

#[test]
fn a_server_uses_its_way_or_does_not() {
    let network = rate(400.0, Some(0));
    let rows = [
        (5.0 * MEGA, "not the way but the server is the limit", "40 of 400 Mbit/s"),
        (45.0 * MEGA, "the server uses what the way gives it", "360 of 400 Mbit/s"),
    ];
    for (bytes_per_second, wanted, reason) in rows {
        let found = of_server(&Role::Registry(Side::Front), &network, bytes_per_second);
        assert!(found.contains(wanted), "{reason}: {found}");
    }
}
