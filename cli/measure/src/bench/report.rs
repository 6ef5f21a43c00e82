//! The report of a benchmark as JSON.

use portolan_command::quantity::real;
use portolan_registry_client::manifest::Platform;
use portolan_registry_client::registry::{Registry, Side};
use serde::Serialize;

use super::part::{Part, Run};
use super::plan::Plan;
use crate::statistics::Summary;

/// All of it. Times are in seconds, sizes in bytes.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The front.
    pub(super) front: Place,
    /// The upstream.
    pub(super) upstream: Place,
    /// Whose image.
    pub(super) platform: String,
    /// How often each part was tried at each side.
    pub(super) runs: u32,
    /// The digest of the manifest that was pulled by it.
    pub(super) manifest: String,
    /// How many layers a run downloads.
    pub(super) layers: u32,
    /// How many bytes they have together.
    pub(super) bytes: u64,
    /// What a reader must know to understand the rest.
    pub(super) notes: Vec<String>,
    /// The parts of a pull.
    pub(super) parts: Vec<Compared>,
}

/// A registry and the image in it.
#[derive(Debug, Serialize)]
pub(super) struct Place {
    pub(super) url: String,
    pub(super) image: String,
    /// What the tag meant when the benchmark began.
    pub(super) digest: String,
}

/// One part of a pull, measured at the front and at the registry.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    /// `tag`, `manifest` or `blobs`.
    pub(super) part: &'static str,
    #[serde(skip)]
    pub(super) title: String,
    pub(super) front: Measured,
    pub(super) upstream: Measured,
    /// The front's median by the upstream's: below 1 the front is faster. None if one of them never
    /// succeeded.
    pub(super) ratio_of_medians: Option<f64>,
}

/// One part at one side.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Measured {
    /// How many runs succeeded; only they count below.
    pub(super) succeeded: usize,
    /// How many failed.
    pub(super) failed: usize,
    /// What their times come to.
    pub(super) seconds: Option<Summary>,
    /// Of layers alone: the bytes of a run by the median of its times.
    pub(super) bytes_per_second: Option<f64>,
    /// Every run, in order.
    pub(super) runs: Vec<Attempt>,
}

/// One run.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Attempt {
    /// In which round, counted from 1.
    pub(super) round: u32,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds: Option<f64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

impl Report {
    /// Of these runs.
    pub(super) fn of(
        registries: &[Registry; 2],
        platform: &Platform,
        plan: Plan,
        rounds: u32,
        runs: &[Run],
    ) -> Self {
        let bytes = plan.bytes();
        let notes = notes(&plan.tags);
        let [front, upstream] = registries;
        let [front_digest, upstream_digest] = plan.tags;
        Self {
            front: Place::of(front, front_digest),
            upstream: Place::of(upstream, upstream_digest),
            platform: platform.to_string(),
            runs: rounds,
            manifest: plan.manifest.as_str().to_owned(),
            layers: u32::try_from(plan.layers.len()).unwrap_or(u32::MAX),
            bytes,
            notes,
            parts: Part::ALL.map(|part| compare(part, bytes, runs)).into(),
        }
    }

    /// Whether any run failed.
    pub(super) fn has_failures(&self) -> bool {
        self.parts.iter().any(|part| part.front.failed > 0 || part.upstream.failed > 0)
    }
}

impl Place {
    fn of(registry: &Registry, digest: String) -> Self {
        Self { url: registry.url(), image: registry.image().to_string(), digest }
    }
}

fn notes([front, upstream]: &[String; 2]) -> Vec<String> {
    let differ = front != upstream;
    let note = "the tag means different images at the two; both were asked for the front's image by \
         its digest. A front that caches tags is behind for a while; for a fair comparison name a tag \
         that does not move";
    differ.then(|| note.to_owned()).into_iter().collect()
}

fn compare(part: Part, bytes: u64, runs: &[Run]) -> Compared {
    let [front, upstream] = Side::BOTH.map(|side| {
        let of_side = runs.iter().filter(|run| run.part == part && run.side == side);
        measured(of_side, (part == Part::Blobs).then_some(bytes))
    });
    let median = |measured: &Measured| measured.seconds.map(|seconds| seconds.median);
    let ratio_of_medians = match (median(&front), median(&upstream)) {
        (Some(front), Some(upstream)) if upstream > 0.0 => Some(front / upstream),
        _ => None,
    };
    Compared { part: part.key(), title: part.to_string(), front, upstream, ratio_of_medians }
}

fn measured<'a>(runs: impl Iterator<Item = &'a Run>, bytes: Option<u64>) -> Measured {
    let runs: Vec<Attempt> = runs.map(Attempt::of).collect();
    let times: Vec<f64> = runs.iter().filter_map(|run| run.seconds).collect();
    let seconds = Summary::of(&times);
    let median = seconds.map(|seconds| seconds.median).filter(|median| *median > 0.0);
    Measured {
        succeeded: times.len(),
        failed: runs.len().saturating_sub(times.len()),
        seconds,
        bytes_per_second: bytes.zip(median).map(|(bytes, median)| real(bytes) / median),
        runs,
    }
}

impl Attempt {
    fn of(run: &Run) -> Self {
        let (seconds, error) = match &run.outcome {
            Ok(seconds) => (Some(*seconds), None),
            Err(fault) => (None, Some(fault.to_string())),
        };
        Self { round: run.round, seconds, error }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use portolan_registry_client::fault::Fault;

    fn run(round: u32, part: Part, side: Side, outcome: Result<f64, &str>) -> Run {
        Run { round, part, side, outcome: outcome.map_err(Fault::new) }
    }

    /// Three rounds of layers of 1 MB, one of them failed, and nothing of the other parts.
    pub(in super::super) fn runs() -> Vec<Run> {
        vec![
            run(1, Part::Blobs, Side::Front, Ok(0.1)),
            run(1, Part::Blobs, Side::Upstream, Ok(0.8)),
            run(2, Part::Blobs, Side::Upstream, Ok(0.4)),
            run(2, Part::Blobs, Side::Front, Err("the download broke off")),
            run(3, Part::Blobs, Side::Front, Ok(0.3)),
            run(3, Part::Blobs, Side::Upstream, Ok(0.9)),
        ]
    }

    /// What they come to.
    pub(in super::super) fn report() -> Report {
        let place = |url: &str| Place {
            url: url.to_owned(),
            image: "library/a:v1".to_owned(),
            digest: "sha256:00".to_owned(),
        };
        Report {
            front: place("https://front.example"),
            upstream: place("https://upstream.example"),
            platform: "linux/amd64".to_owned(),
            runs: 3,
            manifest: "sha256:01".to_owned(),
            layers: 2,
            bytes: 1_000_000,
            notes: Vec::new(),
            parts: Part::ALL.map(|part| compare(part, 1_000_000, &runs())).into(),
        }
    }

    #[test]
    fn a_failed_run_is_counted_and_does_not_count() {
        let blobs = compare(Part::Blobs, 1_000_000, &runs());
        assert_eq!((blobs.front.succeeded, blobs.front.failed), (2, 1));
        assert_eq!(blobs.front.seconds.map(|seconds| seconds.median), Some(0.2));
        assert_eq!(blobs.front.bytes_per_second, Some(5_000_000.0));
        assert_eq!(blobs.upstream.seconds.map(|seconds| seconds.median), Some(0.8));
        assert_eq!(blobs.ratio_of_medians, Some(0.25));
        let failed =
            Attempt { round: 2, seconds: None, error: Some("the download broke off".to_owned()) };
        assert_eq!(blobs.front.runs.get(1), Some(&failed));
        assert!(report().has_failures());
    }

    #[test]
    fn nothing_comes_of_nothing() {
        let tag = compare(Part::Tag, 1_000_000, &runs());
        assert_eq!((tag.front.seconds, tag.ratio_of_medians), (None, None));
        assert_eq!(tag.front.bytes_per_second, None);
    }

    #[test]
    fn speeds_are_of_layers_alone() {
        let runs = [run(1, Part::Tag, Side::Front, Ok(0.1))];
        assert_eq!(compare(Part::Tag, 1_000_000, &runs).front.bytes_per_second, None);
    }

    #[test]
    fn a_tag_that_moved_is_noted() {
        let notes =
            |front: &str, upstream: &str| notes(&[front.to_owned(), upstream.to_owned()]).len();
        assert_eq!(notes("sha256:00", "sha256:00"), 0);
        assert_eq!(notes("sha256:00", "sha256:01"), 1);
    }
}
