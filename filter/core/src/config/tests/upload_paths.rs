//! Upload paths outside of a registry's API.

use super::*;

#[test]
fn what_is_impossible_is_refused() {
    #[rustfmt::skip]
    let rows: &[(&str, &str)] = &[
        (r#"["/artifacts-uploads/"]"#, ""),
        ("[]", ""),
        (r#"["/base/uploads/", "/u/"]"#, ""),
        (r#"["/artifacts-uploads"]"#, "backends.ghcr.upload_paths[0]: `/artifacts-uploads` is not valid; write a path that starts and ends with `/`"),
        (r#"["/u/", "/"]"#, "backends.ghcr.upload_paths[1]: `/` is not valid"),
        (r#"["https://ghcr.io/u/"]"#, "backends.ghcr.upload_paths[0]: `https://ghcr.io/u/` is not valid"),
        (r#"["/u/", "/base/"]"#, "backends.ghcr.upload_paths[1]: `/base/` is where the API of a registry is"),
        (r#"["/base/v2/x/"]"#, "backends.ghcr.upload_paths[0]: `/base/v2/x/` is where the API"),
        (r#"["/v2/"]"#, "backends.ghcr.upload_paths[0]: `/v2/` is where the API"),
        (r#""/u/""#, "backends.ghcr.upload_paths: is a string; write a list"),
    ];
    for (paths, expected) in rows {
        let backend = format!(r#"{{"url": "https://ghcr.io/base", "upload_paths": {paths}}}"#);
        let found = mistakes(&with("/backends/ghcr", &backend));
        let as_wanted = match *expected {
            "" => found.is_empty(),
            start => found.iter().any(|mistake| mistake.starts_with(start)),
        };
        assert!(as_wanted, "{paths}\nwanted: {expected}\nfound: {found:#?}");
    }
}
