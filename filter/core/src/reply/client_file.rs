//! The answer with a client's configuration file.

use super::parts::{NO_STORE, Reply};
use crate::client_files::{ClientFile, ClientKind};

/// A file of a client's configuration. It must be what the policy says now, whatever is between.
#[must_use]
pub fn client_file(kind: ClientKind, file: ClientFile) -> Reply {
    let headers = [("content-type", kind.media_type()), NO_STORE];
    Reply {
        status: 200,
        code: "client configuration",
        headers: headers.map(|(name, value)| (name, value.to_owned())).to_vec(),
        body: file.text.into(),
    }
}
