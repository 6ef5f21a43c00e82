//! The hooks with an Envoy that is played: what it is asked to do for a stream, in order.

use std::cell::RefCell;

use portolan_driver::{Measured, QUANTITIES};

use super::*;
use crate::abi::Callbacks;

const POLICY: &str = r#"{"version":1,"fronts":{"main":{"hosts":["registry.example"]}},
    "backends":{"a":{"url":"http://a.example"}},"regions":{"default":{}},
    "rules":[{"name":"all","repositories":["team/**"],"chains":{"default":["a"]}}]}"#;

/// A stream as Envoy has it: the headers of its request, and what was done with it.
struct Played {
    headers: Vec<(&'static str, &'static str)>,
    done: RefCell<Vec<String>>,
}

impl Played {
    fn new(path: &'static str) -> Self {
        let method = (":method", "GET");
        let headers = vec![method, (":authority", "registry.example"), (":path", path)];
        Self { headers, done: RefCell::default() }
    }

    fn object(&self) -> Object {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn header(&self, name: &[u8]) -> Option<Bytes> {
        let found = self.headers.iter().find(|(known, _)| known.as_bytes() == name);
        found.map(|(_, value)| Bytes::of(value.as_bytes()))
    }
}

fn note(filter: Object, what: String) {
    // SAFETY: it is the object of a `Played` that the test has.
    unsafe { &*filter.cast::<Played>() }.done.borrow_mut().push(what);
}

fn text(bytes: Bytes) -> String {
    // SAFETY: the module has the bytes while it calls.
    String::from_utf8_lossy(unsafe { bytes.get() }).into_owned()
}

extern "C" fn log(_: u32, _: Bytes) {}

extern "C" fn get_header(
    filter: Object,
    _: u32,
    name: Bytes,
    found: *mut Bytes,
    _: usize,
    _: *mut usize,
) -> bool {
    // SAFETY: the objects are the test's, and the pointer is the caller's.
    unsafe {
        let value = (*filter.cast::<Played>()).header(name.get());
        *found = value.unwrap_or(Bytes::NOTHING);
        value.is_some()
    }
}

extern "C" fn get_headers_size(filter: Object, _: u32) -> usize {
    // SAFETY: the object is the test's.
    unsafe { &*filter.cast::<Played>() }.headers.len()
}

extern "C" fn get_headers(filter: Object, _: u32, list: *mut Header) -> bool {
    // SAFETY: the object is the test's, and the caller's list has room for all.
    unsafe {
        for (place, (name, value)) in (*filter.cast::<Played>()).headers.iter().enumerate() {
            let (name, value) = (Bytes::of(name.as_bytes()), Bytes::of(value.as_bytes()));
            *list.add(place) = Header { name, value };
        }
    }
    true
}

extern "C" fn set_header(filter: Object, _: u32, name: Bytes, value: Bytes) -> bool {
    note(filter, format!("set {}: {}", text(name), text(value)));
    true
}

extern "C" fn send(
    filter: Object,
    status: u32,
    _: *const Header,
    _: usize,
    _: Bytes,
    details: Bytes,
) {
    note(filter, format!("reply {status} {}", text(details)));
}

extern "C" fn state(_: Object, _: Bytes, _: *mut Bytes) -> bool {
    false
}

extern "C" fn set_state(filter: Object, name: Bytes, value: Bytes, lasts: u32, _: u32) -> bool {
    note(filter, format!("note {} ({lasts}): {}", text(name), text(value)));
    true
}

extern "C" fn clear(filter: Object) {
    note(filter, "clear the route".to_owned());
}

extern "C" fn nothing(_: Object) {}

extern "C" fn attribute(_: Object, _: u32, _: *mut Bytes) -> bool {
    false
}

extern "C" fn metadata(_: Object, _: u32, _: Bytes, _: Bytes, _: *mut Bytes) -> bool {
    false
}

extern "C" fn size(_: Object, _: u32) -> usize {
    0
}

extern "C" fn chunks(_: Object, _: u32, _: *mut Bytes) -> bool {
    false
}

extern "C" fn drain(_: Object, _: u32, _: usize) -> bool {
    false
}

extern "C" fn buffered(_: Object) -> bool {
    false
}

extern "C" fn call(
    _: Object,
    _: *mut u64,
    _: Bytes,
    _: *const Header,
    _: usize,
    _: Bytes,
    _: u64,
) -> u32 {
    2
}

extern "C" fn scheduler(object: Object) -> Object {
    object
}

extern "C" fn commit(_: Object, _: u64) {}

/// The number of a metric is the length of its name.
extern "C" fn define(_: Object, name: Bytes, _: *const Bytes, _: usize, id: *mut usize) -> u32 {
    // SAFETY: the pointer is the caller's.
    unsafe { *id = text(name).len() };
    0
}

extern "C" fn increment(
    config: Object,
    id: usize,
    labels: *const Bytes,
    count: usize,
    by: u64,
) -> u32 {
    note(config, format!("count {id} by {by} {:?}", texts(labels, count)));
    0
}

extern "C" fn set(config: Object, id: usize, labels: *const Bytes, count: usize, to: u64) -> u32 {
    note(config, format!("set {id} to {to} {:?}", texts(labels, count)));
    0
}

fn texts(list: *const Bytes, count: usize) -> Vec<String> {
    // SAFETY: the list is the caller's.
    unsafe { super::list((list, count)) }.iter().map(|bytes| text(*bytes)).collect()
}

static PLAYED: Callbacks = Callbacks {
    log,
    http_get_header: get_header,
    http_get_headers_size: get_headers_size,
    http_get_headers: get_headers,
    http_set_header: set_header,
    http_add_header: set_header,
    http_send_response: send,
    http_get_body_size: size,
    http_get_body_chunks_size: size,
    http_get_body_chunks: chunks,
    http_drain_body: drain,
    http_received_buffered_request_body: buffered,
    http_get_metadata_string: metadata,
    http_get_filter_state_bytes: state,
    http_set_filter_state_value: set_state,
    http_filter_get_attribute_string: attribute,
    http_clear_route_cache: clear,
    http_filter_continue_decoding: nothing,
    http_filter_http_callout: call,
    http_filter_scheduler_new: scheduler,
    http_filter_scheduler_commit: commit,
    http_filter_scheduler_delete: nothing,
    http_filter_config_http_callout: call,
    http_filter_config_scheduler_new: scheduler,
    http_filter_config_scheduler_commit: commit,
    http_filter_config_scheduler_delete: nothing,
    http_filter_config_define_counter: define,
    http_filter_config_increment_counter: increment,
    http_filter_config_define_gauge: define,
    http_filter_config_set_gauge: set,
};

/// Does something with a stream of a configuration, from the beginning of both to their end; what
/// was done to the stream, and to the configuration.
fn played(path: &'static str, work: impl FnOnce(Own)) -> (Vec<String>, Vec<String>) {
    let (owner, stream) = (Played::new("/"), Played::new(path));
    let config = configure(&PLAYED, owner.object(), POLICY.as_bytes()).expect("a good policy");
    let config: Own = Box::into_raw(config).cast_const().cast();
    let own = envoy_dynamic_module_on_http_filter_new(config, stream.object());
    work(own);
    envoy_dynamic_module_on_http_filter_destroy(own);
    envoy_dynamic_module_on_http_filter_config_destroy(config);
    (stream.done.into_inner(), owner.done.into_inner())
}

#[test]
fn a_request_that_is_forwarded_has_its_cluster_and_a_new_route() {
    let (done, _) = played("/v2/team/app/manifests/v1", |stream| {
        let status =
            envoy_dynamic_module_on_http_filter_request_headers(std::ptr::null_mut(), stream, true);
        assert_eq!(status, value::CONTINUE);
    });
    assert!(done.contains(&"set x-portolan-cluster: a".to_owned()), "{done:#?}");
    // Under the name that the access log has for both hosts, and for one pass.
    assert!(done.iter().any(|what| what.starts_with("note wasm.portolan_region (")), "{done:#?}");
    let cleared = done.iter().filter(|what| *what == "clear the route").count();
    assert_eq!((cleared, done.last().unwrap().as_str()), (1, "clear the route"), "{done:#?}");
}

#[test]
fn a_request_that_is_refused_waits_for_nothing() {
    let (done, _) = played("/v2/other/app/manifests/v1", |stream| {
        let status =
            envoy_dynamic_module_on_http_filter_request_headers(std::ptr::null_mut(), stream, true);
        assert_eq!(status, value::STOP_ALL_ITERATION_AND_WATERMARK);
    });
    assert!(done.contains(&"reply 404 portolan_refused:NAME_UNKNOWN".to_owned()), "{done:#?}");
}

#[test]
fn a_hook_that_fails_costs_its_request_and_is_counted() {
    let (done, counted) = played("/v2/team/app/manifests/v1", |stream| {
        let status = on_stream(stream, |_| panic!("on purpose"));
        assert_eq!(status, value::STOP_ALL_ITERATION_AND_WATERMARK);
        let inside = on_stream(stream, |stream| {
            process::run(stream, |_, _, _| panic!("while it has the worker"));
            value::CONTINUE
        });
        assert_eq!(inside, value::STOP_ALL_ITERATION_AND_WATERMARK);
    });
    assert_eq!(done, ["reply 503 portolan_failed:UNKNOWN", "reply 503 portolan_failed:UNKNOWN"]);
    assert_eq!(counted, ["count 22 by 1 []", "count 22 by 1 []"]);
    // The next one is served.
    a_request_that_is_forwarded_has_its_cluster_and_a_new_route();
}

/// Envoy's workers are threads of their own, and the turns of a configuration are the main
/// thread's.
#[test]
fn workers_at_the_same_time_have_their_own_streams() {
    const WORKERS: usize = 4;
    const REQUESTS: usize = 200;
    let owner = Played::new("/");
    let config = configure(&PLAYED, owner.object(), POLICY.as_bytes()).expect("a good policy");
    let config = Box::into_raw(config) as usize;
    let own = || (config as *const Config).cast();
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            scope.spawn(move || {
                for request in 0..REQUESTS {
                    let is_known = (worker + request).is_multiple_of(2);
                    let path =
                        if is_known { "/v2/team/a/tags/list" } else { "/v2/other/a/tags/list" };
                    let played = Played::new(path);
                    let stream = envoy_dynamic_module_on_http_filter_new(own(), played.object());
                    envoy_dynamic_module_on_http_filter_request_headers(
                        std::ptr::null_mut(),
                        stream,
                        true,
                    );
                    envoy_dynamic_module_on_http_filter_destroy(stream);
                    let done = played.done.into_inner();
                    let wanted = if is_known {
                        "set x-portolan-cluster: a"
                    } else {
                        "reply 404 portolan_refused"
                    };
                    assert!(done.iter().any(|what| what.starts_with(wanted)), "{path}: {done:#?}");
                }
            });
        }
        for _ in 0..REQUESTS {
            envoy_dynamic_module_on_http_filter_config_scheduled(owner.object(), own(), 0);
        }
    });
    envoy_dynamic_module_on_http_filter_config_destroy(own());
}

#[test]
fn measurements_are_counted_with_their_labels() {
    let owner = Played::new("/");
    let [fetches, expires, _] = QUANTITIES;
    let measured = |quantity, labels: &[&str], value| {
        let labels = labels.iter().map(ToString::to_string).collect();
        Measured { quantity, labels, value }
    };
    let measured = [measured(fetches, &["hub", "ok"], 1), measured(expires, &["hub"], 90)];
    Metrics::new(&PLAYED, owner.object()).take(&measured);
    let [fetches, expires] = [fetches, expires].map(|quantity| quantity.name().len());
    assert_eq!(
        owner.done.into_inner(),
        [
            format!(r#"count {fetches} by 1 ["hub", "ok"]"#),
            format!(r#"set {expires} to 90 ["hub"]"#),
        ]
    );
}

#[test]
fn a_policy_with_mistakes_is_refused() {
    let owner = Played::new("/");
    assert!(configure(&PLAYED, owner.object(), br#"{"version":1}"#).is_none());
}
