//! What librdkafka's errors mean here.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::error::LogError;

/// How a transactional call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transactional {
    /// The transaction has failed for good and can be aborted.
    Abort,
    /// Nobody can tell; the producer must be replaced.
    Renew,
}

/// Sorts the error of a transactional call. What is not known to be harmless is not harmless.
///
/// librdkafka offers to try a timed-out commit again in place. That is not done: the delayed
/// request can end the next transaction instead, as the broker cannot tell the two apart without
/// an epoch for each transaction, which this client cannot do yet.
pub(super) fn of_transaction(error: &KafkaError) -> Transactional {
    let can_abort = if let KafkaError::Transaction(cause) = error {
        cause.txn_requires_abort() && !cause.is_fatal()
    } else if let KafkaError::MessageProduction(code) = error {
        !matches!(
            code,
            RDKafkaErrorCode::Fatal
                | RDKafkaErrorCode::Fenced
                | RDKafkaErrorCode::State
                | RDKafkaErrorCode::InvalidProducerEpoch
        )
    } else {
        false
    };
    if can_abort { Transactional::Abort } else { Transactional::Renew }
}

/// An error of some other call; `what` says which.
pub(super) fn of_call(what: &str, error: &KafkaError) -> LogError {
    let cause = error.to_string();
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::UnsupportedSASLMechanism
            | RDKafkaErrorCode::InvalidTransactionTimeout
            | RDKafkaErrorCode::InvalidSessionTimeout
            | RDKafkaErrorCode::InvalidArgument,
        ) => LogError::Misconfigured { what: what.to_owned(), cause },
        _ if matches!(error, KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_)) => {
            LogError::Misconfigured { what: what.to_owned(), cause }
        }
        _ => LogError::unavailable(what, cause),
    }
}
