//! The wire form of a backend.

use crate::config::advice;
use crate::config::backend::followed_redirects::wire as followed_redirects;
use crate::config::backend::followed_redirects::wire::FollowedRedirectsWire;
use crate::config::backend::resilience::Resilience;
use crate::config::backend::resilience::wire as resilience;
use crate::config::backend::upload_path::{self, UploadPath};
use crate::config::backend_url::{self, BackendUrl, Scheme, is_host_name};
use crate::config::fields::{BACKEND, REWRITE, TLS};
use crate::config::name_mapping::NameRewrite;
use crate::config::reader::Node;
use crate::config::wanted::Wanted;
use crate::config::wire::auth::BackendAuthWire;
use crate::config::wire::auth::read_backend_auth;
use crate::config::wire::values::{flag, list, optional_text};
use crate::grammar::is_repository_prefix;

pub(crate) struct BackendWire {
    pub(crate) name: String,
    pub(crate) url: Option<BackendUrl>,
    pub(crate) cluster: Option<String>,
    pub(crate) owner_cluster: Option<String>,
    pub(crate) names: Vec<NameRewrite>,
    pub(crate) tls: TlsWire,
    pub(crate) auth: BackendAuthWire,
    pub(crate) credential: Option<String>,
    pub(crate) redirects: FollowedRedirectsWire,
    pub(crate) upload_paths: Vec<UploadPath>,
    pub(crate) resilience: Resilience,
    pub(crate) drained: bool,
    pub(crate) connect_proxy: Option<BackendUrl>,
}

impl BackendWire {
    /// One of which nothing is written but its URL.
    pub(crate) fn at(name: String, url: BackendUrl) -> Self {
        Self {
            name,
            url: Some(url),
            cluster: None,
            owner_cluster: None,
            names: Vec::new(),
            tls: TlsWire::default(),
            auth: BackendAuthWire::default(),
            credential: None,
            redirects: FollowedRedirectsWire::default(),
            upload_paths: Vec::new(),
            resilience: Resilience::default(),
            drained: false,
            connect_proxy: None,
        }
    }
}

#[derive(Default)]
pub(crate) struct TlsWire {
    pub(crate) ca_file: Option<String>,
    pub(crate) server_name: Option<String>,
    pub(crate) certificate_file: Option<String>,
    pub(crate) key_file: Option<String>,
}

impl TlsWire {
    /// Whether anything is said that means nothing without TLS.
    pub(crate) fn is_written(&self) -> bool {
        [&self.ca_file, &self.server_name, &self.certificate_file].into_iter().any(Option::is_some)
    }
}

pub(crate) fn read_backend(name: String, node: &Node<'_>) -> BackendWire {
    let fields = node.fields(&BACKEND);
    BackendWire {
        name,
        url: fields.required("url", advice::url::WANTED, |node| {
            node.url(advice::url::WANTED, backend_url::WANTED_FOR_LOGIN, BackendUrl::parse)
        }),
        cluster: optional_text(&fields, "cluster", "the name of an Envoy cluster"),
        owner_cluster: optional_text(&fields, "owner_cluster", "the name of an Envoy cluster"),
        names: fields
            .optional("names", |node| node.list("a list of rewrites", read_rewrite))
            .unwrap_or_default(),
        tls: fields.optional("tls", |node| Some(read_tls(&node))).unwrap_or_default(),
        auth: fields.optional("auth", |node| read_backend_auth(&node)).unwrap_or_default(),
        credential: optional_text(&fields, "credential", "the name of one of `credentials`"),
        redirects: followed_redirects::read(&fields),
        upload_paths: list(&fields, "upload_paths", upload_path::WANTED, UploadPath::parse),
        resilience: resilience::read(&fields),
        drained: flag(&fields, "drained"),
        connect_proxy: fields.optional("connect_proxy", |node| read_connect_proxy(&node)),
    }
}

/// Who is asked to connect; itself reached without TLS.
fn read_connect_proxy(node: &Node<'_>) -> Option<BackendUrl> {
    const WANTED: &str =
        "the URL of a proxy that takes CONNECT, such as `http://proxy.example.com:3128`";
    const WANTED_FOR_LOGIN: &str =
        "a URL without a user name and password; a proxy that wants one to log in is not supported";
    let url = node.url(WANTED, WANTED_FOR_LOGIN, BackendUrl::parse)?;
    if url.scheme() == Scheme::Https || !url.base_path().is_empty() {
        node.refuse(format!("is `https`, or has a path; write {WANTED}"));
        return None;
    }
    Some(url)
}

pub(crate) fn read_tls(node: &Node<'_>) -> TlsWire {
    const HOST: &str = "the host name in the backend's certificate";
    const KEY: &str = "the path of a PEM file with the key of `certificate_file`";
    const CERTIFICATE: &str = "the path of a PEM file with the proxy's certificate and its chain";
    let fields = node.fields(&TLS);
    let server_name = fields.optional("server_name", |node| {
        node.parse(HOST, |text| is_host_name(text).then(|| text.to_ascii_lowercase()))
    });
    TlsWire {
        ca_file: optional_text(&fields, "ca_file", "the path of a PEM file of CA certificates"),
        server_name,
        certificate_file: optional_text(&fields, "certificate_file", CERTIFICATE),
        key_file: optional_text(&fields, "key_file", KEY),
    }
}

fn read_rewrite(node: Node<'_>) -> Option<NameRewrite> {
    const PREFIX: Wanted<'_> = Wanted::explained(
        "a repository name prefix that ends with `/`, or `\"\"` for all names",
        advice::prefix::why,
    );
    let fields = node.fields(&REWRITE);
    let prefix = |field| {
        fields.required(field, PREFIX, |node| {
            node.parse(PREFIX, |text| is_repository_prefix(text).then(|| text.to_owned()))
        })
    };
    let (front, backend) = (prefix("front"), prefix("backend"));
    Some(NameRewrite { front: front?, backend: backend? })
}
