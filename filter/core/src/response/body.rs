//! Names in bodies: a list of tags, the catalogue and errors have the backend's, and clients know their own.
//!
//! Content is never looked at: a manifest or a blob is its bytes.

use std::borrow::Cow;

use super::Receipt;
use super::json::{self, Edit, Place};
use crate::config::ids::BackendId;
use crate::config::{Backend, Config, Rule};
use crate::policy::naming;
use crate::registry::Class;

/// The longest body that is looked at, in bytes; a longer one stays as it is. A page of 10,000 tags has
/// about half of it.
pub const LONGEST_BODY: usize = 1024 * 1024;

/// Headers that are about the bytes of a body, and not true of one whose names are changed.
pub const HEADERS_OF_BYTES: [&str; 5] =
    ["content-length", "content-md5", "digest", "content-digest", "repr-digest"];

/// Headers of a request for a list that would have it come in a form in which no names can be read.
pub const HEADERS_OF_FORM: [&str; 2] = ["accept-encoding", "range"];

/// A body with names in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBody {
    /// A list of tags (OCI distribution spec, "Listing Tags").
    Tags,
    /// The list of repositories.
    Catalog,
    /// An error (OCI distribution spec, "Error codes").
    Error,
}

impl Receipt {
    /// Whether the answer is a list with names of repositories in it that are not the client's.
    #[must_use]
    pub const fn lists_other_names(&self) -> bool {
        self.names_differ && matches!(self.class, Class::Tags | Class::Catalog)
    }

    /// What has names that are not the client's in an answer with this status. To ask
    /// [`Receipt::names_differ`] first spares reading it.
    #[must_use]
    pub const fn named_body(&self, status: u16) -> Option<NamedBody> {
        match (self.class, status) {
            _ if !self.names_differ => None,
            (Class::Tags, 200) => Some(NamedBody::Tags),
            (Class::Catalog, 200) => Some(NamedBody::Catalog),
            (_, 400..=599) => Some(NamedBody::Error),
            _ => None,
        }
    }
}

/// An `ETag` for the body with other names: it means the same, and is not the same bytes (RFC 9110 section
/// 8.8.1).
#[must_use]
pub fn weak_etag(value: &[u8]) -> Cow<'_, [u8]> {
    if value.starts_with(b"W/") { value.into() } else { [b"W/", value].concat().into() }
}

/// The body with the client's names; `None` if it stays as it is. What is no JSON of the kind that is
/// expected does.
#[must_use]
pub fn rename(
    config: &Config,
    receipt: &Receipt,
    answered: Option<&[u8]>,
    kind: NamedBody,
    body: &[u8],
) -> Option<Vec<u8>> {
    let (id, _) = receipt.answered_by(config, answered)?;
    let backend = config.backend(id)?;
    match kind {
        NamedBody::Catalog => json::edit(body, |place, name| {
            if !(place.in_list && place.depth == 2 && place.key == b"repositories") {
                return Edit::Keep;
            }
            listed(config, receipt, (id, backend), name).map_or(Edit::Drop, Edit::Replace)
        }),
        NamedBody::Tags => json::edit(body, |place, name| {
            let is_it = !place.in_list && place.depth == 1 && place.key == b"name";
            let renamed = is_it.then(|| known(receipt, backend, name)).flatten();
            renamed.map_or(Edit::Keep, Edit::Replace)
        }),
        NamedBody::Error => {
            let own = own_name(receipt, backend)?;
            json::edit(body, |place, text| in_error(place, text, &own, &receipt.client_name))
        }
    }
}

/// The backend's name of the repository that was asked.
fn own_name(receipt: &Receipt, backend: &Backend) -> Option<String> {
    let name = receipt.naming.to_policy(&receipt.client_name)?;
    let own = backend.names().to_backend(&name);
    (!own.is_empty() && own != receipt.client_name).then_some(own)
}

fn known(receipt: &Receipt, backend: &Backend, name: &str) -> Option<String> {
    (own_name(receipt, backend)? == name).then(|| receipt.client_name.clone())
}

/// A backend's name of a repository as clients of the front find it there; `None` if they do not.
fn listed(
    config: &Config,
    receipt: &Receipt,
    (id, backend): (BackendId, &Backend),
    name: &str,
) -> Option<String> {
    let policys = naming::of_backend(backend.names(), name)?;
    let rule = config.rules().find(receipt.front, &policys)?;
    config.rules().get(rule).filter(|rule| is_of(config, rule, id))?;
    receipt.naming.to_client_in_list(&policys).map(Cow::into_owned)
}

/// Whether repositories of a rule are served by a backend, in any region.
fn is_of(config: &Config, rule: &Rule, id: BackendId) -> bool {
    let is_owner = rule.owner().is_some_and(|owner| owner.backend == id);
    is_owner
        || rule
            .lists()
            .any(|list| config.list(list).is_some_and(|list| list.backends().contains(&id)))
}

/// The name of the repository in an error, where it is all of a text or one word of it. What has one component
/// may be any word, so it has to be all; and nothing is ever a code.
fn in_error(place: &Place<'_>, text: &str, own: &str, client: &str) -> Edit {
    if place.key == b"code" {
        return Edit::Keep;
    }
    if text == own && place.key != b"message" {
        return Edit::Replace(client.to_owned());
    }
    if !own.contains('/') || !text.contains(own) {
        return Edit::Keep;
    }
    Edit::Replace(with_word(text, own, client))
}

/// A text with another word wherever one stands alone.
fn with_word(text: &str, word: &str, other: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        written.push_str(before);
        let ends = !after.starts_with(|next: char| is_of_a_name(next))
            && !after.strip_prefix('.').is_some_and(|after| after.starts_with(is_of_a_name));
        let starts = !written.ends_with(|last: char| is_of_a_name(last) || last == '.');
        written.push_str(if starts && ends { other } else { word });
        rest = after;
    }
    written.push_str(rest);
    written
}

fn is_of_a_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '/' | '_' | '-')
}
