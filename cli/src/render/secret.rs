//! Secrets that Envoy reads from files, and reads again when the files are replaced.
//!
//! The rendered configuration names a secret and a small file that says where it is (SDS, Envoy's
//! secret discovery service, with a file for a server). A secret that is named in the configuration
//! itself would be read once, when Envoy starts. The small file names the real one and never holds what
//! is in it: Envoy prints the resources that it receives, at the debug level, as they are.

use std::collections::BTreeSet;

use portolan_core::config::{
    Backend, BlobStore, Certificate, Config, Credential, Fingerprint, Scheme, redirects_cluster,
};
use portolan_core::contract::clusters;
use serde_json::{Value, json};

use super::options::Options;
use super::typed::typed;
use super::yaml;
use crate::credential::usage;

/// A secret in a file of its own; an SDS file holds exactly one.
pub(super) struct Secret {
    name: String,
    /// Where its file is.
    directory: String,
    /// The fields of Envoy's message `Secret` besides the name.
    content: Value,
}

impl Secret {
    /// What is behind `Basic` in a request's `Authorization`.
    pub(super) fn credential(credential: &Credential) -> Self {
        Self {
            name: format!("credential-{}", credential.name()),
            directory: directory_of(credential.file()),
            content: json!({"generic_secret": {"secret": {"filename": credential.file()}}}),
        }
    }

    /// The proxy's certificate for a backend, with its key.
    pub(super) fn certificate(backend: &str, certificate: &Certificate) -> Self {
        Self {
            name: format!("certificate-{backend}"),
            directory: directory_of(&certificate.certificate_file),
            content: json!({"tls_certificate": {
                "certificate_chain": {"filename": certificate.certificate_file},
                "private_key": {"filename": certificate.key_file},
            }}),
        }
    }

    /// A front's certificate, which clients see, with its key.
    pub(super) fn front(front: &str, certificate: &Certificate) -> Self {
        Self { name: format!("front-{front}"), ..Self::certificate(front, certificate) }
    }

    /// The CA certificates of a backend that is not verified by the system's.
    pub(super) fn authority(backend: &str, ca_file: &str) -> Self {
        Self {
            name: format!("ca-{backend}"),
            directory: directory_of(ca_file),
            content: json!({"validation_context": {"trusted_ca": {"filename": ca_file}}}),
        }
    }

    /// What it is called. While one policy replaces another, both may know a credential or a CA by one name and mean
    /// another file; there the name says which file it is.
    fn called(&self, options: &Options) -> String {
        if options.target.is_changed_while_envoy_runs() {
            format!("{}~{}", self.name, Fingerprint::of([self.content.to_string()]))
        } else {
            self.name.clone()
        }
    }

    /// How the configuration refers to it.
    ///
    /// Envoy watches the directory of a file that it has read once. It watches this one from the start, and
    /// so also takes a file that was not there yet. A file moved into it counts, and so does the
    /// symbolic link by which Kubernetes replaces all files of a mounted Secret.
    pub(super) fn reference(&self, options: &Options) -> Value {
        json!({
            "name": self.called(options),
            "sds_config": {
                "resource_api_version": "V3",
                "path_config_source": {
                    "path": format!("{}/{}", options.sds_directory, self.file_name(options)),
                    "watched_directory": {"path": self.directory},
                },
            },
        })
    }

    /// The name of its SDS file.
    pub(super) fn file_name(&self, options: &Options) -> String {
        format!("{}.yaml", self.called(options))
    }

    /// The text of its SDS file.
    pub(super) fn file_text(&self, options: &Options) -> String {
        let mut resource = typed("extensions.transport_sockets.tls.v3.Secret", json!({}));
        if let (Value::Object(fields), Value::Object(content)) = (&mut resource, &self.content) {
            fields.insert("name".to_owned(), self.called(options).into());
            fields.extend(content.clone());
        }
        yaml::print(&json!({"resources": [resource]}))
    }
}

fn directory_of(file: &str) -> String {
    match file.rsplit_once('/') {
        None => ".".to_owned(),
        Some(("", _)) => "/".to_owned(),
        Some((directory, _)) => directory.to_owned(),
    }
}

/// Every secret that the rendered configuration refers to, each once.
pub(super) fn all(config: &Config) -> Vec<Secret> {
    let backends = || config.backends().iter();
    let credentials = backends().filter_map(|backend| usage::of(config, backend));
    let credentials = credentials.map(|(credential, _)| Secret::credential(credential));
    let mut seen = BTreeSet::new();
    let stores = config.blob_stores().iter().filter_map(of_store);
    let redirects = backends().filter_map(of_redirects);
    let fronts = config.fronts().all().iter();
    let fronts = fronts.filter_map(|front| Some(Secret::front(front.name(), front.tls()?)));
    let all =
        credentials.chain(backends().flat_map(of_tls)).chain(redirects).chain(stores).chain(fronts);
    all.filter(|secret| seen.insert(secret.name.clone())).collect()
}

fn of_redirects(backend: &Backend) -> Option<Secret> {
    let ca_file = backend.redirects().ca_file()?;
    Some(Secret::authority(&redirects_cluster(backend.name(), Scheme::Https), ca_file))
}

fn of_store(store: &BlobStore) -> Option<Secret> {
    let ca_file = store.tls().ca_file.as_deref()?;
    Some(Secret::authority(&clusters::blob_store(store.name()), ca_file))
}

fn of_tls(backend: &Backend) -> impl Iterator<Item = Secret> {
    let tls = (backend.url().scheme() == Scheme::Https).then(|| backend.tls());
    let name = backend.name();
    let authority = tls.and_then(|tls| Some(Secret::authority(name, tls.ca_file.as_deref()?)));
    let certificate = tls.and_then(|tls| Some(Secret::certificate(name, tls.client.as_ref()?)));
    authority.into_iter().chain(certificate)
}
