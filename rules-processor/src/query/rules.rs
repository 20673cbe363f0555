//! `PUT /v1/tenants/{tenant}/rules`: publishes a rule set.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::json;

use super::answer::Refusal;
use super::{Context, shows_any};
use crate::error::PublishError;
use crate::publish::{self, Published, Request};

pub(crate) async fn publish(
    State(context): State<Context>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    text: String,
) -> Result<Json<Published>, Refusal> {
    if !shows_any(&headers, &context.settings.publish_token) {
        return Err(Refusal::Unauthorized);
    }
    if !context.settings.tenants().any(|known| known == tenant) {
        let message = format!("tenant {tenant:?} is not in the configuration");
        return Err(Refusal::NotFound(message));
    }
    let publishing = tokio::task::spawn_blocking(move || {
        let Some(opened) = context.opened.get() else {
            return Err(Refusal::Unavailable("the log does not answer yet".to_owned()));
        };
        let at = context.clock.now();
        let by = "the query port";
        let request = Request { tenant: &tenant, text: &text, by, at, only_first: false };
        publish::publish(&context.log, &opened.table, request).map_err(|error| refusal(&error))
    });
    let published = publishing.await.map_err(|error| Refusal::Unavailable(error.to_string()))?;
    published.map(Json)
}

fn refusal(error: &PublishError) -> Refusal {
    match error {
        PublishError::Refused(diagnostics) => Refusal::Invalid {
            message: error.to_string(),
            details: json!({ "problems": diagnostics }),
        },
        PublishError::TooLarge(_) => {
            Refusal::Invalid { message: error.to_string(), details: json!({}) }
        }
        PublishError::Log(error) => Refusal::Unavailable(error.to_string()),
    }
}
