//! The report of `portolan drift`. The names of its fields are those of the JSON, and stay.

use portolan_command::moment::Moment;
use portolan_command::table::{cells, lay_out};
use serde::{Serialize, Serializer};

use super::memory::Memory;
use super::state::State;

/// The version of the JSON.
const VERSION: u32 = 1;

/// What a backend answered about an image.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Its name in the policy.
    pub(super) backend: String,
    /// The image's name there.
    pub(super) name: String,
    /// The digest, `None` if it has no such tag; or why it could not be asked.
    pub(super) said: Result<Option<String>, String>,
}

/// All images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    version: u32,
    /// When they were asked, as in RFC 3339.
    at: String,
    /// The worst of all.
    pub(super) status: State,
    images: Vec<Image>,
}

/// One image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Image {
    #[serde(rename = "image")]
    name: String,
    rule: String,
    /// What the others are held against: the digest of the first that has one, who is the owner if
    /// there is one.
    digest: Option<String>,
    replicas: Vec<Replica>,
}

/// One image at one backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Replica {
    backend: String,
    /// The image's name there.
    name: String,
    state: State,
    digest: Option<String>,
    error: Option<String>,
    /// Since when it has not been seen with the same, as far as that is remembered.
    #[serde(serialize_with = "in_words")]
    since: Option<Moment>,
}

#[expect(clippy::ref_option, reason = "serde hands a field over so")]
fn in_words<S: Serializer>(since: &Option<Moment>, serializer: S) -> Result<S::Ok, S::Error> {
    since.map(|since| since.to_string()).serialize(serializer)
}

impl Image {
    /// What the answers about an image come to; the owner's, if there is one, is the first.
    pub(super) fn of(name: String, rule: &str, answers: Vec<Answer>) -> Self {
        let digests = answers.iter().filter_map(|answer| answer.said.as_ref().ok()?.clone());
        let digest = digests.into_iter().next();
        let of = |Answer { backend, name, said }: Answer| {
            let state = match &said {
                Err(_) => State::Unknown,
                Ok(None) => State::Missing,
                Ok(found) if *found == digest => State::Same,
                Ok(Some(_)) => State::Differs,
            };
            let (found, error) = match said {
                Ok(found) => (found, None),
                Err(why) => (None, Some(why)),
            };
            Replica { backend, name, state, digest: found, error, since: None }
        };
        let replicas = answers.into_iter().map(of).collect();
        Self { name, rule: rule.to_owned(), digest, replicas }
    }

    /// Whether all have the same.
    pub(crate) fn is_same(&self) -> bool {
        self.worst() == State::Same
    }

    /// In one line: who has what the first has, and what is with the others.
    pub(crate) fn in_words(&self) -> String {
        let of = |state: State| {
            let found = self.replicas.iter().filter(move |replica| replica.state == state);
            found.map(|replica| match &replica.error {
                Some(error) => format!("{} ({error})", replica.backend),
                None => replica.backend.clone(),
            })
        };
        let parts = [
            (State::Same, "has the same"),
            (State::Differs, "has another"),
            (State::Missing, "has none"),
            (State::Unknown, "cannot be asked"),
        ];
        let part = |(state, words): (State, &str)| {
            let who: Vec<String> = of(state).collect();
            (!who.is_empty()).then(|| format!("{} {words}", who.join(", ")))
        };
        parts.into_iter().filter_map(part).collect::<Vec<_>>().join("; ")
    }

    fn worst(&self) -> State {
        self.replicas.iter().map(|replica| replica.state).max().unwrap_or(State::Same)
    }
}

impl Report {
    /// All of it.
    pub(super) fn of(at: String, images: Vec<Image>) -> Self {
        let status = images.iter().map(Image::worst).max().unwrap_or(State::Same);
        Self { version: VERSION, at, status, images }
    }

    /// Takes over what is remembered of the replicas, and has it remembered how they are at this
    /// moment.
    pub(super) fn remember(&mut self, memory: &mut Memory, now: Moment) {
        for image in &mut self.images {
            for replica in &mut image.replicas {
                replica.since = memory.note(&image.name, &replica.backend, replica.state, now);
            }
        }
    }

    /// For people: a line for each replica, and below it why some could not be asked.
    pub(super) fn describe(&self) -> String {
        let row = |image: &Image, replica: &Replica| {
            let digest = replica.digest.as_deref().unwrap_or("-");
            let short = digest.get(..19).unwrap_or(digest);
            let texts =
                [&image.name, &replica.backend, replica.state.as_str(), short, &replica.name];
            cells(texts.map(|text| text))
        };
        let pairs = || {
            let images = self.images.iter();
            images.flat_map(|image| image.replicas.iter().map(move |replica| (image, replica)))
        };
        let header = cells(["image", "backend", "state", "digest", "its name there"]);
        let rows = pairs().map(|(image, replica)| row(image, replica));
        let table = lay_out(&[header].into_iter().chain(rows).collect::<Vec<_>>());
        let since = pairs().filter_map(|(image, replica)| {
            let since = replica.since?;
            let Replica { backend, .. } = replica;
            Some(format!("{} at {backend}: not the same since {since} or earlier\n", image.name))
        });
        let reasons = pairs().filter_map(|(image, replica)| {
            let why = replica.error.as_ref()?;
            Some(format!("{} at {}: {why}\n", image.name, replica.backend))
        });
        let alone = self.images.iter().filter(|image| image.replicas.len() < 2);
        let alone = alone.map(|image| {
            let Image { name, rule, .. } = image;
            format!("{name}: rule {rule} lets one backend answer for tags; nothing can differ\n")
        });
        [table].into_iter().chain(since).chain(reasons).chain(alone).collect()
    }

    /// For Prometheus: 1 or 0 for each replica that could be asked, and since when those differ
    /// that do.
    pub(super) fn metrics(&self) -> String {
        let pairs = || {
            let images = self.images.iter();
            images.flat_map(|image| image.replicas.iter().map(move |replica| (image, replica)))
        };
        let asked = pairs().filter(|(_, replica)| replica.state != State::Unknown);
        let same = asked.map(|(image, replica)| {
            let value = u64::from(replica.state == State::Same);
            line("portolan_replica_same", image, replica, value)
        });
        let since = pairs().filter_map(|(image, replica)| {
            Some(line(DIFFERS_SINCE, image, replica, replica.since?.seconds()))
        });
        let since: Vec<String> = since.collect();
        let head = |name: &str, help: &str| format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
        let of_same =
            head("portolan_replica_same", "Whether a replica has for a tag what its owner has.");
        let of_since = head(DIFFERS_SINCE, "When it was first seen that a replica has not.");
        let of_since = (!since.is_empty()).then_some(of_since);
        [of_same].into_iter().chain(same).chain(of_since).chain(since).collect()
    }
}

const DIFFERS_SINCE: &str = "portolan_replica_differs_since_timestamp_seconds";

fn line(metric: &str, image: &Image, replica: &Replica, value: u64) -> String {
    let labels = [("image", &image.name), ("rule", &image.rule), ("backend", &replica.backend)];
    let labels = labels.map(|(name, value)| format!("{name}=\"{value}\""));
    format!("{metric}{{{}}} {value}\n", labels.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(backend: &str, said: Result<Option<&str>, &str>) -> Answer {
        let said = said.map(|found| found.map(str::to_owned)).map_err(str::to_owned);
        Answer { backend: backend.to_owned(), name: "x/a:v1".to_owned(), said }
    }

    fn report(answers: &[Answer]) -> Report {
        let image = Image::of("a:v1".to_owned(), "all", answers.to_vec());
        Report::of("2026-11-28T09:30:00Z".to_owned(), vec![image])
    }

    /// What the backends say, the worst of all, the state of each, and the reason.
    type Row<'a> = (&'a [Result<Option<&'a str>, &'a str>], State, &'a [State], &'a str);

    #[test]
    fn states() {
        let (one, other) = (Ok(Some("sha256:1")), Ok(Some("sha256:2")));
        #[rustfmt::skip]
        let rows: [Row<'_>; 6] = [
            (&[one, one], State::Same, &[State::Same, State::Same], "all the same"),
            (&[one, other], State::Differs, &[State::Same, State::Differs], "the owner is right"),
            (&[one, Ok(None)], State::Missing, &[State::Same, State::Missing], "not there yet"),
            (&[one, Err("refused")], State::Unknown, &[State::Same, State::Unknown], "who knows"),
            (&[Err("refused"), one, other], State::Differs, &[State::Unknown, State::Same, State::Differs], "without the owner the next is held against"),
            (&[Ok(None), Ok(None)], State::Missing, &[State::Missing, State::Missing], "nobody has it"),
        ];
        for (said, status, states, reason) in rows {
            let answers: Vec<Answer> = said.iter().map(|said| answer("b", *said)).collect();
            let found = report(&answers);
            let all: Vec<State> = found.images[0].replicas.iter().map(|one| one.state).collect();
            assert_eq!((found.status, all.as_slice()), (status, states), "{reason}");
        }
    }

    #[test]
    fn for_people_for_programs_and_for_prometheus() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let found = report(&[
            answer("west", Ok(Some(&digest))),
            answer("east", Ok(None)),
            answer("south", Err("nobody listens")),
        ]);
        let shown = found.describe();
        for line in [
            "a:v1      west     same  sha256:000000000000          x/a:v1\n",
            "a:v1      east  missing                    -          x/a:v1\n",
            "a:v1 at south: nobody listens\n",
        ] {
            assert!(shown.contains(line), "{line:?} in\n{shown}");
        }
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!((&json["version"], &json["status"]), (&1.into(), &"missing".into()));
        assert_eq!(json["images"][0]["replicas"][0]["digest"], digest);
        let numbers = found.metrics();
        assert!(
            numbers.contains(
                "portolan_replica_same{image=\"a:v1\",rule=\"all\",backend=\"west\"} 1\n"
            )
        );
        assert!(
            numbers.contains("backend=\"east\"} 0\n") && !numbers.contains("south"),
            "{numbers}"
        );
        assert!(!numbers.contains("since") && !shown.contains("since"), "{numbers}{shown}");
        assert!(json["images"][0]["replicas"][1]["since"].is_null());
        let mut remembered = found.clone();
        let (mut memory, now) = (Memory::default(), Moment::of_seconds(1_700_000_000));
        remembered.remember(&mut memory, now);
        let json = serde_json::to_value(&remembered).unwrap();
        assert_eq!(json["images"][0]["replicas"][1]["since"], "2023-11-14T22:13:20Z");
        assert!(json["images"][0]["replicas"][0]["since"].is_null());
        let numbers = remembered.metrics();
        let line = "portolan_replica_differs_since_timestamp_seconds{image=\"a:v1\",rule=\"all\",backend=\"east\"} 1700000000\n";
        assert!(
            numbers.contains(line) && numbers.matches("differs_since").count() == 3,
            "{numbers}"
        );
        let shown = remembered.describe();
        let line = "a:v1 at east: not the same since 2023-11-14T22:13:20Z or earlier\n";
        assert!(shown.contains(line), "{shown}");
        let alone = report(&[answer("west", Ok(Some(&digest)))]).describe();
        assert!(alone.contains("nothing can differ"), "{alone}");
    }
}
