//! Schemas in a registry with Confluent's API.

use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder};
use schema_registry_converter::blocking::schema_registry::{
    SrSettings, get_schema_by_id, perform_sr_call, post_schema,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{
    RawError, SchemaType, SrCall, SuppliedSchema,
};

use super::config::KafkaConfig;
use crate::error::LogError;
use crate::registry::SchemaStore;
use crate::topics::COMPATIBILITY;

const CALL_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct ConfluentRegistry {
    url: String,
    login: Option<(String, String)>,
    settings: SrSettings,
    client: Client,
}

impl ConfluentRegistry {
    pub(super) fn new(config: &KafkaConfig) -> Result<Self, LogError> {
        let url = config.registry.trim_end_matches('/').to_owned();
        let mut builder = SrSettings::new_builder(url.clone());
        builder.set_timeout(CALL_TIMEOUT);
        if let Some((user, password)) = &config.registry_login {
            builder.set_basic_authorization(user, Some(password));
        }
        let wrong = |cause: String| LogError::Misconfigured {
            what: format!("setting up the client of the registry at {url}"),
            cause,
        };
        let settings = builder.build().map_err(|error| wrong(innermost(&error)))?;
        let client = Client::builder()
            .timeout(CALL_TIMEOUT)
            .build()
            .map_err(|error| wrong(innermost(&error)))?;
        Ok(Self { login: config.registry_login.clone(), settings, client, url })
    }

    /// Adds a text to a subject, unless it is there; returns its id.
    pub(super) fn register(&self, subject: &str, text: &str) -> Result<u32, LogError> {
        let schema = SuppliedSchema::new(None, SchemaType::Avro, text.to_owned());
        match post_schema(&self.settings, subject.to_owned(), schema) {
            Ok(registered) => Ok(registered.id),
            Err(error) if is_refusal(&error) => {
                Err(LogError::SchemaRefused { subject: subject.to_owned(), cause: words(&error) })
            }
            Err(error) => Err(self.unavailable(&error)),
        }
    }

    /// Makes the registry hold a subject's later versions to [`COMPATIBILITY`].
    pub(super) fn demand_compatibility(&self, subject: &str) -> Result<(), LogError> {
        let body = serde_json::json!({ "compatibility": COMPATIBILITY }).to_string();
        self.call(self.client.put(self.config_url(subject)).body(body)).map(drop)
    }

    /// What the registry holds a subject's versions to; none if nothing was said for it.
    pub(super) fn compatibility(&self, subject: &str) -> Result<Option<String>, LogError> {
        let answer = self.call(self.client.get(self.config_url(subject)))?;
        let level = answer.as_ref().and_then(|answer| answer.get("compatibilityLevel"));
        Ok(level.and_then(|level| level.as_str()).map(str::to_owned))
    }

    fn config_url(&self, subject: &str) -> String {
        format!("{}/config/{subject}", self.url)
    }

    /// None if the registry answers that there is no such thing.
    fn call(&self, request: RequestBuilder) -> Result<Option<serde_json::Value>, LogError> {
        let mut request = request
            .header("content-type", "application/vnd.schemaregistry.v1+json")
            .header("accept", "application/vnd.schemaregistry.v1+json");
        if let Some((user, password)) = &self.login {
            request = request.basic_auth(user, Some(password));
        }
        let failed = |cause: String| LogError::unavailable(self.what(), cause);
        let answer = request.send().map_err(|error| failed(innermost(&error)))?;
        let status = answer.status();
        if status.as_u16() == 404 {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(failed(format!("it answers {status}")));
        }
        answer.json().map(Some).map_err(|error| failed(error.to_string()))
    }

    fn unavailable(&self, error: &SRCError) -> LogError {
        LogError::unavailable(self.what(), words(error))
    }

    fn what(&self) -> String {
        format!("asking the registry at {}", self.url)
    }
}

impl SchemaStore for ConfluentRegistry {
    fn id_of(&self, subject: &str, text: &str) -> Result<u32, LogError> {
        let body = serde_json::json!({ "schema": text, "schemaType": "AVRO" }).to_string();
        match perform_sr_call(&self.settings, SrCall::PostForVersion(subject, &body)) {
            Ok(found) => found.id.ok_or_else(|| LogError::MissingSchema(subject.to_owned())),
            Err(error) if is_absence(&error) => Err(LogError::MissingSchema(subject.to_owned())),
            Err(error) => Err(self.unavailable(&error)),
        }
    }

    fn text_of(&self, id: u32) -> Result<String, LogError> {
        match get_schema_by_id(id, &self.settings) {
            Ok(registered) => Ok(registered.schema),
            Err(error) if is_absence(&error) => Err(LogError::Misconfigured {
                what: format!("schema {id}"),
                cause: "the registry has no such schema: is it the one that the writer uses?"
                    .to_owned(),
            }),
            Err(error) => Err(self.unavailable(&error)),
        }
    }
}

/// The registry's own error, if it answered with one.
fn raw_error(error: &SRCError) -> Option<&RawError> {
    std::error::Error::source(error)?.downcast_ref()
}

/// Subject, version or schema not found.
fn is_absence(error: &SRCError) -> bool {
    raw_error(error).is_some_and(|raw| matches!(raw.error_code, 40_401..=40_403))
}

/// Incompatible, or not a schema.
fn is_refusal(error: &SRCError) -> bool {
    raw_error(error).is_some_and(|raw| matches!(raw.error_code, 409 | 422 | 40_901 | 42_201))
}

fn words(error: &SRCError) -> String {
    match raw_error(error) {
        Some(raw) => raw.message.clone(),
        None => std::error::Error::source(error).map_or_else(|| error.error.clone(), innermost),
    }
}

/// The last cause says most: a client's error only says that something went wrong.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}
