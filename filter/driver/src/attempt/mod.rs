//! One attempt at one backend.
//!
//! ```text
//! New ──▶ AwaitingToken ──▶ Sent ──▶ Answered
//!  ├───────────────────────▲
//!  └──▶ AskedNobody
//! ```
//!
//! All attempts of a request share one set of headers and properties, and may overlap
//! ([`overlap`]). So an attempt knows its backend from its beginning, keeps the request for it, and
//! sets path, host and credentials when it goes on, also after a wait.

mod cache;
mod notes;
mod overlap;
mod redirect;
mod refusal;
mod send;
mod token;

use portolan_core::attempt::{
    self, Answer, Answers, BackendRequest, Credentials, ListFailure, Noted, SentCredentials, Wait,
    goes_on, is_internal, is_judged, is_redirect, may_ask_to_wait, only, select, spared_of,
};
use portolan_core::contract::clusters::{is_cache, is_stale};
use portolan_core::contract::{StateKey, headers};
use portolan_core::record::{Attempted, Tried};
use portolan_core::reply;

use crate::asked::meaning_of;
use crate::callback::Callback;
use crate::effect::{Flow, Side};
use crate::exchange::REQUEST_ID;
use crate::lookups::{Found, Learned};
use crate::redirect::is_further_pass;
use overlap::{Overlap, Turn};
use redirect::Handled;
use token::SentToken;

const RETRY_AFTER: &str = "retry-after";
const SECOND: u64 = 1_000_000_000;
/// What a redirect becomes that leads where the policy does not. Were it left a redirect, the last
/// one of a list would be the client's.
const DENIED_REDIRECT: &[u8] = b"429";

/// An attempt.
pub(crate) struct Attempt {
    phase: Phase,
    /// The keys of the backends of the list; none for a list of one.
    list: Vec<String>,
    /// The backend's name; empty where it is the only one and nothing was prepared for it.
    backend: String,
    /// What the backends of the list are sent, as it was when the attempt began; empty if nothing
    /// was: no mark is waited for.
    prepared: Vec<u8>,
    /// Whether the request was sent on to where a redirect led before.
    is_further_pass: bool,
    /// Whose credentials were sent.
    sent: SentCredentials,
    /// The token that was sent, or that is waited for.
    token: Option<SentToken>,
    /// What its backend has answered in this request before, where it is asked again.
    before: Option<Answer>,
    /// The status of the answer.
    status: Option<u16>,
    /// What it is in a request of which two attempts may be made at a time.
    overlap: Overlap,
}

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The backend is not asked.
    New,
    /// It will be asked when its token is there.
    AwaitingToken,
    /// It is asked, and nothing has come back.
    Sent,
    /// The head of its answer is there.
    Answered,
    /// The backend is asked by another attempt of the request, and not by this one.
    AskedNobody,
}

impl Attempt {
    /// An attempt.
    pub(crate) const fn new() -> Self {
        Self {
            phase: Phase::New,
            list: Vec::new(),
            backend: String::new(),
            prepared: Vec::new(),
            is_further_pass: false,
            // Where clients log in, something is prepared for each of several backends.
            sent: SentCredentials::NothingEver,
            token: None,
            before: None,
            status: None,
            overlap: Overlap::new(),
        }
    }

    /// The attempt begins.
    pub(crate) fn request_headers(&mut self, call: &mut Callback<'_>) -> Flow {
        self.phase = Phase::Sent;
        let prepared = call.state(StateKey::Prepared);
        let mut noted = prepared.as_deref().map(Noted::parse).unwrap_or_default();
        self.list = std::mem::take(&mut noted.list);
        if !self.is_alone() {
            self.backend =
                String::from_utf8(call.exchange.backend().unwrap_or_default()).unwrap_or_default();
            self.before = noted.answers.of(&self.backend);
            let turn = self.overlap.begin(&self.list, (&self.backend, self.before), &noted, call);
            if turn != Turn::Asks {
                return self.ask_nobody(turn, call);
            }
            let late = self.overlap.late(&self.list, &self.backend);
            notes::note_place(&self.list, (&self.backend, late), &noted, call);
            if is_cache(&self.backend) {
                cache::begin(call);
            }
        }
        match prepared {
            Some(prepared) if attempt::is_prepared(&prepared) => self.begin(prepared, call),
            _ => Flow::Continue,
        }
    }

    /// The backend was asked in this request, and nobody is asked twice. The answer in its place is
    /// judged with what the backend has answered, and that nobody has asked the other one.
    fn ask_nobody(&mut self, turn: Turn, call: &mut Callback<'_>) -> Flow {
        self.phase = Phase::AskedNobody;
        if turn == Turn::Ends {
            let id = call.exchange.request_header(REQUEST_ID);
            let failure = ListFailure::Unavailable(Wait::UNKNOWN);
            call.reply_instead(reply::list_failure(failure), id.as_deref());
        }
        Flow::Pause
    }

    /// Goes on at once, or waits for the backend's token.
    fn begin(&mut self, prepared: Vec<u8>, call: &mut Callback<'_>) -> Flow {
        let Some(own) = own(&prepared, &self.backend, self.is_alone()) else {
            call.reply(reply::host_failed());
            return Flow::Pause;
        };
        if self.backend.is_empty() {
            own.backend.clone_into(&mut self.backend);
        }
        self.sent = own.sent_credentials();
        self.is_further_pass = own.redirection.authority().is_some() && is_further_pass(call);
        if let Credentials::Token(source) = &own.credentials {
            // There is nobody left to go on to either where a backend is asked again.
            let is_alone = self.is_alone() || self.before.is_some();
            let sent = token::look_for(&own, source, &prepared, is_alone, call);
            let waits = sent.found.is_none();
            self.token = Some(sent);
            if waits {
                self.phase = Phase::AwaitingToken;
                self.prepared = prepared;
                return Flow::Pause;
            }
        }
        self.send(&own, call);
        self.prepared = prepared;
        Flow::Continue
    }

    /// Goes on with what was waited for. Another attempt may have gone meanwhile, and has left what
    /// its own backend was sent.
    pub(crate) fn resume(&mut self, learned: Learned, call: &mut Callback<'_>) {
        let Learned::Token(found) = learned else { return };
        // The headers may be another attempt's still, whose connection is not there yet.
        if self.phase != Phase::AwaitingToken || self.overlap.was_overtaken(call) {
            return;
        }
        self.phase = Phase::Sent;
        if let Some(token) = &mut self.token {
            token.found = Some(found);
        }
        call.remove_request_header(headers::CREDENTIAL);
        let prepared = std::mem::take(&mut self.prepared);
        if let Some(own) = own(&prepared, &self.backend, self.is_alone()) {
            self.send(&own, call);
        }
        self.prepared = prepared;
        call.resume();
    }

    /// Sets what this backend is sent.
    fn send(&self, own: &BackendRequest<'_>, call: &mut Callback<'_>) {
        send::send(own, self.token.as_ref(), (self.is_further_pass, self.is_alone()), call);
    }

    /// The head of the answer is there.
    pub(crate) fn response_headers(&mut self, call: &mut Callback<'_>) {
        if !self.is_open() {
            return;
        }
        self.phase = Phase::Answered;
        self.overlap.answered(&self.list, &self.backend, call);
        let Some(headers) = call.exchange.response_headers() else { return };
        let mut tells_more = false;
        for (name, _) in headers.iter() {
            if is_internal(name) {
                call.remove_header(Side::Response, name.to_vec());
            }
            tells_more |= matches!(name, b"www-authenticate" | b"proxy-authenticate" | b"link");
        }
        let Some(status) = headers.status() else { return };
        self.status = Some(status);
        let status = meaning_of(status, call);
        let is_clients = if is_cache(&self.backend) || is_stale(&self.backend) {
            let answer = cache::take_in(self.own().as_ref(), status, &headers, call);
            let is_clients = answer.is_none();
            if let Some(answer) = answer {
                self.note(answer, call);
            }
            is_clients
        } else if is_redirect(status) {
            self.take_in_redirect(call);
            true
        } else {
            !self.is_looked_at(status) || self.take_in(status, call)
        };
        if is_clients {
            self.overlap.wins(&self.list, &self.backend, call);
        }
        if !self.prepared.is_empty() && (tells_more || is_judged(self.is_alone(), status)) {
            call.set_response_header(headers::DOUBTFUL, b"1");
        }
    }

    /// The attempt is over. One that was asked and has no answer is noted: another may follow.
    pub(crate) fn close(&mut self, call: &mut Callback<'_>) {
        if self.phase == Phase::AwaitingToken {
            call.memory.lookups.forget(call.stream);
        }
        if self.phase == Phase::Sent {
            self.overlap.unanswered(&self.list, &self.backend, call);
        }
        if self.is_open() && !self.is_alone() && !self.overlap.is_noted(&self.backend, call) {
            self.write_down(Answer::Silent, call);
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.phase, Phase::AwaitingToken | Phase::Sent)
    }

    fn is_alone(&self) -> bool {
        self.list.len() < 2
    }

    /// What this backend is sent, where anything was prepared.
    fn own(&self) -> Option<BackendRequest<'_>> {
        own(&self.prepared, &self.backend, self.is_alone())
    }

    /// Whether a status says something new to anybody. Of an only backend a refusal alone does, as
    /// it may be the proxy that was refused.
    fn is_looked_at(&self, status: u16) -> bool {
        !self.is_alone() || matches!(status, 401 | 403)
    }

    /// What becomes of a redirect. One to where the policy does not lead goes to the next backend.
    fn take_in_redirect(&self, call: &mut Callback<'_>) {
        let Some(own) = self.own() else { return };
        let handled = redirect::handle(&own, self.is_further_pass, call);
        if self.is_alone() {
            return;
        }
        match handled {
            Handled::Passed => {}
            // Comes the request back to this list, it is because it failed there.
            Handled::Followed => {
                self.write_down(Answer::Failed(Wait::UNKNOWN), call);
            }
            Handled::Denied => {
                call.set_response_header(":status", DENIED_REDIRECT);
                call.set_response_header(headers::DOUBTFUL, b"1");
                self.note(Answer::RedirectDenied, call);
            }
        }
    }

    /// What the status of an answer means for the request; whether the answer is the client's.
    fn take_in(&self, status: u16, call: &mut Callback<'_>) -> bool {
        let is_alone = self.is_alone();
        let own = matches!(status, 401 | 403).then(|| self.own()).flatten();
        let refused = own.map(|own| {
            refusal::take_in(&own, self.token.as_ref(), (status, self.sent), is_alone, call)
        });
        let sent = refused.map_or(self.sent, |refused| refused.credentials);
        let wait = match self.token_wait().filter(|_| sent == SentCredentials::Limited) {
            Some(wait) if matches!(status, 401 | 403) => wait,
            _ => wait(status, call),
        };
        let Some(answer) = Answer::of(status, sent, wait) else { return true };
        let is_again = !is_alone && refused.is_some_and(|refused| refused.sends_more);
        let answer = if is_again { self.again(call) } else { answer };
        // A token service that limits spares its registry nothing: other tokens are there.
        if let Answer::Limited(wait) = answer
            && !matches!(sent, SentCredentials::Client | SentCredentials::Limited)
            && !self.backend.is_empty()
        {
            call.look_up(|lookups, now| lookups.note_limit(&self.backend, wait, now));
        }
        self.note(answer, call);
        // The only backend is asked once more, if there is another token for it.
        if is_alone && refused.is_some_and(|refused| refused.sends_more) {
            mark(call);
        }
        false
    }

    /// How long its token service asks to wait, where that limits requests.
    fn token_wait(&self) -> Option<Wait> {
        match self.token.as_ref()?.found {
            Some(Found::Limited(wait)) => Some(wait),
            _ => None,
        }
    }

    /// It refused a token, and would be shown another one.
    fn again(&self, call: &mut Callback<'_>) -> Answer {
        call.look_up(|lookups, now| lookups.note_refused(&self.backend, now));
        Answer::Again.after(self.before)
    }

    /// Notes what the backend answered, and has the request go on if there is anybody to go on to.
    fn note(&self, answer: Answer, call: &mut Callback<'_>) {
        if self.write_down(answer, call) {
            mark(call);
        }
    }

    /// Notes it behind what is there by now: another attempt may have noted something meanwhile.
    /// Whether there is anybody to go on to; the next attempt goes there then.
    fn write_down(&self, answer: Answer, call: &mut Callback<'_>) -> bool {
        if self.backend.is_empty() {
            return false;
        }
        let mut property = call.state(StateKey::Prepared).unwrap_or_default();
        let before = Answers::parse(&property);
        let spared = spared_of(&property);
        let next = goes_on(self.place(&spared), answer, &before);
        attempt::note(&mut property, &self.backend, answer);
        call.set_state(StateKey::Prepared, property);
        let result = Tried::of(self.status, answer);
        notes::note(Attempted { backend: &self.backend, result }, call);
        let waits = self.overlap.waits_for_the_other(&self.list, &self.backend, &before, call);
        if let Some(waits) = waits {
            return waits;
        }
        let goes_on = next.is_some();
        if let Some(cluster) = next {
            call.set_state(StateKey::NextCluster, cluster.into_bytes());
        }
        goes_on
    }

    fn place<'a>(&'a self, spared: &'a [String]) -> attempt::Attempt<'a> {
        let is_authority = self.own().is_some_and(|own| own.is_authority);
        attempt::Attempt { list: &self.list, spared, backend: &self.backend, is_authority }
    }
}

/// What a backend is sent.
fn own<'p>(prepared: &'p [u8], backend: &str, is_alone: bool) -> Option<BackendRequest<'p>> {
    if is_alone { only(prepared) } else { select(prepared, backend.as_bytes()) }
}

/// How long a backend asks to wait, where its status may say so.
fn wait(status: u16, call: &Callback<'_>) -> Wait {
    let asks = may_ask_to_wait(status).then(|| call.exchange.response_header(RETRY_AFTER));
    let wait = asks.flatten().map(|value| Wait::read(&value, call.exchange.now() / SECOND));
    wait.unwrap_or_default()
}

/// Has the request go on to the next backend.
fn mark(call: &mut Callback<'_>) {
    call.set_response_header(headers::GO_ON, b"1");
}
