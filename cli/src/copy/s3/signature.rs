//! AWS Signature Version 4 for requests to S3 ("Authenticating Requests: Using the Authorization
//! Header", Amazon S3 API reference).

use portolan_registry_client::content::hexadecimal;
use ring::digest::{SHA256, digest};
use ring::hmac::{HMAC_SHA256, Key, sign};

use super::credentials::Keys;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What stands in the place of the payload's SHA-256 where it is not known before the payload.
pub(in crate::copy) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// A request that is not signed yet.
#[derive(Debug)]
pub(in crate::copy) struct Unsigned<'a> {
    /// The method.
    pub(in crate::copy) method: &'a str,
    /// The value of `Host`.
    pub(in crate::copy) host: &'a str,
    /// The path, as [`canonical_path`] writes it.
    pub(in crate::copy) path: &'a str,
    /// The parameters of the query, by [`query`].
    pub(in crate::copy) query: &'a str,
    /// Further headers that are signed, with their names in lower case.
    pub(in crate::copy) headers: &'a [(&'static str, String)],
    /// The SHA-256 of the payload in hexadecimal digits, or [`UNSIGNED_PAYLOAD`].
    pub(in crate::copy) payload: &'a str,
}

/// The headers that sign a request: all of `headers`, and those that this adds. `time` is as in
/// `20130524T000000Z`.
pub(in crate::copy) fn signed(
    request: &Unsigned<'_>,
    keys: &Keys,
    region: &str,
    time: &str,
) -> Vec<(&'static str, String)> {
    let mut headers = request.headers.to_vec();
    headers.push(("x-amz-content-sha256", request.payload.to_owned()));
    headers.push(("x-amz-date", time.to_owned()));
    if let Some(token) = &keys.session_token {
        headers.push(("x-amz-security-token", token.expose().to_owned()));
    }
    let date = time.split('T').next().unwrap_or_default();
    let scope = format!("{date}/{region}/s3/aws4_request");
    let (canonical, names) = canonical_request(request, &headers);
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let signature = hexadecimal(&hmac(&signing_key(keys, date, region), &to_sign));
    let access_key = &keys.access_key;
    let authorization = format!(
        "{ALGORITHM} Credential={access_key}/{scope},SignedHeaders={names},Signature={signature}"
    );
    headers.push(("authorization", authorization));
    headers
}

/// The canonical request, and the names of the headers in it.
fn canonical_request(
    request: &Unsigned<'_>,
    headers: &[(&'static str, String)],
) -> (String, String) {
    let mut all = vec![("host", request.host.trim())];
    all.extend(headers.iter().map(|(name, value)| (*name, value.trim())));
    all.sort_unstable();
    let names = all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: Vec<String> = all.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let lines = lines.concat();
    let Unsigned { method, path, query, payload, .. } = request;
    (format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}"), names)
}

fn signing_key(keys: &Keys, date: &str, region: &str) -> Vec<u8> {
    let first = format!("AWS4{}", keys.secret_key.expose());
    [date, region, "s3", "aws4_request"]
        .iter()
        .fold(first.into_bytes(), |key, part| hmac(&key, part))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// The SHA-256 of bytes in hexadecimal digits, as S3 wants it.
pub(in crate::copy) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(digest(&SHA256, bytes).as_ref())
}

/// A path as S3 signs it: each byte of the key that is not unreserved is escaped, once.
pub(in crate::copy) fn canonical_path(path: &str) -> String {
    escape(&unescaped(path), |byte| byte == b'/')
}

/// A query as S3 signs it, in the order of the parameters' names.
pub(in crate::copy) fn query(parameters: &[(&str, &str)]) -> String {
    let part = |text: &str| escape(text.as_bytes(), |_| false);
    let mut parts: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", part(name), part(value))).collect();
    parts.sort_unstable();
    parts.join("&")
}

/// Escapes each byte that is not unreserved (RFC 3986 section 2.3), but for those that are kept.
fn escape(bytes: &[u8], is_kept: impl Fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(bytes.len());
    for &byte in bytes {
        let is_unreserved =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if is_unreserved || is_kept(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push_str(&hexadecimal(&[byte]).to_ascii_uppercase());
        }
    }
    escaped
}

/// The bytes that a path means.
fn unescaped(path: &str) -> Vec<u8> {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        match u8::from_str_radix(digits, 16) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend(b"%".iter().copied().chain(digits.bytes())),
        }
        bytes.extend(rest.bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use portolan_core::token::Secret;

    use super::*;

    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// The signatures are those of the examples in "Signature Calculations for the Authorization
    /// Header: Transferring Payload in a Single Chunk" of the Amazon S3 API reference.
    #[test]
    fn the_published_examples() {
        let keys = Keys {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            session_token: None,
        };
        let put = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT".to_owned()),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY".to_owned()),
        ];
        let range = [("range", "bytes=0-9".to_owned())];
        let written = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
        let list = query(&[("prefix", "J"), ("max-keys", "2")]);
        let lifecycle = query(&[("lifecycle", "")]);
        #[rustfmt::skip]
        let rows: [(&str, &str, &str, &[_], &str, &str); 4] = [
            ("GET", "/test.txt", "", &range, NOTHING, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
            ("PUT", "/test$file.text", "", &put, written, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
            ("GET", "/", &lifecycle, &[], NOTHING, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
            ("GET", "/", &list, &[], NOTHING, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        ];
        for (method, path, query, headers, payload, signature) in rows {
            let path = canonical_path(path);
            let host = "examplebucket.s3.amazonaws.com";
            let request = Unsigned { method, host, path: &path, query, headers, payload };
            let headers = signed(&request, &keys, "us-east-1", "20130524T000000Z");
            let (_, authorization) = headers.last().unwrap();
            assert!(authorization.ends_with(signature), "{method} {path}?{query}: {authorization}");
            assert!(authorization.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            ));
        }
    }

    #[test]
    fn a_session_token_is_signed() {
        let keys = Keys {
            access_key: "a".to_owned(),
            secret_key: Secret::new("b".to_owned()),
            session_token: Some(Secret::new("c".to_owned())),
        };
        let (method, host, path, query) = ("GET", "h", "/", "");
        let request = Unsigned { method, host, path, query, headers: &[], payload: NOTHING };
        let headers = signed(&request, &keys, "r", "20130524T000000Z");
        assert!(headers.contains(&("x-amz-security-token", "c".to_owned())));
        let (_, authorization) = headers.last().unwrap();
        assert!(
            authorization.contains(
                "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"
            )
        );
    }

    #[test]
    fn paths_and_queries() {
        let rows = [
            ("/images/sha256:00", "/images/sha256%3A00", "a colon is escaped"),
            ("/x%2fy%20z/a~b", "/x/y%20z/a~b", "escapes are read first; S3 has one key for both"),
            ("/a+b", "/a%2Bb", "a plus is itself"),
            ("/100%", "/100%25", "half an escape is text"),
        ];
        for (path, expected, reason) in rows {
            assert_eq!(canonical_path(path), expected, "{reason}");
        }
        assert_eq!(
            query(&[("uploadId", "a/b="), ("partNumber", "1")]),
            "partNumber=1&uploadId=a%2Fb%3D"
        );
    }
}
