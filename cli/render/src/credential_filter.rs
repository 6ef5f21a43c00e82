//! Envoy puts the proxy's own credentials into requests; the filter only says which.

use portolan_core::config::Credential;
use portolan_core::contract::headers;
use serde_json::{Map, Value, json};

use super::secret::{Secret, SecretFiles};
use super::typed::{extension, typed};

/// The filter that puts one of `credentials` into a request that names it. None for a cluster that
/// is sent no credential.
pub(super) fn filter(credentials: &[&Credential], files: SecretFiles<'_>) -> Option<Value> {
    (!credentials.is_empty()).then(|| inject(credentials, files))
}

/// A request that names none of these credentials is sent as it is.
fn inject(credentials: &[&Credential], files: SecretFiles<'_>) -> Value {
    let actions: Map<String, Value> = credentials
        .iter()
        .map(|credential| (credential.name().to_owned(), action(credential, files)))
        .collect();
    let input = extension(
        "request-headers",
        "type.matcher.v3.HttpRequestHeaderMatchInput",
        json!({"header_name": headers::CREDENTIAL}),
    );
    extension(
        "portolan-credential",
        "extensions.common.matching.v3.ExtensionWithMatcher",
        json!({
            "xds_matcher": {"matcher_tree": {
                "input": input,
                "exact_match_map": {"map": actions},
            }},
            "extension_config": extension(
                "composite",
                "extensions.filters.http.composite.v3.Composite",
                json!({}),
            ),
        }),
    )
}

fn action(credential: &Credential, files: SecretFiles<'_>) -> Value {
    let injector = extension(
        "envoy.filters.http.credential_injector",
        "extensions.filters.http.credential_injector.v3.CredentialInjector",
        injector(credential, files),
    );
    json!({"action": {
        "name": "inject",
        "typed_config": typed(
            "extensions.filters.http.composite.v3.ExecuteFilterAction",
            json!({"typed_config": injector}),
        ),
    }})
}

/// The file holds what stands behind `Basic`, so that nothing in it can become another scheme.
///
/// Without `allow_request_without_credential` a file that is missing would make an answer of
/// Envoy's own, a 401 that ends the request; so the registry refuses, and the next one is asked.
/// What an earlier attempt left is overwritten.
fn injector(credential: &Credential, files: SecretFiles<'_>) -> Value {
    json!({
        "overwrite": true,
        "allow_request_without_credential": true,
        "credential": extension(
            "envoy.http.injected_credentials.generic",
            "extensions.http.injected_credentials.generic.v3.Generic",
            json!({
                "credential": Secret::credential(credential).reference(files),
                "header_value_prefix": "Basic ",
            }),
        ),
    })
}
