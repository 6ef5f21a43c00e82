//! What the rendered configuration needs and does not have: said, so that nobody has to find out
//! from an Envoy that does not start.

use portolan_core::config::Config;

use super::options::Options;
use super::secret::{self, Secret};
use super::service_cluster;

/// A line for each, `written` being whether the files of the secrets have been.
pub(super) fn notes(config: &Config, options: &Options, written: bool) -> Vec<String> {
    let secrets = secret::all(config);
    let files = secrets.iter().map(|secret: &Secret| secret.file_name(options));
    let files = files.collect::<Vec<_>>().join(", ");
    let files = (!written && !files.is_empty()).then(|| {
        format!(
            "note: Envoy starts only with these files in {}: {files}; `--sds-output DIRECTORY` writes \
             them",
            options.sds_directory
        )
    });
    let clusters = service_cluster::of_the_user(config).into_iter().map(|(path, cluster)| {
        format!(
            "note: the cluster `{cluster}` of {path} is your own; add it to the configuration, which \
             only names it"
        )
    });
    let uncounted = (options.metrics.is_some() && !options.envoy.counts()).then(|| {
        format!(
            "note: Envoy {} cannot count requests for Portolan, so `portolan_*` is not among its metrics; \
             render for 1.40.0 to have them",
            options.envoy
        )
    });
    files.into_iter().chain(clusters).chain(uncounted).collect()
}
