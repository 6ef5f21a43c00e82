//! Images as people name them, and the requests that a client makes for one.

use portolan_core::config::{Config, Front, FrontHost, Upstream};
use portolan_core::grammar::{Digest, RepositoryName, Tag};

use super::first_host::first_host;

/// The digest of nothing, which stands for the content that a client asks for behind a manifest.
const SOME_DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What is done with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Pull,
    Push,
}

impl Verb {
    /// Reads the word that stands where a method may stand. Methods are written in capitals (RFC
    /// 9110 section 9.1).
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"pull" => Some(Self::Pull),
            b"push" => Some(Self::Push),
            _ => None,
        }
    }
}

/// `[HOST/]NAME[:TAG][@DIGEST]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image {
    host: Option<String>,
    name: String,
    /// A tag or a digest.
    reference: String,
}

/// One request for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageRequest {
    /// What it is for: `tag`, `content`, `upload` or `manifest`.
    pub(super) part: &'static str,
    pub(super) method: &'static str,
    /// `host[:port]`.
    pub(super) authority: Vec<u8>,
    /// Path and query.
    pub(super) target: String,
}

impl Image {
    /// Reads a reference as Docker does: what stands before the first slash is a host if it has a
    /// dot or a colon in it, or is `localhost`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let (host, name) = match rest.split_once('/') {
            Some((host, name)) if host.contains(['.', ':']) || host == "localhost" => {
                (Some(host), name)
            }
            _ => (None, rest),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (name, None),
        };
        // `nginx` at Docker Hub is `library/nginx`, for whoever writes the host as well.
        let is_hub = matches!(host, Some("docker.io" | "index.docker.io"));
        let library = if is_hub && !name.contains('/') { "library/" } else { "" };
        let name = format!("{library}{name}");
        let reference = digest.or(tag).unwrap_or("latest");
        let is_reference = match digest {
            Some(digest) => Digest::parse(digest.as_bytes()).is_some(),
            None => Tag::parse(reference.as_bytes()).is_some(),
        };
        if RepositoryName::parse(name.as_bytes()).is_none() || !is_reference {
            return Err(format!(
                "`{}` is no image; write one such as `docker.io/library/nginx:1.27`",
                text.escape_debug()
            ));
        }
        Ok(Self { host: host.map(str::to_owned), name, reference: reference.to_owned() })
    }

    /// The requests that a client makes for it, and how it asks: by the front's own host, or by the
    /// name of a registry that a front stands for.
    pub(super) fn requests(
        &self,
        verb: Verb,
        config: &Config,
    ) -> Result<Vec<ImageRequest>, String> {
        let Place { authority, prefix, query } = self.place(config)?;
        let is_digest = self.reference.contains(':');
        let base = format!("/v2/{prefix}{}", self.name);
        let manifest = format!("{base}/manifests/{}{query}", self.reference);
        let of = |part, method, target| ImageRequest {
            part,
            method,
            authority: authority.clone(),
            target,
        };
        Ok(match verb {
            Verb::Pull => vec![
                of(if is_digest { "manifest" } else { "tag" }, "GET", manifest),
                of("content", "GET", format!("{base}/blobs/{SOME_DIGEST}{query}")),
            ],
            Verb::Push => vec![
                of("upload", "POST", format!("{base}/blobs/uploads/{query}")),
                of("manifest", "PUT", manifest),
            ],
        })
    }

    fn place(&self, config: &Config) -> Result<Place, String> {
        let Some(host) = &self.host else {
            return Ok(Place {
                authority: first_host(config),
                prefix: String::new(),
                query: String::new(),
            });
        };
        let fronts = config.fronts().all();
        let own = FrontHost::parse(host);
        if fronts.iter().any(|front| own.as_ref().is_some_and(|own| is_host_of(front, own))) {
            return Ok(Place {
                authority: host.clone().into_bytes(),
                prefix: String::new(),
                query: String::new(),
            });
        }
        fronts.iter().find_map(|front| behind(front, host)).ok_or_else(|| {
            let hosts = fronts.iter().flat_map(Front::hosts).map(FrontHost::as_str);
            let hosts: Vec<String> = hosts.map(|host| format!("`{host}`")).collect();
            format!(
                "no front has the host `{}`, and none has it in its `upstreams`; the hosts of the fronts are {}",
                host.escape_debug(),
                hosts.join(", ")
            )
        })
    }
}

fn is_host_of(front: &Front, host: &FrontHost) -> bool {
    let of_upstreams =
        front.upstreams().into_iter().flat_map(|all| all.all()).flat_map(Upstream::hosts);
    front.hosts().iter().chain(of_upstreams).any(|known| known == host)
}

/// How an image is asked for.
struct Place {
    authority: Vec<u8>,
    /// What stands before the image's name in the path.
    prefix: String,
    /// `?ns=…`, as containerd asks its mirrors, or nothing.
    query: String,
}

/// How a front is asked for an image of a registry that it stands for.
fn behind(front: &Front, registry: &str) -> Option<Place> {
    let authority = front.hosts().first()?.as_str().as_bytes().to_vec();
    let upstreams = front.upstreams()?;
    if upstreams.of_namespace(registry.as_bytes()).is_some() {
        return Some(Place { authority, prefix: String::new(), query: format!("?ns={registry}") });
    }
    let prefix = format!("{registry}/");
    let by_path = upstreams.all().iter().find(|one| one.is_in_paths() && one.prefix() == prefix);
    by_path.map(|_| Place { authority, prefix, query: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let json = r#"{"version": 1, "fronts": {
            "own": {"hosts": ["r.example"]},
            "cache": {"hosts": ["cache.example:5000"], "upstreams": {"docker.io": {"library": true}, "ghcr": {"prefix": "ghcr.io/", "ns": []}}}},
            "backends": {"a": {"url": "https://a.example"}}, "regions": {"default": {}},
            "rules": [{"name": "r", "repositories": ["**"], "chains": {"default": ["a"]}}]}"#;
        Config::from_json(json.as_bytes()).unwrap_or_else(|found| panic!("{found:?}"))
    }

    #[test]
    fn requests_for_images() {
        #[rustfmt::skip]
        let rows = [
            ("team/app", Verb::Pull, "GET r.example /v2/team/app/manifests/latest"),
            ("team/app:v1", Verb::Pull, "GET r.example /v2/team/app/manifests/v1"),
            ("r.example/team/app:v1", Verb::Pull, "GET r.example /v2/team/app/manifests/v1"),
            ("docker.io/nginx:1.27", Verb::Pull, "GET cache.example:5000 /v2/library/nginx/manifests/1.27?ns=docker.io"),
            ("docker.io/library/nginx", Verb::Pull, "GET cache.example:5000 /v2/library/nginx/manifests/latest?ns=docker.io"),
            ("ghcr.io/team/app:v1", Verb::Pull, "GET cache.example:5000 /v2/ghcr.io/team/app/manifests/v1"),
            ("team/app:v1", Verb::Push, "POST r.example /v2/team/app/blobs/uploads/"),
        ];
        for (image, verb, expected) in rows {
            let requests =
                Image::parse(image).and_then(|image| image.requests(verb, &config())).unwrap();
            let first = requests.first().unwrap();
            let authority = String::from_utf8(first.authority.clone()).unwrap();
            assert_eq!(
                format!("{} {authority} {}", first.method, first.target),
                expected,
                "{image}"
            );
        }
        let digest = format!("team/app:v1@{SOME_DIGEST}");
        let requests = Image::parse(&digest).unwrap().requests(Verb::Pull, &config()).unwrap();
        let parts: Vec<_> =
            requests.iter().map(|request| (request.part, request.target.as_str())).collect();
        assert_eq!(
            parts[0],
            ("manifest", format!("/v2/team/app/manifests/{SOME_DIGEST}").as_str())
        );
        assert_eq!(parts[1], ("content", format!("/v2/team/app/blobs/{SOME_DIGEST}").as_str()));
    }

    #[test]
    fn texts_that_are_no_image_and_images_of_no_front() {
        for text in ["", "Team/app", "team/app:", "team/app@sha256:x", "https://r.example/x", "a b"]
        {
            assert!(Image::parse(text).unwrap_err().contains("is no image"), "{text}");
        }
        let elsewhere = Image::parse("quay.io/team/app").unwrap().requests(Verb::Pull, &config());
        assert_eq!(
            elsewhere.unwrap_err(),
            "no front has the host `quay.io`, and none has it in its `upstreams`; the hosts of the fronts are `r.example`, `cache.example:5000`"
        );
    }
}
