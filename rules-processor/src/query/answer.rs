//! Refusals, in the one shape that all ports of Kleos have.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// No token, or one that opens nothing here.
    Unauthorized,
    /// Nothing is known under that name.
    NotFound(String),
    /// There is no such path.
    NoSuchPath,
    /// The path takes other methods.
    NoSuchMethod,
    /// The request is wrong.
    Invalid { message: String, details: Value },
    /// It can be answered later.
    Unavailable(String),
}

/// Seconds after which a request that could not be answered may be tried again.
const RETRY_AFTER_SECONDS: u32 = 1;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, message) = match &self {
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "authentication_failed",
                "a valid bearer token is needed".to_owned(),
            ),
            Self::NotFound(message) => (StatusCode::NOT_FOUND, "not_found", message.clone()),
            Self::NoSuchPath => {
                (StatusCode::NOT_FOUND, "not_found", "there is no such path".to_owned())
            }
            Self::NoSuchMethod => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "the path takes other methods".to_owned(),
            ),
            Self::Invalid { message, .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_payload", message.clone())
            }
            Self::Unavailable(message) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", message.clone())
            }
        };
        let mut body = json!({
            "status": "error",
            "error": error,
            "error_code": error.to_uppercase(),
            "message": message,
        });
        if let Self::Invalid { details, .. } = &self {
            body["details"] = details.clone();
        }
        if matches!(self, Self::Unavailable(_)) {
            body["retry_after"] = RETRY_AFTER_SECONDS.into();
            return (status, [(RETRY_AFTER, RETRY_AFTER_SECONDS.to_string())], Json(body))
                .into_response();
        }
        if self == Self::Unauthorized {
            return (status, [(WWW_AUTHENTICATE, "Bearer")], Json(body)).into_response();
        }
        (status, Json(body)).into_response()
    }
}

pub(crate) async fn no_such_path() -> Refusal {
    Refusal::NoSuchPath
}

pub(crate) async fn no_such_method() -> Refusal {
    Refusal::NoSuchMethod
}
