//! The interface of Envoy's dynamic modules, version 0.2.0, as far as it is used: types, and what
//! Envoy can be asked.
//!
//! Envoy's functions are looked up when the module is configured, and not when it is loaded: an
//! Envoy that lacks one is then refused with a sentence. `hooks` has the other direction.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

/// The version of the interface, as a module tells it.
pub(crate) const VERSION: &CStr = c"v0.2.0";

/// What Envoy hands over for one of its objects: a filter of a stream, a configuration, a
/// scheduler.
pub(crate) type Object = *mut c_void;
/// What this module hands over for one of its objects.
pub(crate) type Own = *const c_void;

/// Some bytes of this module or of Envoy. Envoy's are there until the hook returns, or a header is
/// set.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Bytes {
    start: *const u8,
    length: usize,
}

/// A header.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) name: Bytes,
    pub(crate) value: Bytes,
}

impl Bytes {
    /// Nothing, which is something else than no bytes.
    pub(crate) const NOTHING: Self = Self { start: null(), length: 0 };

    /// These bytes, for a call during which they are there.
    pub(crate) const fn of(bytes: &[u8]) -> Self {
        Self { start: bytes.as_ptr(), length: bytes.len() }
    }

    /// The bytes.
    ///
    /// # Safety
    ///
    /// They are there as long as `'a`: Envoy has handed them over in this hook, and no header was
    /// set since.
    pub(crate) unsafe fn get<'a>(self) -> &'a [u8] {
        if self.start.is_null() {
            return &[];
        }
        // SAFETY: as the caller says.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl Header {
    /// No header, where Envoy will put one.
    pub(crate) const NONE: Self = Self { name: Bytes::NOTHING, value: Bytes::NOTHING };
}

/// Values of Envoy's enumerations.
pub(crate) mod value {
    /// Headers of a request, and of a response.
    pub(crate) const REQUEST: u32 = 0;
    pub(crate) const RESPONSE: u32 = 2;
    /// The part of a body that a hook is about, and what was kept before.
    pub(crate) const RECEIVED_REQUEST_BODY: u32 = 0;
    pub(crate) const BUFFERED_REQUEST_BODY: u32 = 1;
    pub(crate) const RECEIVED_RESPONSE_BODY: u32 = 2;
    /// Whether a message goes on: a filter's `FilterHeadersStatus` and `FilterDataStatus`.
    pub(crate) const CONTINUE: u32 = 0;
    pub(crate) const STOP_ITERATION: u32 = 1;
    pub(crate) const STOP_ALL_ITERATION_AND_WATERMARK: u32 = 4;
    pub(crate) const STOP_ITERATION_AND_BUFFER: u32 = 1;
    /// The metadata of the endpoint of an attempt.
    pub(crate) const OF_HOST: u32 = 3;
    /// The attribute `source.address`.
    pub(crate) const SOURCE_ADDRESS: u32 = 24;
    /// How long a property lasts, and that no connection to an upstream has it.
    pub(crate) const FILTER_CHAIN: u32 = 0;
    pub(crate) const WHOLE_REQUEST: u32 = 1;
    pub(crate) const NOT_SHARED: u32 = 0;
    /// Levels of the log.
    pub(crate) const INFO: u32 = 2;
    pub(crate) const WARN: u32 = 3;
    pub(crate) const ERROR: u32 = 4;
    /// A call was begun, a metric was made, a call has an answer.
    pub(crate) const SUCCESS: u32 = 0;
}

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
}

macro_rules! callbacks {
    ($($name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// Functions of Envoy, by their names without `envoy_dynamic_module_callback_`.
        #[allow(missing_docs, reason = "Envoy's header says what each does")]
        pub(crate) struct Callbacks {
            $(pub(crate) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Callbacks {
            /// All of them, or the name of one that is not there.
            fn find(find: impl Fn(&CStr) -> *mut c_void) -> Result<Self, &'static str> {
                $(
                    let name = concat!("envoy_dynamic_module_callback_", stringify!($name), "\0");
                    let symbol = CStr::from_bytes_with_nul(name.as_bytes()).unwrap_or_default();
                    let $name = find(symbol);
                    if $name.is_null() {
                        return Err(stringify!($name));
                    }
                )*
                Ok(Self {
                    // SAFETY: the function of this name has this signature in the version of the
                    // interface that `build` has made sure of.
                    $($name: unsafe {
                        std::mem::transmute::<
                            *mut c_void,
                            unsafe extern "C" fn($($argument),*) $(-> $result)?,
                        >($name)
                    },)*
                })
            }
        }
    };
}

callbacks! {
    log(u32, Bytes);
    http_get_header(Object, u32, Bytes, *mut Bytes, usize, *mut usize) -> bool;
    http_get_headers_size(Object, u32) -> usize;
    http_get_headers(Object, u32, *mut Header) -> bool;
    http_set_header(Object, u32, Bytes, Bytes) -> bool;
    http_add_header(Object, u32, Bytes, Bytes) -> bool;
    http_send_response(Object, u32, *const Header, usize, Bytes, Bytes);
    http_get_body_size(Object, u32) -> usize;
    http_get_body_chunks_size(Object, u32) -> usize;
    http_get_body_chunks(Object, u32, *mut Bytes) -> bool;
    http_drain_body(Object, u32, usize) -> bool;
    http_received_buffered_request_body(Object) -> bool;
    http_get_metadata_string(Object, u32, Bytes, Bytes, *mut Bytes) -> bool;
    http_get_filter_state_bytes(Object, Bytes, *mut Bytes) -> bool;
    http_set_filter_state_value(Object, Bytes, Bytes, u32, u32) -> bool;
    http_filter_get_attribute_string(Object, u32, *mut Bytes) -> bool;
    http_clear_route_cache(Object);
    http_filter_continue_decoding(Object);
    http_filter_http_callout(Object, *mut u64, Bytes, *const Header, usize, Bytes, u64) -> u32;
    http_filter_scheduler_new(Object) -> Object;
    http_filter_scheduler_commit(Object, u64);
    http_filter_scheduler_delete(Object);
    http_filter_config_http_callout(Object, *mut u64, Bytes, *const Header, usize, Bytes, u64) -> u32;
    http_filter_config_scheduler_new(Object) -> Object;
    http_filter_config_scheduler_commit(Object, u64);
    http_filter_config_scheduler_delete(Object);
    http_filter_config_define_counter(Object, Bytes, *const Bytes, usize, *mut usize) -> u32;
    http_filter_config_increment_counter(Object, usize, *const Bytes, usize, u64) -> u32;
    http_filter_config_define_gauge(Object, Bytes, *const Bytes, usize, *mut usize) -> u32;
    http_filter_config_set_gauge(Object, usize, *const Bytes, usize, u64) -> u32;
}

/// Envoy's functions, or the name of one that this Envoy lacks.
pub(crate) fn callbacks() -> Result<&'static Callbacks, &'static str> {
    static FOUND: OnceLock<Result<Callbacks, &'static str>> = OnceLock::new();
    // SAFETY: the symbol is a string that ends with zero; the null handle is the default order of
    // looking up.
    let find = |symbol: &CStr| unsafe { dlsym(null_mut(), symbol.as_ptr()) };
    FOUND.get_or_init(|| Callbacks::find(find)).as_ref().map_err(|name| *name)
}
