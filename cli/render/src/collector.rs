//! The URL of a collector of spans, as it is typed.

use std::str::FromStr;

use portolan_core::config::BackendUrl;
use serde::{Deserialize, Serialize};

/// Where the collector is: `http` or `https`, host, port, perhaps the beginning of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Collector {
    text: String,
    pub(super) url: BackendUrl,
}

impl FromStr for Collector {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = BackendUrl::parse(text).ok_or(
            "write the URL of a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`",
        )?;
        Ok(Self { text: text.to_owned(), url })
    }
}

impl TryFrom<String> for Collector {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Collector> for String {
    fn from(collector: Collector) -> Self {
        collector.text
    }
}

impl Collector {
    /// Where spans are sent ("OpenTelemetry Protocol Specification", "OTLP/HTTP Request").
    pub(super) fn spans(&self) -> String {
        format!("{}{}/v1/traces", self.url.origin(), self.url.base_path())
    }
}
