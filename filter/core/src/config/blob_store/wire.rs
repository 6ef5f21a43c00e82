//! The wire form of a blob store.

use crate::config::backend::wire::TlsWire;
use crate::config::backend::wire::read_tls;
use crate::config::blob_store::Probing;
use crate::config::blob_store::url::{self, BlobUrl};
use crate::config::fields::{BLOB_STORE, PROBE};
use crate::config::reader::Node;
use crate::config::wire::values::{optional_text, read_count, time};

pub(crate) struct BlobStoreWire {
    pub(crate) name: String,
    pub(crate) url: Option<BlobUrl>,
    pub(crate) cluster: Option<String>,
    pub(crate) tls: TlsWire,
    pub(crate) probing: Probing,
}

pub(crate) fn read_blob_store(name: String, node: &Node<'_>) -> BlobStoreWire {
    const LOGIN: &str = "clients are sent there and must need none";
    let fields = node.fields(&BLOB_STORE);
    BlobStoreWire {
        name,
        url: fields
            .required("url", url::WANTED, |node| node.url(url::WANTED, LOGIN, BlobUrl::parse)),
        cluster: optional_text(&fields, "cluster", "the name of an Envoy cluster"),
        tls: fields.optional("tls", |node| Some(read_tls(&node))).unwrap_or_default(),
        probing: fields.optional("probe", |node| Some(read_probing(&node))).unwrap_or_default(),
    }
}

fn read_probing(node: &Node<'_>) -> Probing {
    let default = Probing::default();
    let fields = node.fields(&PROBE);
    Probing {
        present: time(&fields, "present", default.present),
        absent: time(&fields, "absent", default.absent),
        recheck: time(&fields, "recheck", default.recheck),
        timeout: time(&fields, "timeout", default.timeout),
        entries: fields
            .optional("entries", |node| usize::try_from(read_count(&node)?).ok())
            .unwrap_or(default.entries),
    }
}
