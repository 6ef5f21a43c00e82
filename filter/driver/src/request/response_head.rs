//! The head of an answer as it came, each part of it read once.

use std::cell::OnceCell;

use crate::exchange::Exchange;
use crate::header_map::HeaderMap;

/// The status and the headers of a response, as they were when the callback began.
pub(super) struct ResponseHead<'e> {
    exchange: &'e dyn Exchange,
    headers: OnceCell<Option<HeaderMap>>,
    status: OnceCell<Option<u16>>,
}

impl<'e> ResponseHead<'e> {
    /// Nothing is read yet.
    pub(super) const fn new(exchange: &'e dyn Exchange) -> Self {
        Self { exchange, headers: OnceCell::new(), status: OnceCell::new() }
    }

    /// Where it is read from.
    pub(super) const fn exchange(&self) -> &'e dyn Exchange {
        self.exchange
    }

    /// Several parts will be asked for: all headers are read, where that costs this host less.
    pub(super) fn read_for_several(&self) {
        if self.exchange.reads_all_for_less_than_three() {
            self.headers();
        }
    }

    /// Whether there is such a header; the name in lower case.
    pub(super) fn has(&self, name: &str) -> bool {
        match self.headers.get() {
            Some(read) => read.as_ref().is_some_and(|headers| headers.first(name).is_some()),
            None => self.exchange.response_header(name).is_some(),
        }
    }

    /// The status. To read it alone costs as much as all headers.
    pub(super) fn status(&self) -> Option<u16> {
        *self.status.get_or_init(|| match self.headers.get() {
            Some(read) => read.as_ref().and_then(HeaderMap::status),
            None => self.exchange.status(),
        })
    }

    /// All headers.
    pub(super) fn headers(&self) -> Option<&HeaderMap> {
        self.headers.get_or_init(|| self.exchange.response_headers()).as_ref()
    }
}
