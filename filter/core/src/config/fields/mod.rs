//! Every field of a policy: its place, and the form of its value.
//!
//! The reader takes the names from here, so that a field that is read is a field that is known;
//! what is said of an unknown field and the JSON Schema (`portolan schema`) come from the same
//! tables.

pub(crate) mod access;
mod policy;
mod renamed;
pub(crate) mod table;

pub(crate) use crate::config::backend::fields::{
    ATTEMPT_TIMEOUTS, BACKEND, EJECTION, FOLLOWED_REDIRECTS, HEALTH_CHECK, LIMITS, REWRITE, TLS,
    WRITE_TIMEOUTS,
};
pub(crate) use crate::config::blob_store::fields::{BLOB_STORE, PROBE};
pub(crate) use crate::config::cache::fields::{CACHE, CACHE_TLS, KNOWN};
pub(crate) use crate::config::front::fields::{
    CERTIFICATE, CORS, FRONT, SCRAPERS, UPSTREAM, WRITES,
};
pub(crate) use crate::config::rule::fields::{CLIENT_REDIRECTS, LINK, RULE, RULE_WRITES};
pub(crate) use access::{
    BACKEND_AUTH, BASIC, CREDENTIAL, FRONT_AUTH, LOGIN, READERS, TOKEN, VERIFIER,
};
pub use policy::POLICY;
pub(crate) use policy::{
    BUDGET, CLIENT_LIMITS, CLIENTS, GEO, GEO_HEADERS, NETWORK_LIMIT, REFUSED, REGION,
};
pub use renamed::{OldName, rename_old_fields};
pub use table::{Field, Table, Value};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_a_place_of_its_own_and_each_field_a_name_of_its_own() {
        let all = POLICY.all();
        assert!(all.len() > 25, "{}", all.len());
        for (index, table) in all.iter().enumerate() {
            assert!(!all.iter().skip(index + 1).any(|other| other.place == table.place));
            let names: std::collections::BTreeSet<&str> = table.names().collect();
            assert_eq!(names.len(), table.fields.len(), "{}", table.place);
            for field in table.fields {
                assert!(!field.meaning.is_empty(), "{}.{}", table.place, field.name);
                if let Some(old) = field.old_name {
                    assert!(!table.has(old), "{}.{old} is a name of today, too", table.place);
                }
            }
        }
    }
}
