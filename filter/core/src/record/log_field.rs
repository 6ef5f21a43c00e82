//! Every field of the access log, with its name. The renderer makes Envoy's format of this list,
//! `portolan explain` reads lines by it, and `docs/log.md` is checked against what is rendered.

use crate::contract::StateKey;

/// A field of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogField {
    /// When the request began.
    Time,
    /// Its identifier, which the client finds in the answer.
    RequestId,
    /// The trace that it belongs to, where there are traces.
    TraceId,
    /// HTTP's version towards the client.
    Protocol,
    /// The method.
    Method,
    /// The host that the client asked.
    Authority,
    /// The path that the client asked, without the query.
    Path,
    /// The path that the backend was asked.
    UpstreamPath,
    /// The client's program.
    UserAgent,
    /// The client's address, as far as its proxies are believed.
    Client,
    /// The address at the other end of the connection.
    Peer,
    /// The country that the client is in.
    Country,
    /// The client's name, where its front has found its password right.
    User,
    /// The front that was asked.
    Front,
    /// What the request is: a [`Kind`](super::Kind).
    Class,
    /// The client's region.
    Region,
    /// The rule that decided.
    Rule,
    /// Why it was decided so, and what went wrong after that.
    Reason,
    /// The registry that the client named, where a front has several.
    Registry,
    /// The backend or blob store that the client was redirected to.
    SentTo,
    /// The cache of a request that it may answer.
    Cache,
    /// What became of the request there.
    CacheUse,
    /// The node that answered, or that is filled.
    CacheNode,
    /// What became of the backends that did not serve the request.
    Tried,
    /// The backend that answered.
    Backend,
    /// Its address.
    Upstream,
    /// HTTP's version towards it.
    UpstreamProtocol,
    /// The host that a followed redirect led to.
    UpstreamAuthority,
    /// What went wrong with the connection or TLS.
    UpstreamFailure,
    /// How many attempts were made.
    Attempts,
    /// The status of the answer; 0 without one.
    Status,
    /// Envoy's response flags.
    Flags,
    /// Who answered, and how: `via_upstream`, or the [details](crate::contract::details) of the
    /// filter.
    Details,
    /// Bytes of the request's body.
    BytesReceived,
    /// Bytes of the answer's body.
    BytesSent,
    /// Milliseconds until the answer's end.
    Duration,
    /// Milliseconds until the first byte of the backend's answer.
    FirstByte,
    /// The fingerprint of the policy.
    Policy,
    /// What a line is about that is not about a request, such as an attempt without an answer.
    Event,
}

impl LogField {
    /// Every field.
    pub const ALL: [Self; 39] = [
        Self::Time,
        Self::RequestId,
        Self::TraceId,
        Self::Protocol,
        Self::Method,
        Self::Authority,
        Self::Path,
        Self::UpstreamPath,
        Self::UserAgent,
        Self::Client,
        Self::Peer,
        Self::Country,
        Self::User,
        Self::Front,
        Self::Class,
        Self::Region,
        Self::Rule,
        Self::Reason,
        Self::Registry,
        Self::SentTo,
        Self::Cache,
        Self::CacheUse,
        Self::CacheNode,
        Self::Tried,
        Self::Backend,
        Self::Upstream,
        Self::UpstreamProtocol,
        Self::UpstreamAuthority,
        Self::UpstreamFailure,
        Self::Attempts,
        Self::Status,
        Self::Flags,
        Self::Details,
        Self::BytesReceived,
        Self::BytesSent,
        Self::Duration,
        Self::FirstByte,
        Self::Policy,
        Self::Event,
    ];

    /// The key in the JSON object of a line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::RequestId => "request_id",
            Self::TraceId => "trace_id",
            Self::Protocol => "protocol",
            Self::Method => "method",
            Self::Authority => "authority",
            Self::Path => "path",
            Self::UpstreamPath => "upstream_path",
            Self::UserAgent => "user_agent",
            Self::Client => "client",
            Self::Peer => "peer",
            Self::Country => "country",
            Self::User => "user",
            Self::Front => "front",
            Self::Class => "class",
            Self::Region => "region",
            Self::Rule => "rule",
            Self::Reason => "reason",
            Self::Registry => "registry",
            Self::SentTo => "sent_to",
            Self::Cache => "cache",
            Self::CacheUse => "cache_use",
            Self::CacheNode => "cache_node",
            Self::Tried => "tried",
            Self::Backend => "backend",
            Self::Upstream => "upstream",
            Self::UpstreamProtocol => "upstream_protocol",
            Self::UpstreamAuthority => "upstream_authority",
            Self::UpstreamFailure => "upstream_failure",
            Self::Attempts => "attempts",
            Self::Status => "status",
            Self::Flags => "flags",
            Self::Details => "details",
            Self::BytesReceived => "bytes_received",
            Self::BytesSent => "bytes_sent",
            Self::Duration => "duration_ms",
            Self::FirstByte => "first_byte_ms",
            Self::Policy => "policy",
            Self::Event => "event",
        }
    }

    /// Whether it is [what was decided](super::Decided). What the filter [notes](Self::noted)
    /// besides is what came of it, and all else Envoy's own.
    #[must_use]
    pub const fn is_decided(self) -> bool {
        matches!(
            self,
            Self::Country
                | Self::User
                | Self::Front
                | Self::Class
                | Self::Region
                | Self::Rule
                | Self::Reason
                | Self::Registry
                | Self::SentTo
        )
    }

    /// The property in which the filter notes it; `None` for what Envoy says itself.
    #[must_use]
    pub const fn noted(self) -> Option<StateKey> {
        match self {
            Self::Country => Some(StateKey::Country),
            Self::User => Some(StateKey::User),
            Self::Front => Some(StateKey::Front),
            Self::Class => Some(StateKey::Kind),
            Self::Region => Some(StateKey::Region),
            Self::Rule => Some(StateKey::Rule),
            Self::Reason => Some(StateKey::Reason),
            Self::Registry => Some(StateKey::Registry),
            Self::SentTo => Some(StateKey::SentTo),
            Self::Cache => Some(StateKey::Cache),
            Self::CacheUse => Some(StateKey::CacheUse),
            Self::Tried => Some(StateKey::Tried),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_fields_of_decisions_and_of_outcomes() {
        let noted = LogField::ALL.into_iter().filter(|field| field.noted().is_some());
        let (decided, came): (Vec<_>, Vec<_>) = noted.partition(|field| field.is_decided());
        assert!(LogField::ALL.iter().all(|field| !field.is_decided() || decided.contains(field)));
        assert_eq!(came, [LogField::Cache, LogField::CacheUse, LogField::Tried]);
    }

    #[test]
    fn every_field_and_every_property_is_of_one_name() {
        for (place, field) in LogField::ALL.into_iter().enumerate() {
            let same = |other: &LogField| other.name() == field.name();
            assert_eq!(LogField::ALL.iter().position(same), Some(place), "{field:?}");
            if let Some(key) = field.noted() {
                let same = |other: &LogField| other.noted() == Some(key);
                assert_eq!(LogField::ALL.iter().position(same), Some(place), "{field:?}");
                assert_eq!(key.name().strip_prefix("portolan_"), Some(field.name()));
            }
        }
    }
}
