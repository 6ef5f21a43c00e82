//! One registry, and one image in it.

use std::fmt;

use portolan_core::config::BackendUrl;
use portolan_core::grammar::{Digest, RepositoryName};
use portolan_core::token::{Access, repository_scope};
use serde::Deserialize;
use ureq::http::{Method, Uri};

use super::content::{check, sha256};
use super::fault::Fault;
use super::http::{Answer, Ask, Client, ClientOptions, without_query};
use super::image_name::ImageName;
use super::login::Login;
use super::manifest::{ACCEPT, Layer};
use super::sign_in::{Permit, sign_in};
use super::url::absolute;

/// The longest manifest, in bytes. Registries should take 4 MiB (OCI distribution spec 1.1,
/// "Pushing Manifests"); what is longer than twice that is not one.
const LONGEST_MANIFEST: u64 = 8 * 1024 * 1024;

/// The longest error that is read, in bytes.
const LONGEST_ERROR: u64 = 4 * 1024;

const CONTENT_DIGEST: &str = "docker-content-digest";

/// Which of the two registries that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one nearby, or in between.
    Front,
    /// The one that it stands for.
    Upstream,
}

impl Side {
    /// Both, the front first.
    pub const BOTH: [Self; 2] = [Self::Front, Self::Upstream];
}

impl fmt::Display for Side {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Front => "front",
            Self::Upstream => "upstream",
        })
    }
}

/// A registry and an image in it, for one who may be somebody.
#[derive(Clone, Debug)]
pub struct Registry {
    url: BackendUrl,
    image: ImageName,
    login: Option<Login>,
    options: ClientOptions,
    permit: Option<Permit>,
}

impl Registry {
    /// Nothing is asked yet.
    #[must_use]
    pub const fn new(
        url: BackendUrl,
        image: ImageName,
        login: Option<Login>,
        options: ClientOptions,
    ) -> Self {
        Self { url, image, login, options, permit: None }
    }

    /// The image's name in it.
    #[must_use]
    pub const fn image(&self) -> &ImageName {
        &self.image
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        base(&self.url)
    }

    /// Its host, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host()
    }

    /// A client that has signed in, without a connection. Tokens are kept from one to the next,
    /// for as long as they last.
    ///
    /// # Errors
    ///
    /// Signing in fails.
    pub fn client(&mut self) -> Result<Visit<'_>, Fault> {
        let permit = match self.permit.take().filter(Permit::is_fresh) {
            Some(permit) => permit,
            None => self.sign_in()?,
        };
        self.permit = Some(permit.clone());
        let client = Client::new(&self.options);
        Ok(Visit { registry: self, client, permit })
    }

    /// A client that has signed in and is connected.
    ///
    /// # Errors
    ///
    /// Signing in fails, or the registry does not answer.
    pub fn connected_client(&mut self) -> Result<Visit<'_>, Fault> {
        let visit = self.client()?;
        // Any answer will do: some registries refuse the ping to a token for one repository.
        visit.send(Method::GET, ping(&visit.registry.url)?, None)?.discard();
        Ok(visit)
    }

    fn sign_in(&self) -> Result<Permit, Fault> {
        let name = self.image.repository();
        let scope = RepositoryName::parse(name.as_bytes())
            .map(|name| repository_scope(name, Access::Pull))
            .unwrap_or_default();
        let resource = self.at(&format!("manifests/{}", self.image.tag()))?;
        sign_in(&Client::new(&self.options), &resource, ACCEPT, &scope, self.login.as_ref())
    }

    /// `/v2/NAME/` and more (OCI distribution spec 1.1, "Endpoints").
    fn at(&self, rest: &str) -> Result<Uri, Fault> {
        let url = format!("{}/v2/{}/{rest}", base(&self.url), self.image.repository());
        absolute(&url).ok_or_else(|| Fault::new(format_args!("{url} is no URL")))
    }
}

/// The URL of the ping, `/v2/`.
///
/// # Errors
///
/// None, for a URL that was read.
pub fn ping(url: &BackendUrl) -> Result<Uri, Fault> {
    let url = format!("{}/v2/", base(url));
    absolute(&url).ok_or_else(|| Fault::new(format_args!("{url} is no URL")))
}

/// A registry's URL as it is printed, without a slash at its end.
#[must_use]
pub fn base(url: &BackendUrl) -> String {
    format!("{}://{}{}", url.scheme().as_str(), url.authority(), url.base_path())
}

/// A client at a registry.
#[derive(Debug)]
pub struct Visit<'a> {
    registry: &'a Registry,
    client: Client,
    permit: Permit,
}

/// A manifest, and what it is called in the registry.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Its digest, by which it was checked.
    pub digest: String,
    /// Its bytes.
    pub(crate) body: Vec<u8>,
}

impl Visit<'_> {
    /// Finds out what the tag means, as Docker and containerd do: a HEAD for the digest, then a
    /// GET.
    ///
    /// # Errors
    ///
    /// The registry has no such tag, or its two answers are about different content.
    pub fn resolve_tag(&self) -> Result<Found, Fault> {
        let target = format!("manifests/{}", self.registry.image.tag());
        let head = self.ask(Method::HEAD, &target)?;
        let told = content_digest(&head);
        head.discard();
        let answer = self.ask(Method::GET, &target)?;
        let told = told.or_else(|| content_digest(&answer));
        let body = answer.into_bytes(LONGEST_MANIFEST)?;
        if let Some(told) = &told {
            check(body.as_slice(), told, LONGEST_MANIFEST)?;
        }
        let digest = told.map_or_else(|| sha256(&body), |told| told.as_str().to_owned());
        Ok(Found { digest, body })
    }

    /// The digest that the tag means, by a HEAD, which no registry counts as a pull; by a GET where
    /// the answer does not name it. `None` if the registry has no such tag.
    ///
    /// # Errors
    ///
    /// It answers neither 200 nor 404, or not at all.
    pub fn tag_digest(&self) -> Result<Option<String>, Fault> {
        let target = format!("manifests/{}", self.registry.image.tag());
        let head = self.send(Method::HEAD, self.registry.at(&target)?, Some(ACCEPT))?;
        match head.status {
            200 => match content_digest(&head) {
                Some(told) => Ok(Some(told.as_str().to_owned())),
                None => self.resolve_tag().map(|found| Some(found.digest)),
            },
            404 => Ok(None),
            _ => Err(refusal(head)),
        }
    }

    /// A manifest by its digest.
    ///
    /// # Errors
    ///
    /// The registry has none, or other content.
    pub fn manifest(&self, digest: &Digest<'_>) -> Result<Vec<u8>, Fault> {
        let answer = self.ask(Method::GET, &format!("manifests/{}", digest.as_str()))?;
        let body = answer.into_bytes(LONGEST_MANIFEST)?;
        check(body.as_slice(), digest, LONGEST_MANIFEST)?;
        Ok(body)
    }

    /// Downloads a blob to its end; how many bytes came.
    ///
    /// # Errors
    ///
    /// The registry has none, or other content.
    pub fn blob(&self, layer: &Layer) -> Result<u64, Fault> {
        check(self.begin_blob(&layer.digest)?.into_reader(), &layer.digest, layer.size)
    }

    /// Asks for a blob; its content is still to come.
    ///
    /// # Errors
    ///
    /// The registry has none.
    pub fn begin_blob(&self, digest: &Digest<'_>) -> Result<Answer, Fault> {
        self.ask(Method::GET, &format!("blobs/{}", digest.as_str()))
    }

    /// A request that must succeed.
    fn ask(&self, method: Method, target: &str) -> Result<Answer, Fault> {
        let accept = target.starts_with("manifests/").then_some(ACCEPT);
        let answer = self.send(method, self.registry.at(target)?, accept)?;
        if answer.status == 200 { Ok(answer) } else { Err(refusal(answer)) }
    }

    fn send(&self, method: Method, url: Uri, accept: Option<&str>) -> Result<Answer, Fault> {
        self.client.send(&Ask { method, url, accept, authorization: self.permit.authorization() })
    }
}

/// What a HEAD or GET of a manifest says that its content has; a registry need not say.
fn content_digest(answer: &Answer) -> Option<Digest<'static>> {
    let value = answer.header(CONTENT_DIGEST)?;
    Digest::parse(value.as_bytes()).map(Digest::into_owned)
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Error>,
}

#[derive(Deserialize)]
struct Error {
    code: String,
    #[serde(default)]
    message: String,
}

/// What an answer is about that is not the one that was wanted, with the registry's own reason.
pub fn refusal(answer: Answer) -> Fault {
    let (url, status) = (without_query(&answer.url), answer.status);
    let body = answer.into_bytes(LONGEST_ERROR).unwrap_or_default();
    let errors =
        serde_json::from_slice::<Errors>(&body).map(|body| body.errors).unwrap_or_default();
    let reason = errors.first().map(|error| format!(" ({}: {})", error.code, error.message));
    Fault::new(format_args!("{url} answered {status}{}", reason.unwrap_or_default()))
}
