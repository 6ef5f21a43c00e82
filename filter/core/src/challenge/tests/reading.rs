//! Challenges as they are read, and printed again.

use super::*;

fn canonical(values: &[&str]) -> Option<Vec<String>> {
    read(&lines(values)).ok().map(|challenges| texts(print(&challenges)))
}

#[test]
fn readable_headers() {
    #[rustfmt::skip]
    let rows: &[(&[&str], &[&str], &str)] = &[
        (&[], &[], "no header"),
        (&["", " ,\t, "], &[], "lists of nothing"),
        (&[r#"Bearer realm="R",service="S""#], &[r#"Bearer realm="R",service="S""#], "plain"),
        (&[r#"bearer realm="R""#, r#"BEARER realm="R""#], &[r#"Bearer realm="R""#, r#"Bearer realm="R""#], "case of the scheme"),
        (&[r#"bAsIc realm="R""#], &[r#"Basic realm="R""#], "case of the scheme"),
        (&[r#"Bearer Service="S",REALM="R",x-Y="Z""#], &[r#"Bearer service="S",realm="R",x-y="Z""#], "case of names, any order, unknown names"),
        (&["Bearer realm=R,service=gcr.io"], &[r#"Bearer realm="R",service="gcr.io""#], "unquoted"),
        (&["  Bearer \t realm\t= \"R\" ,, \tservice =S , ,"], &[r#"Bearer realm="R",service="S""#], "spaces, tabs, empty elements"),
        (&[r#"Bearer ,realm="R""#], &[r#"Bearer realm="R""#], "an empty first parameter"),
        (&[r#"Bearer realm="a\"b\\c\d",scope="repository:x:pull,push",service="k=v""#], &[r#"Bearer realm="a\"b\\cd",scope="repository:x:pull,push",service="k=v""#], "escapes, comma and equals sign in quotes"),
        (&["Bearer realm=\"a\tb\",scope=\"\""], &["Bearer realm=\"a\tb\",scope=\"\""], "a tab is text; empty is a value"),
        (&[r#"Basic realm="B", Bearer realm="R",service="S""#], &[r#"Bearer realm="R",service="S""#, r#"Basic realm="B""#], "two in one line"),
        (&[r#"Bearer realm="R", Basic realm="B",charset=UTF-8, Digest nonce=1, qop="auth,int""#], &[r#"Bearer realm="R""#, r#"Basic realm="B",charset="UTF-8""#, r#"Digest nonce=1, qop="auth,int""#], "three in one line"),
        (&["Negotiate", r#"Basic realm="B""#, r#"Bearer realm="R""#], &[r#"Bearer realm="R""#, r#"Basic realm="B""#, "Negotiate"], "three lines"),
        (&["Negotiate abc==, NTLM , Hoba a/b+c~d"], &["Negotiate abc==", "NTLM", "Hoba a/b+c~d"], "token68, schemes alone"),
        (&["negotiate  ABC= "], &["negotiate  ABC="], "untouched"),
        (&[r#"Digest Realm = "a\b" , ,nonce=x ,"#], &[r#"Digest Realm = "a\b" , ,nonce=x"#], "parameters untouched too"),
        (&["Bearer"], &["Bearer"], "a scheme alone"),
        (&["Basic, Bearer"], &["Bearer", "Basic"], "two schemes alone"),
        (&[r#"Bearer bearer="1",Basic=2"#], &[r#"Bearer bearer="1",basic="2""#], "names of schemes are names of parameters too"),
    ];
    for (values, wanted, reason) in rows {
        let read = canonical(values).unwrap_or_else(|| panic!("{reason}: {values:?}"));
        assert_eq!(read, *wanted, "{reason}: {values:?}");
    }
}

#[test]
fn unreadable_headers() {
    #[rustfmt::skip]
    let rows: &[(&[&str], &str)] = &[
        (&[r#"Bearer realm="R"#], "no closing quote"),
        (&[r#"Bearer realm="R\""#], "the closing quote is escaped"),
        (&["Bearer realm=\"R\\"], "nothing after the backslash"),
        (&["Bearer realm=\"R\u{1}\""], "a control byte in quotes"),
        (&["Bearer realm=\"R\\\u{7f}\""], "an escaped control byte"),
        (&["Bearer realm=\"R\r\nX: y\""], "a line end"),
        (&["Bearer\u{0}"], "a control byte outside of quotes"),
        (&["Bearer realm=\"R\u{e4}\""], "not ASCII"),
        (&["Bearer realm=https://a.example/token"], "a URL is no token"),
        (&["Bearer realm=R service=S"], "no comma"),
        (&[r#"Bearer realm="R"service="S""#], "no comma"),
        (&[r#"Bearer realm="R" x"#], "text after a value"),
        (&["Bearer realm"], "a bare credential is not Bearer's form"),
        (&["Basic abc=="], "nor Basic's"),
        (&["Bearer realm="], "no value"),
        (&["Bearer realm=,service=S"], "no value"),
        (&["Bearer =R"], "no name"),
        (&[r#"realm="R""#], "no scheme"),
        (&[r#"Bearer,realm="R""#], "a scheme alone, then a parameter without one"),
        (&[r#"Negotiate abc==,realm="R""#], "a bare credential has no parameters"),
        (&[r#"Bearer realm="R""#, r#"service="S""#], "a challenge does not go on in the next line"),
        (&[r#"Bearer realm="R", Realm="S""#], "which of two is it?"),
        (&[r#""Bearer" realm="R""#], "a scheme in quotes"),
        (&["Bearer; realm=R"], "another separator"),
        (&[r#"Bearer realm="R""#, "Basic realm=\""], "one line of two"),
    ];
    for (values, reason) in rows {
        assert_eq!(read(&lines(values)), Err(Unreadable), "{reason}: {values:?}");
    }
    assert_eq!(read(&[b"Bearer realm=\"\xff\""]), Err(Unreadable), "not UTF-8");
    assert!(Unreadable.to_string().contains("WWW-Authenticate"));
}

#[test]
fn bounds() {
    let of_size = |size: usize| format!("Bearer x=\"{}\"", "a".repeat(size - 11));
    assert!(canonical(&[&of_size(8 * 1024)]).is_some(), "8 KiB");
    assert_eq!(canonical(&[&of_size(8 * 1024 + 1)]), None, "more");
    assert_eq!(canonical(&[&of_size(8 * 1024), "x"]), None, "in all");
    assert!(canonical(&["a,".repeat(32).as_str()]).is_some(), "32 challenges");
    assert_eq!(canonical(&["a,".repeat(32).as_str(), "a"]), None, "33 challenges");
    let with = |count: usize| {
        let parameters: Vec<String> = (0..count).map(|number| format!("p{number}=x")).collect();
        format!("Bearer {}", parameters.join(","))
    };
    assert!(canonical(&[&with(64)]).is_some(), "64 parameters");
    assert_eq!(canonical(&[&with(65)]), None, "65 parameters");
}

#[test]
fn bytes_that_are_invalid_in_a_header_are_not_printed() {
    let mut parameters = Parameters::default();
    parameters.add("scope", "repository:a\r\nX-Evil: ä\u{7f}:pull").unwrap();
    let printed = texts(print(&[Challenge::Bearer(parameters)]));
    assert_eq!(printed, [r#"Bearer scope="repository:aX-Evil: :pull""#]);
}
