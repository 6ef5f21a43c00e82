//! `portolan copy`: fills a blob store that clients are redirected to.
//!
//! [`wanted`] is what the store is to have: the blobs of images, or those that the access [`log`]
//! says clients have fetched, as far as the policy sends clients there for them ([`allowed`]).
//! [`one`] brings a blob from [`sources`] to the [`store`]: [`verified`] holds its end back until
//! its digest is right, [`upload`] sends it in one request or ([`s3`]) in parts, and [`access`]
//! authorises each request. [`report`] says what came of it.

mod access;
mod allowed;
mod arguments;
mod log;
mod one;
mod report;
mod s3;
mod sources;
mod store;
mod upload;
mod verified;
mod wanted;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portolan_command::output::{Exit, Results, fail, say};
use portolan_command::parallel;
use portolan_command::progress::Progress;
use portolan_command::quantity::size;
use portolan_core::config::{BlobStore, Config};
use portolan_core::grammar::Digest;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::ClientOptions;
use portolan_registry_client::image;
use portolan_registry_client::image_name::ImageName;
use portolan_registry_client::manifest::Platform;
use portolan_registry_client::peer::{PeerCertificate, trust};
use portolan_registry_client::tls::Trust;

use self::access::Access;
use self::allowed::policy_name;
use self::arguments::{Api, Destination, Output};
use self::log::Lines;
use self::one::Copying;
use self::report::Report;
use self::s3::credentials::{self, text_of};
use self::sources::Sources;
use self::store::Store;
use self::upload::Uploads;
use self::wanted::Wanted;
use crate::warm::front::{Place, Unusable};
use crate::warm::names;

pub(crate) use self::arguments::CopyArgs;

pub(crate) const EXAMPLES: &str = "\
Examples:
  portolan copy portolan.yaml team/app:v1 team/base --to east
  portolan copy portolan.yaml --log access.log --at-least 3 --to east --dry-run
  portolan copy https://registry.example.com - --to 'https://bucket.s3.eu-central-1.amazonaws.com/{digest}' <images.txt
  portolan copy https://registry.example.com team/app:v1 --to 'https://files.example.com/blobs/{digest}' --api put --header-file headers.txt

Exit status:
  0  the store has every blob, and each has its digest; with --dry-run, each is there or can be copied
  1  a blob or an image could not be copied; or the policy is refused
  2  the command was wrong, or a file cannot be read";

/// Everything that the arguments, the environment and files say.
struct Prepared {
    place: Place,
    /// The store as the policy has it, if it is of the policy.
    named: Option<BlobStore>,
    store: Store,
    sources: Sources,
}

/// Copies what the store is to have.
///
/// # Errors
///
/// `out` cannot be written, or the standard input not be read.
pub(crate) fn run(arguments: &CopyArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let prepared = match prepare(arguments) {
        Ok(prepared) => prepared,
        Err(unusable) => return Ok(unusable.complain()),
    };
    let most = usize::from(arguments.parallel);
    let wanted = match &arguments.log {
        Some(path) => prepared.of_log(path, arguments.at_least)?,
        None => prepared.of_images(&names(&arguments.images)?, &arguments.platforms, most),
    };
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    let report = prepared.copy(wanted, arguments);
    match arguments.output {
        Output::Text => write!(out, "{}", report.describe())?,
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
    }
    Ok(if report.is_complete() { Exit::Good } else { Exit::Refused })
}

fn prepare(arguments: &CopyArgs) -> Result<Prepared, Unusable> {
    let destination = arguments.destination()?;
    let place = Place::of(&arguments.place)?;
    let variable = |name: &str| std::env::var(name).ok();
    let login = arguments.login.login(variable, io::stdin().lock())?;
    let trust_of_all = Trust::of_the_system().map_err(|fault| fault.to_string())?;
    let timeout = Duration::from_secs(arguments.timeout);
    let options = |trust| ClientOptions { trust, timeout, uses_proxy: true };
    let (named, url, trust_of_store) = match destination {
        Destination::Url(url) => (None, url, trust_of_all.clone()),
        Destination::Named(name) => {
            let named = named(place.config.as_ref(), name)?.clone();
            let own = trust(named.tls(), &PeerCertificate::default())
                .map_err(|fault| fault.to_string())?;
            let url = named.url().clone();
            (Some(named), url, own)
        }
    };
    let access = match arguments.api {
        Api::S3 => {
            let sources = credentials::Sources { variable: &variable, file: &text_of };
            Access::s3(&sources, arguments.region.as_deref(), url.origin().authority())?
        }
        Api::Put => Access::put(arguments.header_file.as_deref())?,
    };
    let store = Store::new(url, access, options(trust_of_store));
    let sources = Sources::new(place.url.clone(), login, options(trust_of_all));
    Ok(Prepared { place, named, store, sources })
}

fn named<'c>(config: Option<&'c Config>, name: &str) -> Result<&'c BlobStore, String> {
    let stores = config.map(Config::blob_stores).unwrap_or_default();
    stores.iter().find(|store| store.name() == name).ok_or_else(|| {
        let names: Vec<&str> = stores.iter().map(BlobStore::name).collect();
        match names.as_slice() {
            [] => format!("the policy has no blob store {name}, and no other"),
            _ => format!("the policy has no blob store {name}; it has {}", names.join(", ")),
        }
    })
}

impl Prepared {
    /// A repository's name where it is read from, if what it has may be in the store.
    fn may_have(&self, authority: &str, repository: &str) -> Result<String, String> {
        match (&self.place.config, &self.named) {
            (Some(config), Some(store)) => policy_name(config, store, authority, repository),
            _ => Ok(repository.to_owned()),
        }
    }

    fn of_images(
        &self,
        names: &[String],
        platforms: &[Platform],
        most: usize,
    ) -> Result<Wanted, String> {
        let names = names.iter().map(|name| self.place.image(name));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let all: Vec<(&ImageName, &Platform)> = names
            .iter()
            .flat_map(|name| platforms.iter().map(move |platform| (name, platform)))
            .collect();
        let mut progress = Progress::on_terminal();
        progress.say(format_args!("looking for {} images …", all.len()));
        let found = parallel::each(&all, most, |(name, platform)| {
            self.may_have(self.place.url.authority(), name.repository()).map_err(Fault::new)?;
            self.sources.visit(name, |visit| image::find(visit, platform))
        });
        let mut wanted = Wanted::default();
        for ((name, platform), found) in all.into_iter().zip(found) {
            wanted.add_image(name, platform, found);
        }
        Ok(wanted)
    }

    fn of_log(&self, path: &Path, at_least: u64) -> io::Result<Result<Wanted, String>> {
        let lines = if path == Path::new("-") {
            read_lines(io::stdin().lock())?
        } else {
            match File::open(path) {
                Ok(file) => read_lines(BufReader::new(file))?,
                Err(error) => return Ok(Err(format!("{}: {error}", path.display()))),
            }
        };
        Ok(lines.map_err(|why| format!("{}: {why}", path.display())).map(|lines| {
            let mut wanted = Wanted::default();
            for fetched in lines.blobs(at_least) {
                wanted.add_fetched(&fetched, |place| {
                    let name = self.may_have(&place.authority, &place.repository).ok()?;
                    let name = self.may_have(self.place.url.authority(), &name).ok()?;
                    name.parse().ok()
                });
            }
            wanted
        }))
    }

    fn copy(&self, wanted: Wanted, arguments: &CopyArgs) -> Report {
        let copying = Copying {
            sources: &self.sources,
            uploads: Uploads {
                store: &self.store,
                multipart_above: arguments.multipart_above,
                part_size: arguments.part_size,
            },
            is_dry: arguments.dry_run,
            hopeless: Mutex::default(),
        };
        let progress = Mutex::new((Progress::on_terminal(), 0_usize, 0_u64));
        let blobs = parallel::each(&wanted.blobs, arguments.parallel.into(), |blob| {
            let blob = copying.copy(blob);
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            let (progress, count, bytes) = &mut *progress;
            *count = count.saturating_add(1);
            *bytes = bytes.saturating_add(blob.bytes.unwrap_or_default());
            progress.say(format_args!("{count}/{} blobs, {}", wanted.blobs.len(), size(*bytes)));
            blob
        });
        let is_public = self.is_public(&blobs);
        let (source, store) = (self.place.url(), arguments.to.clone());
        Report::of(source, store, wanted.images, blobs, wanted.left_out, is_public)
    }

    /// Whether anybody gets what the store has, as clients that are sent there must.
    fn is_public(&self, blobs: &[report::Blob]) -> Option<bool> {
        let is_there = |blob: &&report::Blob| {
            matches!(blob.state, report::State::Copied | report::State::Present)
        };
        let digest = Digest::parse(blobs.iter().find(is_there)?.digest.as_bytes())?;
        let status = self.store.status_for_anybody(&digest)?;
        let is_public = (200..300).contains(&status);
        if !is_public {
            say(format_args!(
                "warning: the store has the blobs, and answers {status} to clients without \
                 credentials; clients that are sent there have none"
            ));
        }
        Some(is_public)
    }
}

fn read_lines(input: impl BufRead) -> io::Result<Result<Lines, String>> {
    let mut lines = Lines::default();
    for (number, line) in (1_u64..).zip(input.lines()) {
        let line = line?;
        if !line.trim().is_empty()
            && let Err(why) = lines.read(&line)
        {
            return Ok(Err(format!("line {number}: {why}")));
        }
    }
    Ok(Ok(lines))
}
