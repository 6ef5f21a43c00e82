//! Properties of a request that the filter keeps in Envoy's filter state. The access log, the
//! routes and the other phases of the filter read them, and no client can set one.

/// One property of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateKey {
    /// The region of the client; for the access log.
    Region,
    /// The rule; for the access log.
    Rule,
    /// Why it was decided so, and what became of it; for the access log.
    Reason,
    /// The front that was asked; for the access log and the metrics.
    Front,
    /// What the request is, as the word for the metrics; for the access log too.
    Kind,
    /// The first backend of the chain, where a later one is asked; for the metrics and the access
    /// log.
    PassedOver,
    /// What became of that one: what it answered, or that it was not asked.
    PassedOverWhy,
    /// What became of the backends that did not answer the client; for the access log.
    Tried,
    /// The client's name, where the front has found its password right; for the access log.
    User,
    /// Whether the answer is to name its backend.
    SaysBackend,
    /// The registry that the client names, one of the front's upstreams; for the access log.
    Registry,
    /// The backend or blob store that the client was sent to; for the access log.
    SentTo,
    /// The list and what each of its backends is sent, and behind that what each has answered.
    Prepared,
    /// The cluster of the next attempt; the routes match it.
    NextCluster,
    /// Which backends are asked in a request of which two may be asked at a time.
    Overlap,
    /// The step of a followed redirect. A request that has one is on a further pass.
    Followed,
    /// The digest that the registry gave beside its redirect.
    Digest,
    /// The backend that redirected; for the access log.
    RedirectedBy,
    /// The host that the client asked, on further passes; for the access log.
    Authority,
    /// The path that the client asked, on further passes and where a backend is asked for another;
    /// for the access log.
    Path,
    /// The client's address, on further passes; for the access log.
    Client,
    /// The client's country, on further passes; for the access log.
    Country,
    /// The namespace that the client named, which the answer repeats.
    Namespace,
    /// Whether a credential of the proxy's was refused.
    CredentialRefused,
    /// The cache of the client's region, where the request is for content that it may have; for the
    /// access log and the metrics.
    Cache,
    /// What became of it there.
    CacheUse,
    /// The node of the cache that is filled; for the access log and the metrics.
    CacheNode,
    /// The digest of the content with which a cache is filled, whose answer is checked.
    Filled,
}

/// How long a property lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// One pass through the filters. Envoy makes a request that it redirects anew: that is another
    /// pass.
    Pass,
    /// The client's request, with all its passes.
    Request,
}

/// The properties that last for the whole request and that the deciding phase sets.
pub const OF_DECISIONS: [StateKey; 18] = [
    StateKey::Region,
    StateKey::Rule,
    StateKey::Reason,
    StateKey::Front,
    StateKey::Kind,
    StateKey::User,
    StateKey::SaysBackend,
    StateKey::Registry,
    StateKey::Authority,
    StateKey::Path,
    StateKey::Client,
    StateKey::Country,
    StateKey::Namespace,
    StateKey::Prepared,
    StateKey::Cache,
    StateKey::CacheUse,
    StateKey::CacheNode,
    StateKey::Filled,
];

/// The properties that last for the whole request and that the attempt phase sets.
pub const OF_ATTEMPTS: [StateKey; 9] = [
    StateKey::Followed,
    StateKey::Digest,
    StateKey::RedirectedBy,
    StateKey::Prepared,
    StateKey::PassedOver,
    StateKey::PassedOverWhy,
    StateKey::Tried,
    StateKey::Cache,
    StateKey::CacheUse,
];

impl StateKey {
    /// Every property.
    pub const ALL: [Self; 28] = [
        Self::Region,
        Self::Rule,
        Self::Reason,
        Self::Front,
        Self::Kind,
        Self::PassedOver,
        Self::PassedOverWhy,
        Self::Tried,
        Self::User,
        Self::SaysBackend,
        Self::Registry,
        Self::SentTo,
        Self::Prepared,
        Self::NextCluster,
        Self::Overlap,
        Self::Followed,
        Self::Digest,
        Self::RedirectedBy,
        Self::Authority,
        Self::Path,
        Self::Client,
        Self::Country,
        Self::Namespace,
        Self::CredentialRefused,
        Self::Cache,
        Self::CacheUse,
        Self::CacheNode,
        Self::Filled,
    ];

    /// The name by which the filter sets and reads it: that of the [object](Self::object) without
    /// Envoy's prefix.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.object().strip_prefix(PREFIX).unwrap_or_default()
    }

    /// The name of the object in Envoy's filter state, where access logs and matchers find it:
    /// Envoy puts a prefix before what a `WebAssembly` filter sets.
    #[must_use]
    pub const fn object(self) -> &'static str {
        match self {
            Self::Region => "wasm.portolan_region",
            Self::Rule => "wasm.portolan_rule",
            Self::Reason => "wasm.portolan_reason",
            Self::Front => "wasm.portolan_front",
            Self::Kind => "wasm.portolan_class",
            Self::PassedOver => "wasm.portolan_passed_over",
            Self::PassedOverWhy => "wasm.portolan_passed_over_why",
            Self::Tried => "wasm.portolan_tried",
            Self::User => "wasm.portolan_user",
            Self::SaysBackend => "wasm.portolan_says_backend",
            Self::Registry => "wasm.portolan_registry",
            Self::SentTo => "wasm.portolan_sent_to",
            Self::Prepared => "wasm.portolan_prepared",
            Self::NextCluster => "wasm.portolan_next_cluster",
            Self::Overlap => "wasm.portolan_overlap",
            Self::Followed => "wasm.portolan_followed",
            Self::Digest => "wasm.portolan_digest",
            Self::RedirectedBy => "wasm.portolan_backend",
            Self::Authority => "wasm.portolan_authority",
            Self::Path => "wasm.portolan_path",
            Self::Client => "wasm.portolan_client",
            Self::Country => "wasm.portolan_country",
            Self::Namespace => "wasm.portolan_namespace",
            Self::CredentialRefused => "wasm.portolan_credential_refused",
            Self::Cache => "wasm.portolan_cache",
            Self::CacheUse => "wasm.portolan_cache_use",
            Self::CacheNode => "wasm.portolan_cache_node",
            Self::Filled => "wasm.portolan_filled",
        }
    }

    /// How long it lasts. What lasts for more than a pass has to be declared to Envoy, which
    /// [`OF_DECISIONS`] and [`OF_ATTEMPTS`] are for.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            // Where a client was sent is the end of its request; the others are of one pass or said
            // anew by each attempt.
            Self::SentTo | Self::NextCluster | Self::Overlap | Self::CredentialRefused => {
                Span::Pass
            }
            _ => Span::Request,
        }
    }
}

/// What Envoy puts before the name of a property.
const PREFIX: &str = "wasm.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_has_its_own_name() {
        for (place, key) in StateKey::ALL.iter().enumerate() {
            let first = StateKey::ALL.iter().position(|other| other.name() == key.name());
            assert_eq!(first, Some(place), "{key:?}");
            assert_eq!(key.object(), format!("{PREFIX}{}", key.name()));
            assert!(key.name().starts_with("portolan_"), "{key:?}");
        }
    }

    #[test]
    fn state_that_outlives_a_pass_is_declared() {
        for key in StateKey::ALL {
            let declared = OF_DECISIONS.contains(&key) || OF_ATTEMPTS.contains(&key);
            assert_eq!(key.span() == Span::Request, declared, "{key:?}");
        }
    }
}
