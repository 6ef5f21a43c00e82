//! `portolan doctor`: whether what a policy names can be reached from here, and is in order.
//!
//! [`look`] asks one server, [`certificate`] and [`clock`] judge what it shows, [`token`] is about
//! token services and the proxy's credentials, [`finding`] says all of it.

mod certificate;
mod clock;
mod finding;
mod look;
mod token;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use portolan_check as check;
use portolan_command::colour;
use portolan_command::date::BuildDate;
use portolan_command::moment::Moment;
use portolan_command::output::{Exit, Results, complain, fail};
use portolan_command::parallel;
use portolan_command::policy_file::{self, LoadedPolicy, Severity};
use portolan_command::progress::Progress;
use portolan_core::config::{Backend, BlobStore, Config, Front, FrontAuth, Geo, Scheme};
use portolan_registry_client::peer::certificates;
use portolan_registry_client::registry::ping;
use portolan_registry_client::url::absolute;

use self::finding::{Finding, Report, State};
use self::look::{Role, look, plain_tls, url_of};
use crate::drift::{self, Replicas};

pub(crate) const EXAMPLES: &str = "\
Examples:
  portolan doctor portolan.yaml
  portolan doctor portolan.yaml team/app:v1 team/base:latest
  portolan doctor portolan.yaml -o json

Exit status:
  0  nothing has failed
  1  something has failed, or the policy is refused; with --strict, a warning too
  2  the command was wrong, or the policy cannot be read";

/// How many servers are asked at once.
const MOST: usize = 8;

/// Arguments of `portolan doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The policy.
    #[arg(value_name = "POLICY", env = "PORTOLAN_POLICY")]
    policy: PathBuf,
    /// Images whose replicas must agree, by their names in the policy's rules, such as
    /// `team/app:v1`.
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
    /// As text or as JSON.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Let warnings fail, too.
    #[arg(long)]
    strict: bool,
    /// How many seconds a server may take for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

/// How to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line each.
    Text,
    /// One JSON object.
    Json,
}

/// One thing to look at.
enum Task<'c> {
    Front(&'c Front),
    Backend(&'c Backend),
    RedirectHost(&'c Backend, &'c str),
    Store(&'c BlobStore),
    Image(Replicas<'c>),
}

/// Looks at everything.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn run(arguments: &DoctorArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let policy = match policy_file::load(&arguments.policy) {
        Ok(policy) => policy,
        Err(diagnostics) => return Ok(complain(&diagnostics)),
    };
    let tasks = match tasks(&policy.config, &arguments.images) {
        Ok(tasks) => tasks,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    let mut progress = Progress::on_terminal();
    progress.say(format_args!("asking {} servers …", tasks.len()));
    let timeout = Duration::from_secs(arguments.timeout);
    let mut findings = files(&policy);
    let config = &policy.config;
    let found = parallel::each(&tasks, MOST, |task| task.findings(config, timeout));
    findings.extend(found.into_iter().flatten());
    drop(progress);
    let report = Report::of(Moment::now().to_string(), findings);
    match arguments.output {
        Output::Text => write!(out, "{}", report.describe(colour::on_stdout()))?,
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
    }
    let worst = if arguments.strict { State::Skipped } else { State::Warning };
    Ok(if report.status > worst { Exit::Refused } else { Exit::Good })
}

/// Everything that a policy names outside of itself.
fn tasks<'c>(config: &'c Config, images: &[String]) -> Result<Vec<Task<'c>>, String> {
    let mut tasks: Vec<Task<'c>> = config.fronts().all().iter().map(Task::Front).collect();
    for backend in config.backends() {
        tasks.push(Task::Backend(backend));
        let redirects = backend.followed_redirects();
        if redirects.any_followed() {
            let hosts = redirects.hosts().iter();
            tasks.extend(hosts.map(|host| Task::RedirectHost(backend, host.as_str())));
        }
    }
    tasks.extend(config.blob_stores().iter().map(Task::Store));
    for image in images {
        tasks.push(Task::Image(Replicas::of(config, None, image)?));
    }
    Ok(tasks)
}

impl Task<'_> {
    fn findings(&self, config: &Config, timeout: Duration) -> Vec<Finding> {
        match self {
            Self::Front(front) => of_front(front, timeout),
            Self::Backend(backend) => of_backend(config, backend, timeout),
            Self::RedirectHost(backend, host) => of_redirect_host(backend, host, timeout),
            Self::Store(store) => {
                let subject = format!("blob store {}", store.name());
                let url = absolute(&format!("{}/", store.url().origin().origin()));
                url.map(|url| look(&subject, &url, store.tls(), Role::Other, timeout).findings)
                    .unwrap_or_default()
            }
            Self::Image(replicas) => vec![of_image(config, replicas, timeout)],
        }
    }
}

/// The files that the policy names, and the geographic database.
fn files(policy: &LoadedPolicy) -> Vec<Finding> {
    let found = check::files(policy);
    if found.is_empty() {
        let what = match policy.config.clients().geo() {
            Geo::Database(_) => "all can be read, and the database is fresh",
            Geo::None | Geo::Headers(_) => "all can be read",
        };
        return vec![Finding::new("policy", "files", State::Ok, what)];
    }
    let finding = |one: policy_file::Diagnostic| {
        let state = match one.severity {
            Severity::Note => State::Skipped,
            Severity::Warning => State::Warning,
            Severity::Mistake | Severity::Unreadable => State::Failed,
        };
        Finding::new("policy", "files", state, format!("{}: {}", one.path, one.message))
    };
    found.into_iter().map(finding).collect()
}

fn of_front(front: &Front, timeout: Duration) -> Vec<Finding> {
    let subject = format!("front {}", front.name());
    let mut findings = Vec::new();
    // A file that is not here is told of with the others.
    let own = front.tls().and_then(|own| certificates(&own.certificate_file).ok());
    if let Some(first) = own.as_ref().and_then(|chain| chain.first()) {
        let (state, message) = certificate::judge(first, BuildDate::now().seconds());
        findings.push(Finding::new(&subject, "certificate", state, message));
    }
    if let FrontAuth::Basic(verifier) = front.auth() {
        let url = verifier.url();
        let url = absolute(&format!("{}{}", url.origin(), url.base_path()));
        findings.extend(url.into_iter().flat_map(|url| {
            let subject = format!("{subject}'s verifier");
            look(&subject, &url, &plain_tls(&url, None), Role::Verifier, timeout).findings
        }));
    }
    findings
}

fn of_backend(config: &Config, backend: &Backend, timeout: Duration) -> Vec<Finding> {
    let subject = format!("backend {}", backend.name());
    let Ok(url) = ping(backend.url()) else { return Vec::new() };
    let sight = look(&subject, &url, backend.tls(), Role::Registry, timeout);
    let mut findings = sight.findings;
    let Some((_, headers)) = sight.answer else {
        let skipped = backend.credential().map(|name| format!("`{name}` cannot be tried"));
        let skipped =
            skipped.map(|text| Finding::new(&subject, "credential", State::Skipped, text));
        findings.extend(skipped);
        return findings;
    };
    findings.extend(token::service(&subject, backend, &headers, timeout));
    findings.extend(token::credential(&subject, config, backend, timeout));
    findings
}

fn of_redirect_host(backend: &Backend, host: &str, timeout: Duration) -> Vec<Finding> {
    let subject = format!("backend {}", backend.name());
    let name = "redirect host";
    if host.starts_with('*') {
        let message = format!("{host}: any of these, so that none can be looked at");
        return vec![Finding::new(&subject, name, State::Skipped, message)];
    }
    let Some(url) = url_of(Scheme::Https, host) else { return Vec::new() };
    let tls = plain_tls(&url, backend.followed_redirects().ca_file());
    let findings = look(&subject, &url, &tls, Role::Other, timeout).findings;
    let named = findings.into_iter().map(|mut found| {
        if found.check == "reachable" {
            found.check = name;
        } else {
            found.message = format!("of {host}: {}", found.message);
        }
        found
    });
    named.collect()
}

/// Whether all who may answer for an image's tag say the same.
fn of_image(config: &Config, replicas: &Replicas<'_>, timeout: Duration) -> Finding {
    let image = drift::ask(config, replicas, timeout, false);
    let state = if image.is_same() { State::Ok } else { State::Failed };
    Finding::new(&format!("image {}", replicas.image), "replicas", state, image.in_words())
}
