//! `GET /v1/tenants/{tenant}/learners/{learner}`.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use kleos_contracts::key::{learner_key, partition_of_shard, shard_of};

use super::answer::Refusal;
use super::view::{self, LearnerView};
use super::{Context, Opened, shows_any};
use crate::ownership::Owner;

/// Set on a request that another instance passed on: it is not passed on again.
const FORWARDED: &str = "x-kleos-forwarded";
/// How long the owner may take.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) async fn show(
    State(context): State<Context>,
    Path((tenant, learner)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if !shows_any(&headers, &context.settings.tenant(&tenant).query_tokens) {
        return Err(Refusal::Unauthorized);
    }
    let Some(opened) = context.opened.get() else {
        return Err(Refusal::Unavailable("the log does not answer yet".to_owned()));
    };
    let key = learner_key(&tenant, &learner);
    let partition = partition_of_shard(shard_of(key.as_bytes()), opened.partitions);
    match context.ownership.of(partition) {
        Owner::Here => {
            let found = read(context.clone(), tenant.clone(), key).await?;
            let view = found.ok_or_else(|| no_learner(&tenant, &learner))?;
            Ok(Json(view).into_response())
        }
        Owner::At(url) if !headers.contains_key(FORWARDED) => {
            forward(&context, &url, &uri, &headers).await
        }
        Owner::At(_) | Owner::Unknown => {
            Err(Refusal::Unavailable(format!("partition {partition} is being restored or moved")))
        }
    }
}

fn no_learner(tenant: &str, learner: &str) -> Refusal {
    Refusal::NotFound(format!(
        "no event of learner {learner:?} of tenant {tenant} was accepted; the learner is the key, \
         as campus-a/8774, percent-encoded"
    ))
}

/// Reads on a thread that may wait for the disk.
async fn read(
    context: Context,
    tenant: String,
    key: String,
) -> Result<Option<LearnerView>, Refusal> {
    let unavailable = |error: String| Refusal::Unavailable(error);
    let reading = tokio::task::spawn_blocking(move || {
        let Some(opened) = context.opened.get() else { return Ok(None) };
        read_here(&context, opened, &tenant, &key)
    });
    reading.await.map_err(|error| unavailable(error.to_string()))?.map_err(unavailable)
}

fn read_here(
    context: &Context,
    opened: &Opened,
    tenant: &str,
    key: &str,
) -> Result<Option<LearnerView>, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let shard = shard_of(key.as_bytes());
    let partition = partition_of_shard(shard, opened.partitions);
    let found = context.store.learner(shard, key.as_bytes()).map_err(|error| text(&error))?;
    let Some(bytes) = found else { return Ok(None) };
    let state = opened.codec.decode(&bytes).map_err(|error| text(&error))?;
    let Some(state) = state.learner else { return Ok(None) };
    let stored = context.store.partition(partition).map_err(|error| text(&error))?;
    let sets = stored.map(|bytes| opened.codec.decode(&bytes)).transpose();
    let sets = sets.map_err(|error| text(&error))?.and_then(|state| state.partition);
    let sets = sets.unwrap_or_default().rule_sets;
    let active = sets.iter().find(|set| set.tenant == tenant);
    let versioned = opened.table.active(active).map_err(|error| text(&error))?;
    let zone = &context.settings.tenant(tenant).zone;
    Ok(Some(view::of(state, &versioned, zone, context.clock.now())))
}

/// Asks the owner, and gives on what it answers.
async fn forward(
    context: &Context,
    url: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let mut request =
        context.client.get(format!("{url}{uri}")).header(FORWARDED, "1").timeout(FORWARD_TIMEOUT);
    if let Some(token) = headers.get(AUTHORIZATION) {
        request = request.header(AUTHORIZATION, token);
    }
    let unreachable = |error: reqwest::Error| Refusal::Unavailable(format!("the owner: {error}"));
    let answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    let kept = [CONTENT_TYPE, RETRY_AFTER];
    let kept = kept
        .into_iter()
        .filter_map(|name| Some((name.clone(), answer.headers().get(&name)?.clone())));
    let kept: HeaderMap = kept.collect();
    let body = answer.bytes().await.map_err(unreachable)?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    *response.headers_mut() = kept;
    Ok(response)
}
