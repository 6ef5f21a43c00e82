//! The results that waiting streams get.

use std::rc::Rc;

use portolan_core::Password;
use portolan_core::health::Health as Report;
use portolan_core::probe::Presence;

use super::fetches::Found;
use crate::call::StreamId;

/// A stream that has waited, and what it goes on with.
#[derive(Clone, Debug)]
pub struct Woken {
    /// The stream.
    pub stream: StreamId,
    /// What it goes on with.
    pub learned: Learned,
}

/// What a stream has waited for.
#[derive(Clone, Debug)]
pub enum Learned {
    /// A token, or why there is none.
    Token(Found),
    /// Whether a blob store has a blob.
    Blob(Presence),
    /// Whether a repository has some content.
    Content(Presence),
    /// How the backends are; `None` if Envoy did not say.
    Health(Option<Rc<Report>>),
    /// Whether a password is right.
    Password(Password),
    /// That no backend has begun to answer in the time that a request has.
    TooLate,
}

/// How the backends are, for a request that wants to know.
#[derive(Clone, Debug)]
pub(crate) enum Health {
    /// So, as Envoy said lately.
    Known(Rc<Report>),
    /// The request waits for the answer.
    Waits,
    /// The request could do without the answer, and does: enough others wait for it.
    DoWithout,
}
