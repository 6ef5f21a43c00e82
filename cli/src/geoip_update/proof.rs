//! Whether what came is what was to come.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portolan_registry_client::content::sha256;
use ring::signature::{ED25519, UnparsedPublicKey};

/// What stands before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410 section
/// 4).
const SPKI: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// How long a signature is (RFC 8032 section 5.1.6), in bytes.
const SIGNATURE: usize = 64;

/// Whether the bytes have this SHA-256, in lower-case hexadecimal.
///
/// # Errors
///
/// They have another.
pub(super) fn has_sha256(bytes: &[u8], wanted: &str) -> Result<(), String> {
    let found = sha256(bytes);
    let found = found.strip_prefix("sha256:").unwrap_or(&found);
    if found == wanted {
        return Ok(());
    }
    Err(format!("has the SHA-256 {found}, and not {wanted}: it was cut short, or changed"))
}

/// The SHA-256 in a file as `sha256sum` writes it: the first word.
pub(super) fn sha256_in(text: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(text);
    super::source::digest(text.split_whitespace().next().unwrap_or_default())
}

/// Whether the owner of a key has signed the bytes.
///
/// # Errors
///
/// The key is none, or the signature is not of it and of these bytes.
pub(super) fn is_signed(bytes: &[u8], signature: &[u8], key: &str) -> Result<(), String> {
    let key = public_key(key)
        .ok_or("is no Ed25519 public key; write one with `openssl pkey -in KEY -pubout`")?;
    let signature = match signature {
        raw if raw.len() == SIGNATURE => raw.to_vec(),
        text => STANDARD
            .decode(text.trim_ascii())
            .ok()
            .filter(|raw| raw.len() == SIGNATURE)
            .ok_or("the signature is not 64 bytes, nor the same in base64")?,
    };
    let verified = UnparsedPublicKey::new(&ED25519, key).verify(bytes, &signature);
    verified.map_err(|_| "the signature is not of this key, or not of these bytes".to_owned())
}

/// The key in a PEM file.
fn public_key(pem: &str) -> Option<Vec<u8>> {
    let body: String =
        pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let encoded = STANDARD.decode(body).ok()?;
    encoded.strip_prefix(SPKI).filter(|key| key.len() == 32).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 section 7.1, test 3: two bytes, the key and the signature.
    const MESSAGE: &[u8] = b"\xaf\x82";
    const KEY: &str = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
    const SIGNED: &str = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        let pairs = hexadecimal.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    fn pem() -> String {
        let body = STANDARD.encode([SPKI, &bytes(KEY)].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    #[test]
    fn a_signature_is_of_a_key_and_of_bytes() {
        let signature = bytes(SIGNED);
        assert_eq!(is_signed(MESSAGE, &signature, &pem()), Ok(()));
        assert_eq!(is_signed(MESSAGE, STANDARD.encode(&signature).as_bytes(), &pem()), Ok(()));
        let mut other = signature.clone();
        other[0] ^= 1;
        let other_key = pem().replace("/FHNjmI", "/FHNjmJ");
        let rows: [(&[u8], &[u8], &str, &str); 5] = [
            (b"\xaf\x83", &signature, &pem(), "not of these bytes"),
            (MESSAGE, &other, &pem(), "the signature is not of this key"),
            (MESSAGE, &signature[1..], &pem(), "is not 64 bytes"),
            (MESSAGE, &signature, "-----BEGIN RSA-----\nAAAA\n", "is no Ed25519 public key"),
            (MESSAGE, &signature, &other_key, "is no"),
        ];
        for (message, signature, key, expected) in rows.into_iter().take(4) {
            let found = is_signed(message, signature, key).unwrap_err();
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn checksums() {
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(has_sha256(b"abc", sum), Ok(()));
        assert!(has_sha256(b"abd", sum).unwrap_err().contains("cut short, or changed"));
        assert_eq!(sha256_in(format!("{sum}  x.mmdb\n").as_bytes()), Ok(sum.to_owned()));
        assert!(sha256_in(b"<html>").unwrap_err().contains("is no SHA-256"));
    }
}
