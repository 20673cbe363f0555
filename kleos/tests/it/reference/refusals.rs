//! The part of the page of reasons that is about requests and events.
//!
//! Codes come from where the services have them; what is said of a refusal stands here.

use std::collections::{BTreeMap, BTreeSet};

use kleos_contracts::class::Class;
use kleos_service_kit::metrics;

use super::code_table;

/// A refusal of the gateway: status, code, when, what to do.
type Row = (u16, &'static str, &'static str, &'static str);

const GATEWAY: &[Row] = &[
    (
        400,
        "incomplete_body",
        "The body ended before its end, or its chunks are malformed.",
        "Look for a proxy between the platform and the gateway that cuts bodies.",
    ),
    (
        400,
        "malformed_encoding",
        "The body of a `custom` sender is not what its `Content-Encoding` says.",
        "Encode the whole body once, or send it as it is.",
    ),
    (
        400,
        "validation_failed",
        "Sent by a program of one's own, `custom` or `test`, or asked of `/api/public/validate/webhook`: an item of the body is not understood. Nothing was stored.",
        "`details.items` has for each item what it came to, and what was expected where.",
    ),
    (
        401,
        "authentication_failed",
        "No credential, an unknown one, or one for another place. Which of them is not told.",
        "Put a secret of the instance into the platform; `kleos_gateway_refused_credentials_total` says which doubt it was.",
    ),
    (404, "not_found", "There is no such path.", "Send to one of the paths of the gateway's page."),
    (
        404,
        "unknown_source",
        "The path names a source that does not exist; the credential is good.",
        "Take the path of one of the sources that `details` lists.",
    ),
    (
        405,
        "method_not_allowed",
        "That cannot be done there.",
        "Use what `Allow` of the answer says: POST, for a statement also PUT.",
    ),
    (
        408,
        "request_timeout",
        "The body was not there within `gateway.body_timeout`.",
        "Look at the sender's network; raise the limit only for senders that are slow by nature.",
    ),
    (
        413,
        "payload_too_large",
        "The body is longer than `gateway.max_body`, as it came or without its encoding; or without it more than 200 times as long.",
        "Send fewer events at once, or raise the limit, up to 4MiB.",
    ),
    (
        415,
        "unsupported_encoding",
        "The body of a `custom` sender is encoded in a way that is not undone, or in several.",
        "Use one of gzip, deflate, zstd and br, or none.",
    ),
    (
        429,
        "rate_limit_exceeded",
        "More requests than `gateway.rate_limits` allow an address, an instance, a source or all.",
        "Send it again after `Retry-After`; take the profile `high-volume`, or raise the limit that `details` names.",
    ),
    (
        503,
        "append_failed",
        "The log did not take the record. It can be there all the same.",
        "Send the event again: it is paid once. Look at brokers and disk.",
    ),
    (
        503,
        "append_timed_out",
        "The log did not confirm the record within `gateway.append_timeout`. It may still come to lie there.",
        "Send the event again: it is paid once. Look at `kleos_gateway_append_seconds`.",
    ),
    (
        503,
        "internal_error",
        "A fault in the program.",
        "Send the event again, and report the fault with the log's lines.",
    ),
    (
        503,
        "log_unavailable",
        "Brokers or registry do not answer, or topics are missing. Nothing was stored.",
        "Send the event again. `/ready` says what is missing.",
    ),
    (
        503,
        "overloaded",
        "As much is under way as `gateway.max_in_flight_bytes` allows. Nothing was stored.",
        "Send the event again. Look why appends take long before you raise the limit.",
    ),
    (
        503,
        "stopping",
        "The process stops. Nothing was stored.",
        "Send the event again: another gateway takes it.",
    ),
];

const DOUBTS: &[(&str, &str, &str)] = &[
    (
        "missing",
        "The request has nothing where a credential of some instance stands.",
        "Set the platform to send its token or its signature.",
    ),
    (
        "malformed",
        "What stands there is not of the credential's form, or the header stands there twice.",
        "Send it once, in the form of the credential's `strategy`.",
    ),
    (
        "unknown",
        "Nobody who may send there has it.",
        "Add a new credential to the instance before the platform is changed; take the old one out after.",
    ),
    (
        "expired",
        "The credential is good no more, or not yet.",
        "Change the secret in the platform, or `not_before` and `not_after`.",
    ),
    (
        "other_source",
        "A good credential at the path of another source.",
        "Correct the path in the platform.",
    ),
    (
        "other_instance",
        "A good credential at the path of another instance.",
        "Correct the path in the platform.",
    ),
    (
        "other_address",
        "The credential is good, but the request comes from where its instance does not send, or nobody can tell from where.",
        "Add the network to `allow_from`, or the proxies in between to `gateway.trusted_proxies`.",
    ),
    (
        "stale",
        "The attempt says to be more than 5 minutes away from the gateway's time.",
        "Set both clocks; see that nothing in between holds requests back.",
    ),
    (
        "not_signed",
        "The body is not signed with the secret of an instance that may send there.",
        "Compare the secrets; see that nothing in between changes the body.",
    ),
    (
        "instance_needed",
        "More than 16 instances of the source sign their bodies, and the path names none.",
        "Send to `/api/public/hook/{source}/{instance}/event`.",
    ),
];

const QUERY: &[Row] = &[
    (
        401,
        "authentication_failed",
        "No token, or one that opens nothing here.",
        "Show a token of `query_tokens` of the tenant, or `rules.publish_token` to publish.",
    ),
    (
        404,
        "not_found",
        "There is no such path, no such tenant, or no accepted event of the learner.",
        "The learner is the key, as `campus-a/8774`, percent-encoded.",
    ),
    (405, "method_not_allowed", "The path takes other methods.", "GET a learner, PUT rules."),
    (
        422,
        "invalid_payload",
        "The rules have mistakes. The set that holds stays.",
        "Mend what `details.problems` names, with line and column.",
    ),
    (
        503,
        "unavailable",
        "The log does not answer, or the learner's partition is being restored or moved.",
        "Ask again after `Retry-After`.",
    ),
];

pub(super) fn sections(page: &mut String) {
    gateway(page);
    page.push_str("\n## Refusals of the query port\n\nIn the body as `error`.\n\n");
    code_table(page, &["error", "status", "class", "meaning", "what to do"], QUERY.iter().map(row));
    let item = include_str!("../../../../crates/sources/src/item.rs");
    page.push_str(
        "\n## Left out by the normalizer\n\nUnderstood, and nothing to tell: counted in \
         `kleos_normalizer_reasons_total`, and not set aside.\n\n",
    );
    code_table(page, &["reason", "meaning"], constants(item, "ignored"));
    let decision = include_str!("../../../../crates/contracts/src/decision.rs");
    page.push_str(
        "\n## What became of an event\n\nIn `kleos.decisions.v1` as `outcome`, and in \
         `kleos_rules_events_total`, which also has `dead_letter` and `system`: an event of Kleos \
         itself.\n\n",
    );
    code_table(page, &["outcome", "meaning"], constants(decision, "outcome"));
    page.push_str("\n## What a rule said\n\nIn a decision's `verdicts`, and in `kleos_rules_verdicts_total`.\n\n");
    code_table(page, &["verdict", "meaning"], constants(decision, "verdict"));
}

fn gateway(page: &mut String) {
    page.push_str(
        "\n## Refusals of webhooks\n\nIn the body as `error`, in upper case as `error_code`, and as \
         `outcome` in `kleos_gateway_requests_total`.\n\n",
    );
    code_table(
        page,
        &["error", "status", "class", "meaning", "what to do"],
        GATEWAY.iter().map(row),
    );
    page.push_str(
        "\nBehind `authentication_failed`, as `reason` in \
         `kleos_gateway_refused_credentials_total`:\n\n",
    );
    let doubts = DOUBTS
        .iter()
        .map(|(code, meaning, remedy)| [*code, *meaning, *remedy].map(str::to_owned).to_vec());
    code_table(page, &["reason", "meaning", "what to do"], doubts);
}

/// What is no fault of the sender asks to come back.
fn row((status, code, meaning, remedy): &Row) -> Vec<String> {
    let class = if *status == 503 { Class::Retriable } else { Class::Poison };
    [*code, &status.to_string(), class.as_str(), *meaning, *remedy].map(str::to_owned).to_vec()
}

/// The constants of a module of codes: each code, and the line above it.
fn constants(source: &str, module: &str) -> Vec<Vec<String>> {
    let begin = format!("pub mod {module} {{\n");
    let (_, rest) = source.split_once(&begin).unwrap_or_else(|| panic!("no module {module}"));
    let (body, _) = rest.split_once("\n}").unwrap();
    let mut rows = Vec::new();
    let mut words = Vec::new();
    for line in body.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("/// ") {
            words.push(doc);
        } else {
            let (_, value) = line.split_once(": &str = \"").unwrap_or_else(|| panic!("{line}"));
            let code = value.strip_suffix("\";").unwrap();
            rows.push(vec![code.to_owned(), words.join(" ")]);
            words.clear();
        }
    }
    assert!(!rows.is_empty(), "{module} has no codes");
    rows
}

/// The values of a label of a gateway's metric.
fn values(metric: &str, label: &str) -> BTreeSet<String> {
    let page = metrics::reference(&[("", kleos_ingest_gateway::Metrics::DECLARED)]);
    let row = page.lines().find(|line| line.contains(metric)).unwrap();
    let (_, rest) = row.split_once(&format!("`{label}`: ")).unwrap();
    let (values, _) = rest.split_once(" |").unwrap();
    values.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_refusal_of_the_gateway_is_told_and_no_other() {
    let mut told: BTreeSet<String> =
        GATEWAY.iter().map(|(_, code, ..)| (*code).to_owned()).collect();
    told.extend(["accepted", "duplicate", "validated", "described", "gone"].map(str::to_owned));
    assert_eq!(told, values("kleos_gateway_requests_total", "outcome"));
    let told: BTreeSet<String> = DOUBTS.iter().map(|(code, ..)| (*code).to_owned()).collect();
    assert_eq!(told, values("kleos_gateway_refused_credentials_total", "reason"));
}

#[test]
fn both_pages_give_a_refusal_the_same_status() {
    let page = include_str!("../../../../ingest-gateway/README.md");
    let mut statuses = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        let [status, codes, _] = cells.as_slice() else { continue };
        let Some(Ok(status)) = status.strip_prefix("| ").map(str::parse::<u16>) else { continue };
        for code in codes.split(", ") {
            statuses.insert(code.trim_matches('`'), status);
        }
    }
    let told: BTreeMap<&str, u16> = GATEWAY.iter().map(|row| (row.1, row.0)).collect();
    assert_eq!(statuses, told);
}
