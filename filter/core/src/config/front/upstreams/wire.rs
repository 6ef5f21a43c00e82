//! The wire form of an upstream of a front.

use crate::config::advice;
use crate::config::backend_url::BackendUrl;
use crate::config::fields::UPSTREAM;
use crate::config::front::host::{self, FrontHost};
use crate::config::front::upstreams::WANTED_NAMESPACES;
use crate::config::reader::{Fields, Node};
use crate::config::wanted::Wanted;
use crate::config::wire::values::flag;
use crate::grammar::is_repository_prefix;

pub(crate) struct UpstreamWire {
    pub(crate) name: String,
    pub(crate) prefix: Option<String>,
    pub(crate) hosts: Vec<FrontHost>,
    pub(crate) namespaces: Option<Vec<FrontHost>>,
    pub(crate) completes_library: bool,
    pub(crate) path: Option<bool>,
    /// Where it is served from, for those that need no more words.
    pub(crate) backend: Option<BackendUrl>,
    /// Whether anything was written there, be it no URL.
    pub(crate) has_backend: bool,
}

impl UpstreamWire {
    /// What stands before its repositories' names in the policy.
    pub(crate) fn prefix(&self) -> String {
        self.prefix.clone().unwrap_or_else(|| format!("{}/", self.name))
    }
}

pub(crate) fn read_upstream(name: String, node: &Node<'_>) -> UpstreamWire {
    const PREFIX: Wanted<'_> = Wanted::explained(
        "the start of its repositories' names in the policy, which ends with `/`, such as `docker.io/`; or \
         `\"\"` for one of the upstreams",
        advice::prefix::why,
    );
    const LOGIN: &str = "and write the registry as one of `backends`, with a `credential`";
    let fields = node.fields(&UPSTREAM);
    let mut has_backend = false;
    let backend = fields.optional("backend", |node| {
        has_backend = true;
        node.url(advice::url::WANTED, LOGIN, BackendUrl::parse)
    });
    UpstreamWire {
        name,
        prefix: fields.optional("prefix", |node| {
            node.parse(PREFIX, |text| is_repository_prefix(text).then(|| text.to_owned()))
        }),
        hosts: hosts(&fields, "hosts", host::WANTED_LIST).unwrap_or_default(),
        namespaces: hosts(&fields, "ns", WANTED_NAMESPACES),
        completes_library: flag(&fields, "library"),
        path: fields.optional("path", |node| node.boolean()),
        backend,
        has_backend,
    }
}

fn hosts(fields: &Fields<'_>, name: &'static str, wanted: &str) -> Option<Vec<FrontHost>> {
    fields
        .optional(name, |node| node.list(wanted, |host| host.parse(host::WANTED, FrontHost::parse)))
}
