//! One request, several attempts: what each attempt sends, and what its backend answered.
//!
//! Envoy repeats a request at the next backend of a list by itself; all attempts share one set
//! of headers, so the second starts with what the first left. The downstream phase therefore
//! prepares, once, what every backend is to be sent; the attempt phase picks its backend's part
//! and nothing else. It holds no policy and cannot disagree with the decision.
//!
//! In the other direction the attempt phase notes what each backend answered, since Envoy
//! keeps only the last answer.

mod answers;
mod asks;
mod backend_request;
mod client_credentials;
mod credentials;
mod go_on;
mod noted;
mod overlap;
mod passed_over;
mod redirect;
mod retry;
mod time_limits;
mod user_name;
mod verdict;
mod wait;

pub use answers::{Answer, Answers, SentCredentials, may_ask_to_wait, note};
pub use asks::Asks;
pub use backend_request::{BackendRequest, all, is_prepared, only, select};
pub use client_credentials::{for_auth_domain, is_password, tag_of};
pub use credentials::{Credentials, TokenSource, access, credentials};
pub use go_on::{Attempt, goes_on, is_internal, next_cluster};
pub use noted::{Noted, list_of, note_list, note_spared, spared_of};
pub use overlap::{BOTH_ASKED, Hedge, NOBODY_ELSE, Order, hedge, other};
pub use passed_over::{LATER, Why, passed_over, skipped};
pub use redirect::{
    Bounds, MOST_STEPS, RedirectDenied, RedirectStep, Redirection, is_about_content, is_delivered,
    is_for_delivery, is_redirect,
};
pub use retry::Retry;
pub use time_limits::alone;
pub use user_name::user_name;
pub use verdict::{Case, ListFailure, Verdict, is_doubtful, is_judged, is_no_answer, judge};
pub use wait::Wait;
