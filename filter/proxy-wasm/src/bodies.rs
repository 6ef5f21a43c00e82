//! The few bodies that have names in them which are not the client's: lists and errors, held until they are there
//! in full and let go with the client's names.
//!
//! What is held is held here and not by Envoy, whose answer to more than fits its buffers would be an error. The
//! head of the answer is on its way by then, so it has no length.

use std::cell::Cell;

use portolan_core::response::{
    HEADERS_OF_BYTES, HEADERS_OF_FORM, LONGEST_BODY, NamedBody, Receipt, weak_etag,
};

use crate::host::{self, Headers};

/// The most bytes that one worker holds of all answers together. Beyond, bodies pass as they are.
const MOST_HELD: usize = 16 * LONGEST_BODY;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// A body that is being held.
pub(crate) struct Body {
    kind: NamedBody,
    held: Vec<u8>,
    is_passing: bool,
}

/// Asks the backends for lists in a form in which names can be read.
pub(crate) fn ask_plainly(receipt: &Receipt) {
    if receipt.lists_other_names() {
        for name in HEADERS_OF_FORM {
            host::remove_header(Headers::Request, name);
        }
    }
}

impl Body {
    /// Begins with the head of an answer; `None` where no name in its body is to be changed.
    pub(crate) fn of(receipt: &Receipt, status: Option<u16>, is_empty: bool) -> Option<Self> {
        let kind = receipt.named_body(status?)?;
        if host::header(Headers::Response, "content-encoding").is_some() || is_too_long() {
            return None;
        }
        for name in HEADERS_OF_BYTES {
            host::remove_header(Headers::Response, name);
        }
        if let Some(etag) = host::header(Headers::Response, "etag") {
            host::set_header(Headers::Response, "etag", &weak_etag(&etag));
        }
        (!is_empty).then(|| Self { kind, held: Vec::new(), is_passing: false })
    }

    /// Takes the next part of the body out of Envoy's hands, and gives back all of it at its end, changed where
    /// `rename` has something else.
    pub(crate) fn take(
        &mut self,
        size: usize,
        is_end: bool,
        rename: impl FnOnce(NamedBody, &[u8]) -> Option<Vec<u8>>,
    ) {
        if self.is_passing {
            return;
        }
        let part = host::response_body(size);
        HELD.set(HELD.get().saturating_add(part.len()));
        self.held.extend_from_slice(&part);
        self.is_passing = self.held.len() > LONGEST_BODY || HELD.get() > MOST_HELD;
        if self.is_passing {
            let held = self.let_go();
            host::set_response_body(size, &held);
        } else if is_end {
            let held = self.let_go();
            self.is_passing = true;
            let renamed = rename(self.kind, &held);
            host::set_response_body(size, renamed.as_deref().unwrap_or(&held));
        } else {
            host::set_response_body(size, b"");
        }
    }

    /// Whether something of the body is here.
    pub(crate) fn is_held(&self) -> bool {
        !self.held.is_empty()
    }

    fn let_go(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        HELD.set(HELD.get().saturating_sub(held.len()));
        held
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.let_go();
    }
}

fn is_too_long() -> bool {
    let length = host::header(Headers::Response, "content-length");
    let length = length.and_then(|value| std::str::from_utf8(&value).ok()?.parse::<usize>().ok());
    length.is_some_and(|length| length > LONGEST_BODY)
}
