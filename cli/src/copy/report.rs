//! The report of `portolan copy`. The names of its fields are those of the JSON, and stay.

use portolan_command::quantity::{counted, size};
use serde::Serialize;

/// The version of the JSON.
const VERSION: u32 = 1;

/// What became of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It was copied.
    Copied,
    /// The store had it.
    Present,
    /// The store does not have it, and nothing was to be copied.
    WouldCopy,
    /// The store does not have it.
    Failed,
}

/// One blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Blob {
    pub(super) digest: String,
    /// A repository that has it.
    pub(super) repository: String,
    pub(super) state: State,
    /// How many bytes it has; none if nobody said it.
    pub(super) bytes: Option<u64>,
    pub(super) error: Option<String>,
}

/// One image of one platform, where images were named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Image {
    #[serde(rename = "image")]
    pub(super) name: String,
    pub(super) platform: String,
    /// What the tag means; none of an image that was not found.
    pub(super) digest: Option<String>,
    /// The digests of its blobs, its configuration among them.
    pub(super) blobs: Vec<String>,
    pub(super) error: Option<String>,
}

/// Some of the blobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Total {
    blobs: usize,
    /// Of those whose size is known.
    bytes: u64,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    kind: &'static str,
    version: u32,
    /// The front or registry.
    source: String,
    /// The store, as it was named.
    store: String,
    /// `ok`, or `failed` if the store lacks anything that was to be there.
    status: &'static str,
    copied: Total,
    present: Total,
    would_copy: Total,
    failed: Total,
    /// How many blobs of the log were left out, because the policy sends nobody to the store for
    /// them.
    left_out: usize,
    /// Whether clients without credentials get what is there; none if nobody asked.
    is_public: Option<bool>,
    images: Vec<Image>,
    blobs: Vec<Blob>,
}

impl Report {
    /// All of it.
    pub(super) fn of(
        source: String,
        store: String,
        images: Vec<Image>,
        blobs: Vec<Blob>,
        left_out: usize,
        is_public: Option<bool>,
    ) -> Self {
        let total = |state| Total::of(blobs.iter().filter(|blob| blob.state == state));
        let failed = total(State::Failed);
        let is_complete = failed.blobs == 0 && images.iter().all(|image| image.error.is_none());
        Self {
            kind: "portolan.copy",
            version: VERSION,
            source,
            store,
            status: if is_complete { "ok" } else { "failed" },
            copied: total(State::Copied),
            present: total(State::Present),
            would_copy: total(State::WouldCopy),
            failed,
            left_out,
            is_public,
            images,
            blobs,
        }
    }

    /// Whether the store has all that was to be there, or would be sent it.
    pub(super) fn is_complete(&self) -> bool {
        self.status == "ok"
    }

    /// For people: a line for each image and each failure, and one for the whole.
    pub(super) fn describe(&self) -> String {
        let images = self.images.iter().map(|image| self.line(image));
        let failed = self.blobs.iter().filter(|blob| blob.state == State::Failed);
        let failures = failed.map(|blob| {
            let why = blob.error.as_deref().unwrap_or_default();
            format!("failed  {} ({}): {why}\n", blob.digest, blob.repository)
        });
        let mut text: String = images.chain(failures).collect();
        let parts = [
            ("copied", self.copied),
            ("to be copied", self.would_copy),
            ("already there", self.present),
            ("failed", self.failed),
        ];
        let parts = parts.iter().filter(|(_, total)| total.blobs > 0);
        let mut parts: Vec<String> = parts.map(|(word, total)| total.describe(word)).collect();
        if self.left_out > 0 {
            parts.push(format!(
                "{} left out: the policy sends nobody there for them",
                self.left_out
            ));
        }
        if parts.is_empty() {
            parts.push("nothing to copy".to_owned());
        }
        text.push_str(&parts.join("; "));
        text.push('\n');
        text
    }

    fn line(&self, image: &Image) -> String {
        let name = format!("{} ({})", image.name, image.platform);
        let lacks =
            |blob: &&Blob| blob.state == State::Failed && image.blobs.contains(&blob.digest);
        let missing = self.blobs.iter().filter(lacks).count();
        match (&image.digest, &image.error) {
            (Some(digest), None) if missing == 0 => {
                let blobs = u64::try_from(image.blobs.len()).unwrap_or(u64::MAX);
                format!("ready   {name}: {digest}, {}\n", counted(blobs, "blob"))
            }
            (Some(_), None) => {
                format!("failed  {name}: {missing} of {} blobs, see below\n", image.blobs.len())
            }
            (_, error) => format!("failed  {name}: {}\n", error.as_deref().unwrap_or_default()),
        }
    }
}

impl Total {
    fn of<'a>(blobs: impl Iterator<Item = &'a Blob>) -> Self {
        blobs.fold(Self::default(), |total, blob| Self {
            blobs: total.blobs.saturating_add(1),
            bytes: total.bytes.saturating_add(blob.bytes.unwrap_or_default()),
        })
    }

    fn describe(&self, word: &str) -> String {
        let blobs = counted(u64::try_from(self.blobs).unwrap_or(u64::MAX), "blob");
        match self.bytes {
            0 => format!("{blobs} {word}"),
            bytes => format!("{blobs} {word} ({})", size(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(digest: &str, state: State, bytes: u64) -> Blob {
        let error = (state == State::Failed).then(|| "it answered 404".to_owned());
        let repository = "a/b".to_owned();
        Blob { digest: digest.to_owned(), repository, state, bytes: Some(bytes), error }
    }

    fn image(blobs: &[&str]) -> Image {
        Image {
            name: "a/b:v1".to_owned(),
            platform: "linux/amd64".to_owned(),
            digest: Some("sha256:00".to_owned()),
            blobs: blobs.iter().map(|&digest| digest.to_owned()).collect(),
            error: None,
        }
    }

    fn report(images: Vec<Image>, blobs: Vec<Blob>, left_out: usize) -> Report {
        Report::of("https://r.example".to_owned(), String::new(), images, blobs, left_out, None)
    }

    #[test]
    fn as_text() {
        let blobs = vec![
            blob("x", State::Copied, 1500),
            blob("y", State::Present, 10),
            blob("z", State::Failed, 5),
        ];
        let unknown = Image { digest: None, error: Some("no such tag".to_owned()), ..image(&[]) };
        let report = report(vec![image(&["x", "y"]), image(&["x", "z"]), unknown], blobs, 3);
        let expected = "\
ready   a/b:v1 (linux/amd64): sha256:00, 2 blobs
failed  a/b:v1 (linux/amd64): 1 of 2 blobs, see below
failed  a/b:v1 (linux/amd64): no such tag
failed  z (a/b): it answered 404
1 blob copied (1.50 kB); 1 blob already there (10 B); 1 blob failed (5 B); 3 left out: the policy sends nobody there for them
";
        assert_eq!((report.describe().as_str(), report.is_complete()), (expected, false));
    }

    #[test]
    fn complete_and_incomplete_copies() {
        let good = report(vec![image(&["x"])], vec![blob("x", State::WouldCopy, 0)], 0);
        assert!(good.is_complete());
        assert!(good.describe().ends_with("1 blob to be copied\n"));
        let nothing = report(Vec::new(), Vec::new(), 0);
        assert_eq!(
            (nothing.is_complete(), nothing.describe().as_str()),
            (true, "nothing to copy\n")
        );
    }
}
