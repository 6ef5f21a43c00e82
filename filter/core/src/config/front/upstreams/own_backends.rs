//! Upstreams with a `backend` of their own.
//!
//! `backend: URL` at an upstream is short for what most pull-through caches need: a backend of that
//! name, to which the upstream's prefix means nothing, and, behind all rules that are written, a
//! rule of that name which has all of the prefix served from there. Nothing else knows of the short
//! form.

use crate::config::backend::wire::BackendWire;
use crate::config::backend_url::BackendUrl;
use crate::config::front::upstreams::wire::UpstreamWire;
use crate::config::front::wire::FrontWire;
use crate::config::mistake::Mistakes;
use crate::config::name_mapping::NameRewrite;
use crate::config::regions::DEFAULT_REGION;
use crate::config::repository_glob::RepositoryGlob;
use crate::config::rule::wire::{LinkWire, RuleWire};
use crate::grammar::is_repository_prefix;

/// An upstream that says so.
pub(crate) struct OwnBackend {
    front: String,
    name: String,
    prefix: String,
    url: BackendUrl,
}

/// Whether an upstream says so, be it wrongly: then nothing is missing that could stand elsewhere.
pub(crate) fn any(fronts: &[FrontWire]) -> bool {
    fronts.iter().flat_map(|front| front.upstreams.iter().flatten()).any(|it| it.has_backend)
}

/// All that can be read, in the order of the policy.
pub(crate) fn all(fronts: &[FrontWire]) -> Vec<OwnBackend> {
    let upstreams = fronts.iter().flat_map(|front| {
        front.upstreams.iter().flatten().filter_map(|upstream| OwnBackend::of(front, upstream))
    });
    upstreams.collect()
}

type Backends = Option<Vec<BackendWire>>;
type Rules = Option<Vec<RuleWire>>;

/// Adds what they are short for. A name that is taken is a mistake where it is taken again.
pub(crate) fn add(
    of_upstreams: Vec<OwnBackend>,
    mut backends: Backends,
    mut rules: Rules,
    mistakes: &Mistakes,
) -> (Backends, Rules) {
    for own in of_upstreams {
        let is_backend = |backend: &BackendWire| backend.name == own.name;
        let is_rule = |rule: &RuleWire| rule.name.as_ref() == Some(&own.name);
        let taken = if backends.iter().flatten().any(is_backend) {
            Some("backend")
        } else if rules.iter().flatten().any(is_rule) {
            Some("rule")
        } else {
            None
        };
        if let Some(what) = taken {
            own.complain(what, mistakes);
            continue;
        }
        backends.get_or_insert_default().push(own.backend());
        rules.get_or_insert_default().push(own.rule());
    }
    (backends, rules)
}

impl OwnBackend {
    fn of(front: &FrontWire, upstream: &UpstreamWire) -> Option<Self> {
        let (name, prefix) = (upstream.name.clone(), upstream.prefix());
        let url = upstream.backend.clone()?;
        // What cannot stand before a name has its own mistake.
        is_repository_prefix(&prefix).then(|| Self { front: front.name.clone(), name, prefix, url })
    }

    fn complain(&self, what: &str, mistakes: &Mistakes) {
        let name = &self.name;
        let message = format!(
            "makes a {what} `{name}`, and there is one; leave `backend` out here and write the \
             backend and its rule in full, or call one of them something else"
        );
        mistakes.add_at(&["fronts", &self.front, "upstreams", name, "backend"], message);
    }

    fn backend(&self) -> BackendWire {
        let rewrite = NameRewrite { front: self.prefix.clone(), backend: String::new() };
        BackendWire {
            // An empty prefix is the same on both sides.
            names: if self.prefix.is_empty() { Vec::new() } else { vec![rewrite] },
            ..BackendWire::at(self.name.clone(), self.url.clone())
        }
    }

    fn rule(&self) -> RuleWire {
        let glob = RepositoryGlob::parse(&format!("{}**", self.prefix));
        let link = LinkWire { backend: self.name.clone(), share: None };
        RuleWire {
            name: Some(self.name.clone()),
            repositories: Some(glob.into_iter().collect()),
            has_chains: true,
            chains: vec![(DEFAULT_REGION.to_owned(), Some(vec![link]))],
            ..RuleWire::default()
        }
    }
}
