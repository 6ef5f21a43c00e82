//! The arguments of `portolan render --target istio`.

use clap::{Args, ValueEnum};

/// What belongs to the mesh and not to the policy.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct IstioArgs {
    /// How much of a policy Istio carries out: the filter and routes to single backends, or
    /// everything, by patches of Envoy's configuration. Default: plugin. For `--target istio`.
    #[arg(long)]
    level: Option<Level>,
    /// The namespace of the gateway and of all objects. Default: istio-ingress, or portolan. For
    /// `--target istio` and `envoy-gateway`.
    #[arg(long, value_name = "NAMESPACE", value_parser = name)]
    namespace: Option<String>,
    /// A label that only the pods of this gateway have: they serve nothing else. Default:
    /// istio=portolan. For `--target istio`.
    #[arg(long, value_name = "LABEL=VALUE", value_parser = label)]
    gateway_label: Option<(String, String)>,
    /// The Secret with the certificate that the gateway shows to clients; without it they connect
    /// without TLS. For `--target istio` and `envoy-gateway`.
    #[arg(long, value_name = "SECRET", value_parser = name)]
    tls_credential: Option<String>,
    /// The Secret with which the image of the filter is pulled. For `--target istio` and
    /// `envoy-gateway`.
    #[arg(long, value_name = "SECRET", value_parser = name)]
    image_pull_secret: Option<String>,
}

/// How much of a policy Istio carries out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Level {
    /// Naming, one backend for each region, redirects of clients, refusals.
    #[default]
    Plugin,
    /// Everything that a bootstrap has but for what `docs/istio.md` lists.
    Full,
}

impl Level {
    /// As it is typed.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Full => "full",
        }
    }
}

impl IstioArgs {
    pub(super) fn level(&self) -> Level {
        self.level.unwrap_or_default()
    }

    /// The namespace; this one if none was typed.
    pub(crate) fn namespace_or<'a>(&'a self, usual: &'a str) -> &'a str {
        self.namespace.as_deref().unwrap_or(usual)
    }

    pub(super) fn gateway_label(&self) -> (&str, &str) {
        let label = self.gateway_label.as_ref();
        label.map_or(("istio", "portolan"), |(key, value)| (key.as_str(), value.as_str()))
    }

    /// The Secret of the certificate that clients see.
    pub(crate) fn tls_credential(&self) -> Option<&str> {
        self.tls_credential.as_deref()
    }

    /// The Secret by which the filter is pulled.
    pub(crate) fn image_pull_secret(&self) -> Option<&str> {
        self.image_pull_secret.as_deref()
    }

    /// An option that was typed, for a target that has no use for it.
    pub(crate) fn typed(&self) -> Option<&'static str> {
        let all =
            [(self.level.is_some(), "--level"), (self.gateway_label.is_some(), "--gateway-label")];
        all.into_iter().find_map(|(is_typed, option)| is_typed.then_some(option))
    }

    /// The same of those that gateways of both kinds have.
    pub(crate) fn typed_for_gateways(&self) -> Option<&'static str> {
        let all = [
            (self.namespace.is_some(), "--namespace"),
            (self.tls_credential.is_some(), "--tls-credential"),
            (self.image_pull_secret.is_some(), "--image-pull-secret"),
        ];
        all.into_iter().find_map(|(is_typed, option)| is_typed.then_some(option))
    }
}

/// The name of an object of Kubernetes (RFC 1123 section 2.1).
fn name(text: &str) -> Result<String, String> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_good = (1..=63).contains(&text.len())
        && text.bytes().all(known)
        && !text.starts_with('-')
        && !text.ends_with('-');
    if is_good {
        Ok(text.to_owned())
    } else {
        Err("write small letters, digits and hyphens, 63 at most, as Kubernetes has names"
            .to_owned())
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
    let (key, value) =
        parts.ok_or_else(|| "write a label and its value, such as `istio=portolan`".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels() {
        #[rustfmt::skip]
        let rows = [
            ("istio-ingress", true, "as usual"), ("a", true, "short"), ("", false, "nothing"),
            ("-a", false, "begins with a hyphen"), ("a-", false, "ends with one"), ("A", false, "a capital"),
            ("a.b", false, "no label of DNS"), ("a\nb", false, "two lines"),
        ];
        for (text, is_good, reason) in rows {
            assert_eq!(name(text).is_ok(), is_good, "{text}: {reason}");
        }
        assert_eq!(label("istio=x"), Ok(("istio".to_owned(), "x".to_owned())));
        assert!(label("istio").is_err() && label("=x").is_err() && label("x=").is_err());
    }
}
