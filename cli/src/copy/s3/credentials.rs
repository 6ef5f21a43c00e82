//! Credentials and the region, from where S3's own tools have them: the environment and the shared
//! files ("Configuration and credential file settings", AWS CLI user guide).

use std::fs;
use std::path::{Path, PathBuf};

use portolan_core::token::Secret;

/// A pair of keys, with the token of a session if they are of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::copy) struct Keys {
    /// The public half.
    pub(in crate::copy) access_key: String,
    /// The half that signs.
    pub(in crate::copy) secret_key: Secret,
    /// What temporary keys come with.
    pub(in crate::copy) session_token: Option<Secret>,
}

/// Where settings come from.
pub(in crate::copy) struct Sources<'a> {
    /// The environment.
    pub(in crate::copy) variable: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file; `None` if it is not there.
    pub(in crate::copy) file: &'a dyn Fn(&Path) -> Option<String>,
}

const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

/// The region of stores that do not care which one a request names.
const DEFAULT_REGION: &str = "us-east-1";

/// A file's text, if it can be read.
pub(in crate::copy) fn text_of(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

impl Sources<'_> {
    /// The keys: of the environment, else of the profile in the shared credentials file.
    ///
    /// # Errors
    ///
    /// There are none; what to set.
    pub(in crate::copy) fn keys(&self) -> Result<Keys, String> {
        let variable = |name| (self.variable)(name).filter(|text| !text.is_empty());
        if let (Some(access_key), Some(secret_key)) = (variable(ACCESS_KEY), variable(SECRET_KEY)) {
            let session_token = variable(SESSION_TOKEN).map(Secret::new);
            return Ok(Keys { access_key, secret_key: Secret::new(secret_key), session_token });
        }
        let path = self.path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
        let text = path.as_deref().and_then(|path| (self.file)(path)).unwrap_or_default();
        let profile = self.profile();
        let setting = |name| setting(&text, &profile, name);
        match (setting("aws_access_key_id"), setting("aws_secret_access_key")) {
            (Some(access_key), Some(secret_key)) => Ok(Keys {
                access_key,
                secret_key: Secret::new(secret_key),
                session_token: setting("aws_session_token").map(Secret::new),
            }),
            _ => Err(format!(
                "there are no credentials for the store: set {ACCESS_KEY} and {SECRET_KEY}, or \
                 write them under [{profile}] in {}",
                path.map_or_else(
                    || "~/.aws/credentials".to_owned(),
                    |path| path.display().to_string()
                )
            )),
        }
    }

    /// The region: what is given, else of the environment, of the shared configuration, or of the
    /// store's host.
    pub(in crate::copy) fn region(&self, given: Option<&str>, host: &str) -> String {
        let variable = |name| (self.variable)(name).filter(|text| !text.is_empty());
        let of_file = || {
            let text = (self.file)(&self.path("AWS_CONFIG_FILE", ".aws/config")?)?;
            let profile = self.profile();
            setting(&text, &format!("profile {profile}"), "region")
                .or_else(|| setting(&text, &profile, "region"))
        };
        given
            .map(str::to_owned)
            .or_else(|| region_of(host))
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(of_file)
            .unwrap_or_else(|| DEFAULT_REGION.to_owned())
    }

    fn profile(&self) -> String {
        (self.variable)("AWS_PROFILE")
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "default".to_owned())
    }

    fn path(&self, name: &str, below_home: &str) -> Option<PathBuf> {
        let named = (self.variable)(name).filter(|text| !text.is_empty()).map(PathBuf::from);
        named.or_else(|| Some(Path::new(&(self.variable)("HOME")?).join(below_home)))
    }
}

/// The region in a host of Amazon's: `s3.REGION.amazonaws.com`, with or without a bucket before.
fn region_of(host: &str) -> Option<String> {
    let name = host.split(':').next()?;
    let name = name.strip_suffix(".amazonaws.com").or(name.strip_suffix(".amazonaws.com.cn"))?;
    let (before, region) = name.rsplit_once('.')?;
    let service = before.rsplit('.').next()?;
    matches!(service, "s3" | "dualstack").then(|| region.to_owned())
}

/// A setting in a section of an INI file.
fn setting(text: &str, section: &str, name: &str) -> Option<String> {
    let mut is_in = false;
    for line in text.lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_in = heading.trim() == section;
        } else if is_in
            && !line.starts_with(['#', ';'])
            && let Some((found, value)) = line.split_once('=')
            && found.trim() == name
        {
            return Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# keys
[default]
aws_access_key_id = one
aws_secret_access_key=two

[other]
aws_access_key_id = three
; aws_secret_access_key = no
aws_secret_access_key = fo=ur
aws_session_token = five
[half]
aws_access_key_id = six
aws_secret_access_key =
";

    /// Variables of the environment.
    type Variables<'a> = &'a [(&'a str, &'a str)];

    fn keys(variables: &[(&str, &str)]) -> Result<String, String> {
        let variable = |name: &str| {
            let mut all = variables.iter();
            all.find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let file = |path: &Path| {
            let is_there = path.ends_with("home/.aws/credentials") || path.ends_with("elsewhere");
            is_there.then(|| FILE.to_owned())
        };
        let keys = Sources { variable: &variable, file: &file }.keys()?;
        let token = keys.session_token.map_or_else(String::new, |token| token.expose().to_owned());
        Ok(format!("{} {} {token}", keys.access_key, keys.secret_key.expose()).trim().to_owned())
    }

    #[test]
    fn where_keys_come_from() {
        let home = ("HOME", "/home");
        let both = [(ACCESS_KEY, "a"), (SECRET_KEY, "b")];
        #[rustfmt::skip]
        let rows: [(Variables<'_>, Result<&str, &str>, &str); 8] = [
            (&both, Ok("a b"), "the environment"),
            (&[both[0], both[1], (SESSION_TOKEN, "c"), home], Ok("a b c"), "the environment first"),
            (&[both[0], home], Ok("one two"), "half a pair is none"),
            (&[home], Ok("one two"), "the file in its usual place"),
            (&[("AWS_SHARED_CREDENTIALS_FILE", "/elsewhere")], Ok("one two"), "another file"),
            (&[home, ("AWS_PROFILE", "other")], Ok("three fo=ur five"), "another profile"),
            (&[home, ("AWS_PROFILE", "half")], Err("under [half]"), "a profile with half a pair"),
            (&[], Err("set AWS_ACCESS_KEY_ID"), "nothing at all"),
        ];
        for (variables, expected, reason) in rows {
            match (keys(variables), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{reason}"),
                (Err(found), Err(expected)) => {
                    assert!(found.contains(expected), "{reason}: {found}");
                }
                (found, _) => panic!("{reason}: {found:?}"),
            }
        }
    }

    #[test]
    fn regions() {
        const CONFIG: &str = "[default]\nregion = from-default\n[profile p]\nregion=from-p\n";
        #[rustfmt::skip]
        let rows: [(Option<&str>, &str, Variables<'_>, &str); 9] = [
            (Some("given"), "b.s3.eu-west-1.amazonaws.com", &[("AWS_REGION", "x")], "given"),
            (None, "b.s3.eu-west-1.amazonaws.com", &[("AWS_REGION", "x")], "eu-west-1"),
            (None, "s3.cn-north-1.amazonaws.com.cn", &[], "cn-north-1"),
            (None, "b.s3.dualstack.eu-west-1.amazonaws.com", &[], "eu-west-1"),
            (None, "b.s3.amazonaws.com", &[], "us-east-1"),
            (None, "minio.example:9000", &[("AWS_REGION", "x")], "x"),
            (None, "minio.example:9000", &[("AWS_DEFAULT_REGION", "y")], "y"),
            (None, "minio.example", &[("HOME", "/h"), ("AWS_PROFILE", "p")], "from-p"),
            (None, "minio.example", &[("HOME", "/h")], "from-default"),
        ];
        for (given, host, variables, expected) in rows {
            let variable = |name: &str| {
                let mut all = variables.iter();
                all.find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            let file = |path: &Path| path.ends_with("h/.aws/config").then(|| CONFIG.to_owned());
            let sources = Sources { variable: &variable, file: &file };
            assert_eq!(sources.region(given, host), expected, "{host}");
        }
    }
}
