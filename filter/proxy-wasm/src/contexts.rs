//! The contexts of the SDK: callbacks in, everything else is the driver's.

use std::time::Duration;

use portolan_core::content::{Check, Verdict};
use portolan_driver::{Filter, Flow};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType};

use crate::{host, worker};

/// The root context: one per worker and filter of Envoy's configuration.
pub(crate) struct Root {
    context: u32,
    filter: Option<Filter>,
}

/// The context of one stream: one pass of a request, or one attempt.
struct Stream {
    context: u32,
    /// The check of the body of its response, where it has one.
    check: Option<Check>,
}

impl Root {
    pub(crate) const fn new(context: u32) -> Self {
        Self { context, filter: None }
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, call: u32, _headers: usize, size: usize, _: usize) {
        worker::on_answer(self.context, call, size);
    }
}

impl RootContext for Root {
    fn on_tick(&mut self) {
        worker::on_tick(self.context);
    }

    /// A policy with mistakes is refused, and Envoy then refuses its configuration: at start
    /// it does not start, at a reload the old policy keeps serving.
    fn on_configure(&mut self, _size: usize) -> bool {
        let started = host::now();
        let configuration = self.get_plugin_configuration().unwrap_or_default();
        match worker::with(|worker| worker.configure(&configuration)) {
            Ok(configured) => {
                let took = Duration::from_nanos(host::now().saturating_sub(started));
                for line in configured.lines(took) {
                    log::info!("{line}");
                }
                #[cfg(feature = "bench")]
                crate::bench::time_network_lookups(&configuration);
                configured.lasting().iter().copied().for_each(host::outlive_passes);
                self.filter = Some(configured.filter);
                true
            }
            Err(mistakes) => {
                for mistake in mistakes {
                    log::error!("{mistake}");
                }
                false
            }
        }
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        let filter = self.filter.as_ref()?;
        worker::with(|worker| worker.open(filter, context));
        Some(Box::new(Stream { context, check: None }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, call: u32, _headers: usize, size: usize, _: usize) {
        worker::on_answer(self.context, call, size);
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, is_end: bool) -> Action {
        let stream = self.context;
        action(worker::run(stream, |worker, envoy, effects| {
            worker.request_headers(stream, envoy, is_end, effects)
        }))
    }

    fn on_http_request_body(&mut self, size: usize, is_end: bool) -> Action {
        let stream = self.context;
        action(worker::run(stream, |worker, envoy, effects| {
            worker.request_body(stream, envoy, (size, is_end), effects)
        }))
    }

    fn on_http_response_headers(&mut self, _count: usize, is_end: bool) -> Action {
        let stream = self.context;
        let (flow, check) = worker::run_and_check(stream, |worker, envoy, effects| {
            worker.response_headers(stream, envoy, effects)
        });
        self.check = check;
        if is_end { self.passes(true, flow) } else { action(flow) }
    }

    fn on_http_response_body(&mut self, size: usize, is_end: bool) -> Action {
        if let Some(check) = &mut self.check {
            check.take(&host::body(BufferType::HttpResponseBody, size));
        }
        self.passes(is_end, Flow::Continue)
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.passes(true, Flow::Continue)
    }
}

impl Stream {
    /// Whether what has come of the response goes on: other content ends here.
    fn passes(&mut self, is_end: bool, otherwise: Flow) -> Action {
        let verdict = self.check.as_mut().map(|check| check.verdict(is_end));
        if verdict != Some(Verdict::Wrong) {
            return action(otherwise);
        }
        let stream = self.context;
        worker::run(stream, |worker, envoy, effects| worker.body_is_wrong(stream, envoy, effects));
        Action::Pause
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let stream = self.context;
        worker::run(stream, |worker, envoy, effects| worker.close(stream, envoy, effects));
    }
}

const fn action(flow: Flow) -> Action {
    match flow {
        Flow::Continue => Action::Continue,
        Flow::Pause => Action::Pause,
    }
}
