//! Errors of the commands for databases; each says who can correct it.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use portolan_command::date::BuildDate;
use portolan_command::policy_file::Diagnostic;

/// Why a database was not built or could not be asked.
#[derive(Debug)]
pub enum GeoipError {
    /// A file could not be read or written.
    File {
        /// What was tried, as in "cannot *read*".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Nothing could be printed.
    Print(io::Error),
    /// A line of a CSV file is not understood.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A record of a binary database is not understood.
    Record {
        /// The file.
        path: PathBuf,
        /// The network whose record it is.
        network: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A whole input or database is not what it must be.
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Two lines of one file put the same addresses in two places.
    Contradiction {
        /// The file.
        path: PathBuf,
        /// The lines, counted from 1.
        lines: [u64; 2],
    },
    /// The records of a database have the flat shape.
    Flat(PathBuf),
    /// The policy has mistakes.
    Policy(Vec<Diagnostic>),
    /// A database is not put in place.
    Refused {
        /// The file.
        path: PathBuf,
        /// Why, each with the option that lets it through.
        reasons: Vec<String>,
    },
    /// Neither an option nor the policy says where the database is.
    NoPlace,
    /// Nothing could be fetched, or what came is not what was to come.
    Fetch(String),
    /// Some addresses could not be answered; each has been told.
    Unanswered {
        /// How many.
        refused: usize,
        /// Of how many.
        asked: usize,
    },
    /// No input says of which day its data is, and neither does `--date`.
    NoDate,
    /// `--date` is a day to come.
    FutureDate(BuildDate),
    /// `--date` is earlier than what an input says of its own data.
    EarlyDate {
        /// `--date`.
        typed: BuildDate,
        /// The input with the latest date.
        input: PathBuf,
        /// Its date.
        date: BuildDate,
    },
    /// The inputs locate not a single address.
    Empty,
    /// The name of the output does not end in `.mmdb`.
    OutputName(PathBuf),
    /// The inputs do not fit into one database.
    TooLarge(String),
}

/// What is wrong with one line or record.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// The first column is neither an address nor a prefix.
    NotAnAddress(String),
    /// The first column is a bare number, as in the `-num` editions of public databases.
    Number(String),
    /// The columns are separated by semicolons or tabs.
    Separator,
    /// One address without a prefix length or a second address.
    SingleAddress(IpAddr),
    /// A prefix has bits set behind its length.
    HostBits(IpNet),
    /// A range ends before it begins.
    Backwards {
        /// First column.
        first: IpAddr,
        /// Second column.
        last: IpAddr,
    },
    /// A range has ends of two families.
    MixedFamilies {
        /// First column.
        first: IpAddr,
        /// Second column.
        last: IpAddr,
    },
    /// An IPv6 range inside `::/96`.
    InsideIpv4 {
        /// The first address.
        first: IpAddr,
    },
    /// More columns than any known shape has.
    Columns(usize),
    /// One of the two tables of `GeoLite2`'s CSV edition, which are of no use alone.
    GeoLite,
    /// The country is missing.
    NoCountry,
    /// The country is not two letters.
    Country(String),
    /// The subdivision is not one of the country.
    Subdivision {
        /// The country, in upper case.
        country: String,
        /// The subdivision, in upper case.
        subdivision: String,
    },
    /// The text is not UTF-8.
    Encoding,
}

impl fmt::Display for GeoipError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { doing, path, source } => {
                write!(out, "cannot {doing} {}: {source}", path.display())
            }
            Self::Print(source) => write!(out, "cannot print: {source}"),
            Self::Line { path, line, fault } => {
                write!(out, "{}, line {line}: {fault}", path.display())
            }
            Self::Record { path, network, fault } => {
                write!(out, "{}, record of {network}: {fault}", path.display())
            }
            Self::Unusable { path, reason } => write!(out, "{}: {reason}", path.display()),
            Self::Flat(path) => write!(
                out,
                "{}: has flat records (`country_code`), in which Envoy's geoip filter finds \
                 nothing: convert it with `portolan geoip build`",
                path.display()
            ),
            Self::Policy(found) => {
                let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
                out.write_str(&lines.join("\n"))
            }
            Self::Refused { path, reasons } => {
                write!(out, "{} is not put in place:", path.display())?;
                reasons.iter().try_for_each(|reason| write!(out, "\n  {reason}"))
            }
            Self::NoPlace => out.write_str(
                "the policy names no database: write `clients: {geo: {database: FILE}}` in it, or give \
                 --output FILE.mmdb",
            ),
            Self::Fetch(reason) => out.write_str(reason),
            Self::Unanswered { refused, asked } => {
                write!(out, "{refused} of {asked} addresses have no answer")
            }
            Self::Contradiction { path, lines: [one, other] } => write!(
                out,
                "{}: lines {one} and {other} put the same addresses in two places, and neither \
                 is narrower than the other: keep one, or give the exception a longer prefix",
                path.display()
            ),
            Self::NoDate => out.write_str(
                "no input says of which day its data is: add --date YYYY-MM-DD, the day on \
                 which the data was published",
            ),
            Self::FutureDate(typed) => write!(
                out,
                "--date {typed} is a day to come: write the day on which the data was published"
            ),
            Self::EarlyDate { typed, input, date } => write!(
                out,
                "--date {typed} is earlier than the data in {}, which is of {date}: leave --date \
                 out, or write a later day",
                input.display()
            ),
            Self::Empty => out.write_str(
                "the inputs locate no address at all: a database without a single network \
                 would send every client to the default region",
            ),
            Self::OutputName(path) => write!(
                out,
                "{}: Envoy opens only databases whose name ends in .mmdb: name the output \
                 so, for example geoip.mmdb",
                path.display()
            ),
            Self::TooLarge(reason) => {
                write!(out, "the inputs do not fit into one database ({reason}): leave some out")
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnAddress(text) => write!(
                out,
                "`{text}` is neither an address nor a prefix: write `192.0.2.0/24,DE` or \
                 `192.0.2.0,192.0.2.255,DE`"
            ),
            Self::Number(text) => write!(
                out,
                "`{text}` is a number: numbers stand for addresses only in the first two columns \
                 of `first,last,country` lines"
            ),
            Self::Separator => out.write_str("separate the columns by commas"),
            Self::SingleAddress(address) => {
                let length = if address.is_ipv4() { 32 } else { 128 };
                write!(out, "for a single address write `{address}/{length}`")
            }
            Self::HostBits(network) => {
                write!(out, "{network} has bits set behind its length: write {}", network.trunc())
            }
            Self::Backwards { first, last } => {
                write!(out, "the range {first}-{last} ends before it begins: swap the two")
            }
            Self::MixedFamilies { first, last } => write!(
                out,
                "{first}-{last} has one IPv4 and one IPv6 address: write a line for each family"
            ),
            Self::InsideIpv4 { first } => write!(
                out,
                "{first} is inside ::/96, where the database keeps IPv4: write the IPv4 address"
            ),
            Self::Columns(count) => write!(
                out,
                "{count} columns: write start,end,country or prefix,country, each with at most \
                 a subdivision behind it (not a city edition)"
            ),
            Self::GeoLite => out.write_str(
                "this is one of the two tables of GeoLite2's CSV edition, which name places by \
                 numbers of the other: give the .mmdb edition",
            ),
            Self::NoCountry => out
                .write_str("the country is missing: write its two letters, or ZZ for nobody knows"),
            Self::Country(text) => write!(
                out,
                "`{text}` is not a country code: write the two letters of ISO 3166-1, like DE, or ZZ \
                 for nobody knows"
            ),
            Self::Subdivision { country, subdivision } => write!(
                out,
                "`{subdivision}` is not a subdivision of {country}: write the one to three \
                 letters or digits of ISO 3166-2, like CA or US-CA"
            ),
            Self::Encoding => out.write_str("not UTF-8 text: save the file as UTF-8"),
        }
    }
}

impl std::error::Error for GeoipError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } | Self::Print(source) => Some(source),
            _ => None,
        }
    }
}
