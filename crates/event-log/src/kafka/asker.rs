//! A client for questions to the cluster.
//!
//! A client goes by what it remembers of brokers and leaders, and can do so long after they are
//! back. So one that has no answer is replaced: the next question is asked by one that remembers
//! nothing.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, KafkaResult};

use super::config::{Isolation, KafkaConfig};
use super::context::Quiet;
use super::failure;
use crate::error::LogError;

type Client = BaseConsumer<Quiet>;

pub(super) struct Asker {
    config: KafkaConfig,
    isolation: Isolation,
    client: Mutex<Arc<Client>>,
}

impl Asker {
    pub(super) fn new(config: &KafkaConfig, isolation: Isolation) -> Result<Self, LogError> {
        let client = make(config, isolation)
            .map_err(|error| failure::of_call("setting up a client", &error))?;
        Ok(Self { config: config.clone(), isolation, client: Mutex::new(Arc::new(client)) })
    }

    /// Asks; `what` says for people what is tried.
    pub(super) fn ask<T>(
        &self,
        what: &str,
        question: impl FnOnce(&Client) -> KafkaResult<T>,
    ) -> Result<T, LogError> {
        let client = Arc::clone(&self.client.lock().unwrap_or_else(PoisonError::into_inner));
        question(&client).map_err(|error| {
            self.replace(&client);
            failure::of_call(what, &error)
        })
    }

    /// Unless another thread was first.
    fn replace(&self, failed: &Arc<Client>) {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&client, failed)
            && let Ok(new) = make(&self.config, self.isolation)
        {
            *client = Arc::new(new);
        }
    }
}

fn make(config: &KafkaConfig, isolation: Isolation) -> Result<Client, KafkaError> {
    config.reader(isolation).create_with_context(Quiet)
}
