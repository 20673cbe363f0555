//! One request: who sends it, whether it can be read, and what becomes of its events. Pure.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use kleos_contracts::time::Timestamp;
use serde_json::{Value, json};

use super::event::{self, Flaw, StoredEvent};
use super::fault::IdField;
use super::project::Project;

/// A request to `/import`, as it arrived.
#[derive(Clone, Copy, Debug, Default)]
pub struct Import<'a> {
    /// The parameter `strict`.
    pub strict: Option<&'a str>,
    /// The parameter `project_id`.
    pub project_id: Option<&'a str>,
    /// The header.
    pub authorization: Option<&'a str>,
    /// The header.
    pub content_type: Option<&'a str>,
    /// The header.
    pub content_encoding: Option<&'a str>,
    /// As sent.
    pub body: &'a [u8],
}

/// What the vendor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP's.
    pub status: u16,
    /// The header, where there is one.
    pub retry_after: Option<String>,
    /// JSON, with failed records named by `$insert_id`.
    pub body: Value,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What the vendor says.
    pub answer: Answer,
    /// What it stores.
    pub stored: Vec<StoredEvent>,
    /// What counts for the rate.
    pub bytes: usize,
}

/// What a project has sent in the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Events, good and bad.
    pub events: usize,
    /// Bytes, uncompressed.
    pub bytes: usize,
}

/// Judges a request.
#[must_use]
pub fn judge(project: &Project, spent: Spent, now: Timestamp, import: &Import<'_>) -> Judgement {
    match open(project, spent, import) {
        Ok((values, bytes)) => {
            let limit = project.limits.event_bytes;
            let (stored, failed) = sort(&values, |value, size| {
                if size < limit { event::check(value, now) } else { Err(too_large(value)) }
            });
            Judgement { answer: answer_of(stored.len(), &failed), stored, bytes }
        }
        Err(answer) => Judgement { answer, stored: Vec::new(), bytes: 0 },
    }
}

impl Answer {
    /// An error without more to say.
    #[must_use]
    pub fn error(status: u16, name: &str, error: &str) -> Self {
        let body = json!({ "code": status, "error": error, "status": name });
        Self { status, retry_after: None, body }
    }

    /// With failed records named in the other of the two ways.
    #[must_use]
    pub fn naming(mut self, id_field: IdField) -> Self {
        let records = self.body.get_mut("failed_records").and_then(Value::as_array_mut);
        for record in records.into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(id) = record.remove(IdField::Dollar.as_str()) {
                record.insert(id_field.as_str().to_owned(), id);
            }
        }
        self
    }
}

/// A value and how many bytes it takes in the request.
type Sized = (Value, usize);

fn open(
    project: &Project,
    spent: Spent,
    import: &Import<'_>,
) -> Result<(Vec<Sized>, usize), Answer> {
    let bad = |error: &str| Answer::error(400, "Bad Request", error);
    if !may_import(project, import) {
        return Err(Answer::error(401, "Unauthorized", "Invalid credentials"));
    }
    if import.strict != Some("1") {
        return Err(bad("only strict=1 is simulated"));
    }
    let limits = project.limits;
    let too_large = |what: String| {
        let error = format!("request exceeds max limit of {what}");
        Answer::error(413, "Request Entity Too Large", &error)
    };
    let body = uncompressed(import, limits.request_bytes).map_err(bad)?;
    if body.len() > limits.request_bytes {
        return Err(too_large(format!("{} bytes", limits.request_bytes)));
    }
    let values = parse(import.content_type, &body).map_err(bad)?;
    if values.is_empty() {
        return Err(bad("request has no events"));
    }
    if values.len() > limits.request_events {
        return Err(too_large(format!("{} events", limits.request_events)));
    }
    if spent.events + values.len() > limits.minute_events
        || spent.bytes + body.len() > limits.minute_bytes
    {
        let error =
            "Project exceeded rate limits. Please retry the request with exponential backoff.";
        return Err(Answer::error(429, "Too Many Requests", error));
    }
    Ok((values, body.len()))
}

/// A service account needs the project's id; a token needs none, but must not have another's.
fn may_import(project: &Project, import: &Import<'_>) -> bool {
    let credentials = import
        .authorization
        .and_then(|header| header.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .and_then(|decoded| String::from_utf8(decoded).ok());
    let Some((user, secret)) = credentials.as_deref().and_then(|text| text.split_once(':')) else {
        return false;
    };
    let (account, account_secret) = &project.account;
    let is_own_project = import.project_id == Some(project.id.as_str());
    let is_account = user == account && secret == account_secret && is_own_project;
    let is_token = user == project.token
        && secret.is_empty()
        && (is_own_project || import.project_id.is_none());
    is_account || is_token
}

/// At most one byte more than the limit.
fn uncompressed(import: &Import<'_>, limit: usize) -> Result<Vec<u8>, &'static str> {
    match import.content_encoding {
        None => Ok(import.body.to_vec()),
        Some("gzip") => {
            let mut body = Vec::new();
            let at_most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            GzDecoder::new(import.body)
                .take(at_most)
                .read_to_end(&mut body)
                .map_err(|_| "body is not gzip")?;
            Ok(body)
        }
        Some(_) => Err("Content-Encoding must be gzip"),
    }
}

fn parse(content_type: Option<&str>, body: &[u8]) -> Result<Vec<Sized>, &'static str> {
    let malformed = "request body is not valid JSON";
    match content_type {
        Some("application/json") => {
            let values: Vec<Value> = serde_json::from_slice(body).map_err(|_| malformed)?;
            Ok(values.into_iter().map(sized).collect())
        }
        Some("application/x-ndjson") => body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| {
                let value = serde_json::from_slice(line).map_err(|_| malformed)?;
                Ok((value, line.len()))
            })
            .collect(),
        Some(_) | None => Err("Content-Type must be application/json or application/x-ndjson"),
    }
}

fn sized(value: Value) -> Sized {
    let size = value.to_string().len();
    (value, size)
}

/// The good ones, and the bad ones with their places.
fn sort(
    values: &[Sized],
    check: impl Fn(&Value, usize) -> Result<StoredEvent, Flaw>,
) -> (Vec<StoredEvent>, Vec<(usize, Flaw)>) {
    let (mut stored, mut failed) = (Vec::with_capacity(values.len()), Vec::new());
    for (index, (value, size)) in values.iter().enumerate() {
        match check(value, *size) {
            Ok(event) => stored.push(event),
            Err(flaw) => failed.push((index, flaw)),
        }
    }
    (stored, failed)
}

fn too_large(value: &Value) -> Flaw {
    Flaw {
        insert_id: value["properties"]["$insert_id"].as_str().unwrap_or_default().to_owned(),
        field: "event".to_owned(),
        message: "'event' is invalid: must be smaller than 1MB".to_owned(),
    }
}

fn answer_of(imported: usize, failed: &[(usize, Flaw)]) -> Answer {
    if failed.is_empty() {
        let body = json!({ "code": 200, "num_records_imported": imported, "status": "OK" });
        return Answer { status: 200, retry_after: None, body };
    }
    let records: Vec<Value> = failed
        .iter()
        .map(|(index, Flaw { insert_id, field, message })| {
            json!({ "index": index, "$insert_id": insert_id, "field": field, "message": message })
        })
        .collect();
    let body = json!({
        "code": 400,
        "error": "some data points in the request failed validation",
        "failed_records": records,
        "num_records_imported": imported,
        "status": "Bad Request",
    });
    Answer { status: 400, retry_after: None, body }
}

#[cfg(test)]
mod tests;
