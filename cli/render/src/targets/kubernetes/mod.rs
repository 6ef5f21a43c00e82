//! `--target kubernetes`: the objects of a cluster that serves a policy, for `kubectl apply`.
//!
//! They are those of the Helm chart: [`CHART`] is what `helm template` makes of it
//! (`scripts/examples` writes it, a test compares). Here the policy is put into them, and what
//! follows from it: the volumes of the files that it names ([`mounts`]), the nodes of its cache
//! ([`cache`]), and the port of the Service. What else is to be different is for Helm's values or
//! kustomize.

mod cache;
mod mounts;

use portolan_check as check;
use portolan_command::policy_file::{self, LoadedPolicy};
use serde_json::{Value, json};

use crate::arguments::SiteArgs;
use crate::error::RenderError;
use crate::options::Target;
use crate::rendering::Rendering;
use crate::yaml;
use cache::Nodes;
use mounts::Mount;

/// The objects of the chart, with a policy of no meaning.
const CHART: &str = include_str!("../../../../../envoy/kubernetes/manifests.json");

/// What a `ConfigMap` may hold (Kubernetes, "ConfigMaps": 1 MiB), less some room for what is around
/// it.
const MOST_BYTES: usize = 1_000_000;

/// The objects, and what the operator has still to do.
#[derive(Debug)]
pub(crate) struct Manifests {
    /// YAML documents.
    pub(crate) text: String,
    /// A line for each thing that the cluster must have besides.
    pub(crate) notes: Vec<String>,
}

/// The objects for a policy.
///
/// # Errors
///
/// A policy that no Envoy could serve, a file at a place where no volume can be, or a policy that
/// is too large.
pub(crate) fn manifests(policy: &LoadedPolicy, site: &SiteArgs) -> Result<Manifests, RenderError> {
    let rendering = Rendering::of(policy, site, Target::Files)?;
    let model = rendering.model();
    let cache_nodes = cache::of(&model.caches.all)?;
    let text = policy_as_yaml(policy);
    if text.len() > MOST_BYTES {
        return Err(RenderError::PolicyTooLarge { bytes: text.len(), most: MOST_BYTES });
    }
    let serving = &model.serving;
    let mounts = mounts::of(&check::named_files(policy), serving.clients.geo())?;
    let has_tls = !serving.fronts.certificates.is_empty();
    let content = OfPolicy { text: &text, mounts: &mounts, has_tls, nodes: cache_nodes };
    let objects: Vec<Value> = chart()
        .into_iter()
        .filter(|object| cache_nodes.is_some() || !cache::is_of_the_cache(object))
        .map(|object| filled(object, &content))
        .collect();
    let documents = objects.iter().map(|object| format!("---\n{}", yaml::print(object)));
    let notes = rendering.notes().into_iter().chain(mounts.iter().map(Mount::note));
    Ok(Manifests { text: documents.collect(), notes: notes.collect() })
}

/// The policy with the networks of other files in it: a `ConfigMap` has one file.
fn policy_as_yaml(policy: &LoadedPolicy) -> String {
    let json = policy_file::to_json(&policy.document);
    serde_json::from_str(&json).map_or(json, |document| yaml::print(&document))
}

/// The objects of the chart.
fn chart() -> Vec<Value> {
    serde_json::from_str(CHART).unwrap_or_default()
}

/// What the objects have to have for a policy.
struct OfPolicy<'p> {
    text: &'p str,
    mounts: &'p [Mount],
    has_tls: bool,
    nodes: Option<Nodes<'p>>,
}

/// An object with what the policy needs of it.
fn filled(mut object: Value, of_policy: &OfPolicy<'_>) -> Value {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "ConfigMap" => set(&mut object, "/data/portolan.yaml", json!(of_policy.text)),
        "Deployment" => {
            mount(&mut object, of_policy.mounts.iter());
            if of_policy.nodes.is_none() {
                cache::without_fill(&mut object);
            }
        }
        "StatefulSet" => {
            if let Some(nodes) = of_policy.nodes {
                cache::fill_in(&mut object, nodes);
                let read = of_policy.mounts.iter();
                mount(&mut object, read.filter(|each| each.has_any(|file| nodes.read(file))));
            }
        }
        "Service"
            if of_policy.has_tls
                && object.pointer("/spec/ports/0/name") == Some(&json!("http")) =>
        {
            set(&mut object, "/spec/ports/0/name", json!("https"));
            set(&mut object, "/spec/ports/0/port", json!(443));
        }
        _ => {}
    }
    object
}

fn set(object: &mut Value, place: &str, value: Value) {
    if let Some(found) = object.pointer_mut(place) {
        *found = value;
    }
}

/// Gives the volumes to the pod and its container.
fn mount<'m>(object: &mut Value, mounts: impl Iterator<Item = &'m Mount> + Clone) {
    const POD: &str = "/spec/template/spec";
    extend(object, &format!("{POD}/volumes"), mounts.clone().map(Mount::volume));
    let mounted = format!("{POD}/containers/0/volumeMounts");
    extend(object, &mounted, mounts.map(Mount::in_container));
}

fn extend(object: &mut Value, place: &str, more: impl Iterator<Item = Value>) {
    if let Some(Value::Array(items)) = object.pointer_mut(place) {
        items.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Shell {
        #[command(flatten)]
        site: SiteArgs,
    }

    fn made(more: &str) -> Result<Manifests, String> {
        let text = format!(
            "version: 1\nregions: {{default: {{}}}}\n{more}\nrules: [{{name: r, repositories: [\"a/**\"], readers: anyone, \
             chains: {{default: [b]}}}}]\n"
        );
        let policy =
            policy_file::load_text(&text, "p.yaml").unwrap_or_else(|found| panic!("{found:?}"));
        let site = Shell::parse_from(["render"]).site;
        manifests(&policy, &site).map_err(|error| error.to_string())
    }

    const PLAIN: &str =
        "fronts: {f: {hosts: [r.example]}}\nbackends: {b: {url: \"https://b.example\"}}";

    #[test]
    fn the_chart_has_the_places_that_are_filled() {
        let objects = chart();
        let of_kind = |kind: &str| objects.iter().find(|object| object["kind"] == kind).unwrap();
        assert!(of_kind("ConfigMap").pointer("/data/portolan.yaml").is_some());
        assert!(of_kind("Deployment").pointer("/spec/template/spec/volumes").unwrap().is_array());
        assert!(
            of_kind("Deployment")
                .pointer("/spec/template/spec/containers/0/volumeMounts")
                .unwrap()
                .is_array()
        );
        let service = objects.iter().filter(|object| object["kind"] == "Service");
        let mut service = service.filter(|object| object["metadata"]["name"] == "portolan");
        assert_eq!(service.next().unwrap().pointer("/spec/ports/0/name").unwrap(), "http");
        for object in &objects {
            let text = object.to_string();
            assert!(!text.contains("helm"), "{text}");
        }
    }

    #[test]
    fn a_policy_is_the_one_of_the_configmap() {
        let made = made(PLAIN).unwrap();
        assert!(made.text.contains("https://b.example"));
        assert_eq!(made.notes, Vec::<String>::new());
        assert!(!made.text.contains("https\n"), "clients come without TLS");
    }

    #[test]
    fn files_of_the_policy_are_volumes() {
        let made = made(
            "fronts: {f: {hosts: [r.example], tls: {certificate_file: /etc/portolan/tls/tls.crt, key_file: /etc/portolan/tls/tls.key}}}\n\
             backends: {b: {url: \"https://b.example\", auth: token, credential: robot}}\n\
             credentials: {robot: {file: /etc/portolan/credentials/robot}}\n\
             clients: {geo: {database: /geo/geoip.mmdb}}",
        )
        .unwrap();
        for expected in [
            "secretName: portolan-credentials",
            "mountPath: /etc/portolan/tls",
            "claimName: portolan-geo",
            "name: https",
            "port: 443",
        ] {
            assert!(made.text.contains(expected), "{expected}\n{}", made.text);
        }
        let notes = made.notes.join("\n");
        assert!(notes.contains("Secret `portolan-credentials` with the key `robot`"), "{notes}");
        assert!(notes.contains("PersistentVolumeClaim `portolan-geo`"), "{notes}");
    }

    fn with_nodes(nodes: &str) -> Result<Manifests, String> {
        made(&format!("{PLAIN}\ncaches: {{eu: {{nodes: [{nodes}], fill_from: [10.0.0.0/8]}}}}\n# "))
    }

    #[test]
    fn the_nodes_of_a_cache_are_as_many_as_the_policy_names() {
        let without = made(PLAIN).unwrap().text;
        for word in ["StatefulSet", "--cache-fill", "fill"] {
            assert!(!without.contains(word), "{word}");
        }
        let made = with_nodes(
            "\"http://portolan-cache-1.portolan-cache:8300\", \"http://portolan-cache-2.portolan-cache.ns.svc:8300\", \
             \"http://portolan-cache-3.portolan-cache:8300\"",
        );
        let made = made.unwrap().text;
        for expected in [
            "kind: StatefulSet",
            "replicas: 3",
            "eu-$(NUMBER)",
            "http://portolan-fill:8081",
            "--cache-fill",
        ] {
            assert!(made.contains(expected), "{expected}\n{made}");
        }
    }

    fn with_tls(url: &str) -> Result<Manifests, String> {
        let files = "ca_file: /etc/portolan/cache/ca.crt, certificate_file: /etc/portolan/cache/tls.crt, \
                     key_file: /etc/portolan/cache/tls.key";
        made(&format!(
            "fronts: {{f: {{hosts: [r.example], tls: {{certificate_file: /etc/portolan/tls/tls.crt, \
             key_file: /etc/portolan/tls/tls.key}}}}}}\nbackends: {{b: {{url: \"https://b.example\"}}}}\n\
             caches: {{eu: {{nodes: [\"{url}\"], fill_from: [10.0.0.0/8], tls: {{{files}}}}}}}\n# "
        ))
    }

    #[test]
    fn nodes_with_tls_have_the_certificate_of_the_cache_and_no_other() {
        let found = with_tls("https://portolan-cache-1.portolan-cache:8300").unwrap();
        let objects: Vec<_> = found.text.split("---\n").collect();
        let nodes = objects.iter().find(|text| text.contains("kind: StatefulSet")).unwrap();
        for expected in ["https://portolan-fill:8081", "http://127.0.0.1:8301"] {
            assert!(nodes.contains(expected), "{expected}\n{nodes}");
        }
        assert_eq!(nodes.matches("secretName: ").count(), 1, "{nodes}");
        assert!(nodes.contains("secretName: portolan-cache\n"), "{nodes}");
        assert!(!nodes.contains("httpGet"), "{nodes}");
        assert!(found.notes.join("\n").contains("Secret `portolan-cache` with the keys `ca.crt`"));
    }

    #[test]
    fn nodes_with_tls_are_refused_at_a_url_without_it() {
        let said = with_tls("https://elsewhere:8300").unwrap_err();
        assert!(said.contains("write `https://portolan-cache-1.portolan-cache:8300`"), "{said}");
    }

    #[test]
    fn nodes_that_are_elsewhere_are_refused_with_the_names_that_they_would_have() {
        for nodes in [
            "\"http://10.0.0.7:8300\"",
            "\"http://portolan-cache-0.portolan-cache:8300\"",
            "\"http://portolan-cache-1.portolan-cache:8301\"",
            "\"http://portolan-cache-1.portolan-cacheside:8300\"",
        ] {
            let said = with_nodes(nodes).unwrap_err();
            let expected = "caches.eu.nodes[0]: is no node of the objects that are made; write `http://portolan-cache-1.portolan-cache:8300`";
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    fn a_file_where_no_volume_can_be_is_refused_with_its_field() {
        let robot = |file: &str| {
            made(&format!(
                "fronts: {{f: {{hosts: [r.example]}}}}\ncredentials: {{robot: {{file: {file}}}}}\n\
                 backends: {{b: {{url: \"https://b.example\", auth: token, credential: robot}}}}"
            ))
        };
        for file in
            ["/etc/portolan/robot", "/run/portolan/robot", "/robot", "/usr/local/bin/x/robot"]
        {
            let said = robot(file).unwrap_err();
            assert!(said.starts_with("credentials.robot.file: "), "{said}");
            assert!(said.contains("a directory of its own"), "{said}");
        }
    }
}
