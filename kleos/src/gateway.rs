//! `kleos gateway check`: what the gateway would take, and from whom.

use std::fmt::Write as _;
use std::path::Path;

use kleos_contracts::time::Timestamp;
use kleos_service_kit::clock::{Clock, SystemClock};
use kleos_service_kit::config::credentials::{Credential, Strategy};
use kleos_service_kit::config::instances::Instance;
use kleos_service_kit::failure::Failure;

use crate::config::{self, Needs};
use crate::output;

pub(crate) fn check(path: Option<&Path>) -> Result<(), Failure> {
    let config = config::read(path, Needs { gateway: true, ..Needs::default() })?.value;
    let Some(settings) = &config.gateway else { return Ok(()) };
    output::line(&settings.to_string())?;
    let now = SystemClock::new().now();
    let mut silent = Vec::new();
    for instance in config.instances.values() {
        output::line(&describe(instance, now))?;
        if !instance.credentials.iter().any(|credential| credential.is_good(now)) {
            silent.push(instance.id.as_str());
        }
    }
    if silent.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "nobody can send for {}: no credential is good now",
        silent.join(", ")
    ))
    .remedy("add a credential, or move not_before and not_after"))
}

/// An instance, a line for each way in.
fn describe(instance: &Instance, now: Timestamp) -> String {
    let Instance { id, tenant, source, credentials, allow_from, rate_limit, .. } = instance;
    let mut text = format!(
        "\n{id}, of tenant {tenant}\n  POST /api/public/hook/{source}/event, or \
         /api/public/hook/{source}/{id}/event"
    );
    let width = credentials.iter().map(|credential| credential.id.chars().count()).max();
    for credential in credentials {
        let (width, shown) = (width.unwrap_or_default(), shown(&credential.strategy));
        let state = state(credential, now);
        // A text takes all that is written.
        write!(text, "\n  {:<width$}  {state}: {shown}", credential.id).ok();
    }
    if !allow_from.is_empty() {
        write!(text, "\n  only from {allow_from}").ok();
    }
    if let Some(limit) = rate_limit {
        write!(text, "\n  {limit}").ok();
    }
    text
}

/// Whether a credential is good, and how long.
fn state(credential: &Credential, now: Timestamp) -> String {
    match (credential.not_before, credential.not_after) {
        (Some(first), _) if now < first => format!("not good before {first}"),
        (_, Some(end)) if end <= now => format!("not good since {end}"),
        (_, Some(end)) => format!("good until {end}"),
        (_, None) => "good".to_owned(),
    }
}

/// How a sender shows its secret.
fn shown(strategy: &Strategy) -> String {
    match strategy {
        Strategy::Bearer => "Authorization: Bearer <secret>".to_owned(),
        Strategy::Basic { username } => {
            format!("Authorization: Basic, user {username:?} with the secret as password")
        }
        Strategy::Header(at) => format!("{}: {}<secret>", at.name, at.prefix),
        Strategy::Query { parameter } => format!("?{parameter}=<secret>"),
        Strategy::Body { field } => format!("the secret in field {field:?} of the body"),
        Strategy::HmacSha256(at, encoding) => {
            let encoding = format!("{encoding:?}").to_lowercase();
            format!("{}: {}<HMAC-SHA256 of the body, {encoding}>", at.name, at.prefix)
        }
        Strategy::StandardWebhooks(at) => format!("{}, as Standard Webhooks has it", at.name),
    }
}

#[cfg(test)]
mod tests {
    use kleos_service_kit::config::Secret;

    use super::*;

    #[test]
    fn a_credential_says_how_long_it_is_good() {
        let credential = |not_before, not_after| Credential {
            id: "a".to_owned(),
            strategy: Strategy::Bearer,
            secret: Secret::new("0123456789abcdef".to_owned()),
            not_before,
            not_after,
        };
        let at = |seconds: i64| Some(Timestamp::from_millis(seconds * 1_000));
        let now = Timestamp::from_millis(100_000);
        for (not_before, not_after, expected) in [
            (None, None, "good"),
            (at(100), None, "good"),
            (at(101), at(102), "not good before 1970-01-01T00:01:41Z"),
            (None, at(101), "good until 1970-01-01T00:01:41Z"),
            (at(1), at(100), "not good since 1970-01-01T00:01:40Z"),
        ] {
            let credential = credential(not_before, not_after);
            assert_eq!(state(&credential, now), expected);
            assert_eq!(credential.is_good(now), expected.starts_with("good"), "{expected}");
        }
    }
}
