//! From the inputs to the file in place.

use std::path::{Path, PathBuf};

use portolan_command::date::BuildDate;
use portolan_command::replace::replace;

use super::encode::encode;
use super::error::GeoipError;
use super::merge::{Claim, Contradiction, Segment, settle};
use super::source::{self, Source};
use super::summary::{InputSummary, Summary, countries};

/// What to build from what.
#[derive(Debug)]
pub struct BuildOptions {
    /// The inputs. A later one overrides an earlier one, wherever both speak of an address.
    pub inputs: Vec<PathBuf>,
    /// The database. Its name ends in `.mmdb`; what is there is replaced in one step.
    pub output: PathBuf,
    /// Whose data it is, as its licence wants it said. By default the names of the inputs, and
    /// what they say of themselves.
    pub source: Option<String>,
    /// The licence of the data.
    pub licence: Option<String>,
    /// Of which day the data is. By default the latest date of the binary inputs, never the
    /// clock's.
    pub date: Option<BuildDate>,
    /// When it is built, to know what cannot be of that day.
    pub now: BuildDate,
}

/// Builds a database of which Envoy's geoip filter can make use.
///
/// The same inputs and options give the same bytes.
///
/// # Errors
///
/// The first thing that stands in the way. What was at the output stays as it was then.
pub fn build(options: &BuildOptions) -> Result<Summary, GeoipError> {
    let output = &options.output;
    check_name(output)?;
    let mut sources = read_all(&options.inputs)?;
    let date = date(options, &sources)?;
    let description = description(options, &sources);
    let inputs = summaries(&options.inputs, &sources);
    let segments = segments(&options.inputs, &mut sources)?;
    let bytes = encode(&segments, &description, date)?;
    replace(output, &bytes).map_err(|source| GeoipError::File {
        doing: "write",
        path: output.clone(),
        source,
    })?;
    Ok(Summary {
        inputs,
        output: output.clone(),
        bytes: bytes.len(),
        ranges: segments.len(),
        countries: countries(&segments),
        date,
    })
}

/// `MaxMindConfig` refuses a path with any other ending when Envoy starts; here it is cheaper.
pub(super) fn check_name(output: &Path) -> Result<(), GeoipError> {
    match output.extension() {
        Some(extension) if extension == "mmdb" => Ok(()),
        _ => Err(GeoipError::OutputName(output.to_owned())),
    }
}

fn read_all(inputs: &[PathBuf]) -> Result<Vec<Source>, GeoipError> {
    let numbered = inputs.iter().enumerate();
    numbered.map(|(number, path)| source::read(path, number)).collect()
}

/// Takes the claims out of the sources, and settles them.
fn segments(inputs: &[PathBuf], sources: &mut [Source]) -> Result<Vec<Segment>, GeoipError> {
    let claims = sources.iter_mut().flat_map(|source| source.claims.drain(..));
    let claims: Vec<Claim> = claims.collect();
    let segments = settle(&claims).map_err(|found| contradiction(inputs, &found))?;
    if segments.is_empty() {
        return Err(GeoipError::Empty);
    }
    Ok(segments)
}

/// The day of the data. Its age is what tells later that nobody refreshes it, so it is neither of a
/// day to come nor older than what is in it.
fn date(options: &BuildOptions, sources: &[Source]) -> Result<BuildDate, GeoipError> {
    let pairs = options.inputs.iter().zip(sources);
    let of_inputs = pairs.filter_map(|(path, source)| Some((source.date?, path)));
    let latest = of_inputs.max_by_key(|(date, _)| *date);
    if let Some((date, path)) = latest
        && date.is_after(options.now)
    {
        return Err(GeoipError::Unusable {
            path: path.clone(),
            reason: format!("says that it is of {date}, a day to come: fetch it again"),
        });
    }
    match (options.date, latest) {
        (None, None) => Err(GeoipError::NoDate),
        (None, Some((date, _))) => Ok(date),
        (Some(typed), _) if typed.is_after(options.now) => Err(GeoipError::FutureDate(typed)),
        (Some(typed), Some((date, path))) if typed < date.day() => {
            Err(GeoipError::EarlyDate { typed, input: path.clone(), date })
        }
        (Some(typed), _) => Ok(typed),
    }
}

fn description(options: &BuildOptions, sources: &[Source]) -> String {
    let of_inputs = || {
        let names = sources.iter().map(|source| source.description.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let source = options.source.clone().unwrap_or_else(of_inputs);
    match &options.licence {
        Some(licence) => format!("Country of an address. Source: {source}. Licence: {licence}"),
        None => format!("Country of an address. Source: {source}"),
    }
}

fn summaries(inputs: &[PathBuf], sources: &[Source]) -> Vec<InputSummary> {
    let pairs = inputs.iter().zip(sources);
    let summary = |(path, source): (&PathBuf, &Source)| InputSummary {
        path: path.clone(),
        located: source.claims.len(),
        unlocated: source.unlocated,
        nameless: source.nameless,
    };
    pairs.map(summary).collect()
}

fn contradiction(inputs: &[PathBuf], found: &Contradiction) -> GeoipError {
    let path = inputs.get(found.input).map(PathBuf::as_path);
    GeoipError::Contradiction {
        path: path.unwrap_or(Path::new("an input")).to_owned(),
        lines: found.lines,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::geoip::lookup::tests::lookup;

    struct Workshop(TempDir);

    impl Workshop {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            fs::write(self.path(name), text).unwrap();
            self.path(name)
        }

        fn options(&self, inputs: Vec<PathBuf>) -> BuildOptions {
            BuildOptions {
                inputs,
                output: self.path("geoip.mmdb"),
                source: None,
                licence: None,
                date: Some("2026-06-01".parse().unwrap()),
                now: "2026-07-01".parse().unwrap(),
            }
        }

        fn place(&self, address: &str) -> Option<String> {
            let found = lookup(&self.path("geoip.mmdb"), address.parse().unwrap()).unwrap();
            found.map(|location| location.to_string())
        }
    }

    const PUBLIC: &str = "192.0.2.0,192.0.2.255,US\n2001:db8::,2001:db8::ffff,CN\n";

    #[test]
    fn a_later_input_mends_an_earlier_one() {
        let shop = Workshop::new();
        let public = shop.file("public.csv", PUBLIC);
        let office = shop.file("office.csv", "192.0.2.128/25,DE,BE\n198.51.100.0/24,ZZ\n");
        let summary = build(&shop.options(vec![public, office])).unwrap().to_string();
        let cases = [
            ("192.0.2.1", Some("US")),
            ("192.0.2.200", Some("DE-BE")),
            ("::ffff:192.0.2.200", Some("DE-BE")),
            ("2001:db8::1", Some("CN")),
            ("198.51.100.1", None),
        ];
        for (address, place) in cases {
            assert_eq!(shop.place(address).as_deref(), place, "{address}");
        }
        assert!(summary.contains("office.csv: 1 located, 1 unlocated"), "{summary}");
        assert!(summary.contains("3 ranges in 3 countries"), "{summary}");
        assert!(summary.ends_with("data of 2026-06-01"), "{summary}");
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        let shop = Workshop::new();
        let turned: Vec<&str> = PUBLIC.lines().rev().collect();
        let mut built = Vec::new();
        for table in [PUBLIC, PUBLIC, &turned.join("\n")] {
            // The name is part of the description; where the file lies is not.
            let input = shop.file("public.csv", table);
            build(&shop.options(vec![input])).unwrap();
            built.push(fs::read(shop.path("geoip.mmdb")).unwrap());
        }
        assert_eq!(built[0], built[1]);
        assert_eq!(built[0], built[2], "nor does the order of lines matter");
    }

    #[test]
    fn a_built_database_is_an_input_and_brings_its_date() {
        let shop = Workshop::new();
        let public = shop.file("public.csv", PUBLIC);
        let first = build(&shop.options(vec![public])).unwrap();
        let office = shop.file("office.csv", "192.0.2.0/24,FR");
        let again =
            BuildOptions { date: None, ..shop.options(vec![shop.path("geoip.mmdb"), office]) };
        let second = build(&again).unwrap();
        assert_eq!(second.date, first.date);
        assert_eq!(shop.place("192.0.2.1").as_deref(), Some("FR"));
        assert_eq!(shop.place("2001:db8::1").as_deref(), Some("CN"));
    }

    #[test]
    fn the_description_carries_source_and_licence() {
        let shop = Workshop::new();
        let public = shop.file("public.csv", PUBLIC);
        let options = BuildOptions {
            source: Some("IP Geolocation by DB-IP".into()),
            licence: Some("CC BY 4.0".into()),
            ..shop.options(vec![public])
        };
        let shown = description(&options, &[]);
        assert_eq!(
            shown,
            "Country of an address. Source: IP Geolocation by DB-IP. Licence: CC BY 4.0"
        );
        build(&options).unwrap();
        let reader = maxminddb::Reader::open_readfile(shop.path("geoip.mmdb")).unwrap();
        assert_eq!(reader.metadata().description["en"], shown);
    }

    /// Tests and the demo count on these; the table's comments promise them.
    #[test]
    fn the_synthetic_database_tells_its_story() {
        let shop = Workshop::new();
        let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../../geoip-data/synthetic.csv");
        build(&shop.options(vec![table.into()])).unwrap();
        let cases = [
            ("192.0.2.1", Some("CN")),
            ("192.0.2.33", Some("JP")),
            ("192.0.2.200", None),
            ("198.51.100.1", Some("DE")),
            ("198.51.100.255", Some("ZA")),
            ("203.0.113.1", Some("US")),
            ("203.0.113.65", Some("US-CA")),
            ("203.0.113.129", Some("US-NY")),
            ("203.0.113.200", Some("BR")),
            ("198.18.1.1", Some("CN")),
            ("198.18.128.1", Some("HK")),
            ("2001:db8:5::1", Some("DE")),
            ("2001:db8:7:ca::1", Some("US-CA")),
            ("2001:db8:ffff::1", None),
        ];
        for (address, place) in cases {
            assert_eq!(shop.place(address).as_deref(), place, "{address}");
        }
    }

    #[test]
    fn a_failed_build_leaves_the_old_database() {
        let shop = Workshop::new();
        let public = shop.file("public.csv", PUBLIC);
        build(&shop.options(vec![public.clone()])).unwrap();
        let before = fs::read(shop.path("geoip.mmdb")).unwrap();

        let table = |name, text| shop.options(vec![shop.file(name, text)]);
        let undated = BuildOptions { date: None, ..shop.options(vec![public.clone()]) };
        let misnamed = BuildOptions { output: shop.path("geoip"), ..shop.options(vec![public]) };
        let on = |date: &str| BuildOptions {
            date: Some(date.parse().unwrap()),
            ..shop.options(vec![shop.path("geoip.mmdb")])
        };
        let years_ago =
            BuildOptions { now: "2020-01-01".parse().unwrap(), date: None, ..on("2026-06-02") };
        let cases = [
            (on("2026-07-03"), "--date 2026-07-03 is a day to come"),
            (on("2026-05-31"), "--date 2026-05-31 is earlier than the data in"),
            (years_ago, "geoip.mmdb: says that it is of 2026-06-01, a day to come"),
            (undated, "add --date YYYY-MM-DD"),
            (misnamed, "ends in .mmdb"),
            (table("empty.csv", "# nothing\n"), "no address at all"),
            (table("bad.csv", "192.0.2.0/24,DE\n192.0.2.0/24,XYZ\n"), "bad.csv, line 2: `XYZ`"),
            (
                table("twice.csv", "192.0.2.0/24,DE\n#\n192.0.2.0,192.0.2.255,FR\n"),
                "twice.csv: lines 1 and 3 put the same addresses in two places",
            ),
        ];
        for (options, message) in cases {
            let shown = build(&options).expect_err(message).to_string();
            assert!(shown.contains(message), "{shown}");
        }
        assert_eq!(fs::read(shop.path("geoip.mmdb")).unwrap(), before);
    }
}
