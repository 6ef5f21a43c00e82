//! The wire form of authentication.

use crate::config::auth::{Realm, WANTED_REALM};
use crate::config::backend_url::BackendUrl;
use crate::config::fields::{
    BACKEND_AUTH, BASIC, CREDENTIAL, FRONT_AUTH, LOGIN, READERS, TOKEN, VERIFIER,
};
use crate::config::reader::{Fields, Node};
use crate::config::wire::values::{NAME, is_name, optional_text};

pub(crate) enum FrontAuthWire {
    Managed,
    Upstream { login: Option<String> },
    Basic { verifier: Option<BackendUrl>, cluster: Option<String> },
}

#[derive(Default)]
pub(crate) enum BackendAuthWire {
    #[default]
    Open,
    Token {
        realm: Option<Realm>,
        service: Option<String>,
        cluster: Option<String>,
    },
    Basic {
        label: Option<String>,
    },
}

pub(crate) struct CredentialWire {
    pub(crate) name: String,
    pub(crate) file: Option<String>,
}

pub(crate) enum ReadersWire {
    Anyone,
    Authenticated,
    Networks(Vec<String>),
}

/// `managed`, `upstream`, or a mapping with one of `upstream` and `basic`.
pub(crate) fn read_front_auth(node: &Node<'_>) -> Option<FrontAuthWire> {
    const WANTED: &str = "`managed`, `upstream`, `{upstream: {login: BACKEND}}` or \
         `{basic: {verifier: URL}}`";
    if !node.is_mapping() {
        let is_managed = node.word(WANTED, &[("managed", true), ("upstream", false)])?;
        let upstream = FrontAuthWire::Upstream { login: None };
        return Some(if is_managed { FrontAuthWire::Managed } else { upstream });
    }
    let fields = node.fields(&FRONT_AUTH);
    let upstream = fields.optional("upstream", |node| {
        let fields = node.fields(&LOGIN);
        Some(FrontAuthWire::Upstream { login: optional_text(&fields, "login", "a backend's name") })
    });
    let basic = fields.optional("basic", |node| Some(read_verifier(&node)));
    one_of(node, upstream, basic, WANTED)
}

fn read_verifier(node: &Node<'_>) -> FrontAuthWire {
    const WANTED: &str = "the URL of the service that knows the passwords, such as \
         `http://127.0.0.1:9080`";
    const ADVICE: &str = "the service is asked with the passwords of clients";
    let fields = node.fields(&VERIFIER);
    let verifier =
        fields.required("verifier", WANTED, |node| node.url(WANTED, ADVICE, BackendUrl::parse));
    FrontAuthWire::Basic { verifier, cluster: cluster(&fields) }
}

/// `token`, `basic`, or a mapping with one of them.
pub(crate) fn read_backend_auth(node: &Node<'_>) -> Option<BackendAuthWire> {
    const WANTED: &str = "`token`, `basic`, `{token: {realm: URL, service: NAME}}` or \
         `{basic: {realm: LABEL}}`";
    if !node.is_mapping() {
        let wants_tokens = node.word(WANTED, &[("token", true), ("basic", false)])?;
        let token = BackendAuthWire::Token { realm: None, service: None, cluster: None };
        return Some(if wants_tokens { token } else { BackendAuthWire::Basic { label: None } });
    }
    let fields = node.fields(&BACKEND_AUTH);
    let token = fields.optional("token", |node| Some(read_token(&node)));
    let basic = fields.optional("basic", |node| {
        let fields = node.fields(&BASIC);
        let label = fields.optional("realm", |node| {
            node.parse(NAME, |text| is_name(text).then(|| text.to_owned()))
        });
        Some(BackendAuthWire::Basic { label })
    });
    one_of(node, token, basic, WANTED)
}

fn read_token(node: &Node<'_>) -> BackendAuthWire {
    const SERVICE: &str = "the name that the token service knows the registry by, such as \
         `registry.docker.io`";
    const LOGIN: &str = "the service is asked with the backend's `credential`";
    let fields = node.fields(&TOKEN);
    let service = fields.optional("service", |node| {
        let plain = |byte: u8| (0x20..=0x7e).contains(&byte) && !b"\"\\".contains(&byte);
        node.parse(SERVICE, |text| {
            (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned())
        })
    });
    BackendAuthWire::Token {
        realm: fields.optional("realm", |node| node.url(WANTED_REALM, LOGIN, Realm::parse)),
        service,
        cluster: cluster(&fields),
    }
}

fn one_of<T>(node: &Node<'_>, first: Option<T>, second: Option<T>, wanted: &str) -> Option<T> {
    match (first, second) {
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
        (Some(_), Some(_)) => {
            node.refuse(format!("says two things; write {wanted}"));
            None
        }
    }
}

fn cluster(fields: &Fields<'_>) -> Option<String> {
    optional_text(fields, "cluster", "the name of an Envoy cluster")
}

pub(crate) fn read_credential(name: String, node: &Node<'_>) -> CredentialWire {
    const FILE: &str = "the path of the file that Envoy reads the credential from";
    let fields = node.fields(&CREDENTIAL);
    let file = fields.required("file", FILE, |node| {
        node.parse(FILE, |text| (!text.is_empty()).then(|| text.to_owned()))
    });
    CredentialWire { name, file }
}

/// `anyone`, `authenticated` or `{networks: [LABEL, …]}`.
///
/// What cannot be read counts as written, for nobody: it has its own mistake already.
pub(crate) fn read_readers(node: &Node<'_>) -> ReadersWire {
    const WANTED: &str = "`authenticated`, `{networks: [LABEL]}` or, for everybody, `anyone`";
    const LABELS: &str = "a list of labels of `networks`";
    if !node.is_mapping() {
        let is_anyone = node.word(WANTED, &[("anyone", true), ("authenticated", false)]);
        return match is_anyone {
            Some(true) => ReadersWire::Anyone,
            Some(false) => ReadersWire::Authenticated,
            None => ReadersWire::Networks(Vec::new()),
        };
    }
    let fields = node.fields(&READERS);
    let labels = fields.required("networks", LABELS, |node| {
        node.list(LABELS, |item| {
            Some(item.string("a label").map(str::to_owned).unwrap_or_default())
        })
    });
    ReadersWire::Networks(labels.unwrap_or_default())
}

/// Only `authenticated`: a push by anybody would be made with the proxy's own rights.
/// What cannot be read counts as written: it has its own mistake already.
pub(crate) fn read_writers(node: &Node<'_>) -> bool {
    const WANTED: &str = "`authenticated`; nobody else may push with the proxy's credential";
    node.word(WANTED, &[("authenticated", ())]);
    true
}
