//! The report of a benchmark as a text.

use portolan_command::quantity::{counted, ratio, size, speed, time};
use portolan_command::table::{cells, lay_out, list};

use super::report::{Compared, Measured, Place, Report};

/// The whole report.
pub(super) fn describe(report: &Report) -> String {
    let places = [("front", &report.front), ("upstream", &report.upstream)];
    let places = list(&places.map(|(side, place)| (side, describe_place(place))));
    let what = format!(
        "{} of each, in turns; {}; {} of {} together\n",
        counted(report.runs, "run"),
        report.platform,
        counted(report.layers, "layer"),
        size(report.bytes)
    );
    let notes = report.notes.iter().map(|note| format!("note: {note}\n"));
    let parts = report.parts.iter().map(describe_part);
    [places, what].into_iter().chain(notes).chain(parts).collect()
}

fn describe_place(place: &Place) -> String {
    format!("{} {} {}", place.url, place.image, place.digest)
}

fn describe_part(part: &Compared) -> String {
    let header = ["", "runs", "failed", "average", "median", "p95", "min", "max", "speed"];
    let rows = [cells(header), row("front", &part.front), row("upstream", &part.upstream)];
    let verdict = part.ratio_of_medians.map_or_else(
        || "no ratio: one of the two never succeeded\n".to_owned(),
        |found| format!("front / upstream: {} ({})\n", ratio(found), verdict(found)),
    );
    format!("\n{}\n{}{verdict}{}", part.title, lay_out(&rows), reasons(part))
}

fn row(side: &str, measured: &Measured) -> Vec<String> {
    let counts = [measured.succeeded, measured.failed].map(|count| count.to_string());
    let times = measured.seconds.map(|seconds| {
        [seconds.average, seconds.median, seconds.p95, seconds.minimum, seconds.maximum].map(time)
    });
    let speed = measured.bytes_per_second.map(speed);
    let times = times.into_iter().flatten();
    [side.to_owned()].into_iter().chain(counts).chain(times).chain(speed).collect()
}

/// A tenth is within what a network varies by itself.
fn verdict(found: f64) -> String {
    match found {
        _ if found <= 0.0 => "the front takes no time that can be measured".to_owned(),
        _ if found < 0.9 => format!("the front is {} times as fast", ratio(found.recip())),
        _ if found > 1.1 => format!("the upstream is {} times as fast", ratio(found)),
        _ => "no difference that matters".to_owned(),
    }
}

/// The reasons for which runs failed, each with the number of runs.
fn reasons(part: &Compared) -> String {
    let sides = [("front", &part.front), ("upstream", &part.upstream)];
    sides.map(|(side, measured)| side_reasons(side, measured)).concat()
}

fn side_reasons(side: &str, measured: &Measured) -> String {
    let mut reasons: Vec<&str> =
        measured.runs.iter().filter_map(|run| run.error.as_deref()).collect();
    reasons.sort_unstable();
    let groups = reasons.chunk_by(|left, right| left == right);
    let line = |group: &[&str]| {
        let reason = group.first().copied().unwrap_or_default();
        format!("{side}, {} failed: {reason}\n", group.len())
    };
    groups.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn everything_is_there() {
        let shown = describe(&report());
        let rows = [
            "front     https://front.example library/a:v1 sha256:00\n",
            "3 runs of each, in turns; linux/amd64; 2 layers of 1.00 MB together\n",
            "\nresolve by tag\n",
            "no ratio: one of the two never succeeded\n",
            "\nlayers\n          runs  failed  average  median     p95     min     max      speed\n",
            "front        2       1   200 ms  200 ms  300 ms  100 ms  300 ms  5.00 MB/s\n",
            "upstream     3       0   700 ms  800 ms  900 ms  400 ms  900 ms  1.25 MB/s\n",
            "front / upstream: 0.25 (the front is 4.00 times as fast)\n",
            "front, 1 failed: the download broke off\n",
        ];
        for row in rows {
            assert!(shown.contains(row), "{row:?} in\n{shown}");
        }
    }

    #[test]
    fn verdicts() {
        let rows = [
            (0.25, "the front is 4.00 times as fast"),
            (0.95, "no difference that matters"),
            (1.05, "no difference that matters"),
            (3.0, "the upstream is 3.00 times as fast"),
            (0.0, "the front takes no time that can be measured"),
        ];
        for (found, wanted) in rows {
            assert_eq!(verdict(found), wanted, "{found}");
        }
    }
}
