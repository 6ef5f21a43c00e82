//! Doubts about the proxy's own credentials, and about passwords that can be read on their way.

use portolan_command::policy_file::join;
use portolan_core::config::credential_usage;
use portolan_core::config::{Backend, BackendAuth, BackendUrl, Config, FrontAuth, Geo, Scheme};

use super::doubt::Doubt;
use super::near::is_near;

/// Every doubt about who proves what to whom.
pub(super) fn doubts(config: &Config) -> impl Iterator<Item = Doubt> {
    let realms = config.backends().iter().filter_map(unencrypted_realm);
    realms.chain(unencrypted_verifiers(config)).chain(relative_files(config)).chain(unused(config))
}

/// Whether a URL is of plain `http` and of another network.
pub(super) fn is_exposed(url: &BackendUrl) -> bool {
    url.scheme() == Scheme::Http && !is_near(url.host())
}

/// A token service is sent passwords, and answers with tokens.
fn unencrypted_realm(backend: &Backend) -> Option<Doubt> {
    let BackendAuth::Token(service) = backend.auth() else { return None };
    let realm = service.realm().filter(|realm| is_exposed(realm.origin()))?;
    let path = format!("{}.auth.token.realm", join("backends", backend.name()));
    let host = realm.origin().host();
    Some((path, format!("passwords and tokens go to and from `{host}` unencrypted; write `https`")))
}

fn unencrypted_verifiers(config: &Config) -> impl Iterator<Item = Doubt> {
    config.fronts().all().iter().filter_map(|front| {
        let FrontAuth::Basic(verifier) = front.auth() else { return None };
        let path = format!("{}.auth.basic.verifier", join("fronts", front.name()));
        let host = verifier.url().host();
        let message = format!("the passwords of clients go to `{host}` unencrypted; write `https`");
        is_exposed(verifier.url()).then_some((path, message))
    })
}

/// Envoy looks for them from where it was started, which is seldom where the policy is.
fn relative_files(config: &Config) -> impl Iterator<Item = Doubt> {
    let credentials = config.credentials().iter().map(|credential| {
        (format!("{}.file", join("credentials", credential.name())), credential.file())
    });
    let of_tls = config.backends().iter().flat_map(|backend| {
        let tls = backend.tls();
        let client = tls.client.as_ref();
        let files = [
            ("ca_file", tls.ca_file.as_ref()),
            ("certificate_file", client.map(|client| &client.certificate_file)),
            ("key_file", client.map(|client| &client.key_file)),
        ];
        let path = join(&join("backends", backend.name()), "tls");
        files
            .into_iter()
            .filter_map(move |(field, file)| Some((join(&path, field), file?.as_str())))
    });
    let of_redirects = config.backends().iter().filter_map(|backend| {
        let path = format!("{}.followed_redirects.ca_file", join("backends", backend.name()));
        Some((path, backend.followed_redirects().ca_file()?))
    });
    let of_fronts = config.fronts().all().iter().filter_map(|front| Some((front, front.tls()?)));
    let of_fronts = of_fronts.flat_map(|(front, tls)| {
        let path = join(&join("fronts", front.name()), "tls");
        [("certificate_file", &tls.certificate_file), ("key_file", &tls.key_file)]
            .map(|(field, file)| (join(&path, field), file.as_str()))
    });
    let database = match config.clients().geo() {
        Geo::Database(file) => Some(("clients.geo.database".to_owned(), file.as_str())),
        Geo::None | Geo::Headers(_) => None,
    };
    let all = of_fronts.chain(credentials).chain(of_tls).chain(of_redirects).chain(database);
    all.filter(|(_, file)| !file.starts_with('/')).map(|(path, file)| {
        let message = format!(
            "Envoy looks for `{file}` in the directory that it is started in; write the whole path, \
             from `/` on"
        );
        (path, message)
    })
}

/// Credentials that no request is sent with.
fn unused(config: &Config) -> impl Iterator<Item = Doubt> {
    let is_used = |name: &str| {
        let used =
            config.backends().iter().filter_map(|backend| credential_usage::of(config, backend));
        used.map(|(credential, _)| credential.name()).any(|used| used == name)
    };
    let is_named =
        |name: &str| config.backends().iter().any(|backend| backend.credential() == Some(name));
    config.credentials().iter().filter(move |credential| !is_used(credential.name())).map(
        move |credential| {
            let message = if is_named(credential.name()) {
                "nothing is sent with this credential: on every front clients bring tokens of their \
                 own; take it out, or give a front `auth: {basic: …}` or `auth: managed`"
            } else {
                "no backend uses this credential; name it as a backend's `credential`, or take it out"
            };
            (join("credentials", credential.name()), message.to_owned())
        },
    )
}
