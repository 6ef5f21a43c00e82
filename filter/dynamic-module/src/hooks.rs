//! What Envoy calls, by the names that it looks for. No panic leaves a hook: it would end Envoy.
#![expect(unsafe_code, reason = "Envoy hands over pointers")]

use std::ffi::c_char;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use std::time::Duration;

use portolan_core::contract::Role;
use portolan_driver::{CallAnswer, Configured, Flow, HeaderMap};

use crate::abi::{self, Bytes, Callbacks, Header, Object, Own, value};
use crate::metrics::Metrics;
use crate::process::{self, Config, Stream};
use crate::scheduler::Scheduler;
use crate::{alarm, build, host};

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_program_init() -> *const c_char {
    std::panic::set_hook(Box::new(|panic| {
        if let Ok(envoy) = abi::callbacks() {
            host::log(envoy, value::ERROR, &format!("portolan: the filter failed: {panic}"));
        }
    }));
    abi::VERSION.as_ptr()
}

/// A configuration is there. None means that it is refused: Envoy then does not start, or keeps
/// what it has.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_new(
    config: Object,
    _: Bytes,
    text: Bytes,
) -> Own {
    let callbacks = abi::callbacks();
    let refusal = build::refusal(build::of_this_program().as_deref(), callbacks.err());
    let (None, Ok(envoy)) = (&refusal, callbacks) else {
        // The log of an Envoy that is not known is not for this module.
        drop(writeln!(std::io::stderr(), "{}", refusal.unwrap_or_default()));
        return null();
    };
    // SAFETY: Envoy has the text until the hook returns.
    let text = unsafe { text.get() };
    let made = catch_unwind(AssertUnwindSafe(|| configure(envoy, config, text)));
    made.ok().flatten().map_or(null(), |config| Box::into_raw(config).cast_const().cast())
}

fn configure(envoy: &'static Callbacks, object: Object, text: &[u8]) -> Option<Box<Config>> {
    let begun = host::now();
    let tell = |configured: &Configured| {
        let took = Duration::from_nanos(host::now().saturating_sub(begun));
        for line in configured.lines(took) {
            host::log(envoy, value::INFO, &line);
        }
    };
    match process::configure(text, tell) {
        Ok(filter) => {
            let role = Role::of(text);
            // The reader of forms is handed the body while it waits.
            let pause = match role {
                Role::TokenForm => value::STOP_ITERATION,
                _ => value::STOP_ALL_ITERATION_AND_WATERMARK,
            };
            let is_attempt = matches!(role, Role::Attempt);
            // The others are of clusters, by which their numbers are named.
            let counts = matches!(role, Role::Decide | Role::TokenForm);
            alarm::add(object as usize, Scheduler::of_config(envoy, object), counts);
            let metrics = Metrics::new(envoy, object);
            Some(Box::new(Config { envoy, object, filter, pause, is_attempt, counts, metrics }))
        }
        Err(mistakes) => {
            for mistake in mistakes {
                host::log(envoy, value::ERROR, &mistake);
            }
            None
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_destroy(config: Own) {
    // SAFETY: it was made above, and Envoy hands it over for the last time.
    let config = unsafe { Box::from_raw(config.cast_mut().cast::<Config>()) };
    guarded((), || process::forget(&config));
    guarded((), || drop(config));
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_scheduled(_: Object, config: Own, _: u64) {
    on_config(config, process::on_turn);
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_config_http_callout_done(
    _: Object,
    config: Own,
    number: u64,
    result: u32,
    headers: *const Header,
    count: usize,
    chunks: *const Bytes,
    chunk_count: usize,
) {
    on_config(config, |config| {
        // SAFETY: Envoy has the answer until the hook returns.
        let answer = unsafe { Answer::read(result, (headers, count), (chunks, chunk_count)) };
        process::answered(config, number, &answer.for_the_driver());
    });
}

/// A stream begins. None means that it ends at once.
#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_new(config: Own, filter: Object) -> Own {
    // SAFETY: Envoy hands over what it got for the configuration, which outlives its filters.
    let Some(config) = (unsafe { config.cast::<Config>().as_ref() }) else { return null() };
    let opened = catch_unwind(AssertUnwindSafe(|| Box::new(process::open(config, filter))));
    opened.map_or(null(), |stream| Box::into_raw(stream).cast_const().cast())
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_destroy(stream: Own) {
    // SAFETY: the stream was made above, and Envoy hands it over for the last time; its filter
    // still lives.
    let stream = unsafe { Box::from_raw(stream.cast_mut().cast::<Stream>()) };
    guarded((), || process::close(&stream));
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_headers(
    _: Object,
    stream: Own,
    is_end: bool,
) -> u32 {
    on_stream(stream, |stream| {
        #[cfg(feature = "panics")]
        crate::panics::at_a_certain_path(&stream.host);
        process::find_request(stream);
        let flow = process::run(stream, |shared, host, effects| {
            shared.worker.request_headers(stream.id, host, is_end, effects)
        });
        status(flow, stream.pause)
    })
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_request_body(
    _: Object,
    stream: Own,
    is_end: bool,
) -> u32 {
    on_stream(stream, |stream| {
        let size = stream.host.body_size();
        let flow = process::run(stream, |shared, host, effects| {
            shared.worker.request_body(stream.id, host, (size, is_end), effects)
        });
        status(flow, value::STOP_ITERATION_AND_BUFFER)
    })
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_response_headers(
    _: Object,
    stream: Own,
    is_end: bool,
) -> u32 {
    on_stream(stream, |stream| {
        let mut flow = process::run(stream, |shared, host, effects| {
            shared.worker.response_headers(stream.id, host, effects)
        });
        if is_end && flow == Flow::Continue {
            flow = process::check_body(stream, true);
        }
        status(flow, value::STOP_ALL_ITERATION_AND_WATERMARK)
    })
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_response_body(
    _: Object,
    stream: Own,
    is_end: bool,
) -> u32 {
    on_response_body(stream, is_end)
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_response_trailers(_: Object, stream: Own) -> u32 {
    on_response_body(stream, true)
}

/// A part of the body of a response is there. Most are carried without a look.
fn on_response_body(stream: Own, is_end: bool) -> u32 {
    // SAFETY: Envoy hands over what it got for the stream, which is there until it is destroyed.
    let has_check = unsafe { stream.cast::<Stream>().as_ref() }.is_some_and(Stream::has_check);
    if !has_check {
        return value::CONTINUE;
    }
    on_stream(stream, |stream| status(process::check_body(stream, is_end), value::STOP_ITERATION))
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_scheduled(_: Object, stream: Own, _: u64) {
    on_stream(stream, |stream| {
        process::resume(stream);
        value::CONTINUE
    });
}

#[unsafe(no_mangle)]
extern "C" fn envoy_dynamic_module_on_http_filter_http_callout_done(
    _: Object,
    stream: Own,
    _: u64,
    result: u32,
    headers: *const Header,
    count: usize,
    chunks: *const Bytes,
    chunk_count: usize,
) {
    on_stream(stream, |stream| {
        // SAFETY: Envoy has the answer until the hook returns.
        let answer = unsafe { Answer::read(result, (headers, count), (chunks, chunk_count)) };
        process::answered_stream(stream, &answer.for_the_driver());
        value::CONTINUE
    });
}

/// The answer to a call, copied.
struct Answer {
    headers: Option<HeaderMap>,
    body: Vec<u8>,
}

impl Answer {
    /// # Safety
    ///
    /// The pointers lead to so many headers and chunks, which are there as long as this runs.
    unsafe fn read(
        result: u32,
        headers: (*const Header, usize),
        chunks: (*const Bytes, usize),
    ) -> Self {
        // SAFETY: as the caller says.
        unsafe {
            let (headers, chunks) = (list(headers), list(chunks));
            Self {
                headers: (result == value::SUCCESS).then(|| host::header_map(headers)),
                body: chunks.iter().flat_map(|chunk| chunk.get()).copied().collect(),
            }
        }
    }

    fn for_the_driver(&self) -> CallAnswer<'_> {
        CallAnswer { headers: self.headers.as_ref(), body: &self.body }
    }
}

/// # Safety
///
/// The pointer leads to so many, which are there as long as `'a`; or it is null.
const unsafe fn list<'a, T>((start, count): (*const T, usize)) -> &'a [T] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: as the caller says.
    unsafe { std::slice::from_raw_parts(start, count) }
}

const fn status(flow: Flow, pause: u32) -> u32 {
    match flow {
        Flow::Continue => value::CONTINUE,
        Flow::Pause => pause,
    }
}

/// Runs a hook of a stream. One that fails costs this request an answer of 503, and nobody else
/// anything.
fn on_stream(stream: Own, work: impl FnOnce(&Stream) -> u32) -> u32 {
    // SAFETY: Envoy hands over what it got for the stream, which is there until it is destroyed.
    let Some(stream) = (unsafe { stream.cast::<Stream>().as_ref() }) else {
        return value::CONTINUE;
    };
    catch_unwind(AssertUnwindSafe(|| work(stream))).unwrap_or_else(|_| {
        guarded((), || stream.metrics.count_panic());
        guarded((), || process::refuse(stream));
        value::STOP_ALL_ITERATION_AND_WATERMARK
    })
}

fn on_config(config: Own, work: impl FnOnce(&Config)) {
    // SAFETY: Envoy hands over what it got for the configuration, which is there until it is
    // destroyed.
    let Some(config) = (unsafe { config.cast::<Config>().as_ref() }) else { return };
    if catch_unwind(AssertUnwindSafe(|| work(config))).is_err() {
        guarded((), || config.metrics.count_panic());
    }
}

fn guarded<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

/// Hooks that have nothing to do, and have to be there.
macro_rules! idle {
    ($($name:ident($($argument:ty),*);)*) => {
        $(
            #[unsafe(no_mangle)]
            extern "C" fn $name($(_: $argument),*) -> u32 {
                value::CONTINUE
            }
        )*
    };
}

// Those that return nothing to Envoy return a number that nobody reads.
idle! {
    envoy_dynamic_module_on_http_filter_request_trailers(Object, Own);
    envoy_dynamic_module_on_http_filter_stream_complete(Object, Own);
    envoy_dynamic_module_on_http_filter_http_stream_headers(Object, Own, u64, *const Header, usize, bool);
    envoy_dynamic_module_on_http_filter_http_stream_data(Object, Own, u64, *const Bytes, usize, bool);
    envoy_dynamic_module_on_http_filter_http_stream_trailers(Object, Own, u64, *const Header, usize);
    envoy_dynamic_module_on_http_filter_http_stream_complete(Object, Own, u64);
    envoy_dynamic_module_on_http_filter_http_stream_reset(Object, Own, u64, u32);
    envoy_dynamic_module_on_http_filter_downstream_above_write_buffer_high_watermark(Object, Own);
    envoy_dynamic_module_on_http_filter_downstream_below_write_buffer_low_watermark(Object, Own);
}

#[cfg(test)]
mod tests;
