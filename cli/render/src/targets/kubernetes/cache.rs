//! The nodes of a cache among the objects of a cluster: the chart's, as many as the policy names.
//!
//! A policy says where the nodes are, so their names have to be those that the `StatefulSet` gives
//! them.

use portolan_core::config::{Backend, Cache, CacheTls, Scheme};
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
/// How the kubelet sees that a node is well.
const PROBES: [&str; 3] = ["startupProbe", "readinessProbe", "livenessProbe"];
/// What it runs where nodes have TLS: it has no certificate to show, and the pod itself needs none.
const LOOKS: [&str; 4] = ["/usr/local/bin/portolan", "cache", "status", "http://127.0.0.1:8301"];

/// The nodes that the objects are to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nodes<'p> {
    /// The name of the cache.
    cache: &'p str,
    /// How many there are.
    count: usize,
    /// What they show and trust, if they have TLS.
    tls: Option<&'p CacheTls>,
}

impl Nodes<'_> {
    /// Whether nodes read a file that the policy names.
    pub(super) fn read(&self, file: &str) -> bool {
        self.tls.is_some_and(|tls| {
            [&tls.ca_file, &tls.own.certificate_file, &tls.own.key_file]
                .iter()
                .any(|known| *known == file)
        })
    }
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
    let (scheme, word) = scheme_of(cache.tls());
    for (index, url) in cache.nodes().iter().enumerate() {
        let number = index.saturating_add(1);
        let name = format!("{NAME}-{number}.{NAME}");
        let rest = url.host().strip_prefix(&name);
        let is_ours = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        if !(is_ours && url.port() == PORT && url.scheme() == scheme) {
            return Err(NodeError::Elsewhere {
                cache: cache.name().to_owned(),
                index,
                wanted: format!("{word}://{name}:{PORT}"),
            });
        }
    }
    Ok(Some(Nodes { cache: cache.name(), count: cache.nodes().len(), tls: cache.tls() }))
}

/// How nodes are asked and ask, and the word for it in a URL.
const fn scheme_of(tls: Option<&CacheTls>) -> (Scheme, &'static str) {
    if tls.is_some() { (Scheme::Https, "https") } else { (Scheme::Http, "http") }
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
    let (_, word) = scheme_of(nodes.tls);
    let values = [
        ("--node", format!("{}-$(NUMBER)", nodes.cache)),
        // The chart's has the namespace that it was made for.
        ("--fill-url", format!("{word}://portolan-fill:8081")),
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
    if nodes.tls.is_some() {
        look_by_command(set);
    }
}

/// Has the kubelet run a command, and not ask a port that wants a certificate.
fn look_by_command(set: &mut Value) {
    for name in PROBES {
        let place = format!("/spec/template/spec/containers/0/{name}");
        if let Some(Value::Object(probe)) = set.pointer_mut(&place) {
            probe.remove("httpGet");
            probe.insert("exec".to_owned(), json!({"command": LOOKS}));
        }
    }
}
