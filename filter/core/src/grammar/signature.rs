//! Tags of signatures and other artefacts of a manifest.

use super::Tag;
use super::digest::is_lower_hexadecimal;

/// What the kinds of attachments are called that cosign writes beside an image: signatures,
/// attestations, bills of materials ("Tag-based discovery" of its `SIGNATURE_SPEC`).
const ATTACHMENTS: [&str; 3] = [".sig", ".att", ".sbom"];

/// The registered algorithms and how long what stands for the digest is: OCI distribution spec 1.1,
/// "Referrers Tag Schema", cuts the encoded part to 64 characters.
const ALGORITHMS: [(&str, usize); 2] = [("sha256-", 64), ("sha512-", 64)];

impl Tag<'_> {
    /// Whether the tag is made of a digest, as clients make them that look for what refers to a
    /// manifest: `sha256-<hex>` (the spec's fallback for registries without a referrers API), or
    /// with `.sig`, `.att` or `.sbom` behind it (cosign).
    #[must_use]
    pub fn is_about_a_manifest(&self) -> bool {
        let tag = self.as_str();
        let digest = ATTACHMENTS.iter().find_map(|end| tag.strip_suffix(end)).unwrap_or(tag);
        ALGORITHMS.iter().any(|(start, length)| {
            let encoded = digest.strip_prefix(start);
            encoded.is_some_and(|encoded| is_lower_hexadecimal(encoded.as_bytes(), *length))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_about_manifests() {
        #[rustfmt::skip]
        let rows = [
            ("sha256-HEX.sig", true, "cosign: a signature"),
            ("sha256-HEX.att", true, "cosign: an attestation"),
            ("sha256-HEX.sbom", true, "cosign: a bill of materials"),
            ("sha256-HEX", true, "the referrers tag of the spec"),
            ("sha512-HEX", true, "the same, cut"),
            ("sha256-HEX.sig.att", false, "one of them only"),
            ("sha256-HEX.sigs", false, "no such attachment"),
            ("sha256-HEX.", false, "no attachment"),
            ("sha256-HEX0", false, "a digit over"),
            ("sha256-HE", false, "too short"),
            ("SHA256-HEX", false, "another case"),
            ("sha256_HEX", false, "another separator"),
            ("xsha256-HEX.sig", false, "from the start"),
            ("sha256-.sig", false, "nothing"),
            ("v1.sig", false, "a tag of somebody's"),
            ("latest", false, "a tag"),
        ];
        let hex = "0123456789abcdef".repeat(4);
        for (tag, expected, reason) in rows {
            let tag = tag.replace("HEX", &hex);
            let found = Tag::parse(tag.as_bytes()).unwrap().is_about_a_manifest();
            assert_eq!(found, expected, "{tag}: {reason}");
        }
        let upper = format!("sha256-{}.sig", hex.to_uppercase());
        assert!(!Tag::parse(upper.as_bytes()).unwrap().is_about_a_manifest());
    }
}
