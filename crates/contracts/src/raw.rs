//! Webhooks as they arrived.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One authenticated webhook exactly as it arrived; `schemas/raw-webhook`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawWebhook {
    /// UUIDv7 given by the gateway.
    pub delivery_id: String,
    /// Who owns the source instance.
    pub tenant: String,
    /// The platform.
    pub source: String,
    /// One site of the platform.
    pub instance: String,
    /// When the gateway had the whole body.
    pub received_at: Timestamp,
    /// The peer's address.
    pub client_ip: String,
    /// HTTP method.
    pub method: String,
    /// Path of the request.
    pub path: String,
    /// Raw query string.
    pub query: String,
    /// Empty if the sender gave none.
    pub content_type: String,
    /// In the order received, without those that carry secrets.
    pub headers: Vec<Header>,
    /// The body's bytes, unchanged but for a content encoding, which is undone where it can be.
    #[serde(with = "crate::bytes")]
    pub body: Vec<u8>,
    /// How the sender proved itself.
    pub auth: Authentication,
}

/// One header line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Lower case.
    pub name: String,
    /// Bytes read as ISO 8859-1.
    pub value: String,
}

/// How the sender proved itself, without the proof.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// `bearer`.
    pub strategy: String,
    /// Which of the instance's secrets matched.
    pub secret_id: String,
}
