//! Splits a whole configuration: the part that Envoy reads once, and the parts that it reads again.

use portolan_core::contract::clusters;
use serde_json::{Value, json};

use super::named::name_of;
use super::resources::Kind;
use super::slots::{self, Slot};
use crate::admin_access::{METRICS, SCRAPES};
use crate::options::Options;
use crate::typed::{object, typed};
use crate::{fill_listener, http_redirect, http3, listener};

/// The parts.
pub(crate) struct Parts {
    pub(super) bootstrap: Value,
    pub(crate) clusters: Vec<Value>,
    pub(crate) listeners: Vec<Value>,
    pub(crate) routes: Vec<Value>,
    pub(super) scrapes: Vec<Value>,
    pub(crate) filters: Vec<Value>,
}

/// Takes the parts out of the whole. What the admin interface is reached by stays in the bootstrap.
pub(crate) fn split(mut whole: Value, options: &Options) -> Parts {
    let clusters = take(&mut whole, "/static_resources/clusters");
    let is_fixed = |one: &Value| name_of(one).starts_with(clusters::INTERNAL);
    let (fixed, clusters) = clusters.into_iter().partition(is_fixed);
    let listeners = take(&mut whole, "/static_resources/listeners");
    let (mut listeners, mut others): (Vec<Value>, Vec<Value>) =
        listeners.into_iter().partition(|one| LISTENERS.contains(&name_of(one)));
    let metrics = others.iter_mut().filter(|one| name_of(one) == METRICS);
    let metrics = metrics.filter_map(|one| one.pointer_mut(MANAGER));
    let scrapes =
        metrics.filter_map(|manager| routes_of(manager, (&Kind::Scrapes, SCRAPES), options));
    let scrapes = scrapes.collect();
    put(&mut whole, "/static_resources/clusters", fixed);
    put(&mut whole, "/static_resources/listeners", others);
    let mut routes = Vec::new();
    let mut filters = Vec::new();
    let served = listeners.iter_mut().filter(|one| SERVED.contains(&name_of(one)));
    for manager in served.filter_map(|one| one.pointer_mut(MANAGER)) {
        // Both serve the same by the same routes and filters.
        let more = routes_of(manager, (&Kind::Routes, listener::NAME), options);
        routes = more.map_or(routes, |more| vec![more]);
        filters = filters_of(manager, options);
    }
    let dynamic = json!({"dynamic_resources": {
        "lds_config": source(options, &Kind::Listeners),
        "cds_config": source(options, &Kind::Clusters),
    }});
    Parts {
        bootstrap: object([whole, dynamic]),
        clusters: resources("config.cluster.v3.Cluster", clusters),
        listeners: resources("config.listener.v3.Listener", listeners),
        routes: resources(ROUTES, routes),
        scrapes: resources(ROUTES, scrapes),
        filters,
    }
}

/// The listeners that follow the policy. What leads to https has its routes in it: nothing streams
/// there, so it may change.
const LISTENERS: [&str; 4] =
    [listener::NAME, http3::NAME, http_redirect::NAME, fill_listener::NAME];
/// Those of them that serve it.
const SERVED: [&str; 2] = [listener::NAME, http3::NAME];
/// The message of routes.
const ROUTES: &str = "config.route.v3.RouteConfiguration";
/// The connection manager of a listener.
pub(crate) const MANAGER: &str = "/filter_chains/0/filters/0/typed_config";

/// Where Envoy finds resources: at its discovery service, or in a file. It looks again when a file
/// is moved to this path.
fn source(options: &Options, kind: &Kind) -> Value {
    if options.target.is_told_by_a_service() {
        return json!({"resource_api_version": "V3", "ads": {}});
    }
    json!({
        "resource_api_version": "V3",
        "path_config_source": {"path": format!("{}/{}", options.directory, kind.file())},
    })
}

/// The routes, which stay behind as a name.
fn routes_of(manager: &mut Value, (kind, name): (&Kind, &str), options: &Options) -> Option<Value> {
    let fields = manager.as_object_mut()?;
    let routes = object([json!({"name": name}), fields.remove("route_config")?]);
    let discovered = json!({"route_config_name": name, "config_source": source(options, kind)});
    fields.insert("rds".to_owned(), discovered);
    Some(routes)
}

/// The filters, which stay behind as places.
fn filters_of(manager: &mut Value, options: &Options) -> Vec<Value> {
    let filters = take(manager, "/http_filters");
    let place = |slot: Slot| {
        let kind = Kind::Filter(slot.name.to_owned());
        slot.filter(&source(options, &kind), options)
    };
    let has_a_place =
        |filter: &&Value| slots::all(options).any(|slot| slot.name == name_of(filter));
    let without = filters.iter().filter(|filter| !has_a_place(filter)).cloned();
    put(manager, "/http_filters", slots::all(options).map(place).chain(without).collect());
    slots::all(options).map(|slot| slot.content(&filters)).collect()
}

fn resources(message: &str, all: Vec<Value>) -> Vec<Value> {
    all.into_iter().map(|one| typed(message, one)).collect()
}

fn take(whole: &mut Value, pointer: &str) -> Vec<Value> {
    match whole.pointer_mut(pointer).map(Value::take) {
        Some(Value::Array(all)) => all,
        _ => Vec::new(),
    }
}

fn put(whole: &mut Value, pointer: &str, all: Vec<Value>) {
    if let Some(place) = whole.pointer_mut(pointer) {
        *place = Value::Array(all);
    }
}
