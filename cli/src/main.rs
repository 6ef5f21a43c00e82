//! `portolan`: check, render and explain a policy, prepare what it and its clients need, measure
//! what comes of it.

mod admin;
mod cache;
mod clients;
mod command_line;
mod copy;
mod credential;
mod doctor;
mod drift;
mod geoip;
mod geoip_update;
mod init;
mod ready;
mod reload;
mod serve;
mod status;
mod warm;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use portolan_check::{self as check, schema};
use portolan_command::output::{Exit, Results, complain, fail, say};
use portolan_core::config::user_info::hidden_in_words;
use portolan_explain as explain;
use portolan_geography::geoip::error::GeoipError;
use portolan_geography::networks;
use portolan_measure::{bench, compare_paths, nearest};
use portolan_render::{self as render, RenderError};

use cache::CacheCommand;
use clients::ClientsError;
use credential::CredentialError;
use geoip::GeoipCommand;
use reload::ReloadError;

/// Pull each image from the nearest registry, push it to the one that owns it.
///
/// Portolan runs inside Envoy and follows one policy file. This command checks that file, makes an
/// Envoy configuration of it, explains what becomes of a request, prepares what Envoy and clients
/// need besides, and measures what comes of it.
#[derive(Debug, Parser)]
#[command(name = "portolan", version, after_help = EXIT_STATUS)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "\
Exit status:
  0  all is well
  1  a policy or another input is refused; the standard error says why
  2  the command was wrong, or a file cannot be read or written";

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether policies are good, and what is wrong in those that are not.
    ///
    /// Every mistake and every warning is a line `FILE:LINE:COLUMN: …` on the standard error.
    /// A warning is about a policy that works, but perhaps not as meant.
    #[command(after_help = check::EXAMPLES)]
    Check(check::CheckArgs),
    /// Make the configuration of an Envoy that serves a policy.
    #[command(after_help = EXIT_STATUS)]
    Render(Box<render::RenderArgs>),
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::ServeArgs),
    #[command(after_help = ready::EXIT_STATUS)]
    Ready(ready::ReadyArgs),
    #[command(after_help = APPLY_EXAMPLES)]
    Apply(reload::ApplyArgs),
    #[command(after_help = EXIT_STATUS)]
    Rollback(reload::RollbackArgs),
    #[command(after_help = EXIT_STATUS)]
    History(reload::HistoryArgs),
    #[command(after_help = EXIT_STATUS)]
    Drain(reload::DrainArgs),
    #[command(after_help = EXIT_STATUS)]
    Version(reload::VersionArgs),
    /// Say what becomes of a request: region, rule and backend, or the refusal.
    ///
    /// The same code decides as in Envoy. A request that would be refused is explained like any
    /// other, with exit status 0.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(explain::ExplainArgs),
    /// Say how it runs: who serves which region, how the backends are, and what is wrong.
    ///
    /// It asks Envoys for their metrics every few seconds. Below the tables stand only problems,
    /// each with the page of the documentation that helps.
    #[command(after_help = status::EXAMPLES)]
    Status(status::StatusArgs),
    /// Say whether the replicas of an image's rule have the same content under its tag.
    ///
    /// Each backend that may answer for the tag is asked by the policy's address and name, with the
    /// policy's credential, past the front.
    #[command(after_help = drift::EXAMPLES)]
    Drift(drift::DriftArgs),
    /// Say whether what a policy names can be reached from here, and is in order.
    ///
    /// Backends, token services, blob stores and the hosts of redirects are asked once; their
    /// certificates and clocks, the proxy's credentials, the files and the geographic database are
    /// looked at; of images that are named, whether all replicas have the same. Run it where Envoy
    /// runs.
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::DoctorArgs),
    /// Say which backends are near to this machine, and which chains have them in another order.
    ///
    /// Each backend is asked several times, in turns: until it answers, and with an image for its
    /// manifest and the first bytes of a layer. What should be otherwise is printed as a diff of
    /// the policy.
    #[command(after_help = nearest::EXAMPLES)]
    Nearest(nearest::NearestArgs),
    /// Pull a list of images through a front without a container runtime, so that what is behind it
    /// has them.
    ///
    /// Every manifest, configuration and layer is downloaded and its digest checked; nothing is
    /// kept.
    #[command(after_help = warm::EXAMPLES)]
    Warm(warm::WarmArgs),
    /// Fill a blob store that clients are redirected to, with the blobs of images or with what
    /// clients have fetched.
    ///
    /// Each blob is read through the front or from a registry, and hashed while it is sent: the
    /// store gets its end only if its digest is right. What the store has is neither read nor sent
    /// again, so that a run which was broken off is continued by another.
    #[command(after_help = copy::EXAMPLES)]
    Copy(copy::CopyArgs),
    /// Look at the nodes of caches, have them forget, verify or fetch content, or run one.
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Make what clients need in order to pull through a front: the files of their own
    /// configuration.
    ///
    /// One file is printed as it is, a tree with the path of each file on a line before it.
    #[command(after_help = clients::EXAMPLES)]
    Clients(clients::ClientsArgs),
    /// Write a first policy, from registries and the countries that are near to them.
    #[command(after_help = init::EXAMPLES)]
    Init(init::InitArgs),
    /// Print the JSON Schema of a policy, for editors.
    ///
    /// Name it in a policy's first line: `# yaml-language-server: $schema=policy.schema.json`.
    #[command(after_help = EXIT_STATUS)]
    Schema,
    /// Print the completion of this command line for a shell.
    ///
    /// For bash: `portolan completion bash >/etc/bash_completion.d/portolan`.
    #[command(after_help = EXIT_STATUS)]
    Completion(command_line::CompletionArgs),
    /// Write the manual pages of this command and of each of its commands into a directory.
    #[command(after_help = EXIT_STATUS)]
    Man(command_line::ManArgs),
    /// Build and read the database that tells Envoy in which country an address is.
    #[command(subcommand)]
    Geoip(GeoipCommand),
    /// Make networks for a policy.
    #[command(subcommand)]
    Networks(NetworksCommand),
    /// Keep the proxy's own credentials fresh.
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Compare a front with the registry that it stands for: pulls by tag and by digest, and
    /// layers.
    ///
    /// Both are asked in turns, every byte is checked, and a run that fails is counted as one.
    #[command(after_help = bench::EXAMPLES)]
    Bench(bench::BenchArgs),
    /// Say where the time goes on the ways to a front, its upstream and other URLs.
    ///
    /// Each is asked over connections of its own, in turns: name, connection, TLS, first byte,
    /// speed. Where iperf3 is installed and its server is named, it measures the network alone.
    #[command(after_help = compare_paths::EXAMPLES)]
    ComparePaths(compare_paths::ComparePathsArgs),
}

/// What can be done about credentials.
#[derive(Debug, Subcommand)]
enum CredentialCommand {
    /// Write a name and a password to the file that Envoy reads a credential from.
    ///
    /// The password comes from the standard input or from a file. A running Envoy reads the new
    /// file at once. If anything fails, the old one stays.
    #[command(after_help = WRITE_EXAMPLES)]
    Write(credential::WriteArgs),
}

/// What can be done about networks.
#[derive(Debug, Subcommand)]
enum NetworksCommand {
    /// Turn the address ranges that a cloud or a delivery network publishes into networks for a
    /// policy.
    ///
    /// The file must have been downloaded before. Write the result to a file and name that in the
    /// policy's `network_files`.
    #[command(after_help = EXIT_STATUS)]
    Import(networks::ImportArgs),
    /// Turn a database of autonomous systems into networks for a policy: those of the systems that
    /// are named.
    ///
    /// The file must have been downloaded before. Write the result to a file and name that in the
    /// policy's `network_files`; the labels are `asn:NUMBER`.
    #[command(after_help = EXIT_STATUS)]
    Asn(networks::AsnArgs),
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  portolan explain portolan.yaml pull docker.io/library/nginx:1.27 --from CN
  portolan explain portolan.yaml pull team/app --all-regions --down quay
  portolan explain portolan.yaml push team/app:v1 --as alice
  portolan explain portolan.yaml GET /v2/drycc/base/manifests/latest --country CN
  portolan explain portolan.yaml PUT https://registry.example.com/v2/drycc/base/manifests/v1
  portolan explain portolan.yaml GET /v2/ --header 'cf-ipcountry: DE' --peer 192.0.2.1 --json

Exit status:
  0  the request is explained, even if it would be refused
  1  the policy is refused; the standard error says why
  2  the command was wrong, or a file cannot be read";

const APPLY_EXAMPLES: &str = "\
Examples:
  portolan render portolan.yaml --target files /etc/portolan/envoy      once, before Envoy starts
  envoy -c /etc/portolan/envoy/envoy.yaml --drain-time-s 600
  portolan apply portolan.yaml /etc/portolan/envoy --dry-run
  portolan apply portolan.yaml /etc/portolan/envoy
  portolan apply /config/portolan.yaml /etc/portolan/envoy --watch      beside Envoy, in Kubernetes

Exit status:
  0  the policy is in force
  1  the policy is refused, by this command or by Envoy; the one before is in force
  2  the command was wrong, or Envoy or a file cannot be reached; the one before is in force, or
     the new one and something is left to do: run it again";

const WRITE_EXAMPLES: &str = "\
Examples:
  portolan credential write ghcr-robot --username robot --password-file token.txt
  aws ecr get-login-password | portolan credential write ecr --username AWS \\
    --timestamp-file /var/lib/prometheus/node-exporter/portolan-ecr.prom

Exit status:
  0  the credential is written
  1  the name or the password is refused; the standard error says why
  2  the command was wrong, or a file cannot be read or written";

/// The variable that names the policy where no argument does.
const POLICY: &str = "PORTOLAN_POLICY";

fn main() -> ExitCode {
    let mut out = Results::to(io::stdout().lock());
    if std::env::args_os().len() <= 1 {
        return help();
    }
    let arguments = command_line::with_policy(std::env::args_os(), std::env::var_os(POLICY));
    let exit = match CommandLine::try_parse_from(arguments) {
        Ok(parsed) => parsed.command.run(&mut out),
        Err(error) => return refuse(&error),
    };
    match exit.and_then(|exit| out.flush().map(|()| exit)) {
        Ok(exit) => exit.into(),
        Err(error) => {
            say(format_args!("error: cannot read or write: {error}"));
            Exit::Unusable.into()
        }
    }
}

/// Whoever types the bare name wants to know what there is.
fn help() -> ExitCode {
    match CommandLine::command().print_long_help() {
        Ok(()) => Exit::Good.into(),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Good.into(),
        Err(_) => Exit::Unusable.into(),
    }
}

/// Says what is wrong with the arguments, or what was asked for, such as `--help`. Arguments are
/// URLs too, and stand in logs of pipelines.
fn refuse(error: &clap::Error) -> ExitCode {
    let said = error.to_string();
    match hidden_in_words(&said) {
        Cow::Owned(hidden) if hidden != said => {
            say(hidden.trim_end());
            Exit::Unusable.into()
        }
        _ => error.exit(),
    }
}

impl Command {
    fn run(self, out: &mut Results<impl Write>) -> io::Result<Exit> {
        match self {
            Self::Check(arguments) => check::run(&arguments, out),
            Self::Explain(arguments) => explain::run(&arguments, out),
            Self::Completion(arguments) => {
                command_line::completion(&arguments, CommandLine::command(), out)
                    .map(|()| Exit::Good)
            }
            Self::Man(arguments) => {
                command_line::man(&arguments, CommandLine::command()).map(|()| Exit::Good)
            }
            Self::Init(arguments) => init::run(&arguments, out),
            Self::Schema => schema::run(out).map(|()| Exit::Good),
            Self::Render(arguments) => Ok(exit_of_render(render::run(&arguments, out))),
            Self::Serve(arguments) => serve::run(arguments, out),
            Self::Ready(arguments) => ready::run(&arguments, out),
            Self::Apply(arguments) => exit_of_reload(reload::apply(&arguments, out)),
            Self::Rollback(arguments) => exit_of_reload(reload::rollback(&arguments, out)),
            Self::History(arguments) => exit_of_reload(reload::history(&arguments, out)),
            Self::Drain(arguments) => exit_of_reload(reload::drain(&arguments, out)),
            Self::Version(arguments) => reload::version(&arguments, out).map(|()| Exit::Good),
            Self::Clients(arguments) => Ok(exit_of_clients(clients::run(&arguments, out))),
            Self::Doctor(arguments) => doctor::run(&arguments, out),
            Self::Drift(arguments) => drift::run(&arguments, out),
            Self::Nearest(arguments) => nearest::run(&arguments, out),
            Self::Warm(arguments) => warm::run(&arguments, out),
            Self::Copy(arguments) => copy::run(&arguments, out),
            Self::Cache(command) => command.run(out),
            Self::Status(arguments) => status::run(&arguments, out),
            Self::Bench(arguments) => bench::run(&arguments, out),
            Self::ComparePaths(arguments) => compare_paths::run(&arguments, out),
            Self::Geoip(command) => Ok(exit_of_geoip(command.run())),
            Self::Credential(CredentialCommand::Write(arguments)) => {
                Ok(exit_of_credential(credential::write(&arguments)))
            }
            Self::Networks(command) => Ok(command.run(out)),
        }
    }
}

impl NetworksCommand {
    fn run(self, out: &mut dyn Write) -> Exit {
        let (file, result) = match &self {
            Self::Import(arguments) => (&arguments.file, networks::run(arguments, out)),
            Self::Asn(arguments) => (&arguments.file, networks::run_asn(arguments, out)),
        };
        let is_there = File::open(file).is_ok();
        let refused = if is_there { Exit::Refused } else { Exit::Unusable };
        result.map_or_else(|message| fail(message, refused), |()| Exit::Good)
    }
}

fn exit_of_render(result: Result<(), RenderError>) -> Exit {
    result.map_or_else(|error| error.complain(), |()| Exit::Good)
}

fn exit_of_reload(result: Result<(), ReloadError>) -> io::Result<Exit> {
    match result {
        Ok(()) => Ok(Exit::Good),
        Err(ReloadError::Print(error)) => Err(error),
        Err(ReloadError::Policy(diagnostics)) => Ok(complain(&diagnostics)),
        Err(error) => Ok(fail(&error, error.exit())),
    }
}

fn exit_of_clients(result: Result<(), ClientsError>) -> Exit {
    match result {
        Ok(()) => Exit::Good,
        Err(ClientsError::Policy(diagnostics)) => complain(&diagnostics),
        Err(error) if error.is_refusal() => fail(error, Exit::Refused),
        Err(error) => fail(error, Exit::Unusable),
    }
}

fn exit_of_geoip(result: Result<(), GeoipError>) -> Exit {
    match result {
        Ok(()) => Exit::Good,
        Err(GeoipError::Print(error)) if error.kind() == ErrorKind::BrokenPipe => Exit::Good,
        Err(GeoipError::Policy(diagnostics)) => complain(&diagnostics),
        Err(error @ (GeoipError::File { .. } | GeoipError::Print(_))) => {
            fail(error, Exit::Unusable)
        }
        Err(error) => fail(error, Exit::Refused),
    }
}

fn exit_of_credential(result: Result<(), CredentialError>) -> Exit {
    match result {
        Ok(()) => Exit::Good,
        Err(error) if error.is_refusal() => fail(error, Exit::Refused),
        Err(error) => fail(error, Exit::Unusable),
    }
}
