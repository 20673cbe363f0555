//! How the vendor can be told to misbehave.

use std::time::Duration;

use serde_json::{Value, json};

use super::judge::Answer;

/// What goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is stored, and the answer is this one.
    Answer {
        /// HTTP's.
        status: u16,
        /// The header, where there is one.
        retry_after: Option<String>,
        /// JSON, or a text for an answer that is not JSON.
        body: Value,
    },
    /// Nothing is stored, and the connection is closed without an answer.
    DropBefore,
    /// All goes as always, and the connection is closed without an answer.
    DropAfter,
    /// All goes as always, and the answer comes when [`release`](super::Mixpanel::release) says so.
    HoldAfter,
    /// The answer takes so long.
    Slow(Duration),
    /// The answer breaks off in the middle.
    CutAnswer,
    /// The answer claims that so many more were imported.
    Miscount(i64),
    /// The answer names none of the records that failed.
    NameNobody,
    /// The answer names the record after each that failed.
    NameOthers,
}

/// How an answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// At once.
    Prompt,
    /// After so long.
    Late(Duration),
    /// When it is released.
    Held,
    /// Only its first half.
    Cut,
    /// Not at all: the connection is closed.
    Dropped,
}

/// How failed records are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IdField {
    /// As the vendor's guide has it.
    #[default]
    Dollar,
    /// As the vendor's `OpenAPI` document has it.
    Plain,
}

impl IdField {
    /// The field.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dollar => "$insert_id",
            Self::Plain => "insert_id",
        }
    }
}

impl Fault {
    /// An answer of this status, and nothing is stored.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let body = json!({ "code": status, "error": "as told to", "status": "simulated" });
        Self::Answer { status, retry_after: None, body }
    }

    /// What happens instead of the import, if that does not take place.
    pub(super) fn instead(&self) -> Option<(Answer, Manner)> {
        match self {
            Self::Answer { status, retry_after, body } => {
                let (retry_after, body) = (retry_after.clone(), body.clone());
                Some((Answer { status: *status, retry_after, body }, Manner::Prompt))
            }
            Self::DropBefore => {
                Some((Answer::error(499, "Closed", "nobody hears this"), Manner::Dropped))
            }
            Self::DropAfter
            | Self::HoldAfter
            | Self::Slow(_)
            | Self::CutAnswer
            | Self::Miscount(_)
            | Self::NameNobody
            | Self::NameOthers => None,
        }
    }

    /// What becomes of the answer.
    pub(super) fn spoil(self, mut answer: Answer) -> (Answer, Manner) {
        let manner = match self {
            Self::DropBefore | Self::DropAfter => Manner::Dropped,
            Self::HoldAfter => Manner::Held,
            Self::Slow(duration) => Manner::Late(duration),
            Self::CutAnswer => Manner::Cut,
            Self::Answer { .. } => Manner::Prompt,
            Self::Miscount(more) => {
                let count = answer.body["num_records_imported"].as_i64().unwrap_or_default();
                answer.body["num_records_imported"] = json!(count + more);
                Manner::Prompt
            }
            Self::NameNobody => {
                if let Some(body) = answer.body.as_object_mut() {
                    body.remove("failed_records");
                }
                Manner::Prompt
            }
            Self::NameOthers => {
                let records = answer.body.get_mut("failed_records").and_then(Value::as_array_mut);
                for record in records.into_iter().flatten() {
                    record["index"] = json!(record["index"].as_u64().unwrap_or_default() + 1);
                }
                Manner::Prompt
            }
        };
        (answer, manner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partial() -> Answer {
        let records = json!([{ "index": 3, "$insert_id": "a" }]);
        let body = json!({ "num_records_imported": 7, "failed_records": records });
        Answer { status: 400, retry_after: None, body }
    }

    #[test]
    fn faults_come_before_the_import_or_spoil_its_answer() {
        assert_eq!(Fault::status(503).instead().map(|(answer, _)| answer.status), Some(503));
        assert_eq!(Fault::DropBefore.instead().map(|(_, manner)| manner), Some(Manner::Dropped));
        for (fault, manner) in [
            (Fault::DropAfter, Manner::Dropped),
            (Fault::HoldAfter, Manner::Held),
            (Fault::CutAnswer, Manner::Cut),
        ] {
            assert_eq!(fault.instead(), None);
            assert_eq!(fault.spoil(partial()), (partial(), manner));
        }
        let body = |fault: Fault| fault.spoil(partial()).0.body;
        assert_eq!(body(Fault::Miscount(-1))["num_records_imported"], 6);
        assert_eq!(body(Fault::NameNobody), json!({ "num_records_imported": 7 }));
        assert_eq!(body(Fault::NameOthers)["failed_records"][0]["index"], 4);
    }
}
