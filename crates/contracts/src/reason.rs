//! Every reason that a record can be refused with: a registry, one entry a code.

/// One reason code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What dead letters and metrics carry.
    pub code: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $meaning:literal, $remedy:literal;)+) => {
        $(#[doc = $meaning] pub const $name: &str = $code;)+

        /// The registry, in the order of the path of a record.
        pub const ALL: &[Reason] = &[
            $(Reason { code: $code, meaning: $meaning, remedy: $remedy }),+
        ];
    };
}

reasons! {
    UNDECODABLE = "undecodable",
        "The record's bytes are not a record of its topic.",
        "Find who else writes to the topic; the bytes are in the dead letter.";
    EMPTY_BODY = "empty_body",
        "The webhook has no body.",
        "Set the platform to send the event as the body.";
    MALFORMED_JSON = "malformed_json",
        "The body is neither JSON nor a form.",
        "Look at the message for the place; mend the template that the platform fills.";
    UNEXPECTED_SHAPE = "unexpected_shape",
        "The body is JSON, but not of a shape that the source sends.",
        "Send one of the shapes of the source's page.";
    MISSING_FIELD = "missing_field",
        "A field that the event needs is missing, empty or a placeholder that was not filled.",
        "Send the field that the message names.";
    INVALID_FIELD = "invalid_field",
        "A field has another type or form than expected.",
        "Send the field in the form that the message names.";
    MISSING_LEARNER = "missing_learner",
        "The event does not say which learner it concerns.",
        "Send the learner's id; the actor is never taken for the learner.";
    INVALID_EVENT_NAME = "invalid_event_name",
        "The event's name is not of the form domain.action, or is of the reserved domain kleos.",
        "Use a name of the event registry or a domain.action name of your own.";
    TIME_TOO_OLD = "time_too_old",
        "The event's time is before 2005; at a sink: before the oldest that its vendor takes.",
        "Mend the sender's clock or the unit of the time (seconds, not hours or days).";
    TIME_IN_FUTURE = "time_in_future",
        "The event's time is more than five minutes after its arrival.",
        "Mend the sender's clock.";
    TOO_LATE = "too_late",
        "The event's time is more than 35 days before the newest events of its part of the log.",
        "Replay it with a restatement if it must still count.";
    MISPLACED = "misplaced",
        "The record lies in another partition than its key's.",
        "Set partitioner=murmur2_random in whatever writes to the topic besides Kleos.";
    UNKNOWN_INSTANCE = "unknown_instance",
        "The record names a source instance that the configuration does not have.",
        "Add the source instance to the configuration, then replay.";
    UNKNOWN_SOURCE = "unknown_source",
        "The record is of a source that has no mapping.",
        "Give the instance one of the source names of the documentation, then replay.";
    TOO_LARGE = "too_large",
        "A record made of the event is larger than its topic takes.",
        "Raise max_message_bytes of the topic, then replay.";
    REJECTED_BY_SINK = "rejected_by_sink",
        "The analytics vendor refused the event for good.",
        "Look at the message for the field and the vendor's words.";
    FORBIDDEN_DISTINCT_ID = "forbidden_distinct_id",
        "The learner's id is one that the analytics vendor refuses, as 0 or anonymous.",
        "Configure another learner key for the tenant, or leave such users out at the platform.";
}

/// The entry of a code.
#[must_use]
pub fn of_code(code: &str) -> Option<&'static Reason> {
    ALL.iter().find(|reason| reason.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_there_once() {
        for reason in ALL {
            assert_eq!(of_code(reason.code), Some(reason));
        }
        assert_eq!(of_code("because"), None);
    }
}
