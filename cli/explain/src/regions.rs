//! One question for a client of each region.

use portolan_command::policy_file::view;
use portolan_core::config::regions::Regions;
use portolan_core::config::{Config, DEFAULT_REGION, Document};
use serde_json::{Value, json};

use super::answer::{Answer, End};
use super::client::{self, ClientOptions};
use super::request::{Client, Encoding, Request};

/// What becomes of some requests for the clients of one region.
pub(super) struct Row<'c> {
    region: &'c str,
    /// How the client was found to be in the region: `CN`, `10.0.0.1`; `None` if nobody is known to
    /// be in it.
    client: Option<String>,
    /// An answer to each request.
    answers: Vec<Answer<'c>>,
}

/// A row for each region of the policy, in its order.
pub(super) fn rows<'c>(
    requests: &[Request],
    config: &'c Config,
    document: &Document,
) -> Vec<Row<'c>> {
    let regions = config.regions();
    let written = view::field(document, "regions");
    let row = |region: &'c str| {
        let criteria = written.and_then(|all| view::field(all, region));
        let found = client_in(region, criteria, document, config);
        let (client, name) = match found {
            Some((client, name)) => (client, Some(name)),
            None => (Client::default(), None),
        };
        let of = |request: &Request| {
            Answer::to(
                &Request { client: client.clone(), ..request.clone() },
                config,
                Encoding::Utf8,
            )
        };
        let answers = if name.is_some() { requests.iter().map(of).collect() } else { Vec::new() };
        Row { region, client: name, answers }
    };
    names(regions).map(row).collect()
}

fn names(regions: &Regions) -> impl Iterator<Item = &str> {
    regions.ids().map(move |id| regions.name(id))
}

/// Some countries of each continent, of which a policy will hardly name all in another region.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("AF", &["KE", "NG", "EG", "ZA"]),
    ("AN", &["AQ"]),
    ("AS", &["SG", "JP", "IN", "CN"]),
    ("EU", &["DE", "FR", "PL", "GB"]),
    ("NA", &["US", "CA", "MX"]),
    ("OC", &["AU", "NZ"]),
    ("SA", &["BR", "AR", "CL"]),
];

/// Somebody who is found to be in a region, and by what.
fn client_in(
    region: &str,
    criteria: Option<&Document>,
    document: &Document,
    config: &Config,
) -> Option<(Client, String)> {
    let texts =
        |field| view::texts(criteria.and_then(|own| view::field(own, field))).collect::<Vec<_>>();
    let is_here = |client: &Client| {
        let request = Request {
            method: b"GET".to_vec(),
            target: b"/v2/".to_vec(),
            client: client.clone(),
            ..Request::default()
        };
        Answer::to(&request, config, Encoding::Utf8).region == region
    };
    let mut told: Vec<(ClientOptions<'_>, String)> = Vec::new();
    for country in texts("countries") {
        told.push((
            ClientOptions { country: Some(country), ..ClientOptions::default() },
            country.to_owned(),
        ));
    }
    for subdivision in texts("subdivisions") {
        let country = subdivision.split('-').next();
        told.push((
            ClientOptions { country, subdivision: Some(subdivision), ..ClientOptions::default() },
            subdivision.to_owned(),
        ));
    }
    for continent in texts("continents") {
        told.push((
            ClientOptions { continent: Some(continent), ..ClientOptions::default() },
            continent.to_owned(),
        ));
        // Most sources of geography tell the country alone.
        let countries = EXAMPLES.iter().filter(|(code, _)| code.eq_ignore_ascii_case(continent));
        for country in countries.flat_map(|(_, countries)| *countries) {
            told.push((
                ClientOptions { country: Some(country), ..ClientOptions::default() },
                (*country).to_owned(),
            ));
        }
    }
    let labels = texts("labels");
    let of_labels = view::mapping(view::field(document, "networks")).iter().filter(|(label, _)| {
        labels.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => label.starts_with(start),
            None => label == pattern,
        })
    });
    let prefixes = texts("networks")
        .into_iter()
        .chain(of_labels.flat_map(|(_, list)| view::texts(Some(list))));
    for prefix in prefixes {
        let address = prefix.split('/').next().and_then(|address| address.parse().ok());
        told.push((ClientOptions { address, ..ClientOptions::default() }, prefix.to_owned()));
    }
    if region == DEFAULT_REGION {
        told.insert(0, (ClientOptions::default(), "anybody else".to_owned()));
    }
    told.into_iter()
        .map(|(told, name)| (client::of(&told, config).0, name))
        .find(|(client, _)| is_here(client))
}

/// The rows as a table: a column for each request.
pub(super) fn table(rows: &[Row<'_>], parts: &[&str]) -> Vec<String> {
    let mut lines = vec![
        ["region", "client"].iter().chain(parts).map(|cell| (*cell).to_owned()).collect::<Vec<_>>(),
    ];
    for row in rows {
        let mut line = vec![
            row.region.to_owned(),
            row.client.clone().unwrap_or_else(|| "nobody is known to be here".to_owned()),
        ];
        line.extend(row.answers.iter().map(in_short));
        lines.push(line);
    }
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..parts.len().saturating_add(2)).map(width).collect();
    let print = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(print).collect()
}

/// The rows as JSON.
pub(super) fn json(rows: &[Row<'_>], parts: &[&str]) -> Value {
    let of = |row: &Row<'_>| {
        let answers = parts.iter().zip(&row.answers);
        let answers: Vec<Value> = answers
            .map(|(part, answer)| json!({"part": part, "answer": answer.to_value()}))
            .collect();
        json!({"region": row.region, "client": row.client, "answers": answers})
    };
    rows.iter().map(of).collect()
}

/// Where a request ends, in a cell.
fn in_short(answer: &Answer<'_>) -> String {
    match &answer.end {
        End::Forward { chain, skipped, none_up, .. } => {
            let is_down = |name: &str| skipped.iter().any(|one| one.backend == name);
            let names = chain.iter().map(|name| {
                if is_down(name) { format!("{name} (down)") } else { (*name).to_owned() }
            });
            let names = names.collect::<Vec<_>>().join(", ");
            if *none_up { format!("503: {names}") } else { names }
        }
        End::Token { .. } => "a token service".to_owned(),
        End::Probe { blob_store, otherwise, .. } => {
            format!("{blob_store}, else {}", in_short(otherwise))
        }
        End::Reply { status, code, .. } => match answer.sent_to {
            Some(place) => format!("{status} to {place}"),
            None => format!("{status} {code}"),
        },
    }
}
