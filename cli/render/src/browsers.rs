//! Cross-origin requests of web pages (CORS; Fetch standard, "HTTP-CORS protocol"). Envoy answers
//! preflight requests, and adds the allowed origin to every answer.

use portolan_core::config::{Cors, Front, FrontHost};
use serde_json::{Map, Value, json};

use super::model::fronts::Fronts;
use super::typed::{extension, typed};

const NAME: &str = "envoy.filters.http.cors";

/// What the registry API has, and what a page has to read of its answers.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const REQUEST_HEADERS: &str =
    "authorization, accept, content-type, content-range, range, if-none-match, cache-control";
const RESPONSE_HEADERS: &str = "docker-content-digest, docker-distribution-api-version, docker-upload-uuid, link, \
     location, range, www-authenticate, oci-subject, oci-filters-applied, oci-tag, warning, retry-after, \
     x-request-id";
/// How long a browser may remember the answer, in seconds.
const REMEMBERED: &str = "600";

/// The filter; none where no front has pages.
pub(super) fn filter(fronts: &Fronts<'_>) -> Option<Value> {
    (!fronts.pages.is_empty())
        .then(|| extension(NAME, "extensions.filters.http.cors.v3.Cors", json!({})))
}

/// The virtual hosts of the fronts that have pages, with the routes that all requests take. The
/// default front's is the one of all other hosts.
pub(super) fn virtual_hosts(fronts: &Fronts<'_>, routes: &[Value]) -> Vec<Value> {
    let hosts = fronts.pages.iter().map(|(front, cors)| {
        json!({
            "name": format!("pages-{}", front.name()),
            "domains": domains(front),
            "routes": routes,
            "typed_per_filter_config": policy(cors),
        })
    });
    hosts.collect()
}

/// What the virtual host of all other hosts says of pages.
pub(super) fn of_other_hosts(fronts: &Fronts<'_>) -> Map<String, Value> {
    fronts.pages_of_other_hosts.map(policy).unwrap_or_default()
}

/// A host without a port is meant with the default ports too.
fn domains(front: &Front) -> Vec<String> {
    let of = |each: &FrontHost| {
        let host = each.as_str();
        let has_port = host.len() > each.name().len();
        let ports: &[&str] = if has_port { &[""] } else { &["", ":80", ":443"] };
        ports.iter().map(|port| format!("{host}{port}")).collect::<Vec<_>>()
    };
    front.hosts().iter().flat_map(of).collect()
}

fn policy(cors: &Cors) -> Map<String, Value> {
    let origins: Vec<Value> =
        cors.origins().iter().map(|origin| json!({"exact": origin.as_str()})).collect();
    let settings = json!({
        "allow_origin_string_match": origins,
        "allow_methods": METHODS,
        "allow_headers": REQUEST_HEADERS,
        "expose_headers": RESPONSE_HEADERS,
        "max_age": REMEMBERED,
        "allow_credentials": cors.credentials(),
    });
    let mut filters = Map::new();
    filters.insert(NAME.to_owned(), typed("extensions.filters.http.cors.v3.CorsPolicy", settings));
    filters
}
