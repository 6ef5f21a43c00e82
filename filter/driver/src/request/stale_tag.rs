//! What tags stand for, for the time when nobody can be asked (`stale_tags`): it is looked up
//! before a read, and noted or forgotten by its answer.

use portolan_core::Forwarding;
use portolan_core::contract::StateKey;
use portolan_core::grammar::Digest;
use portolan_core::policy::{Accepts, StaleTag, TagAnswer, TagQuestion, recollect};
use portolan_core::record::CacheResult;

use crate::callback::Callback;
use crate::effect::Effect;
use crate::exchange::CONTENT_DIGEST;
use crate::header_map::HeaderMap;

const ACCEPT: &str = "accept";
const CONTENT_TYPE: &str = "content-type";

/// The tag of a request, for its answer.
#[derive(Debug)]
pub(super) enum Tag {
    /// It is read. Whether an answer is what it stands for depends on what the client accepts.
    Read {
        /// How it is noted, and what is known of it.
        tag: StaleTag,
        /// Whether an answer may be noted.
        counts: bool,
    },
    /// It is written or deleted.
    Written(u32),
}

/// What a tag stood for, if that is known and the client would accept it.
pub(super) fn recall(
    question: &TagQuestion,
    headers: &HeaderMap,
    call: &Callback<'_>,
) -> Option<Digest<'static>> {
    let kept = call.exchange.remembered_tag(question.slot)?;
    let accepts = Accepts::of(&headers.values(ACCEPT));
    recollect(&kept, question, &accepts, call.exchange.now())
}

/// The tag whose answer is looked at; `None` for nearly every request.
pub(super) fn of(forwarding: &mut Forwarding<'_>, headers: &HeaderMap) -> Option<Tag> {
    if let Some(slot) = forwarding.written_tag {
        return Some(Tag::Written(slot));
    }
    let tag = forwarding.forward.stale_tag.take()?;
    let counts = Accepts::of(&headers.values(ACCEPT)).names_indexes();
    Some(Tag::Read { tag, counts })
}

/// Takes in the answer; `status` is what the client gets, `is_ours` says that the proxy answers.
pub(super) fn take_in(tag: &Tag, (status, is_ours): (Option<u16>, bool), call: &mut Callback<'_>) {
    match (tag, status) {
        (Tag::Written(slot), Some(200..=299)) => remember(*slot, Vec::new(), call),
        (Tag::Read { tag, .. }, Some(404)) if tag.digest.is_some() => {
            remember(tag.question.slot, Vec::new(), call);
        }
        (Tag::Read { tag, counts: true }, Some(200)) if !is_ours && !is_stale(call) => {
            note(tag, call);
        }
        _ => {}
    }
}

/// Notes what a registry has said, and has the manifest fetched into the cache if that is news: a
/// client that asks for the tag alone leaves none there.
fn note(tag: &StaleTag, call: &mut Callback<'_>) {
    let header = |name| call.exchange.response_header(name).unwrap_or_default();
    let (digest, media_type) = (header(CONTENT_DIGEST), header(CONTENT_TYPE));
    let Some(answer) = TagAnswer::read(&digest, &media_type) else { return };
    remember(tag.question.slot, answer.print(&tag.question, call.exchange.now()), call);
    if tag.digest.as_ref() != Some(&answer.digest) {
        let target = tag.place.target(&answer.digest);
        call.look_up(|lookups, now| lookups.fill(target, now));
    }
}

fn remember(slot: u32, value: Vec<u8>, call: &mut Callback<'_>) {
    call.effects.push(Effect::RememberTag { slot, value });
}

/// Whether the answer is what the tag was, by the attempt phase.
fn is_stale(call: &Callback<'_>) -> bool {
    let said = call.state(StateKey::CacheUse);
    said.is_some_and(|said| said == CacheResult::Stale.as_str().as_bytes())
}
