//! Schema ids: looked up once, kept for good.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use apache_avro::Schema;
use kleos_contracts::topic::Topic;

use crate::error::LogError;

/// Where schemas and their ids are kept.
pub(crate) trait SchemaStore: std::fmt::Debug + Send + Sync {
    /// The id of a text under a subject.
    fn id_of(&self, subject: &str, text: &str) -> Result<u32, LogError>;

    /// The text of an id.
    fn text_of(&self, id: u32) -> Result<String, LogError>;
}

/// Ids and schemas that were asked for once. They never change, so a registry that is away hurts
/// only those who meet an id for the first time.
#[derive(Debug)]
pub(crate) struct Registry {
    store: Box<dyn SchemaStore>,
    /// What subjects begin with in this deployment.
    prefix: String,
    ids: Mutex<BTreeMap<Topic, u32>>,
    schemas: Mutex<BTreeMap<u32, &'static Schema>>,
}

impl Registry {
    pub(crate) fn new(store: Box<dyn SchemaStore>, prefix: String) -> Self {
        Self {
            store,
            prefix,
            ids: Mutex::new(BTreeMap::new()),
            schemas: Mutex::new(BTreeMap::new()),
        }
    }

    /// The id of the schema that a topic's values are written with.
    ///
    /// # Errors
    /// If the subject lacks our schema, or the registry does not answer.
    pub(crate) fn id_of(&self, topic: Topic) -> Result<u32, LogError> {
        let known = self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(&topic).copied();
        if let Some(id) = known {
            return Ok(id);
        }
        let subject = format!("{}{}", self.prefix, topic.subject());
        let id = self.store.id_of(&subject, &compact(topic.schema().current()))?;
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(topic, id);
        Ok(id)
    }

    /// The schema of an id.
    ///
    /// # Errors
    /// If the registry does not know the id or does not answer, or its text is no schema.
    pub(crate) fn schema_of(&self, id: u32) -> Result<&'static Schema, LogError> {
        let known = self.schemas.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
        if let Some(schema) = known {
            return Ok(schema);
        }
        let text = self.store.text_of(id)?;
        let schema = Schema::parse_str(&text).map_err(|error| LogError::Misconfigured {
            what: format!("schema {id} of the registry"),
            cause: error.to_string(),
        })?;
        // As many live as there are versions of schemas, for as long as the process does.
        let schema: &'static Schema = Box::leak(Box::new(schema));
        self.schemas.lock().unwrap_or_else(PoisonError::into_inner).insert(id, schema);
        Ok(schema)
    }
}

/// A schema's text without the spaces between its parts and with its keys in order. Registries can
/// take the same schema in another layout for another schema, so this is how it is registered.
pub(crate) fn compact(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .map_or_else(|_| text.to_owned(), |schema| schema.to_string())
}
