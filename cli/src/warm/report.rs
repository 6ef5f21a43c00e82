//! The report of `portolan warm`. The names of its fields are those of the JSON, and stay.

use portolan_command::quantity::{counted, size};
use serde::Serialize;

/// The version of the JSON.
const VERSION: u32 = 1;

/// One image of one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Warmed {
    image: String,
    platform: String,
    /// What the tag means; none of an image that was not pulled.
    digest: Option<String>,
    /// How many blobs it has, its configuration among them.
    blobs: usize,
    /// Their bytes.
    bytes: u64,
    error: Option<String>,
}

impl Warmed {
    /// An image that was pulled, or why it was not.
    pub(super) fn of(
        image: String,
        platform: String,
        result: Result<(String, usize, u64), String>,
    ) -> Self {
        let (digest, blobs, bytes, error) = match result {
            Ok((digest, blobs, bytes)) => (Some(digest), blobs, bytes, None),
            Err(why) => (None, 0, 0, Some(why)),
        };
        Self { image, platform, digest, blobs, bytes, error }
    }
}

/// All images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    kind: &'static str,
    version: u32,
    /// The front.
    url: String,
    /// `ok`, or `failed` if any image was not pulled.
    status: &'static str,
    images: Vec<Warmed>,
}

impl Report {
    /// All of it.
    pub(super) fn of(url: String, images: Vec<Warmed>) -> Self {
        let is_complete = images.iter().all(|image| image.error.is_none());
        let status = if is_complete { "ok" } else { "failed" };
        Self { kind: "portolan.warm", version: VERSION, url, status, images }
    }

    /// Whether every image was pulled.
    pub(super) fn is_complete(&self) -> bool {
        self.status == "ok"
    }

    /// For people: a line for each image.
    pub(super) fn describe(&self) -> String {
        let line = |image: &Warmed| {
            let name = format!("{} ({})", image.image, image.platform);
            match (&image.digest, &image.error) {
                (Some(digest), None) => {
                    let blobs = counted(u64::try_from(image.blobs).unwrap_or(u64::MAX), "blob");
                    format!("pulled  {name}: {digest}, {blobs}, {}\n", size(image.bytes))
                }
                (_, error) => {
                    format!("failed  {name}: {}\n", error.as_deref().unwrap_or_default())
                }
            }
        };
        self.images.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_text() {
        let one = |result| Warmed::of("a/b:v1".to_owned(), "linux/amd64".to_owned(), result);
        let good = one(Ok(("sha256:00".to_owned(), 2, 1500)));
        let bad = one(Err("it answered 404".to_owned()));
        let report = Report::of("https://r.example".to_owned(), vec![good.clone(), bad]);
        let expected = "\
pulled  a/b:v1 (linux/amd64): sha256:00, 2 blobs, 1.50 kB
failed  a/b:v1 (linux/amd64): it answered 404
";
        assert_eq!((report.describe().as_str(), report.is_complete()), (expected, false));
        assert!(Report::of(String::new(), vec![good]).is_complete());
    }
}
