//! Level `full`: the clusters and routes of a bootstrap, given to Envoy by Istio.

use serde_json::{Map, Value};

use super::filter::Delivery;
use super::patch::Patches;

/// Adds the patches of clusters and routes.
///
/// What Istio makes of the port is removed, and ours put in its place: whoever shares a gateway
/// would lose what others serve on the same port.
pub(super) fn add(
    patches: &mut Patches<'_>,
    clusters: Vec<Value>,
    routes: Vec<Value>,
    mut delivery: Delivery<'_>,
) {
    for cluster in clusters {
        let cluster = delivery.of_cluster(cluster);
        patches.add("CLUSTER", cluster);
    }
    delivery.add_to(patches);
    for routes in routes {
        let (hosts, others) = apart(routes);
        patches.routes("ROUTE_CONFIGURATION", "MERGE", others);
        patches.routes("VIRTUAL_HOST", "REMOVE", Value::Null);
        for host in hosts {
            patches.routes("VIRTUAL_HOST", "ADD", host);
        }
    }
}

/// The virtual hosts, and the fields that hold for all of them.
fn apart(routes: Value) -> (Vec<Value>, Value) {
    let Value::Object(mut fields) = routes else { return (Vec::new(), Value::Null) };
    let hosts = match fields.remove("virtual_hosts") {
        Some(Value::Array(hosts)) => hosts,
        _ => Vec::new(),
    };
    let others: Map<String, Value> = fields.into_iter().filter(|(key, _)| key != "name").collect();
    (hosts, Value::Object(others))
}
