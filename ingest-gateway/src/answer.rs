//! What a sender is answered: the receipt of a stored event, or why there is none.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Method, Response, StatusCode};
use kleos_contracts::raw::RawWebhook;
use kleos_contracts::time::Timestamp;
use kleos_event_log::{Kind, Position};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::admit::{Resource, Sender};
use crate::encoding::UNDONE_LIST;
use crate::error::Refusal;
use crate::statements;

/// An answer, ready to be sent.
pub(crate) type Answer = Response<Full<Bytes>>;

/// What a source takes for success, where it is not 202: Moodle's webhook plugins, which
/// Open LMS has too, count every other status than 200 as a failure and send the event again.
const ACCEPTED_AS: &[(&str, StatusCode)] =
    &[("moodle", StatusCode::OK), ("openlms", StatusCode::OK)];

/// The version of xAPI that is spoken.
const XAPI_VERSION: &str = "1.0.3";

/// An event that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) delivery_id: String,
    pub(crate) received_at: Timestamp,
    pub(crate) position: Position,
    pub(crate) durability: Durability,
}

/// What became of a request whose event is stored.
#[derive(Clone, Debug)]
pub(crate) struct Taken<'s> {
    pub(crate) sender: &'s Sender,
    pub(crate) receipt: Receipt,
    /// Whether it was stored before this request.
    pub(crate) is_duplicate: bool,
    pub(crate) form: Form,
}

/// What the answer to a stored event looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The receipt, with the sender's status.
    Receipt,
    /// The receipt, with a status of 200, which is all that Caliper's sensors have to understand.
    PlainReceipt,
    /// The ids of the statements, as xAPI has it.
    Ids(Vec<String>),
    /// Nothing, as xAPI has it for a statement that was put.
    Nothing,
}

/// What has to fail before a stored event is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    /// Every broker that has the event: all in-sync replicas have acknowledged it.
    Broker,
    /// The disk of one machine: the event was written to it and flushed.
    Disk,
}

impl From<Kind> for Durability {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Embedded => Self::Disk,
            Kind::Kafka => Self::Broker,
        }
    }
}

/// One body for both forms of answer that are documented.
#[derive(Serialize, ToSchema)]
pub(crate) struct Accepted<'a> {
    status: &'static str,
    result: &'static str,
    event_id: &'a str,
    #[schema(value_type = String, format = DateTime)]
    processed_at: Timestamp,
    /// Nobody knows them yet; the field is part of the documented form.
    points_awarded: Option<i64>,
    receipt: Coordinates<'a>,
}

/// Where a stored event lies.
#[derive(Serialize, ToSchema)]
pub(crate) struct Coordinates<'a> {
    delivery_id: &'a str,
    topic: &'static str,
    partition: i32,
    offset: i64,
    durability: Durability,
}

/// What a webhook would have come to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Validated<'a> {
    status: &'static str,
    result: &'static str,
    source: &'a str,
    instance: &'a str,
    #[schema(value_type = Vec<Object>)]
    items: &'a Value,
}

/// The same: programs read either code.
#[derive(Serialize, ToSchema)]
pub(crate) struct Refused<'a> {
    status: &'static str,
    error: &'a str,
    error_code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// The answer to an event that is stored.
pub(crate) fn taken(taken: &Taken<'_>) -> Answer {
    let Taken { sender, receipt, is_duplicate, form } = taken;
    match form {
        Form::Receipt | Form::PlainReceipt => {}
        Form::Ids(ids) => return answer(StatusCode::OK, ids),
        Form::Nothing => {
            let mut nothing = Answer::default();
            *nothing.status_mut() = StatusCode::NO_CONTENT;
            return nothing;
        }
    }
    let partition = receipt.position.partition;
    let body = Accepted {
        status: "success",
        result: if *is_duplicate { "duplicate" } else { "accepted" },
        event_id: &receipt.delivery_id,
        processed_at: receipt.received_at,
        points_awarded: None,
        receipt: Coordinates {
            delivery_id: &receipt.delivery_id,
            topic: partition.topic.name(),
            partition: partition.number,
            offset: receipt.position.offset,
            durability: receipt.durability,
        },
    };
    let is_ok = *is_duplicate || *form == Form::PlainReceipt;
    answer(if is_ok { StatusCode::OK } else { status_for(sender) }, &body)
}

fn status_for(sender: &Sender) -> StatusCode {
    let own = sender.accepted_status.and_then(|status| StatusCode::from_u16(status).ok());
    if let Some(status) = own {
        return status;
    }
    let special = ACCEPTED_AS.iter().find(|(source, _)| *source == sender.source);
    special.map_or(StatusCode::ACCEPTED, |(_, status)| *status)
}

/// What the answer to a stored webhook looks like.
pub(crate) fn form(resource: Resource, webhook: &RawWebhook, delivery_id: &str) -> Form {
    match resource {
        Resource::Statements if webhook.method == Method::PUT.as_str() => Form::Nothing,
        Resource::Statements => Form::Ids(statements::ids(delivery_id, &webhook.body)),
        Resource::Envelopes => Form::PlainReceipt,
        Resource::Events
        | Resource::LtiEvents
        | Resource::Services
        | Resource::Internal
        | Resource::Validation
        | Resource::Description => Form::Receipt,
    }
}

/// What a webhook would have come to.
pub(crate) fn validated(sender: &Sender, items: &Value) -> Answer {
    let body = Validated {
        status: "success",
        result: "valid",
        source: &sender.source,
        instance: &sender.instance,
        items,
    };
    answer(StatusCode::OK, &body)
}

/// A text that is JSON already.
pub(crate) fn text(text: &Bytes) -> Answer {
    let mut answer = Response::new(Full::new(text.clone()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// What every answer of a resource says.
pub(crate) fn of_resource(resource: Resource, answer: &mut Answer) {
    if resource == Resource::Statements {
        let version = HeaderValue::from_static(XAPI_VERSION);
        answer.headers_mut().insert(HeaderName::from_static("x-experience-api-version"), version);
    }
}

/// The answer to a request that is refused. `chance` is any number.
pub(crate) fn refused(refusal: &Refusal, chance: u64) -> Answer {
    let (code, retry_after) = (refusal.code(), refusal.retry_after(chance));
    let body = Refused {
        status: "error",
        error: code,
        error_code: &code.to_ascii_uppercase(),
        message: &refusal.to_string(),
        details: refusal.details(),
        retry_after,
    };
    let mut answer = answer(refusal.status(), &body);
    let mut set = |name: HeaderName, value: HeaderValue| answer.headers_mut().insert(name, value);
    if let Some(seconds) = retry_after {
        set(RETRY_AFTER, seconds.into());
    }
    if refusal.status() == StatusCode::UNAUTHORIZED {
        set(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Refusal::MethodNotAllowed { allowed } = refusal {
        let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        if let Ok(names) = HeaderValue::try_from(names.join(", ")) {
            set(ALLOW, names);
        }
    }
    if refusal.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        set(ACCEPT_ENCODING, HeaderValue::from_static(UNDONE_LIST));
    }
    answer
}

fn answer(status: StatusCode, body: &impl Serialize) -> Answer {
    // These bodies have no keys but texts, which is all that could fail.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use kleos_contracts::topic::Topic;
    use kleos_event_log::Partition;

    use super::*;
    use crate::admit::tests::door;
    use crate::error::Doubt;
    use crate::error::tests::table;

    async fn taken_apart(answer: Answer) -> (u16, Vec<(String, String)>, String) {
        let (head, body) = answer.into_parts();
        let headers = head.headers.iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), headers, String::from_utf8(body.to_vec()).unwrap())
    }

    fn sender(source: &str) -> Sender {
        let sender = door().senders().next().unwrap().clone();
        Sender { source: source.to_owned(), ..sender }
    }

    fn receipt(durability: Durability) -> Receipt {
        Receipt {
            delivery_id: "0198c9d4-76f2-7c1e-8a30-5d2f6b7c8d9e".to_owned(),
            received_at: "2025-08-21T10:15:30.482913Z".parse().unwrap(),
            position: Position { partition: Partition::new(Topic::Raw, 3), offset: 17 },
            durability,
        }
    }

    #[tokio::test]
    async fn a_stored_event_is_answered_with_its_receipt() {
        let sender = sender("custom");
        let taken = |kind: Kind, is_duplicate| {
            let receipt = receipt(Durability::from(kind));
            super::taken(&Taken { sender: &sender, receipt, is_duplicate, form: Form::Receipt })
        };
        let answer = taken(Kind::Kafka, false);
        let (status, headers, body) = taken_apart(answer).await;
        assert_eq!(status, 202);
        assert_eq!(headers, [("content-type".to_owned(), "application/json".to_owned())]);
        let expected = concat!(
            r#"{"status":"success","result":"accepted","#,
            r#""event_id":"0198c9d4-76f2-7c1e-8a30-5d2f6b7c8d9e","#,
            r#""processed_at":"2025-08-21T10:15:30.482913Z","points_awarded":null,"#,
            r#""receipt":{"delivery_id":"0198c9d4-76f2-7c1e-8a30-5d2f6b7c8d9e","#,
            r#""topic":"kleos.raw.v1","partition":3,"offset":17,"durability":"broker"}}"#,
        );
        assert_eq!(body, expected);
        let (_, _, body) = taken_apart(taken(Kind::Embedded, false)).await;
        assert_eq!(body, expected.replace("broker", "disk"));
        // The same receipt, whoever asks for it again.
        let (status, _, body) = taken_apart(taken(Kind::Kafka, true)).await;
        assert_eq!((status, body), (200, expected.replace("accepted", "duplicate")));
    }

    #[test]
    fn each_source_is_answered_what_it_takes_for_success() {
        for (source, own, is_duplicate, status) in [
            ("moodle", None, false, 200),
            ("custom", None, false, 202),
            ("anything-else", None, false, 202),
            ("moodle", Some(202), false, 202),
            ("custom", Some(201), false, 201),
            ("custom", Some(201), true, 200),
            ("custom", None, true, 200),
        ] {
            let sender = Sender { accepted_status: own, ..sender(source) };
            let receipt = receipt(Durability::Disk);
            let form = Form::Receipt;
            let answer = taken(&Taken { sender: &sender, receipt, is_duplicate, form });
            assert_eq!(answer.status().as_u16(), status, "{source} {own:?}");
        }
    }

    #[tokio::test]
    async fn every_refusal_has_the_one_shape() {
        for (refusal, expected, code) in table() {
            let (status, headers, body) = taken_apart(refused(&refusal, 1)).await;
            let body: serde_json::Map<String, Value> = serde_json::from_str(&body).unwrap();
            assert_eq!(status, expected, "{refusal:?}");
            assert_eq!(body["status"], "error");
            assert_eq!(body["error"], code);
            assert_eq!(body["error_code"], code.to_uppercase());
            assert_eq!(body["message"], refusal.to_string());
            assert_eq!(body.get("details").cloned(), refusal.details());
            let retry_after = refusal.retry_after(1);
            assert_eq!(body.get("retry_after").and_then(Value::as_u64), retry_after);
            let header = |name| headers.iter().find(|(known, _)| known == name);
            let told = header("retry-after").map(|(_, seconds)| seconds.parse().unwrap());
            assert_eq!(told, retry_after, "{refusal:?}");
            assert_eq!(header("www-authenticate").is_some(), expected == 401, "{refusal:?}");
            assert_eq!(header("allow").is_some(), expected == 405, "{refusal:?}");
            assert_eq!(header("accept-encoding").is_some(), expected == 415, "{refusal:?}");
        }
    }

    #[tokio::test]
    async fn why_a_credential_is_refused_is_not_told() {
        let mut answers = Vec::new();
        for doubt in Doubt::ALL {
            answers.push(taken_apart(refused(&Refusal::Unauthenticated(doubt), 0)).await);
        }
        answers.dedup();
        let [(401, headers, body)] = answers.as_slice() else { panic!("{answers:?}") };
        assert!(headers.contains(&("www-authenticate".to_owned(), "Bearer".to_owned())));
        let expected = concat!(
            r#"{"status":"error","error":"authentication_failed","#,
            r#""error_code":"AUTHENTICATION_FAILED","#,
            r#""message":"missing, invalid or expired credential"}"#,
        );
        assert_eq!(body, expected);
    }
}
