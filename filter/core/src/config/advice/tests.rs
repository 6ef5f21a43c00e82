//! The precise reason for each refused text; and that what is suggested is accepted.

use super::*;
use crate::config::backend::followed_redirects::{RedirectHost, WANTED_HOST};
use crate::config::backend_url::BackendUrl;
use crate::config::blob_store::url::{self as blob_url, BlobUrl};
use crate::config::duration;
use crate::config::front::host::{self, FrontHost};
use crate::config::geography::{Continent, Country, Subdivision};
use crate::config::network as prefixes;
use crate::config::repository_glob::RepositoryGlob;
use crate::config::wanted::Wanted;

/// Each text is refused, for this reason; what it is told to write is accepted.
fn check(wanted: Wanted<'_>, accepts: fn(&str) -> bool, rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        assert!(!accepts(text), "`{text}` is accepted");
        let found = wanted.refusal(text);
        assert!(found.contains(expected), "`{text}`\nwanted: {expected}\nfound: {found}");
        let suggested = found.split("write `").nth(1).and_then(|rest| rest.split('`').next());
        let is_field = suggested.is_some_and(|text| text.contains(": [") || text.ends_with("://"));
        if let Some(suggested) = suggested.filter(|_| !is_field) {
            assert!(accepts(suggested), "`{text}`: `{suggested}` is suggested, and refused");
        }
    }
}

#[test]
fn urls() {
    let rows = [
        ("", "is an empty text; write a URL"),
        ("ghcr.io", "has no scheme; write `https://ghcr.io`, or `http://ghcr.io`"),
        ("127.0.0.1:23002", "has no scheme; write `https://127.0.0.1:23002`"),
        ("//ghcr.io", "has no scheme; write `https://ghcr.io`"),
        ("https:/ghcr.io", "has a scheme that does not end in `://`; write `https://ghcr.io`"),
        ("https//ghcr.io", "has a scheme that does not end in `://`; write `https://ghcr.io`"),
        ("http:ghcr.io", "has a scheme that does not end in `://`; write `http://ghcr.io`"),
        (
            "ftp://ghcr.io",
            "has the scheme `ftp`; registries are reached by `https` or `http`: write `https://ghcr.io`",
        ),
        ("docker://ghcr.io/x", "has the scheme `docker`"),
        ("HTTPS://ghcr.io", "has its scheme in capitals; write `https://ghcr.io`"),
        ("https://", "has no host"),
        ("https:///v2", "has no host"),
        ("http://127.0.0.1:123002", "has the port 123002; ports go from 1 to 65535"),
        ("http://127.0.0.1:0", "has the port 0; ports go from 1 to 65535"),
        ("http://h:-1", "has `-1` for its port"),
        ("http://h:http", "has `http` for its port; a port is a number"),
        ("http://h:", "has a colon and no port behind it"),
        (
            "http://::1:5000",
            "has an IPv6 address without brackets; write `[::1]:5000` if the last is a port, else `[::1:5000]`",
        ),
        ("http://2001:db8::1", "has an IPv6 address without brackets; write `[2001:db8::1]`"),
        ("http://[::1", "has a `[` without"),
        ("http://a:b:c", "has more than one colon"),
        ("https://[::1", "has a `[` without its `]`"),
        ("https://[zz]", "has `zz` in brackets, which is no IPv6 address"),
        ("https://[::1]x", "has something behind its `]` that is no port"),
        ("https://ghcr.io?x=1", "has a query"),
        ("https://ghcr.io/a?x=1", "has a query"),
        ("https://ghcr.io/#main", "has a fragment"),
        ("https://ghcr.io/a//b", "has two slashes in a row in its path"),
        ("https://ghcr.io/../b", "has `..` in its path"),
        ("https://ghcr.io/%2e", "has `%2e` in its path"),
        ("https://*.example.com", "has a `*` in its host"),
        (
            "https://régistry.example",
            "has letters that are not ASCII in its host; write the form with",
        ),
        ("https://gh cr.io", "has a space in its host"),
        ("https://ghcr.io.", "has a dot at the end of its host; write `ghcr.io`"),
        ("https://ghcr..io", "has a dot too many in its host"),
        ("https://-ghcr.io", "has the part `-ghcr` in its host"),
        ("https://gh!cr.io", "has `gh!cr` in its host"),
        ("https://{{ .host }}", "is a template that was not filled in"),
        ("https://${HOST}", "has a variable in it"),
        ("https://<your-registry>", "has a place that was not filled in"),
        ("https://ghcr.io ", "has a space or a line break around it; write `https://ghcr.io`"),
        ("https://ghcr.io,", "has a `,` at its end; write `https://ghcr.io`"),
        ("\"https://ghcr.io\"", "has quotes inside of its quotes; write `https://ghcr.io`"),
        ("“https://ghcr.io”", "has typographic quotes"),
        ("https://ghcr\u{200b}.io", "has a character in it that cannot be seen (U+200B)"),
    ];
    for (text, expected) in rows {
        assert!(BackendUrl::parse(text).is_none(), "{text}");
        let found = url::WANTED.refusal(text);
        assert!(found.contains(expected), "`{text}`\nwanted: {expected}\nfound: {found}");
        let suggested = found.split("write `").nth(1).and_then(|rest| rest.split('`').next());
        if let Some(suggested) =
            suggested.filter(|url| url.contains("://") && !url.ends_with("://"))
        {
            let accepted = BackendUrl::parse(suggested).is_some();
            assert!(accepted, "`{text}`: `{suggested}` is suggested, and refused");
        }
    }
}

#[test]
fn urls_of_blobs() {
    check(
        blob_url::WANTED,
        |text| BlobUrl::parse(text).is_some(),
        &[
            (
                "https://b.example/blobs",
                "has no place for the digest; write `https://b.example/blobs/{digest}`",
            ),
            (
                "https://b.example",
                "has no place for the digest; write `https://b.example/{digest}`",
            ),
            ("https://b.example/{name}/{digest}", "has a place `{name}` in it"),
            ("https://b.example:0/{digest}", "has the port 0"),
            ("b.example/{digest}", "has no scheme"),
            ("https://b.example/{digest}?x", "has a query"),
        ],
    );
}

#[test]
fn hosts() {
    check(
        host::WANTED,
        |text| FrontHost::parse(text).is_some(),
        &[
            ("https://registry.example.com", "is a URL; write its host: `registry.example.com`"),
            ("registry.example.com/v2", "has a path behind its host; write `registry.example.com`"),
            ("/v2", "is a path"),
            ("*.example.com", "has a `*` in it; each host is written by itself"),
            ("régistry.example.com", "has letters that are not ASCII in its host"),
            ("registry.example.com:70000", "has the port 70000"),
            ("registry.example.com:", "has a colon and no port"),
            ("a.example b.example", "has a space in its host"),
            ("a:b:c", "has more than one colon"),
        ],
    );
    check(
        WANTED_HOST,
        |text| RedirectHost::parse(text).is_some(),
        &[
            ("*.com", "means every host below `com`"),
            ("a*.example.com", "has a `*` inside"),
            ("https://cdn.example.com", "is a URL; write its host: `cdn.example.com`"),
        ],
    );
}

#[test]
fn networks() {
    check(
        prefixes::WANTED,
        |text| prefixes::parse(text).is_some(),
        &[
            (
                "10.1.2.3/8",
                "has bits behind its length of 8; write `10.0.0.0/8`, or `10.1.2.3` for this address alone",
            ),
            ("2001:db8::1/32", "write `2001:db8::/32`, or `2001:db8::1`"),
            (
                "10.0.0.0/33",
                "has the length `33`; the length of an IPv4 prefix is a number from 0 to 32",
            ),
            ("2001:db8::/129", "a number from 0 to 128"),
            ("10.0.0.0/255.0.0.0", "has a mask for its length; write `10.0.0.0/8`"),
            ("10.0.0.0/x", "has the length `x`"),
            ("10.0.0.1-10.0.0.9", "is a range"),
            ("10.0.0.0/24-", "has the length"),
            ("10.0.0", "has 3 of the four numbers of an address; write `10.0.0.0/24`"),
            ("10/8", "has 1 of the four numbers of an address; write `10.0.0.0/8`"),
            ("10.0.0.256", "has `256` in its address"),
            ("10.010.0.0/16", "has `010` in its address"),
            ("10.0.*", "has a `*` in it; write a prefix such as `10.0.0.0/8`"),
            ("[::1]", "has brackets; write `::1`"),
            ("10.0.0.1:80", "has a port; write `10.0.0.1`"),
            ("example.com", "is a name; write addresses"),
            ("1.2.3.4.5", "has more than four numbers"),
        ],
    );
}

#[test]
fn globs() {
    check(
        glob::WANTED,
        |text| RepositoryGlob::parse(text).is_some(),
        &[
            (
                "team/**x",
                "has `**` inside of `**x`; it stands for whole components, and `*` for a part of one; write `team/*x`",
            ),
            ("Team/**", "has capitals; names of repositories are lower case; write `team/**`"),
            ("/team/**", "begins with a slash; names have none there; write `team/**`"),
            ("team/", "ends with a slash; write `team/**` for all that is below"),
            ("team//x", "has two slashes in a row"),
            ("team/app:v1", "has a tag; a rule is for whole repositories; write `team/app`"),
            (
                "team/app@sha256:0",
                "has a digest; a rule is for whole repositories; write `team/app`",
            ),
            ("ghcr.io:443/team", "has the port of a host in it"),
            (
                "https://ghcr.io/team/app",
                "is a URL; a glob is about names of repositories; write `team/app`",
            ),
            (
                "^team/.*$",
                "looks like a regular expression; globs have `*` and `**`; write `team/**`",
            ),
            (
                "team/.*",
                "looks like a regular expression; globs have `*` and `**`; write `team/**`",
            ),
            ("team/(a|b)", "looks like a regular expression"),
            ("team/-app", "has `-app` in it, which no name matches"),
            ("team/a..b", "has `a..b` in it, which no name matches"),
            ("a/**/b/**", "has `**` twice"),
            ("team/?", "has `?` in it; globs have `*` and `**` alone"),
            ("team/{a,b}", "has `{` in it"),
            ("team app", "has ` ` in it; names of repositories have"),
            ("téam", "has `é` in it"),
        ],
    );
}

#[test]
fn lengths_of_time() {
    check(
        time::WANTED,
        |text| duration::parse(text).is_some(),
        &[
            ("10", "has no unit; write `10s`"),
            ("1.5s", "has a fraction; write a whole number, such as `1500ms`"),
            ("0.5", "has no unit"),
            ("10 s", "has a space or a `_` in it; write `10s`"),
            ("10sec", "has the unit `sec`; write `10s`"),
            ("2 minutes", "has the unit `minutes`; write `2m`"),
            ("10S", "has the unit `S`; write `10s`"),
            ("1d", "has the unit `d`; write `24h`"),
            ("7d", "has the unit `d`; write `10s`"),
            ("PT5S", "is written as ISO 8601 has it; write `5s`"),
            ("1m30s", "has two units"),
            ("5y", "has the unit `y`; the units are"),
            ("-5s", "is less than nothing; write a time such as"),
            ("0s", "is no time at all"),
            ("25h", "is longer than a day"),
            ("long", "is not valid; write a length of time"),
        ],
    );
}

#[test]
fn places() {
    check(
        Wanted::explained("a country", place::country),
        |text| Country::parse(text.as_bytes()).is_some(),
        &[
            ("China", "is no code of ISO 3166-1; write `CN`"),
            ("USA", "write `US`"),
            ("United Kingdom", "write `GB`"),
            ("EU", "is no country; write `continents: [EU]`"),
            ("US-CA", "is a part of a country; write `subdivisions: [US-CA]`"),
            ("XX", "means that a client's country is not known"),
            ("QQ", "is no country of ISO 3166-1"),
            ("nowhere", "is not valid; write a country"),
        ],
    );
    check(
        Wanted::explained("a subdivision", place::subdivision),
        |text| Subdivision::parse_qualified(text.as_bytes()).is_some(),
        &[
            ("US_CA", "has no hyphen; write `US-CA`"),
            ("CA", "is a country; write `countries: [CA]`"),
        ],
    );
    check(
        Wanted::explained("a continent", place::continent),
        |text| Continent::parse(text.as_bytes()).is_some(),
        &[
            ("Europe", "is no code of a continent; write `EU`"),
            ("North America", "write `NA`"),
            ("DE", "is a country; write `countries: [DE]`"),
        ],
    );
}

#[test]
fn every_country_that_is_suggested_exists() {
    for name in ["Germany", "gbr", "South Korea", "Türkiye", "Hong Kong"] {
        let reason = place::country(name).unwrap();
        let code = reason.split('`').nth(1).unwrap();
        assert!(Country::parse(code.as_bytes()).is_some(), "{name}: {code}");
    }
}

#[test]
fn names() {
    #[rustfmt::skip]
    let rows = [
        ("亚太", "has `亚` in it; names have letters from `a` to `z`"),
        ("a b", "has ` ` in it; names have letters, digits, `-`, `_` and `.`, such as `a-b`"),
        ("a/b", "such as `a-b`"),
        ("-a", "begins with a sign"),
        ("", "is empty"),
        ("123", "is a number to YAML; write it in quotes: `\"123\"`"),
    ];
    for (name, expected) in rows {
        let found = name::why(name).unwrap();
        assert!(found.contains(expected), "{name}: {found}");
    }
    assert!(name::why(&"a".repeat(64)).unwrap().contains("has 64 letters"));
}
