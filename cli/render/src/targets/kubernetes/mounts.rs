//! The volumes that a policy needs: a Secret for each directory of files that it names, a claim for
//! the database.
//!
//! A Secret is mounted as a directory, which the kubelet replaces when the Secret changes; mounted
//! as single files (`subPath`) it would never change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use portolan_core::config::Geo;
use serde_json::{Value, json};

use super::super::super::error::RenderError;

/// Where the image or the pod has something already: no volume can be at or above it, nor inside of
/// it.
const TAKEN: [&str; 7] =
    ["/etc/portolan/policy", "/etc/ssl/certs", "/run/portolan", "/tmp", "/usr", "/lib", "/lib64"];

/// Where the field is that names the database.
const DATABASE: &str = "clients.geo.database";

/// A directory of the pods.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    directory: String,
    /// The first field that names a file in it.
    field: String,
    /// What the volume and the object are called, with `files-` and `portolan-` before it.
    name: String,
    /// The files in it that the policy names, in the order of their names.
    files: Vec<String>,
    is_database: bool,
}

/// The volumes for files (each with the path of the field that names it) and for the database.
///
/// # Errors
///
/// A file in a directory that cannot be a volume.
pub(super) fn of(files: &[(String, String)], geo: &Geo) -> Result<Vec<Mount>, RenderError> {
    let mut mounts: BTreeMap<String, Mount> = BTreeMap::new();
    let database = match geo {
        Geo::Database(path) => Some((DATABASE.to_owned(), path.clone())),
        _ => None,
    };
    let secrets = files.iter().map(|file| (file, false));
    for ((field, file), is_database) in secrets.chain(database.iter().map(|file| (file, true))) {
        let (directory, base) = place(field, file)?;
        let mount = mounts.entry(directory.clone()).or_insert_with(|| Mount {
            name: name(&directory),
            field: field.clone(),
            directory,
            files: Vec::new(),
            is_database,
        });
        if mount.is_database != is_database {
            return Err(RenderError::NoVolume {
                field: field.clone(),
                file: file.clone(),
                why: "no Secret is large enough for a database, and these are in one directory",
            });
        }
        if !mount.files.contains(&base) {
            mount.files.push(base);
            mount.files.sort();
        }
    }
    let mut names = BTreeSet::new();
    if let Some(second) = mounts.values().find(|mount| !names.insert(mount.name.as_str())) {
        return Err(RenderError::NoVolume {
            field: second.field.clone(),
            file: second.directory.clone(),
            why: "the volume of another directory has the same name",
        });
    }
    Ok(mounts.into_values().collect())
}

/// The directory of a file, and its name there.
fn place(field: &str, file: &str) -> Result<(String, String), RenderError> {
    let refused =
        |why| Err(RenderError::NoVolume { field: field.to_owned(), file: file.to_owned(), why });
    let path = Path::new(file);
    let (Some(directory), Some(base)) = (path.parent(), path.file_name()) else {
        return refused("it names no file");
    };
    if !path.is_absolute() {
        return refused("it is no whole path");
    }
    let taken =
        |place: &&str| directory.starts_with(place) || Path::new(place).starts_with(directory);
    if TAKEN.iter().any(taken) {
        return refused("a volume there would hide what the pod has in that place");
    }
    Ok((directory.to_string_lossy().into_owned(), base.to_string_lossy().into_owned()))
}

/// `credentials` of `/etc/portolan/credentials`, `srv-tls` of `/srv/tls`: a label of DNS (RFC
/// 1123), as Kubernetes has its names.
fn name(directory: &str) -> String {
    let short = directory.strip_prefix("/etc/portolan/").unwrap_or(directory);
    let letters = short.chars().map(|letter| match letter.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9') => letter,
        _ => '-',
    });
    letters.collect::<String>().trim_matches('-').chars().take(50).collect()
}

impl Mount {
    /// The name of the volume, which is none of the chart's own.
    fn volume_name(&self) -> String {
        format!("files-{}", self.name)
    }

    fn object(&self) -> String {
        format!("portolan-{}", self.name)
    }

    /// The volume of the pod. Its files are for the user of the image alone, by the pod's
    /// `fsGroup`.
    pub(super) fn volume(&self) -> Value {
        const OWNER_AND_GROUP: u32 = 0o440;
        let object = self.object();
        if self.is_database {
            let claim = json!({"claimName": object, "readOnly": true});
            return json!({"name": self.volume_name(), "persistentVolumeClaim": claim});
        }
        let secret = json!({"secretName": object, "defaultMode": OWNER_AND_GROUP});
        json!({"name": self.volume_name(), "secret": secret})
    }

    /// How a container has it.
    pub(super) fn in_container(&self) -> Value {
        json!({"name": self.volume_name(), "mountPath": self.directory, "readOnly": true})
    }

    /// Whether one of its files is one that `read` knows.
    pub(super) fn has_any(&self, read: impl Fn(&str) -> bool) -> bool {
        self.files.iter().any(|file| read(&format!("{}/{file}", self.directory)))
    }

    /// What the operator has to make.
    pub(super) fn note(&self) -> String {
        let (object, files) = (self.object(), self.files.join("`, `"));
        let keys = if self.files.len() > 1 { "keys" } else { "key" };
        if self.is_database {
            return format!(
                "note: the cluster needs a PersistentVolumeClaim `{object}` with the database `{files}` in it"
            );
        }
        format!("note: the cluster needs a Secret `{object}` with the {keys} `{files}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts(files: &[(&str, &str)], geo: &Geo) -> Result<Vec<(String, String, usize)>, String> {
        let files: Vec<_> =
            files.iter().map(|(field, file)| ((*field).to_owned(), (*file).to_owned())).collect();
        let found = of(&files, geo).map_err(|error| error.to_string())?;
        Ok(found
            .into_iter()
            .map(|mount| (mount.name, mount.directory, mount.files.len()))
            .collect())
    }

    #[test]
    fn files_of_one_directory_are_one_secret() {
        let files = [
            ("a", "/etc/portolan/tls/tls.key"),
            ("b", "/etc/portolan/tls/tls.crt"),
            ("c", "/etc/portolan/tls/tls.crt"),
            ("d", "/srv/CA's/root.pem"),
        ];
        let found = mounts(&files, &Geo::Database("/geo/x.mmdb".to_owned())).unwrap();
        let row =
            |name: &str, directory: &str, files| (name.to_owned(), directory.to_owned(), files);
        let expected = [
            row("tls", "/etc/portolan/tls", 2),
            row("geo", "/geo", 1),
            row("srv-ca-s", "/srv/CA's", 1),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_database_is_in_a_directory_of_its_own() {
        let geo = Geo::Database("/data/x.mmdb".to_owned());
        let said = mounts(&[("credentials.a.file", "/data/a")], &geo).unwrap_err();
        assert!(said.starts_with("clients.geo.database: "), "{said}");
        assert!(mounts(&[], &geo).is_ok());
    }

    #[test]
    fn two_directories_of_one_name_are_refused() {
        let files = [("a.file", "/srv/a-b/x"), ("b.file", "/srv/a/b/x")];
        let said = mounts(&files, &Geo::None).unwrap_err();
        assert!(said.starts_with("b.file: "), "{said}");
    }
}
