//! Databases of every shape, and what of them a policy gets.

use maxminddb_writer::Database;
use maxminddb_writer::metadata::IpVersion;
use maxminddb_writer::paths::IpAddrWithMask;
use serde_json::{Value, json};

use super::*;

/// The networks of the document, or what is wrong.
fn networks(name: &str, bytes: &[u8], asns: &[u32]) -> Result<String, String> {
    let day = (!name.ends_with("mmdb")).then(|| "2026-11-01".parse().unwrap());
    let document = convert(Path::new(name), bytes.to_vec(), asns, day)?;
    let (_, list) = document.split_once("networks:\n").unwrap();
    Ok(list.split_whitespace().filter(|word| *word != "-").collect::<Vec<_>>().join(" "))
}

#[test]
fn tables_of_every_shape() {
    let both = "asn:64496: 192.0.2.0/24 2001:db8::/32";
    let rows = [
        ("192.0.2.0/24,64496\n2001:db8::/32,AS64496\n", both, "prefixes"),
        (
            "192.0.2.0,192.0.2.255,64496,\"One, Ltd\"\n2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,64496,x\n",
            both,
            "DB-IP",
        ),
        (
            "192.0.2.0\t192.0.2.255\t64496\tUS\tONE\n198.51.100.0\t198.51.100.255\t0\tNone\tNot routed\n2001:db8::\t2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\t64496\tUS\tONE\n",
            both,
            "iptoasn.com",
        ),
        (
            "network,autonomous_system_number,autonomous_system_organization\n192.0.2.0/24,64496,\"One\"\n2001:db8::/32,64496,One\n",
            both,
            "MaxMind",
        ),
        (
            "network,country,asn,as_name\n192.0.2.0/24,US,AS64496,One\n198.51.100.0/24,US,,\n2001:db8::/32,US,AS64496,One\n",
            both,
            "a number in a column with a name",
        ),
        ("192.0.2.0,192.0.2.2,64496\n", "asn:64496: 192.0.2.0/31 192.0.2.2/32", "no whole prefix"),
        ("192.0.2.0/25,64496\n192.0.2.128/25,64496\n", "asn:64496: 192.0.2.0/24", "halves"),
        (
            "192.0.2.0/25,64496\n192.0.2.128/25,64497\n",
            "asn:64496: 192.0.2.0/25",
            "a neighbour that was not asked for",
        ),
    ];
    for (text, expected, why) in rows {
        assert_eq!(networks("x.csv", text.as_bytes(), &[64496]).as_deref(), Ok(expected), "{why}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let rows = [
        ("192.0.2.0/24,64497\n", "has no network of AS64496; is the number right?"),
        ("# one\n192.0.2.0/24,64496\nx,64496\n", "line 3: `x,64496` is no prefix or range"),
        ("192.0.2.1/24,64496\n", "line 1: `192.0.2.1/24,64496` is no prefix or range"),
        ("192.0.2.0/24,US\n", "line 1: `US` is no number of an autonomous system"),
        ("192.0.2.9,192.0.2.0,64496\n", "line 1: 192.0.2.9 is behind 192.0.2.0"),
        ("192.0.2.9,2001:db8::,64496\n", "line 1: 192.0.2.9 is behind 2001:db8::, or of another"),
        (
            "192.0.2.0/24,64496\n192.0.2.128/25,64497\n",
            "192.0.2.0-192.0.2.255 of AS64496 and 192.0.2.128-192.0.2.255 of AS64497 overlap",
        ),
    ];
    for (text, expected) in rows {
        let error = networks("x.csv", text.as_bytes(), &[64496]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let packed = networks("x.csv", b"\x1f\x8b\xff", &[64496]).unwrap_err();
    assert!(packed.contains("unpack it"), "{packed}");
    let undated = convert(Path::new("x.csv"), b"192.0.2.0/24,1".to_vec(), &[1], None).unwrap_err();
    assert!(undated.contains("--date"), "{undated}");
}

fn database(networks: &[(&str, Value)]) -> Vec<u8> {
    let mut database = Database::default();
    database.metadata.ip_version = IpVersion::V6;
    database.metadata.binary_format_major_version = 2;
    database.metadata.database_type = "Test-ASN".into();
    database.metadata.build_epoch = 951_782_400;
    for (network, record) in networks {
        let record = database.insert_value(record).unwrap();
        database.insert_node(network.parse::<IpAddrWithMask>().unwrap(), record);
    }
    database.write_to(Vec::new()).unwrap()
}

#[test]
fn databases_of_every_shape() {
    let file = database(&[
        (
            "::192.0.2.0/120",
            json!({"autonomous_system_number": 64496, "autonomous_system_organization": "One"}),
        ),
        ("2001:db8::/32", json!({"asn": "AS64496", "as_name": "One"})),
        ("2001:db9::/32", json!({"autonomous_system_number": 64497})),
    ]);
    let document =
        convert(Path::new("db/GeoLite2-ASN.mmdb"), file.clone(), &[64496], None).unwrap();
    assert_eq!(
        document,
        "# Source: GeoLite2-ASN.mmdb\n# Published: 2000-02-29\n# 2 prefixes with 1 labels, aggregated from 2 entries.\n\
         published:\n  asn: \"2000-02-29\"\nnetworks:\n  asn:64496:\n    - 192.0.2.0/24\n    - 2001:db8::/32\n"
    );
    assert!(convert(Path::new("unnamed"), file, &[64497], None).unwrap().contains("2001:db9::/32"));
    let countries = database(&[("2001:db8::/32", json!({"country_code": "US"}))]);
    let error = networks("x.mmdb", &countries, &[64496]).unwrap_err();
    assert!(error.contains("give a database of autonomous systems"), "{error}");
    let damaged = networks("x.mmdb", b"x", &[64496]).unwrap_err();
    assert!(damaged.contains("damaged"), "{damaged}");
}

#[test]
fn numbers() {
    for (text, expected) in [("64496", 64496), ("AS64496", 64496), ("as4294967295", u32::MAX)] {
        assert_eq!(number(text), Ok(expected));
    }
    for text in ["", "0", "AS", "AS0", "4294967296", "1.10", "-1", "+1", "ASx", "é1"] {
        assert!(number(text).is_err(), "{text}");
    }
}
