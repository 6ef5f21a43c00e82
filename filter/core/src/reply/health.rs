//! The answers of a front about its own health and that of its backends.

use serde_json::{Map, Value, json};

use super::parts::{NO_STORE, Reply, headers};
use crate::config::Published;
use crate::health::{Report, State};

/// How the backends are: 200 as long as one is up, else 503. The body says which, and by which
/// policy.
#[must_use]
pub fn health(report: &Report<'_>) -> Reply {
    let state = |state: Option<State>| state.map_or("unknown", State::as_str);
    let backends: Map<String, Value> = report
        .backends
        .iter()
        .map(|(name, found)| ((*name).to_owned(), state(*found).into()))
        .collect();
    let published: Map<String, Value> = report
        .published
        .iter()
        .map(|Published { source, day }| (source.clone(), day.as_str().into()))
        .collect();
    let mut body = json!({"status": report.status(), "backends": backends});
    if let (Value::Object(fields), Some(policy)) = (&mut body, report.policy) {
        fields.insert("policy".to_owned(), policy.to_string().into());
    }
    if let (Value::Object(fields), false) = (&mut body, published.is_empty()) {
        fields.insert("networks_published".to_owned(), published.into());
    }
    let status = if report.none_up() { 503 } else { 200 };
    Reply { status, code: "health", headers: headers(&[NO_STORE]), body: body.to_string().into() }
}

/// That Envoy and the filter run.
#[must_use]
pub fn live() -> Reply {
    let body = json!({"status": "ok"}).to_string();
    Reply { status: 200, code: "live", headers: headers(&[NO_STORE]), body: body.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Fingerprint;

    #[test]
    fn the_status_is_honest() {
        let up = Some(State::Up);
        let down = Some(State::Down);
        #[rustfmt::skip]
        let rows: &[(&[(&str, Option<State>)], u16, &str)] = &[
            (&[("a", up), ("b", up)], 200, r#"{"status":"ok","backends":{"a":"up","b":"up"}}"#),
            (&[("a", up), ("b", down)], 200, r#"{"status":"degraded","backends":{"a":"up","b":"down"}}"#),
            (&[("a", down)], 503, r#"{"status":"down","backends":{"a":"down"}}"#),
            (&[("a", None)], 503, r#"{"status":"unknown","backends":{"a":"unknown"}}"#),
        ];
        for (backends, status, body) in rows {
            let reply =
                health(&Report { backends: backends.to_vec(), policy: None, published: &[] });
            let found: Value = serde_json::from_str(&reply.body.text()).unwrap();
            let expected: Value = serde_json::from_str(body).unwrap();
            assert_eq!((reply.status, found), (*status, expected));
        }
    }

    #[test]
    fn the_age_of_networks_is_told_where_it_is_known() {
        let published = [Published { source: "aws".into(), day: "2026-07-29".into() }];
        let reply = health(&Report { backends: vec![], policy: None, published: &published });
        assert!(
            reply.body.text().contains(r#""networks_published":{"aws":"2026-07-29"}"#),
            "{:?}",
            reply.body
        );
    }

    #[test]
    fn the_health_report_has_the_fingerprint_of_the_policy() {
        let policy = Fingerprint::of(["a policy"]);
        let backends = vec![("a", Some(State::Up))];
        let reply = health(&Report { backends, policy: Some(policy), published: &[] });
        let found: Value = serde_json::from_str(&reply.body.text()).unwrap();
        assert_eq!(found["policy"], policy.to_string());
    }
}
