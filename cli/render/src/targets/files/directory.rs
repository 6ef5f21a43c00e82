//! The files of the target, where they are, and how they are replaced.
//!
//! ```text
//! envoy.yaml        the bootstrap: `envoy -c DIRECTORY/envoy.yaml`
//! clusters.json     what Envoy reads again; so are listeners.json, routes.json, scrapes.json
//! filters/NAME.json the same, of the filters
//! sds/NAME.yaml     where each secret is
//! portolan.json     how it was rendered, which policy is in force, which were before
//! versions/ID.json  all files of a policy that was in force: what `portolan rollback` goes back to
//! ```

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use portolan_command::moment::Moment;
use portolan_command::replace::replace;
use portolan_core::config::Fingerprint;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::directory_error::DirectoryError;
use super::file_names::{BOOTSTRAP, LOCK, SECRETS, STATE, VERSIONS};
use super::file_set::FileSet;
use super::resources::{Kind, Resources};
use crate::arguments::SiteArgs;

/// How many policies there are to go back to.
const KEPT: usize = 10;

/// A directory of `--target files`.
pub struct Directory(PathBuf);

/// What the directory remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// How it was rendered.
    pub site: SiteArgs,
    /// The policies that were in force, the last one being so now.
    pub versions: Vec<Version>,
}

/// A policy that is or was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Which files: fingerprints of the policy and of all files.
    pub id: String,
    /// The fingerprint of the policy, as the filter has it.
    pub policy: String,
    /// Since when.
    pub since: Moment,
}

/// Nobody else changes the directory while this is there.
pub struct Lock {
    _file: File,
}

impl Directory {
    /// The directory at a path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of the bootstrap.
    pub(crate) fn bootstrap(&self) -> PathBuf {
        self.0.join(BOOTSTRAP)
    }

    /// Writes all files of a policy for an Envoy that does not run yet; the bootstrap comes last.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn start(&self, set: &FileSet, site: &SiteArgs) -> Result<(), DirectoryError> {
        let versions = self.state().map(|state| state.versions).unwrap_or_default();
        self.put_secrets(set)?;
        set.resources().iter().try_for_each(|resources| self.put(resources))?;
        self.put_bootstrap(set)?;
        let state = State { site: site.clone(), versions };
        self.note(state, set)
    }

    /// What the directory remembers.
    ///
    /// # Errors
    ///
    /// There is nothing, or it cannot be read.
    pub fn state(&self) -> Result<State, DirectoryError> {
        let path = self.0.join(STATE);
        match fs::read(&path) {
            Ok(json) => parsed(&path, &json),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(DirectoryError::NotRendered(self.0.clone()))
            }
            Err(source) => Err(DirectoryError::Unreadable { path, source }),
        }
    }

    /// Remembers that this policy is in force, and its files to go back to.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn note(&self, mut state: State, set: &FileSet) -> Result<(), DirectoryError> {
        let id = set.id();
        if state.versions.last().is_none_or(|last| last.id != id) {
            self.write(&version_file(&id), &json(set))?;
            state.versions.retain(|version| version.id != id);
            state.versions.push(Version { id, policy: set.policy.clone(), since: Moment::now() });
        }
        let old = state.versions.len().saturating_sub(KEPT);
        for version in state.versions.drain(..old) {
            remove(&self.0.join(version_file(&version.id)))?;
        }
        self.write(STATE, &json(&state))
    }

    /// The files of a policy that was in force.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub fn set(&self, id: &str) -> Result<FileSet, DirectoryError> {
        let path = self.0.join(version_file(id));
        let json = fs::read(&path)
            .map_err(|source| DirectoryError::Unreadable { path: path.clone(), source })?;
        parsed(&path, &json)
    }

    /// The resources that a file has now; none if there is no file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is none of ours.
    pub fn resources(&self, kind: &Kind) -> Result<Vec<Value>, DirectoryError> {
        let path = self.0.join(kind.file());
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(DirectoryError::Unreadable { path, source }),
        };
        let mut response: Value = parsed(&path, &json)?;
        match response.get_mut("resources").map(Value::take) {
            Some(Value::Array(all)) => Ok(all),
            _ => Err(DirectoryError::Broken { path, message: "it has no `resources`".to_owned() }),
        }
    }

    /// Replaces a file of resources in one step.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn put(&self, resources: &Resources) -> Result<(), DirectoryError> {
        self.write(&resources.kind.file(), &resources.text())
    }

    /// Replaces the bootstrap, for the next start.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn put_bootstrap(&self, set: &FileSet) -> Result<(), DirectoryError> {
        self.write(BOOTSTRAP, &set.bootstrap)
    }

    /// Writes the small files of a policy's secrets; those of others stay.
    ///
    /// # Errors
    ///
    /// One cannot be written.
    pub fn put_secrets(&self, set: &FileSet) -> Result<(), DirectoryError> {
        let write =
            |(name, text): (&String, &String)| self.write(&format!("{SECRETS}/{name}"), text);
        set.secrets.iter().try_for_each(write)
    }

    /// Removes the small files of secrets that are none of this policy's.
    ///
    /// # Errors
    ///
    /// One cannot be removed.
    pub fn remove_other_secrets(&self, set: &FileSet) -> Result<(), DirectoryError> {
        let Ok(files) = fs::read_dir(self.0.join(SECRETS)) else { return Ok(()) };
        let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        let others = names.filter(|name| !name.starts_with('.') && !set.secrets.contains_key(name));
        others.map(|name| self.0.join(SECRETS).join(name)).try_for_each(|path| remove(&path))
    }

    /// Keeps others from changing the directory meanwhile.
    ///
    /// # Errors
    ///
    /// Somebody does so at the moment.
    pub fn lock(&self) -> Result<Lock, DirectoryError> {
        let path = self.0.join(LOCK);
        let unwritable = |source| DirectoryError::Unwritable { path: path.clone(), source };
        let file = File::create(&path).map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DirectoryError::Locked(self.0.clone())),
            Err(TryLockError::Error(source)) => Err(unwritable(source)),
        }
    }

    fn write(&self, path: &str, text: &str) -> Result<(), DirectoryError> {
        let path = self.0.join(path);
        let unwritable = |source| DirectoryError::Unwritable { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(unwritable)?;
        }
        replace(&path, text.as_bytes()).map_err(unwritable)
    }
}

fn remove(path: &Path) -> Result<(), DirectoryError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(DirectoryError::Unwritable { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

impl FileSet {
    /// Which files these are: fingerprints of the policy and of everything that is made of it.
    pub(crate) fn id(&self) -> String {
        format!("{}-{}", self.policy, Fingerprint::of([json(self)]))
    }
}

fn version_file(id: &str) -> String {
    format!("{VERSIONS}/{id}.json")
}

fn json(value: &impl Serialize) -> String {
    // Nothing here has a key that is no string, or a number that is none.
    serde_json::to_string_pretty(value).map(|text| text + "\n").unwrap_or_default()
}

fn parsed<T: for<'a> Deserialize<'a>>(path: &Path, json: &[u8]) -> Result<T, DirectoryError> {
    serde_json::from_slice(json).map_err(|error| DirectoryError::Broken {
        path: path.to_owned(),
        message: error.to_string(),
    })
}
