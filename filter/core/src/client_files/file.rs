//! Configuration files of clients, and the code that their formats share.

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFile {
    /// Its path below the client's directory: a name, or `REGISTRY/hosts.toml`.
    pub path: String,
    /// Its content, which ends with a newline.
    pub text: String,
}

/// All files of one client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// The files; none if the front has nothing for this client.
    pub files: Vec<ClientFile>,
    /// What is not in them, and why: a sentence each.
    pub left_out: Vec<String>,
}

/// A file of one, or none if nothing would be in it.
pub(super) fn single(path: &str, text: Option<String>, left_out: Vec<String>) -> ClientFiles {
    let file = text.map(|text| ClientFile { path: path.to_owned(), text });
    ClientFiles { files: file.into_iter().collect(), left_out }
}

/// The first line of a file whose format has comments.
pub(super) const COMMENT: &str =
    "# Made of the policy of a Portolan front. Change the policy, and make it again.\n";

/// A string of TOML or YAML. Both read JSON's: TOML 1.0 "String", YAML 1.2 section 7.3.1.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
