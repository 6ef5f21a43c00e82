//! Sources of a copy: a front or a registry, with one login for all of its repositories.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use portolan_core::config::BackendUrl;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::ClientOptions;
use portolan_registry_client::image_name::ImageName;
use portolan_registry_client::login::Login;
use portolan_registry_client::registry::{Registry, Visit};

/// A front or a registry.
#[derive(Debug)]
pub(super) struct Sources {
    url: BackendUrl,
    login: Option<Login>,
    options: ClientOptions,
    /// Where a client has signed in already.
    known: Mutex<HashMap<String, Registry>>,
}

impl Sources {
    /// Nothing is asked yet.
    pub(super) fn new(url: BackendUrl, login: Option<Login>, options: ClientOptions) -> Self {
        Self { url, login, options, known: Mutex::default() }
    }

    /// Does something as a client that has signed in for an image's repository.
    ///
    /// # Errors
    ///
    /// Signing in fails, or `work` does.
    pub(super) fn visit<R>(
        &self,
        image: &ImageName,
        work: impl FnOnce(&Visit<'_>) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let name = image.to_string();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let mut registry = known.unwrap_or_else(|| {
            Registry::new(self.url.clone(), image.clone(), self.login.clone(), self.options.clone())
        });
        let result = work(&registry.client()?);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, registry);
        result
    }
}
