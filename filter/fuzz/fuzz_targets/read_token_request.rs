//! The parsers of the token endpoint: a client's request on `?query` or a form, a token service's
//! answer on JSON.
//!
//! A request that is accepted must be read back as the same request once it is printed for a
//! token service. An answer must give a token that can stand in a header, and one that is tagged
//! must give the same token once the tag is off.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_core::token::{
    Outcome, ServiceReply, TokenCall, TokenRequest, form, from_get, from_post, read, tag_answer, untag,
};

const FORM: Option<&[u8]> = Some(b"application/x-www-form-urlencoded");

fuzz_target!(|input: &[u8]| match input.strip_prefix(b"?") {
    Some(query) => check_request(from_get(Some(query)).ok()),
    None => {
        check_request(from_post(FORM, input).ok());
        check_answer(input);
    }
});

fn check_request(request: Option<TokenRequest>) {
    let Some(request) = request else { return };
    let scopes = &request.scopes;
    assert!(scopes.iter().all(|scope| !scope.is_empty() && !scope.contains(' ')));
    assert!(scopes.iter().enumerate().all(|(index, scope)| !scopes[..index].contains(scope)));

    let (target, body) = match request.for_realm("/token", request.service.as_deref(), scopes) {
        TokenCall::Get { target } => (target, None),
        TokenCall::Post { target, body } => (target, Some(body)),
    };
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let printed = body.as_deref().unwrap_or(query);
    assert_eq!(path, "/token");
    assert!(target.bytes().chain(printed.bytes()).all(|byte| byte.is_ascii_graphic()));
    // Escapes make a form longer, so one that was just short enough may be refused now.
    if printed.len() <= form::MAXIMUM_LENGTH {
        let again = match &body {
            Some(body) => from_post(FORM, body.as_bytes()),
            None => from_get(Some(query.as_bytes())),
        };
        // Each scope gets a parameter of its own in a GET, so there may be too many pairs now.
        if scopes.len() < 100 && request.others.len() < 90 {
            assert_eq!(again, Ok(request));
        }
    }
}

fn check_answer(body: &[u8]) {
    let answered =
        |body: &[u8]| read(&ServiceReply { status: 200, body, ..ServiceReply::default() }, false);
    let Outcome::Token { value, expires_in } = answered(body) else { return };
    assert!(value.expose().bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(expires_in.as_secs() >= 1);

    let tagged = tag_answer(body, "a.b-c").map(|tagged| answered(&tagged));
    if let Some(Outcome::Token { value: tagged, expires_in: life }) = tagged {
        assert_eq!(untag(tagged.expose()), Some(("a.b-c", value.expose())));
        assert_eq!(life, expires_in);
    }
}
