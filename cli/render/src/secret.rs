//! Secrets that Envoy reads from files, and reads again when the files are replaced.
//!
//! The rendered configuration names a secret and a small file that says where it is (SDS, Envoy's
//! secret discovery service, with a file for a server). A secret that is named in the configuration
//! itself would be read once, when Envoy starts. The small file names the real one and never holds
//! what is in it: Envoy prints the resources that it receives, at the debug level, as they are.

use portolan_core::config::{Certificate, Credential, Fingerprint};
use serde_json::{Value, json};

use super::typed::typed;
use super::yaml;

/// The small files that say where each secret is.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecretFiles<'p> {
    /// Their directory, as Envoy sees it.
    pub(super) directory: &'p str,
    /// Whether one policy may replace another while Envoy runs. Both may know a credential or a CA
    /// by one name and mean another file; there the name says which file it is.
    pub(super) are_named_by_content: bool,
}

/// A secret in a file of its own; an SDS file holds exactly one.
pub(super) struct Secret {
    name: String,
    /// Where its file is.
    directory: String,
    content: Content,
}

/// What a secret is, by the files that hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    /// What is behind `Basic` in a request's `Authorization`.
    Credential { file: String },
    /// A certificate that Envoy shows, and its key.
    Certificate { certificate_file: String, key_file: String },
    /// CA certificates that others are verified by.
    Authority { file: String },
}

impl Content {
    /// The fields of Envoy's message `Secret` besides the name.
    fn fields(&self) -> Value {
        match self {
            Self::Credential { file } => json!({"generic_secret": {"secret": {"filename": file}}}),
            Self::Certificate { certificate_file, key_file } => json!({"tls_certificate": {
                "certificate_chain": {"filename": certificate_file},
                "private_key": {"filename": key_file},
            }}),
            Self::Authority { file } => {
                json!({"validation_context": {"trusted_ca": {"filename": file}}})
            }
        }
    }
}

impl Secret {
    /// What is behind `Basic` in a request's `Authorization`.
    pub(super) fn credential(credential: &Credential) -> Self {
        Self {
            name: format!("credential-{}", credential.name()),
            directory: directory_of(credential.file()),
            content: Content::Credential { file: credential.file().to_owned() },
        }
    }

    /// The proxy's certificate for a backend, with its key.
    pub(super) fn certificate(backend: &str, certificate: &Certificate) -> Self {
        Self {
            name: format!("certificate-{backend}"),
            directory: directory_of(&certificate.certificate_file),
            content: Content::Certificate {
                certificate_file: certificate.certificate_file.clone(),
                key_file: certificate.key_file.clone(),
            },
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
            content: Content::Authority { file: ca_file.to_owned() },
        }
    }

    /// What it is, whatever file it is in.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What it is called in the configuration.
    fn called(&self, files: SecretFiles<'_>) -> String {
        if files.are_named_by_content {
            format!("{}~{}", self.name, Fingerprint::of([self.content.fields().to_string()]))
        } else {
            self.name.clone()
        }
    }

    /// How the configuration refers to it.
    ///
    /// Envoy watches the directory of a file that it has read once. It watches this one from the
    /// start, and so also takes a file that was not there yet. A file moved into it counts, and so
    /// does the symbolic link by which Kubernetes replaces all files of a mounted Secret.
    pub(super) fn reference(&self, files: SecretFiles<'_>) -> Value {
        json!({
            "name": self.called(files),
            "sds_config": {
                "resource_api_version": "V3",
                "path_config_source": {
                    "path": format!("{}/{}", files.directory, self.file_name(files)),
                    "watched_directory": {"path": self.directory},
                },
            },
        })
    }

    /// The name of its SDS file.
    pub(super) fn file_name(&self, files: SecretFiles<'_>) -> String {
        format!("{}.yaml", self.called(files))
    }

    /// The text of its SDS file.
    pub(super) fn file_text(&self, files: SecretFiles<'_>) -> String {
        let mut resource = typed("extensions.transport_sockets.tls.v3.Secret", json!({}));
        if let (Value::Object(fields), Value::Object(content)) =
            (&mut resource, self.content.fields())
        {
            fields.insert("name".to_owned(), self.called(files).into());
            fields.extend(content);
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
