//! The report as people read it: tables, and below them only the problems.

use portolan_command::quantity::time;
use portolan_command::table::{cells, lay_out};

use super::instance::ServerState;
use super::report::{
    Backend, BackendState, Directory, Front, Instance, Overall, Problem, Region, Report,
};

/// Whether lines may be coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    /// A terminal shows them, and nobody asked for none.
    Some,
    /// A file or a pipe would keep the codes; or `NO_COLOR` is set (<https://no-color.org>).
    None,
}

/// Select Graphic Rendition (ECMA-48), "SGR".
const RED: &str = "\u{1b}[31m";
const YELLOW: &str = "\u{1b}[33m";
const PLAIN: &str = "\u{1b}[0m";

impl Colours {
    fn paint(self, colour: Option<&str>, line: &str) -> String {
        match (self, colour) {
            (Self::Some, Some(colour)) => format!("{colour}{line}{PLAIN}\n"),
            _ => format!("{line}\n"),
        }
    }
}

/// The whole report.
pub(super) fn describe(report: &Report, colours: Colours) -> String {
    let parts = [
        head(report, colours),
        instances(&report.instances, colours),
        directories(&report.directories, colours),
        fronts(&report.fronts),
        regions(&report.regions),
        backends(&report.backends, colours),
        problems(&report.problems, colours),
    ];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\n")
}

fn head(report: &Report, colours: Colours) -> String {
    let (word, colour) = match report.status {
        Overall::Ok => ("ok", None),
        Overall::Degraded => ("degraded", Some(YELLOW)),
        Overall::Down => ("down", Some(RED)),
        Overall::Unknown => ("unknown", Some(RED)),
    };
    let window = format!("numbers of {}", time(report.window_seconds));
    colours.paint(colour, &format!("{}  {word}  {window}", report.at))
}

fn instances(instances: &[Instance], colours: Colours) -> String {
    let header = cells(["envoy", "state", "policy", "started", "certificate"]);
    let rows = instances.iter().map(|instance| {
        let policy = instance.policy.as_deref().unwrap_or("-");
        let state = match instance.state {
            ServerState::Ready => "ready",
            ServerState::Draining => "draining",
            ServerState::Starting => "starting",
            ServerState::Unreachable => "unreachable",
        };
        let started = instance.uptime_seconds.map(|seconds| format!("{} ago", span(seconds)));
        let days = instance.certificate_days.map(|days| format!("{days:.0} d"));
        let texts = [state.to_owned(), short(policy).to_owned(), or_dash(started), or_dash(days)];
        [instance.address.clone()].into_iter().chain(texts).collect()
    });
    let colour = |place: usize| {
        instances.get(place).filter(|one| one.state != ServerState::Ready).map(|_| YELLOW)
    };
    table(header, rows.collect(), colour, colours)
}

fn directories(directories: &[Directory], colours: Colours) -> String {
    let header = cells(["directory", "policy", "in force since", "before"]);
    let rows = directories.iter().map(|one| {
        let before = one.before.first();
        let before =
            before.map(|before| format!("{} since {}", short(&before.policy), before.since));
        let since = if one.unfinished {
            format!("{}; a change was stopped in its midst: apply it again", one.since)
        } else {
            one.since.clone()
        };
        vec![one.path.clone(), short(&one.policy).to_owned(), since, or_dash(before)]
    });
    let colour = |place: usize| directories.get(place).filter(|one| one.unfinished).map(|_| YELLOW);
    table(header, rows.collect(), colour, colours)
}

/// As much of a fingerprint as tells one policy from another.
fn short(fingerprint: &str) -> &str {
    fingerprint.get(..12).unwrap_or(fingerprint)
}

fn fronts(fronts: &[Front]) -> String {
    let header =
        cells(["front", "requests/s", "nearest", "fallback", "redirected", "refused", "failed"]);
    let rows = fronts.iter().map(|front| {
        let share = |outcome: &str| {
            let count = front.outcomes_per_second.get(outcome).copied().unwrap_or_default();
            let share = count / front.requests_per_second;
            or_dash((front.requests_per_second > 0.0).then(|| percent(share)))
        };
        let outcomes = ["nearest", "fallback", "redirected", "refused", "failed"].map(share);
        [front.name.clone(), rate(front.requests_per_second)].into_iter().chain(outcomes).collect()
    });
    table(header, rows.collect(), |_| None, Colours::None)
}

fn regions(regions: &[Region]) -> String {
    let width = regions.iter().map(|region| region.name.chars().count()).max().unwrap_or(0).max(6);
    let line = |region: &Region| {
        let shares =
            region.served_by.iter().map(|one| format!("{} {}", one.backend, percent(one.share)));
        let shares = shares.collect::<Vec<_>>().join(", ");
        let nearest = region.nearest.iter().cloned().collect::<Vec<_>>().join(", ");
        let served = match (shares.is_empty(), nearest.is_empty()) {
            (false, _) => shares,
            (true, false) => format!("- (nearest: {nearest})"),
            (true, true) => "-".to_owned(),
        };
        format!("{:<width$}  {:>10}  {served}\n", region.name, rate(region.requests_per_second))
    };
    let lines: Vec<String> = regions.iter().map(line).collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("{:<width$}  {:>10}  served by\n{}", "region", "requests/s", lines.concat())
}

fn backends(backends: &[Backend], colours: Colours) -> String {
    let header = cells([
        "backend",
        "state",
        "since",
        "success",
        "attempts/s",
        "p50",
        "p95",
        "fallbacks/s",
        "limit",
        "credential",
    ]);
    let rows = backends.iter().map(|backend| {
        vec![
            backend.name.clone(),
            backend.state.as_str().to_owned(),
            or_dash(backend.since.as_deref().map(clock)),
            or_dash(backend.success.map(percent)),
            rate(backend.attempts_per_second),
            or_dash(backend.p50_seconds.map(time)),
            or_dash(backend.p95_seconds.map(time)),
            rate(backend.fallbacks_per_second),
            or_dash(backend.limit_remaining.map(|left| format!("{left:.0} left"))),
            or_dash(backend.credential.map(|state| state.as_str().to_owned())),
        ]
    });
    let colour = |place: usize| match backends.get(place)?.state {
        BackendState::Up | BackendState::Unknown => None,
        BackendState::Down => Some(RED),
        BackendState::Slow | BackendState::Failing | BackendState::PartlyDown => Some(YELLOW),
    };
    table(header, rows.collect(), colour, colours)
}

fn problems(problems: &[Problem], colours: Colours) -> String {
    let line = |problem: &Problem| {
        let since = problem.since.as_deref().map(|at| format!(", since {}", clock(at)));
        let regions: Vec<&str> = problem.regions.iter().map(String::as_str).collect();
        let regions = if regions.is_empty() {
            String::new()
        } else {
            format!("; regions: {}", regions.join(", "))
        };
        let said = format!("! {}{}{regions}", problem.text, since.unwrap_or_default());
        format!("{}  {}\n", colours.paint(Some(YELLOW), &said), problem.page)
    };
    problems.iter().map(line).collect()
}

/// A header and rows, each of which may have a colour.
fn table<'c>(
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    colour: impl Fn(usize) -> Option<&'c str>,
    colours: Colours,
) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let all: Vec<Vec<String>> = [header].into_iter().chain(rows).collect();
    let laid_out = lay_out(&all);
    let mut lines = laid_out.lines();
    let header = lines.next().map(|line| format!("{line}\n"));
    let rows = lines.enumerate().map(|(place, line)| colours.paint(colour(place), line));
    header.into_iter().chain(rows).collect()
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

/// So many a second.
fn rate(per_second: f64) -> String {
    if per_second == 0.0 { "-".to_owned() } else { format!("{per_second:.1}") }
}

/// A share between 0 and 1. What is not all is never shown as all.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if percent > 99.0 && percent < 100.0 => format!("{:.1} %", percent.min(99.9)),
        _ if percent > 0.0 && percent < 1.0 => format!("{:.1} %", percent.max(0.1)),
        _ => format!("{percent:.0} %"),
    }
}

/// A length of time, in the unit that fits: `90 s`, `12 min`, `5 h`, `40 d`.
pub(super) fn span(seconds: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(86_400.0, "d"), (3600.0, "h"), (60.0, "min")];
    let fits = |(unit, _): &&(f64, &str)| seconds >= 2.0 * unit;
    match UNITS.iter().find(fits) {
        Some((unit, name)) => format!("{:.0} {name}", (seconds / unit).floor()),
        None => format!("{seconds:.0} s"),
    }
}

/// The time of day of a moment in RFC 3339; the day can be seen in the first line.
fn clock(at: &str) -> String {
    at.split_once('T').map_or(at, |(_, clock)| clock).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::history::History;
    use super::super::report::Before;
    use super::super::round::tests::round;
    use super::super::shape::Shape;
    use super::super::summary;
    use super::*;

    const AFTER: &str = "\
        portolan_requests_total{front=\"main\",region=\"cn\",outcome=\"nearest\"} 30\n\
        portolan_requests_total{front=\"main\",region=\"cn\",outcome=\"fallback\"} 10\n\
        portolan_attempts_total{backend=\"east\",result=\"ok\"} 30\n\
        portolan_attempts_total{backend=\"east\",result=\"timeout\"} 10\n\
        portolan_fallbacks_total{region=\"cn\",from=\"east\",to=\"west\",why=\"timeout\"} 10\n\
        portolan_first_byte_milliseconds_bucket{region=\"cn\",backend=\"east\",le=\"100\"} 30\n\
        portolan_first_byte_milliseconds_bucket{region=\"cn\",backend=\"east\",le=\"+Inf\"} 30\n\
        portolan_first_byte_milliseconds_count{region=\"cn\",backend=\"east\"} 30\n\
        portolan_first_byte_milliseconds_count{region=\"cn\",backend=\"west\"} 10\n\
        envoy_server_days_until_first_cert_expiring{} 100\n\
        portolan_policy_info{hash=\"0123456789abcdef\"} 1\n\
        envoy_server_uptime{} 8000\n\
        envoy_cluster_membership_healthy{envoy_cluster_name=\"east\"} 1\nenvoy_cluster_membership_healthy{envoy_cluster_name=\"west\"} 1\n";

    fn shown(colours: Colours) -> String {
        let round = round(&[("", AFTER)]);
        let at = "2026-11-28T09:30:00Z";
        let report = summary::report(&round, &Shape::default(), &mut History::default(), at, 2.0);
        describe(&report, colours)
    }

    #[test]
    fn everything_is_there() {
        let shown = shown(Colours::None);
        let rows = [
            "2026-11-28T09:30:00Z  degraded  numbers of 10.0 s\n",
            "envoy    state        policy  started  certificate\n",
            "envoy-0  ready  0123456789ab  2 h ago        100 d\n",
            "front  requests/s  nearest  fallback  redirected  refused  failed\n",
            "main          4.0     75 %      25 %         0 %      0 %     0 %\n",
            "region  requests/s  served by\n",
            "cn             4.0  east 75 %, west 25 %\n",
            "backend    state  since  success  attempts/s      p50      p95  fallbacks/s  limit  credential\n",
            "east     failing      -     75 %         4.0  50.0 ms  95.0 ms          1.0      -           -\n",
            "west          up      -        -           -        -        -            -      -           -\n",
            "! attempts at east fail: timeout; regions: cn\n  docs/failover.md\n",
        ];
        for row in rows {
            assert!(shown.contains(row), "{row:?} in\n{shown}");
        }
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn directories_say_since_when() {
        let version = |policy: &str, since: &str| Before {
            policy: policy.to_owned(),
            since: since.to_owned(),
        };
        let directory = |before, unfinished| Directory {
            path: "/d".to_owned(),
            policy: "0123456789abcdef".to_owned(),
            since: "2026-11-28T09:00:00Z".to_owned(),
            unfinished,
            before,
        };
        let before = vec![version("fedcba9876543210", "2026-11-27T09:00:00Z")];
        let said = directories(&[directory(before, false)], Colours::None);
        assert_eq!(
            said,
            "directory        policy        in force since                                   before\n\
             /d         0123456789ab  2026-11-28T09:00:00Z  fedcba987654 since 2026-11-27T09:00:00Z\n"
        );
        let said = directories(&[directory(Vec::new(), true)], Colours::None);
        assert!(said.contains("stopped in its midst") && said.ends_with("  -\n"), "{said}");
        assert_eq!(directories(&[], Colours::None), "");
    }

    #[test]
    fn only_what_is_unwell_has_a_colour() {
        let shown = shown(Colours::Some);
        let coloured = shown.lines().filter(|line| line.starts_with('\u{1b}'));
        let coloured: Vec<&str> = coloured.map(|line| line.trim_start_matches(YELLOW)).collect();
        assert_eq!(coloured.len(), 3, "{shown}");
        assert!(
            coloured[0].starts_with("2026")
                && coloured[1].starts_with("east")
                && coloured[2].starts_with('!')
        );
        assert!(coloured.iter().all(|line| line.ends_with(PLAIN)));
    }

    #[test]
    fn numbers() {
        let rows = [
            (percent(1.0), "100 %"),
            (percent(0.9999), "99.9 %"),
            (percent(0.756), "76 %"),
            (percent(0.0001), "0.1 %"),
            (percent(0.0), "0 %"),
            (span(90.0), "90 s"),
            (span(7190.0), "119 min"),
            (span(7200.0), "2 h"),
            (span(200_000.0), "2 d"),
            (span(-5.0), "-5 s"),
            (rate(0.0), "-"),
            (rate(12.34), "12.3"),
        ];
        for (found, wanted) in rows {
            assert_eq!(found, wanted);
        }
    }
}
