//! Every way a request can be refused, and what its sender is told.
//!
//! The sender's fault is a 4xx, which senders take for final. Trouble of our own is a 503 that says
//! when to come back, so that they send the event again.

use hyper::{Method, StatusCode};
use kleos_contracts::class::Class;
use kleos_service_kit::config::rates::RateLimit;
use serde_json::{Value, json};

use crate::encoding::UNDONE;
use crate::rate::Whose;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// No such path.
    #[error("nothing is here; events go to /api/public/hook/{{source}}/event")]
    NotFound,
    /// The path names a source that this program has not, and the sender is known.
    #[error("there is no such source")]
    UnknownSource {
        /// Those that there are.
        known: Vec<String>,
    },
    /// That cannot be done there.
    #[error("{} only", names(allowed).join(" or "))]
    MethodNotAllowed {
        /// What can be.
        allowed: &'static [Method],
    },
    /// Who sends is not known, or may not send here. Why is counted and not told.
    #[error("missing, invalid or expired credential")]
    Unauthenticated(Doubt),
    /// The body is longer than it may be, as declared or as it came.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The longest that is taken.
        limit: u64,
    },
    /// The body is too many times as long without its encoding.
    #[error("the body is more than {ratio} times as long without its encoding")]
    Inflated {
        /// How many times as long it may be.
        ratio: u64,
    },
    /// The body was not there in time.
    #[error("the body was not complete after {millis} ms")]
    TooSlow {
        /// How long it may take.
        millis: u64,
    },
    /// The body is encoded in a way that is not undone, or in several.
    #[error("the body's encoding is not one of those that are undone")]
    UnsupportedEncoding,
    /// The body is not what its encoding leaves.
    #[error("the body is not {name}, as Content-Encoding says")]
    MalformedEncoding {
        /// The encoding.
        name: &'static str,
    },
    /// The sender's own program, and its body holds what is not understood.
    #[error("not every item of the body is understood; nothing was stored")]
    Invalid {
        /// What every item came to.
        items: Value,
    },
    /// The body ended before its end, or its chunks are malformed.
    #[error("the body is not complete")]
    Incomplete,
    /// More is sent than is taken in a time.
    #[error(
        "the rate limit of {} is exceeded, {limit}; nothing was stored, send the event again",
        whose(*budget)
    )]
    RateLimited {
        /// Whose limit.
        budget: Whose,
        /// What is taken.
        limit: RateLimit,
        /// How long until one is taken.
        seconds: u64,
    },
    /// As much is under way as may be.
    #[error("too much is under way; nothing was stored, send the event again")]
    Overloaded,
    /// The log is not open.
    #[error("the log is not available; nothing was stored, send the event again")]
    LogUnavailable,
    /// The log did not take the record.
    #[error("the log did not confirm the event; send it again")]
    AppendFailed,
    /// The log did not answer in time; the record may still come to lie in it.
    #[error("the log did not confirm the event in time; send it again")]
    AppendTimedOut,
    /// The process stops.
    #[error("the gateway is stopping; nothing was stored, send the event again")]
    Stopping,
    /// A fault in the program.
    #[error("a fault of the gateway; send the event again")]
    Internal,
}

/// Why nobody is known by a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// There is none.
    Missing,
    /// It is not of the form that its place has, or there are several.
    Malformed,
    /// Nobody has it.
    Unknown,
    /// It is good no more, or not yet.
    Expired,
    /// It is for another source.
    OtherSource,
    /// It is for another instance than the path names.
    OtherInstance,
    /// It is sent from where its instance does not send, or nobody can tell from where.
    OtherAddress,
    /// It says to be of a time too far from now.
    Stale,
    /// The body is not signed with a secret of who may send there.
    NotSigned,
    /// So many may have signed that the path has to say who.
    InstanceNeeded,
}

impl Doubt {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 10] = [
        Self::Missing,
        Self::Malformed,
        Self::Unknown,
        Self::Expired,
        Self::OtherSource,
        Self::OtherInstance,
        Self::OtherAddress,
        Self::Stale,
        Self::NotSigned,
        Self::InstanceNeeded,
    ];

    /// For metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::OtherSource => "other_source",
            Self::OtherInstance => "other_instance",
            Self::OtherAddress => "other_address",
            Self::Stale => "stale",
            Self::NotSigned => "not_signed",
            Self::InstanceNeeded => "instance_needed",
        }
    }
}

fn names(methods: &'static [Method]) -> Vec<&'static str> {
    methods.iter().map(Method::as_str).collect()
}

/// For people.
const fn whose(budget: Whose) -> &'static str {
    match budget {
        Whose::Address => "the sender's address",
        Whose::Route => "the route",
        Whose::Instance => "the source instance",
        Whose::Source => "the source",
        Whose::Total => "all senders",
    }
}

/// Status and code of every refusal.
pub(crate) const CODES: &[(u16, &str)] = &[
    (400, "incomplete_body"),
    (400, "malformed_encoding"),
    (400, "validation_failed"),
    (401, "authentication_failed"),
    (404, "not_found"),
    (404, "unknown_source"),
    (405, "method_not_allowed"),
    (408, "request_timeout"),
    (413, "payload_too_large"),
    (415, "unsupported_encoding"),
    (429, "rate_limit_exceeded"),
    (503, "append_failed"),
    (503, "append_timed_out"),
    (503, "internal_error"),
    (503, "log_unavailable"),
    (503, "overloaded"),
    (503, "stopping"),
];

/// Between how many seconds a sender is told to come back, so that not all do at once.
type Pauses = Option<(u64, u64)>;

/// Sending the same again does not help.
const FINAL: Pauses = None;
/// What is in the way is over in a moment.
const SOON: Pauses = Some((1, 3));
/// What is in the way has to be mended first.
const LATER: Pauses = Some((2, 6));

impl Refusal {
    /// The status, the code by which programs tell refusals apart, and when to come back.
    const fn row(&self) -> (StatusCode, &'static str, Pauses) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", FINAL),
            Self::UnknownSource { .. } => (StatusCode::NOT_FOUND, "unknown_source", FINAL),
            Self::MethodNotAllowed { .. } => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", FINAL)
            }
            Self::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "authentication_failed", FINAL),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", FINAL),
            Self::Inflated { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", FINAL),
            Self::UnsupportedEncoding => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", FINAL)
            }
            Self::MalformedEncoding { .. } => {
                (StatusCode::BAD_REQUEST, "malformed_encoding", FINAL)
            }
            Self::Invalid { .. } => (StatusCode::BAD_REQUEST, "validation_failed", FINAL),
            Self::TooSlow { .. } => (StatusCode::REQUEST_TIMEOUT, "request_timeout", FINAL),
            Self::RateLimited { seconds, .. } => {
                let pauses = Some((*seconds, *seconds + 2));
                (StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", pauses)
            }
            Self::Incomplete => (StatusCode::BAD_REQUEST, "incomplete_body", FINAL),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", SOON),
            Self::LogUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "log_unavailable", LATER),
            Self::AppendFailed => (StatusCode::SERVICE_UNAVAILABLE, "append_failed", LATER),
            Self::AppendTimedOut => (StatusCode::SERVICE_UNAVAILABLE, "append_timed_out", LATER),
            Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping", SOON),
            Self::Internal => (StatusCode::SERVICE_UNAVAILABLE, "internal_error", LATER),
        }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.row().0
    }

    /// In lower case; metrics carry it as the outcome.
    pub(crate) const fn code(&self) -> &'static str {
        self.row().1
    }

    /// What the sender can do.
    pub(crate) const fn class(&self) -> Class {
        if self.row().2.is_some() { Class::Retriable } else { Class::Poison }
    }

    /// In how many seconds the sender should come back, if that is of use. `chance` is any number.
    pub(crate) fn retry_after(&self, chance: u64) -> Option<u64> {
        self.row().2.map(|(first, last)| first + chance % (last - first + 1))
    }

    /// What programs can make use of.
    pub(crate) fn details(&self) -> Option<Value> {
        match self {
            Self::UnknownSource { known } => Some(json!({"field": "source", "expected": known})),
            Self::MethodNotAllowed { allowed } => {
                Some(json!({"field": "method", "expected": names(allowed)}))
            }
            Self::Invalid { items } => Some(json!({"items": items})),
            Self::TooLarge { limit } => Some(json!({"limit_bytes": limit})),
            Self::Inflated { ratio } => Some(json!({"limit_ratio": ratio})),
            Self::UnsupportedEncoding => {
                Some(json!({"field": "content-encoding", "expected": UNDONE}))
            }
            Self::TooSlow { millis } => Some(json!({"limit_ms": millis})),
            Self::RateLimited { budget, limit, .. } => Some(json!({
                "budget": budget.name(),
                "limit_per_minute": limit.per_minute,
                "burst": limit.burst,
            })),
            Self::NotFound
            | Self::Unauthenticated(_)
            | Self::MalformedEncoding { .. }
            | Self::Incomplete
            | Self::Overloaded
            | Self::LogUnavailable
            | Self::AppendFailed
            | Self::AppendTimedOut
            | Self::Stopping
            | Self::Internal => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One of each, with what it must be answered with.
    pub(crate) fn table() -> Vec<(Refusal, u16, &'static str)> {
        let mut rows = vec![
            (Refusal::NotFound, 404, "not_found"),
            (Refusal::UnknownSource { known: vec!["moodle".to_owned()] }, 404, "unknown_source"),
            (Refusal::MethodNotAllowed { allowed: &[Method::POST] }, 405, "method_not_allowed"),
            (Refusal::Invalid { items: json!([]) }, 400, "validation_failed"),
            (Refusal::TooLarge { limit: 7 }, 413, "payload_too_large"),
            (Refusal::Inflated { ratio: 7 }, 413, "payload_too_large"),
            (Refusal::UnsupportedEncoding, 415, "unsupported_encoding"),
            (Refusal::MalformedEncoding { name: "br" }, 400, "malformed_encoding"),
            (Refusal::TooSlow { millis: 7 }, 408, "request_timeout"),
            (Refusal::Incomplete, 400, "incomplete_body"),
            (
                Refusal::RateLimited {
                    budget: Whose::Source,
                    limit: RateLimit::new(500, 1_000).unwrap(),
                    seconds: 7,
                },
                429,
                "rate_limit_exceeded",
            ),
            (Refusal::Overloaded, 503, "overloaded"),
            (Refusal::LogUnavailable, 503, "log_unavailable"),
            (Refusal::AppendFailed, 503, "append_failed"),
            (Refusal::AppendTimedOut, 503, "append_timed_out"),
            (Refusal::Stopping, 503, "stopping"),
            (Refusal::Internal, 503, "internal_error"),
        ];
        for doubt in Doubt::ALL {
            rows.push((Refusal::Unauthenticated(doubt), 401, "authentication_failed"));
        }
        rows
    }

    #[test]
    fn every_refusal_has_its_status_and_code() {
        for (refusal, status, code) in table() {
            assert_eq!((refusal.status().as_u16(), refusal.code()), (status, code), "{refusal:?}");
        }
    }

    #[test]
    fn every_refusal_is_listed() {
        let mut listed: Vec<(u16, &str)> =
            table().into_iter().map(|(_, status, code)| (status, code)).collect();
        listed.sort_unstable();
        listed.dedup();
        assert_eq!(CODES, listed);
    }

    #[test]
    fn what_passes_asks_to_come_back_and_the_senders_fault_is_final() {
        for (refusal, status, _) in table() {
            let passes = refusal.class() == Class::Retriable;
            assert_eq!(passes, matches!(status, 429 | 503), "{refusal:?}");
            assert!(passes || (400..500).contains(&status), "{refusal:?}");
            assert_eq!(refusal.retry_after(0).is_some(), passes, "{refusal:?}");
        }
    }

    #[test]
    fn senders_are_told_to_come_back_at_different_times() {
        for (refusal, seconds) in [(Refusal::Overloaded, 1..=3), (Refusal::AppendFailed, 2..=6)] {
            let mut told: Vec<u64> = (0..64).filter_map(|n| refusal.retry_after(n)).collect();
            told.sort_unstable();
            told.dedup();
            assert!(told.into_iter().eq(seconds), "{refusal:?}");
        }
        assert!(Refusal::Overloaded.retry_after(u64::MAX).unwrap() <= 3);
    }
}
