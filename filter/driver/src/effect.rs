//! The effects that a host applies when a callback is over.

use std::borrow::Cow;
use std::time::Duration;

use portolan_core::content::Expected;
use portolan_core::contract::StateKey;
use portolan_core::reply::Reply;

use crate::call::Call;

/// The headers of which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Of the request.
    Request,
    /// Of the response.
    Response,
}

/// Bytes of a header or a property.
pub type Value = Cow<'static, [u8]>;

/// One thing to do, for the stream that the callback was for. A host does them in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Set a header to one value, whatever it had before.
    SetHeader(Side, &'static str, Value),
    /// Add one more value of a header.
    AddHeader(Side, &'static str, Value),
    /// Remove every value of a header.
    RemoveHeader(Side, Value),
    /// Keep a property of the request where access logs, routes and the other phases find it.
    SetState(StateKey, Value),
    /// Take out the first so many bytes of the body of the request.
    DropBody(usize),
    /// Answer the request here; the stream stays paused. The text is for the access log's
    /// `details`.
    Reply(Box<Reply>, String),
    /// Check the body of the response while it passes, by [`Check`](portolan_core::content::Check),
    /// and say [`Worker::body_is_wrong`](crate::Worker::body_is_wrong) before the last bytes go on
    /// where it is other content.
    CheckBody(Expected),
    /// Let a paused request go on.
    Resume,
    /// Make a request in the name of this stream. It is lost with the stream; else its answer, or
    /// that it could not be made, comes back by
    /// [`Worker::call_answered`](crate::Worker::call_answered).
    Call(Box<Call>),
    /// Let the repositories of a slot count as just pushed until then, in nanoseconds since 1970,
    /// for all workers of the process. A later end wins.
    NotePush {
        /// The slot.
        slot: u32,
        /// The end.
        until: u64,
    },
    /// Keep this of the tags of a slot, in place of what was kept, for all workers of the process.
    /// An empty value says that nothing is known.
    RememberTag {
        /// The slot.
        slot: u32,
        /// What is kept.
        value: Vec<u8>,
    },
    /// Call [`Worker::alarm`](crate::Worker::alarm) in so long; zero for never. It replaces what
    /// was said before.
    SetTimer(Duration),
    /// Write a warning into the host's log.
    Warn(String),
}

/// Whether a message goes on when the effects are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Continue,
    /// It waits, or was answered.
    Pause,
}
