//! The nodes of a cache among the objects of a cluster: the chart's, as many as the policy names.
//!
//! A policy says where the nodes are, so their names have to be those that the `StatefulSet` gives them.

use portolan_core::config::{Backend, Cache, Scheme};
use serde_json::{Value, json};

use crate::node_error::NodeError;

/// The label by which objects of the cache are told from the others.
const COMPONENT: &str = "/metadata/labels/app.kubernetes.io~1component";
/// The options of the container that serves.
const SERVES: &str = "/spec/template/spec/containers/0/args";
/// Its ports.
const PORTS: &str = "/spec/template/spec/containers/0/ports";
/// The names of nodes, and their port.
const NAME: &str = "portolan-cache";
const PORT: u16 = 8300;

/// The nodes that the objects are to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nodes<'p> {
    /// The name of the cache.
    cache: &'p str,
    /// How many there are.
    count: usize,
}

/// The nodes of a policy's cache; none, if it has no cache.
///
/// # Errors
///
/// Nodes that have other names than the objects give them, or a second cache.
pub(super) fn of<'p>(caches: &[(&'p Cache, &Backend)]) -> Result<Option<Nodes<'p>>, NodeError> {
    let Some(((cache, _), others)) = caches.split_first() else { return Ok(None) };
    if let Some((second, _)) = others.first() {
        return Err(NodeError::OneCache(second.name().to_owned()));
    }
    for (index, url) in cache.nodes().iter().enumerate() {
        let number = index.saturating_add(1);
        let name = format!("{NAME}-{number}.{NAME}");
        let rest = url.host().strip_prefix(&name);
        let is_ours = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        if !(is_ours && url.port() == PORT && url.scheme() == Scheme::Http) {
            return Err(NodeError::Elsewhere {
                cache: cache.name().to_owned(),
                index,
                wanted: format!("http://{name}:{PORT}"),
            });
        }
    }
    Ok(Some(Nodes { cache: cache.name(), count: cache.nodes().len() }))
}

/// Whether an object is one of the cache's.
pub(super) fn is_of_the_cache(object: &Value) -> bool {
    object.pointer(COMPONENT) == Some(&json!("cache"))
}

/// A Deployment whose pods fill nobody.
pub(super) fn without_fill(deployment: &mut Value) {
    if let Some(Value::Array(options)) = deployment.pointer_mut(SERVES) {
        let found = options.iter().position(|option| option == "--cache-fill");
        if let Some(at) = found {
            let end = options.len().min(at.saturating_add(2));
            options.drain(at..end);
        }
    }
    if let Some(Value::Array(ports)) = deployment.pointer_mut(PORTS) {
        ports.retain(|port| port.get("name") != Some(&json!("fill")));
    }
}

/// The `StatefulSet` with the policy's nodes.
pub(super) fn fill_in(set: &mut Value, nodes: Nodes<'_>) {
    if let Some(replicas) = set.pointer_mut("/spec/replicas") {
        *replicas = json!(nodes.count);
    }
    let values = [
        ("--node", format!("{}-$(NUMBER)", nodes.cache)),
        // The chart's has the namespace that it was made for.
        ("--fill-url", "http://portolan-fill:8081".to_owned()),
    ];
    if let Some(Value::Array(options)) = set.pointer_mut(SERVES) {
        for (option, value) in values {
            let behind =
                options.iter().position(|each| each == option).map(|at| at.saturating_add(1));
            if let Some(found) = behind.and_then(|at| options.get_mut(at)) {
                *found = json!(value);
            }
        }
    }
}
