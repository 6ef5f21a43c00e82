//! Whose address ranges can be read, and where each says what.

use std::path::Path;

use serde_json::Value;

use super::aws;
use super::azure;
use super::edges;
use super::entry::{Entry, Problems};
use super::gcp;
use super::oracle;

/// Somebody whose published address ranges can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Provider {
    /// Amazon Web Services: `ip-ranges.json`, labels `aws:<region>`.
    Aws,
    /// Google Cloud: `cloud.json`, labels `gcp:<scope>`.
    Gcp,
    /// Azure: `ServiceTags_Public_<day>.json`, labels `azure:<region>`.
    Azure,
    /// Oracle Cloud: `public_ip_ranges.json`, labels `oracle:<region>`.
    Oracle,
    /// Cloudflare: the answer of its API, or its lists of prefixes; the label `cloudflare`.
    Cloudflare,
    /// Fastly: `public-ip-list`; the label `fastly`.
    Fastly,
}

impl Provider {
    /// Every provider.
    #[cfg(test)]
    pub(super) const ALL: [Self; 6] =
        [Self::Aws, Self::Gcp, Self::Azure, Self::Oracle, Self::Cloudflare, Self::Fastly];

    /// The first part of its labels.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
            Self::Oracle => "oracle",
            Self::Cloudflare => "cloudflare",
            Self::Fastly => "fastly",
        }
    }

    /// Where the provider publishes the file.
    pub(super) const fn source(self) -> &'static str {
        match self {
            Self::Aws => "https://ip-ranges.amazonaws.com/ip-ranges.json",
            Self::Gcp => "https://www.gstatic.com/ipranges/cloud.json",
            Self::Azure => "https://www.microsoft.com/en-us/download/details.aspx?id=56519",
            Self::Oracle => "https://docs.oracle.com/en-us/iaas/tools/public_ip_ranges.json",
            Self::Cloudflare => "https://api.cloudflare.com/client/v4/ips",
            Self::Fastly => "https://api.fastly.com/public-ip-list",
        }
    }

    /// The field that says when the file was published, if it has one.
    pub(super) const fn date_field(self) -> Option<&'static str> {
        match self {
            Self::Aws => Some("createDate"),
            Self::Gcp => Some("creationTime"),
            Self::Oracle => Some("last_updated_timestamp"),
            Self::Azure | Self::Cloudflare | Self::Fastly => None,
        }
    }

    /// The field that numbers the editions of the file, if it has one.
    pub(super) const fn edition_field(self) -> Option<&'static str> {
        match self {
            Self::Aws | Self::Gcp => Some("syncToken"),
            Self::Azure => Some("changeNumber"),
            Self::Oracle | Self::Cloudflare | Self::Fastly => None,
        }
    }

    /// The day in the name of a file, where it is nowhere else: `ServiceTags_Public_20260727.json`.
    pub(super) fn day_of_name(self, file: &Path) -> Option<String> {
        let name = file.file_stem().filter(|_| self == Self::Azure)?.to_str()?;
        let digits = name.rsplit('_').next()?;
        let is_day = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let (year, rest) = digits.split_at_checked(4).filter(|_| is_day)?;
        let (month, day) = rest.split_at_checked(2)?;
        Some(format!("{year}-{month}-{day}"))
    }

    /// What the text of a file says. Cloudflare also publishes lists of lines.
    pub(super) fn read(self, text: &str) -> Result<Value, serde_json::Error> {
        match self {
            Self::Cloudflare => {
                edges::from_lines(text).map_or_else(|| serde_json::from_str(text), Ok)
            }
            _ => serde_json::from_str(text),
        }
    }

    pub(super) fn entries(self, file: &Value, problems: &mut Problems) -> Vec<Entry> {
        match self {
            Self::Aws => aws::entries(file, problems),
            Self::Gcp => gcp::entries(file, problems),
            Self::Azure => azure::entries(file, problems),
            Self::Oracle => oracle::entries(file, problems),
            Self::Cloudflare => edges::cloudflare(file, problems),
            Self::Fastly => edges::fastly(file, problems),
        }
    }
}
