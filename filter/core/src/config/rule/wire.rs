//! The wire form of a rule.

use std::time::Duration;

use crate::config::advice;
use crate::config::duration;
use crate::config::fields::{LINK, RULE, RULE_WRITES};
use crate::config::reader::Node;
use crate::config::repository_glob::RepositoryGlob;
use crate::config::rule::client_redirects::wire::{ClientRedirectsWire, read_client_redirects};
use crate::config::wire::auth::{ReadersWire, read_readers, read_writers};
use crate::config::wire::values::{NAME, is_name, optional_text, read_writes};

#[derive(Default)]
pub(crate) struct RuleWire {
    pub(crate) name: Option<String>,
    /// The fronts whose clients it is for, by name.
    pub(crate) fronts: Option<Vec<String>>,
    pub(crate) repositories: Option<Vec<RepositoryGlob>>,
    pub(crate) chains: Vec<(String, Option<Vec<LinkWire>>)>,
    /// Whether they could be read; that none is written for some region would be no news otherwise.
    pub(crate) has_chains: bool,
    pub(crate) owner: Option<String>,
    pub(crate) replicas: Option<Vec<String>>,
    pub(crate) tags_from_owner: bool,
    pub(crate) read_your_writes: Option<Duration>,
    pub(crate) stale_tags: Option<Duration>,
    pub(crate) readers: Option<ReadersWire>,
    /// Whether clients that have proved who they are may push with the proxy's credential.
    pub(crate) writers: bool,
    pub(crate) client_redirects: Option<ClientRedirectsWire>,
    /// The backend that answers for signatures and referrers.
    pub(crate) signatures: Option<String>,
    /// Why writes are refused, where they are.
    pub(crate) writes_refused: Option<String>,
}

impl RuleWire {
    /// The name of everybody whom a request of the rule may go to, some of them more than once.
    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        let links = self.chains.iter().flat_map(|(_, links)| links.iter().flatten());
        let others = self.owner.iter().chain(&self.signatures);
        links.map(|link| link.backend.as_str()).chain(others.map(String::as_str))
    }
}

/// One backend of a chain.
pub(crate) struct LinkWire {
    pub(crate) backend: String,
    /// The part of the repositories, in percent, that the backend serves while it is tried out.
    pub(crate) share: Option<u8>,
}

const NAMES: &str = "a list of names";

pub(crate) fn read_rule(node: &Node<'_>) -> RuleWire {
    const CHAINS: &str = "a mapping from regions to lists of backends, nearest first";
    const TAGS: &str = "`owner` or `replicas`";
    let fields = node.fields(&RULE);
    let repositories = fields.required("repositories", "a list of repository globs", |node| {
        node.refuse_empty(
            "is empty; write the repositories that the rule is for, such as `team/**`",
        );
        node.list("a list of repository globs", |glob| {
            glob.parse(advice::glob::WANTED, RepositoryGlob::parse)
        })
    });
    let chains = fields.required("chains", CHAINS, |node| {
        node.entries(CHAINS, |region, chain| Some((region.to_owned(), read_chain(&chain))))
    });
    RuleWire {
        name: fields.required("name", NAME, |node| {
            node.parse(NAME, |text| is_name(text).then(|| text.to_owned()))
        }),
        fronts: fields.optional("fronts", |node| references(&node)),
        repositories,
        has_chains: chains.is_some(),
        chains: chains.unwrap_or_default(),
        owner: optional_text(&fields, "owner", "the name of a backend"),
        replicas: fields.optional("replicas", |node| references(&node)),
        read_your_writes: fields
            .optional("read_your_writes", |node| node.parse(advice::time::WANTED, duration::parse)),
        stale_tags: fields
            .optional("stale_tags", |node| node.parse(advice::time::WANTED, duration::parse)),
        readers: fields.optional("readers", |node| Some(read_readers(&node))),
        writers: fields.optional("writers", |node| Some(read_writers(&node))).unwrap_or(false),
        client_redirects: fields
            .optional("client_redirects", |node| Some(read_client_redirects(&node))),
        signatures: optional_text(&fields, "signatures", "the name of a backend"),
        writes_refused: fields.optional("writes", |node| read_writes(&node, &RULE_WRITES)),
        tags_from_owner: fields
            .optional("tags_from", |node| node.word(TAGS, &[("owner", true), ("replicas", false)]))
            .unwrap_or(false),
    }
}

fn read_chain(node: &Node<'_>) -> Option<Vec<LinkWire>> {
    node.list("a list of backends, nearest first", |item| Some(read_link(&item)))
}

/// A name, or `{backend: NAME, share: PERCENT}`.
fn read_link(node: &Node<'_>) -> LinkWire {
    const SHARE: &str = "a whole number of percent from 1 to 99";
    if !node.is_mapping() {
        let name = node.string("a name").map(str::to_owned);
        return LinkWire { backend: name.unwrap_or_default(), share: None };
    }
    if let Some((name, share)) = node.only_number().filter(|(name, _)| !LINK.has(name)) {
        node.refuse(format!("has no field `backend`; write `{{backend: {name}, share: {share}}}`"));
        return LinkWire { backend: String::new(), share: None };
    }
    let fields = node.fields(&LINK);
    let backend = fields.required("backend", "the name of a backend", |node| {
        node.string("a name").map(str::to_owned)
    });
    let share = fields.optional("share", |node| {
        let number = node.number(SHARE)?;
        let share = u8::try_from(number).ok().filter(|share| (1..=99).contains(share));
        if share.is_none() {
            node.refuse(format!("is {number}; write {SHARE}"));
        }
        share
    });
    LinkWire { backend: backend.unwrap_or_default(), share }
}

/// A list of names of other things. Unreadable items keep their place as an empty name, so
/// that the index in a later mistake is the index in the file.
fn references(node: &Node<'_>) -> Option<Vec<String>> {
    node.list(NAMES, |item| Some(item.string("a name").map(str::to_owned).unwrap_or_default()))
}
