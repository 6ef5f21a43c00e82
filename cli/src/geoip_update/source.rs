//! The file that says where a database comes from.

use std::path::{Path, PathBuf};

use portolan_command::policy_file::{read_document, view};
use portolan_core::config::Document;
use portolan_geography::geoip::error::GeoipError;

/// A source of databases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UpdateSource {
    /// Where it is; `{year}` and `{month}` stand for this month, and for the one before if there is
    /// none yet.
    pub(super) url: String,
    /// How it is proven that what came is what was to come.
    pub(super) proof: Proof,
    /// The name of the database in an archive; the only `.mmdb` or `.csv` in it if left out.
    pub(super) member: Option<String>,
    /// A file with `NAME:PASSWORD` for the server, as it is written in `Authorization: Basic`.
    pub(super) authorization_file: Option<PathBuf>,
    /// Whose data it is, for the database's description.
    pub(super) source: Option<String>,
    /// Its licence.
    pub(super) licence: Option<String>,
    /// Tables that mend it, the most authoritative last.
    pub(super) mend: Vec<PathBuf>,
}

/// How what came is proven. Without any proof a broken download, or somebody else's, could take
/// over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It has this SHA-256, in hexadecimal.
    Sha256(String),
    /// It has the SHA-256 that stands at this URL. That proves that it came whole, and no more than
    /// the URL's server does.
    Sha256At(String),
    /// The Ed25519 signature at this URL was made with the key in this file.
    Signature {
        /// The signature: 64 bytes, or the same in base64.
        url: String,
        /// A PEM file of a public key, as `openssl pkey -pubout` writes it.
        key: PathBuf,
    },
}

impl Default for Proof {
    fn default() -> Self {
        Self::Sha256(String::new())
    }
}

const FIELDS: [&str; 9] = [
    "url",
    "sha256",
    "sha256_url",
    "signature_url",
    "public_key_file",
    "member",
    "authorization_file",
    "source",
    "licence",
];
const MEND: &str = "mend";

impl UpdateSource {
    /// Reads the file. Paths in it start from its directory.
    ///
    /// # Errors
    ///
    /// [`GeoipError::Policy`] for what is no YAML, else what is missing or unknown.
    pub(super) fn read(path: &Path) -> Result<Self, GeoipError> {
        let document = read_document(path).map_err(GeoipError::Policy)?;
        let directory = path.parent().unwrap_or(Path::new("."));
        Self::of(&document, directory)
            .map_err(|reason| GeoipError::Unusable { path: path.to_owned(), reason })
    }

    fn of(document: &Document, directory: &Path) -> Result<Self, String> {
        for (key, value) in view::mapping(Some(document)) {
            let is_text = FIELDS.contains(&key.as_str()) && view::text(value).is_some();
            let is_list = key == MEND
                && view::list(Some(value)).iter().all(|item| view::text(item).is_some());
            if !(is_text || is_list) {
                return Err(format!(
                    "`{key}` is no field with a text; the fields are `{}`, and `{MEND}` with a list of files",
                    FIELDS.join("`, `")
                ));
            }
        }
        let text = |name| view::field(document, name).and_then(view::text).map(str::to_owned);
        let file = |name| text(name).map(|file| directory.join(file));
        let url = text("url").ok_or("`url` is missing; write where the database is")?;
        let mend = view::texts(view::field(document, MEND));
        let proof = match (
            text("sha256"),
            text("sha256_url"),
            text("signature_url"),
            file("public_key_file"),
        ) {
            (Some(sha256), None, None, None) => Proof::Sha256(digest(&sha256)?),
            (None, Some(url), None, None) => Proof::Sha256At(url),
            (None, None, Some(url), Some(key)) => Proof::Signature { url, key },
            _ => {
                return Err("write one proof of what comes: `sha256`, `sha256_url`, or `signature_url` with \
                    `public_key_file`"
                    .to_owned());
            }
        };
        Ok(Self {
            url,
            proof,
            member: text("member"),
            authorization_file: file("authorization_file"),
            source: text("source"),
            licence: text("licence"),
            mend: mend.map(|file| directory.join(file)).collect(),
        })
    }
}

/// A SHA-256 in hexadecimal.
pub(super) fn digest(text: &str) -> Result<String, String> {
    let is_one = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_one {
        Ok(text.to_ascii_lowercase())
    } else {
        let shown: String = text.chars().take(70).flat_map(char::escape_debug).collect();
        Err(format!("`{shown}` is no SHA-256; write its 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "5340f28d08f4e666473e0c5dc1c40d9db457ad00603d1f725fb4d8621c624239";

    fn read(text: &str) -> Result<UpdateSource, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("source.yaml");
        std::fs::write(&path, text).unwrap();
        let place = directory.path().display().to_string();
        UpdateSource::read(&path)
            .map_err(|error| error.to_string().replace(&format!("{place}/"), ""))
            .map(|mut source| {
                source.mend = source
                    .mend
                    .iter()
                    .filter_map(|file| file.file_name())
                    .map(PathBuf::from)
                    .collect();
                source
            })
    }

    #[test]
    fn a_source_as_it_is_written() {
        let found = read(&format!(
            "url: https://db.example/{{year}}-{{month}}.tgz\nsha256: {SHA}\nmember: package/x.mmdb\nmend: [office.csv]\n\
             source: them\nlicence: CC-BY-4.0\n"
        ))
        .unwrap();
        let expected = UpdateSource {
            url: "https://db.example/{year}-{month}.tgz".into(),
            proof: Proof::Sha256(SHA.into()),
            member: Some("package/x.mmdb".into()),
            authorization_file: None,
            source: Some("them".into()),
            licence: Some("CC-BY-4.0".into()),
            mend: vec!["office.csv".into()],
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn missing_and_unknown_arguments() {
        #[rustfmt::skip] // one row a case
        let rows = [
            ("url: https://a.example\n".to_owned(), "source.yaml: write one proof of what comes"),
            (format!("sha256: {SHA}\n"), "source.yaml: `url` is missing"),
            (format!("url: x\nsha256: {SHA}\nsha256_url: y\n"), "source.yaml: write one proof"),
            ("url: x\nsignature_url: y\n".to_owned(), "source.yaml: write one proof"),
            ("url: x\nsha256: abc\n".to_owned(), "source.yaml: `abc` is no SHA-256"),
            (format!("url: x\nsha256: {SHA}\nuser: me\n"), "source.yaml: `user` is no field"),
            (format!("url: [x]\nsha256: {SHA}\n"), "source.yaml: `url` is no field with a text"),
            (format!("url: x\nsha256: {SHA}\nmend: [1]\n"), "source.yaml: `mend` is no field"),
            ("a: [".to_owned(), "source.yaml:"),
        ];
        for (text, expected) in rows {
            let found = read(&text).unwrap_err();
            assert!(found.starts_with(expected), "{text}: {found}");
        }
    }
}
