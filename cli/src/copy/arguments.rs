//! Arguments of `portolan copy`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use portolan_command::quantity::read_size;
use portolan_core::config::BlobUrl;
use portolan_registry_client::login::OneLogin;
use portolan_registry_client::manifest::Platform;

/// The most that S3 takes in one `PUT`, in bytes ("Amazon S3 multipart upload limits").
const MOST_AT_ONCE: u64 = 5 << 30;

/// The least that a part may have which is not the last, in bytes (the same page).
const LEAST_PART: u64 = 5 << 20;

/// Arguments of `portolan copy`.
#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// What is read from: the URL of a front or a registry, or a policy, whose first front with a
    /// host is meant.
    #[arg(value_name = "URL-OR-POLICY")]
    pub(super) place: String,
    /// Images as clients name them, with or without the front's host; `-` reads them from the
    /// standard input, one a line.
    #[arg(value_name = "IMAGE", required_unless_present = "log")]
    pub(super) images: Vec<String>,
    /// The store: a blob store of the policy by its name, or the URL of any blob in it with a place
    /// for the digest, such as `https://bucket.s3.eu-central-1.amazonaws.com/images/{digest}`.
    #[arg(long, value_name = "STORE-OR-URL")]
    pub(super) to: String,
    /// Copy what clients have fetched by lines of Portolan's access log, the most wanted first; `-`
    /// reads them from the standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "images")]
    pub(super) log: Option<PathBuf>,
    /// Leave out what the log has less often.
    #[arg(long, value_name = "COUNT", default_value_t = 1, conflicts_with = "images")]
    pub(super) at_least: u64,
    /// Whose image of a list; may be given several times.
    #[arg(long = "platform", value_name = "OS/ARCHITECTURE", default_value = "linux/amd64")]
    pub(super) platforms: Vec<Platform>,
    /// How the store is written to.
    #[arg(long, value_enum, default_value_t = Api::S3, help_heading = "The store")]
    pub(super) api: Api,
    /// The region that requests to S3 are signed for, where its host does not say it; else
    /// `AWS_REGION`, or the one of the shared configuration file.
    #[arg(long, value_name = "REGION", help_heading = "The store")]
    pub(super) region: Option<String>,
    /// Headers for a store that takes a plain `PUT`: lines such as `Authorization: Basic …`.
    #[arg(long, value_name = "FILE", help_heading = "The store")]
    pub(super) header_file: Option<PathBuf>,
    /// Send what is larger in parts; S3 takes no more than 5 GiB at once.
    #[arg(long, value_name = "SIZE", default_value = "5GiB", value_parser = at_once, help_heading = "The store")]
    pub(super) multipart_above: u64,
    /// How large a part is; each download has one in memory.
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = part, help_heading = "The store")]
    pub(super) part_size: u64,
    /// Ask the store what it has, and copy nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How many blobs are copied at once.
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) parallel: u8,
    /// As text or as JSON.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    /// How many seconds an answer, or the next bytes of one, may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) timeout: u64,
    #[command(flatten)]
    pub(super) login: OneLogin,
}

/// How a store is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Api {
    /// S3's API, with the keys of `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or of the shared
    /// credentials file.
    S3,
    /// A plain `PUT`, as servers of files take it (`WebDAV`).
    Put,
}

/// How to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// A line for each image and for each blob that could not be copied, and one for the whole.
    Text,
    /// One JSON object.
    Json,
}

/// The store that is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination<'a> {
    /// A store of the policy.
    Named(&'a str),
    /// A store anywhere.
    Url(BlobUrl),
}

impl CopyArgs {
    /// The store.
    ///
    /// # Errors
    ///
    /// It is a URL that no blob store can have, or there is no policy that could name it.
    pub(super) fn destination(&self) -> Result<Destination<'_>, String> {
        if self.to.contains("://") {
            return BlobUrl::parse(&self.to).map(Destination::Url).ok_or_else(|| {
                format!(
                    "`{}` is not the URL of a blob store; write one such as \
                     `https://bucket.s3.eu-central-1.amazonaws.com/images/{{digest}}`",
                    self.to
                )
            });
        }
        if self.place.contains("://") {
            return Err(format!(
                "`{}` can be found in a policy alone; write the policy in the place of {}, or the \
                 URL of a blob: `https://…/{{digest}}`",
                self.to, self.place
            ));
        }
        Ok(Destination::Named(&self.to))
    }
}

fn at_once(text: &str) -> Result<u64, String> {
    let bytes = read_size(text)?;
    if bytes > MOST_AT_ONCE {
        return Err("S3 takes no more than 5GiB at once".to_owned());
    }
    Ok(bytes)
}

fn part(text: &str) -> Result<u64, String> {
    let bytes = read_size(text)?;
    if !(LEAST_PART..=MOST_AT_ONCE).contains(&bytes) {
        return Err("S3 takes parts of 5MiB to 5GiB".to_owned());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: CopyArgs,
    }

    fn read(words: &str) -> Result<CopyArgs, String> {
        let words = ["copy"].into_iter().chain(words.split_whitespace());
        Line::try_parse_from(words).map(|line| line.arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn destinations() {
        #[rustfmt::skip]
        let rows = [
            ("p.yaml a/b --to east", Ok("east"), "of the policy"),
            ("https://r.example a/b --to https://b.example/{digest}", Ok("https://b.example/sha256:0"), "anywhere"),
            ("p.yaml a/b --to https://b.example/{digest}", Ok("https://b.example/sha256:0"), "a policy's front, another store"),
            ("https://r.example a/b --to east", Err("can be found in a policy alone"), "no policy"),
            ("https://r.example a/b --to https://b.example/", Err("is not the URL of a blob store"), "no place for the digest"),
        ];
        for (words, expected, reason) in rows {
            let arguments = read(words).unwrap();
            let found = arguments.destination().map(|found| match found {
                Destination::Named(name) => name.to_owned(),
                Destination::Url(url) => {
                    let digest = portolan_core::grammar::Digest::parse(b"sha256:0");
                    digest.map_or_else(
                        || url.origin().origin() + "/sha256:0",
                        |one| url.location(&one),
                    )
                }
            });
            match (&found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{reason}"),
                (Err(found), Err(expected)) => {
                    assert!(found.contains(expected), "{reason}: {found}");
                }
                _ => panic!("{reason}: {found:?}"),
            }
        }
    }

    #[test]
    fn what_is_refused() {
        #[rustfmt::skip]
        let rows = [
            ("p.yaml --to east", "required", "neither images nor a log"),
            ("p.yaml a/b --to east --log l", "cannot be used with", "both"),
            ("p.yaml a/b --to east --at-least 2", "cannot be used with", "images are counted once"),
            ("p.yaml a/b --to east --part-size 4MiB", "5MiB to 5GiB", "S3's own limit"),
            ("p.yaml a/b --to east --multipart-above 6GiB", "no more than 5GiB", "S3's own limit"),
            ("p.yaml a/b", "--to", "no store"),
        ];
        for (words, expected, reason) in rows {
            let message = read(words).unwrap_err();
            assert!(message.contains(expected), "{reason}: {message}");
        }
        assert_eq!(read("p.yaml --to east --log - --at-least 2").unwrap().at_least, 2);
    }
}
