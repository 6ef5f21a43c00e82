//! Notes about things that the rendered configuration needs and lacks, so that nobody has to find
//! them out from an Envoy that does not start.

use super::model::Model;
use super::secret::Secret;

/// A line for each, `written` being whether the files of the secrets have been.
pub(super) fn of(model: &Model<'_>, written: bool) -> Vec<String> {
    let secrets = model.trust.secrets;
    let files = model.secrets.iter().map(|secret: &Secret| secret.file_name(secrets));
    let files = files.collect::<Vec<_>>().join(", ");
    let files = (!written && !files.is_empty()).then(|| {
        format!(
            "note: Envoy starts only with these files in {}: {files}; `--sds-output DIRECTORY` writes \
             them",
            secrets.directory
        )
    });
    let clusters = model.services.of_the_user.iter().map(|(path, cluster)| {
        format!(
            "note: the cluster `{cluster}` of {path} is your own; add it to the configuration, which \
             only names it"
        )
    });
    let cannot_count = model.admin.metrics.is_some() && !model.envoy.counts();
    let uncounted = cannot_count.then(|| {
        format!(
            "note: Envoy {} cannot count requests for Portolan, so `portolan_*` is not among its metrics; \
             render for 1.40.0 to have them",
            model.envoy
        )
    });
    files.into_iter().chain(clusters).chain(uncounted).collect()
}
