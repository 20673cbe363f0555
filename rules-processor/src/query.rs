//! The query port: what is known of a learner, and publishing rules.
//!
//! | request | who may | answer |
//! | --- | --- | --- |
//! | `GET /v1/tenants/{tenant}/learners/{learner}` | a query token of the tenant | [`view::LearnerView`] |
//! | `PUT /v1/tenants/{tenant}/rules` | the publish token | [`crate::Published`] |
//!
//! Any instance answers for any learner: one that does not own the learner's partition asks the
//! owner, once. The learner is the learner's key, percent-encoded: `campus-a%2F8774`.

mod answer;
mod learner;
mod rules;
pub(crate) mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::routing::{get, put};
use kleos_contracts::state::ProcessorState;
use kleos_event_log::{Codec, EventLog};
use kleos_service_kit::clock::SharedClock;
use kleos_service_kit::config::Secret;
use tokio::sync::OnceCell;

use crate::config::Settings;
use crate::ownership::Ownership;
use crate::rules::RuleTable;
use crate::store::Store;

/// Largest text of rules.
const RULES_BYTES_MAX: usize = 8 << 20;

/// What handlers need.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) settings: Arc<Settings>,
    pub(crate) store: Arc<Store>,
    pub(crate) ownership: Arc<Ownership>,
    pub(crate) clock: SharedClock,
    pub(crate) log: EventLog,
    /// Set when the log answers for the first time.
    pub(crate) opened: Arc<OnceCell<Opened>>,
    pub(crate) client: reqwest::Client,
}

/// What can only be had from the log.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) table: Arc<RuleTable>,
    pub(crate) codec: Codec<ProcessorState>,
    pub(crate) partitions: i32,
}

pub(crate) fn router(context: Context) -> Router {
    Router::new()
        .route("/v1/tenants/{tenant}/learners/{learner}", get(learner::show))
        .route("/v1/tenants/{tenant}/rules", put(rules::publish))
        .fallback(answer::no_such_path)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(DefaultBodyLimit::max(RULES_BYTES_MAX))
        .with_state(context)
}

/// Whether the request shows one of the secrets. All of them are looked at, whichever it is.
fn shows_any<'s>(headers: &HeaderMap, secrets: impl IntoIterator<Item = &'s Secret>) -> bool {
    let shown = headers.get(AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
    let scheme = shown.get(..7).unwrap_or_default();
    let token = shown.get(7..).unwrap_or_default();
    let is_known = secrets.into_iter().fold(false, |known, secret| secret.is(token) | known);
    scheme.eq_ignore_ascii_case(b"bearer ") & is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_token_in_a_bearer_header_opens() {
        let secrets =
            [Secret::new("first-secret-0000".into()), Secret::new("second-00000000000".into())];
        for (header, expected) in [
            (Some("Bearer first-secret-0000"), true),
            (Some("bearer second-00000000000"), true),
            (Some("Bearer second-0000000000"), false),
            (Some("Basic first-secret-0000"), false),
            (Some("Bearer"), false),
            (Some(""), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(AUTHORIZATION, header.parse().unwrap());
            }
            assert_eq!(shows_any(&headers, &secrets), expected, "{header:?}");
        }
        assert!(!shows_any(&HeaderMap::new(), &[]));
    }
}
