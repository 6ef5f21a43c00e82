//! `portolan status`: regions of clients, backends that serve them, failures and their causes.
//!
//! Each Envoy says its numbers in Prometheus' text ([`exposition`], [`scrape`], [`names`]); two
//! looks at them ([`round`]) become fronts, regions and backends ([`parts`]) and problems
//! ([`problems`]), dated by what was seen before ([`history`]), all in one report ([`report`],
//! [`summary`]), which is printed ([`human`]) or said as JSON. Only [`ask`], [`directories`] and
//! this file touch the world.

mod arguments;
mod ask;
mod directories;
mod exposition;
#[cfg(test)]
mod exposition_tests;
mod history;
mod human;
mod instance;
mod names;
mod on_disk;
mod pages;
mod parts;
mod problems;
mod quantile;
mod report;
mod round;
mod scrape;
mod shape;
mod summary;

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use portolan_command::moment::Moment;
use portolan_command::output::{Exit, Results, complain, fail};
use portolan_command::policy_file;

use self::arguments::{Output, Wait};
use self::ask::Envoys;
use self::history::History;
use self::human::{Colours, describe};
use self::instance::Observation;
use self::on_disk::PolicyFile;
use self::report::{Overall, Report};
use self::round::Round;
use self::shape::Shape;
pub(crate) use arguments::{EXAMPLES, StatusArgs};

/// From where everything before is forgotten: the cursor goes home, and what is below is erased
/// (ECMA-48, "CUP" and "ED").
const CLEAR: &str = "\u{1b}[H\u{1b}[J";

/// How often is looked whether what is waited for is so.
const WAIT_PAUSE: Duration = Duration::from_millis(500);

/// Says how all is: once, until nobody reads any more, or when what is waited for is so.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn run(arguments: &StatusArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let shape = match arguments.policy.as_deref().map(policy_file::load).transpose() {
        Ok(policy) => policy.map(|policy| Shape::of(&policy.config)).unwrap_or_default(),
        Err(diagnostics) => return Ok(complain(&diagnostics)),
    };
    let watch = match Watch::begin(arguments, &shape) {
        Ok(watch) => watch,
        Err(message) => return Ok(fail(message, Exit::Refused)),
    };
    match arguments.wait {
        Some(Wait::Ready) => watch.until_ready(arguments, out),
        None if arguments.once => watch.once(arguments, out),
        None => watch.on_and_on(arguments, out),
    }
}

/// What is watched, and what was seen last.
struct Watch {
    envoys: Envoys,
    shape: Shape,
    history: History,
    last: (Vec<Observation>, Instant),
    slow: f64,
    directories: Vec<PathBuf>,
    policy: Option<PathBuf>,
}

impl Watch {
    fn begin(arguments: &StatusArgs, shape: &Shape) -> Result<Self, String> {
        let begun = |envoys: Envoys| {
            let last = (envoys.ask(), Instant::now());
            let slow = arguments.slow;
            let directories = arguments.directories().cloned().collect();
            let history = History::default();
            let policy = arguments.policy.clone();
            Self { envoys, shape: shape.clone(), history, last, slow, directories, policy }
        };
        let named = directories::envoys(arguments).map_err(|error| error.to_string())?;
        if !named.is_empty() {
            return Envoys::at(&named).map(begun).map_err(|fault| fault.to_string());
        }
        let usual = arguments::usual();
        for target in &usual {
            let watch =
                begun(Envoys::at(std::slice::from_ref(target)).map_err(|fault| fault.to_string())?);
            if watch.last.0.iter().any(|one| one.said.is_ok()) || arguments.wait.is_some() {
                return Ok(watch);
            }
        }
        let tried: Vec<&str> = usual.iter().map(|target| target.name.as_str()).collect();
        Err(format!("no Envoy answers at {}; name its metrics listener", tried.join(" or ")))
    }

    /// Looks again; what has changed since the last look.
    fn look(&mut self) -> Report {
        let now = self.envoys.ask();
        let at = Instant::now();
        let seconds = at.saturating_duration_since(self.last.1).as_secs_f64();
        let mut round = Round::after(&self.last.0, now, seconds);
        round.file = self.policy.as_deref().map(PolicyFile::read);
        self.last = (round.observations.clone(), at);
        let moment = Moment::now().to_string();
        let history = &mut self.history;
        let directories = directories::all(&self.directories);
        Report { directories, ..summary::report(&round, &self.shape, history, &moment, self.slow) }
    }

    fn once(mut self, arguments: &StatusArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
        sleep(arguments.pause());
        let report = self.look();
        print(&report, arguments.output, "", out)?;
        Ok(exit(&report))
    }

    fn on_and_on(
        mut self,
        arguments: &StatusArgs,
        out: &mut Results<impl Write>,
    ) -> io::Result<Exit> {
        let before = match (arguments.output, io::stdout().is_terminal()) {
            (Output::Json, _) => "",
            (Output::Text, true) => CLEAR,
            (Output::Text, false) => "\n",
        };
        loop {
            sleep(arguments.pause());
            let report = self.look();
            print(&report, arguments.output, before, out)?;
            if out.is_closed() {
                return Ok(exit(&report));
            }
        }
    }

    fn until_ready(
        mut self,
        arguments: &StatusArgs,
        out: &mut Results<impl Write>,
    ) -> io::Result<Exit> {
        let begun = Instant::now();
        loop {
            let report = self.look();
            let is_ready = is_ready(&report);
            if is_ready || begun.elapsed() >= arguments.timeout() {
                print(&report, arguments.output, "", out)?;
                return Ok(if is_ready { Exit::Good } else { Exit::Refused });
            }
            sleep(WAIT_PAUSE);
        }
    }
}

/// Whether clients may come: every Envoy serves, and none holds a backend for down.
fn is_ready(report: &Report) -> bool {
    use self::instance::ServerState::Ready;
    use self::report::BackendState::{Down, PartlyDown};
    report.instances.iter().all(|instance| instance.state == Ready)
        && !report.backends.iter().any(|backend| matches!(backend.state, Down | PartlyDown))
}

fn print(
    report: &Report,
    output: Output,
    before: &str,
    out: &mut Results<impl Write>,
) -> io::Result<()> {
    match output {
        Output::Json => writeln!(out, "{}", serde_json::to_string(report)?)?,
        Output::Text => write!(out, "{before}{}", describe(report, colours()))?,
    }
    out.flush()
}

fn colours() -> Colours {
    let is_wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let can_be = env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
    if is_wanted && can_be && io::stdout().is_terminal() { Colours::Some } else { Colours::None }
}

fn exit(report: &Report) -> Exit {
    if report.status == Overall::Ok { Exit::Good } else { Exit::Refused }
}
