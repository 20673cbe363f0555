//! `kleos rules validate` and `publish`.

use std::path::Path;
use std::time::Duration;

use kleos_rules_engine::{RuleSet, compile};
use kleos_service_kit::failure::Failure;
use reqwest::blocking::Client;
use serde_json::Value;

use crate::config::{self, Needs};
use crate::output;

/// Publishing waits for the log.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) fn validate(file: &Path) -> Result<(), Failure> {
    let (_, rules) = read(file)?;
    output::line(&format!("{} rules, digest {}", rules.len(), rules.digest()))
}

pub(crate) fn publish(path: Option<&Path>, file: &Path, tenant: &str) -> Result<(), Failure> {
    let (text, _) = read(file)?;
    let config = config::read(path, Needs { rules: true, ..Needs::default() })?.value;
    let Some(settings) = &config.rules else { return Ok(()) };
    let token = settings.publish_token.as_ref().ok_or_else(|| {
        Failure::new("the configuration has no token for publishing")
            .remedy("add publish_token to [rules], and start the rules-processor with it")
    })?;
    let base = settings.url();
    let mut url = reqwest::Url::parse(&base).map_err(Failure::new)?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend(["v1", "tenants", tenant, "rules"]);
    }
    let request = Client::new().put(url).bearer_auth(token.expose()).body(text).timeout(TIMEOUT);
    let answer = request.send().map_err(|error| {
        Failure::new("the rules-processor does not answer")
            .because(&error)
            .at(&base)
            .remedy("start it, or name the configuration it runs with by --config")
    })?;
    let status = answer.status();
    let body: Value = answer.json().map_err(Failure::new)?;
    if !status.is_success() {
        let message = body.get("message").and_then(Value::as_str).unwrap_or("no reason was given");
        return Err(Failure::new(message.to_owned()).at(format!("{base} answered {status}")));
    }
    let version = body.get("version").cloned().unwrap_or_default();
    let words = if body.get("is_new") == Some(&Value::Bool(true)) {
        format!("version {version} of {tenant}'s rules holds from now on")
    } else {
        format!("version {version} of {tenant}'s rules is the same and holds already")
    };
    output::line(&words)
}

/// The text and what it means; every mistake is told with its place.
fn read(file: &Path) -> Result<(String, RuleSet), Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::new("cannot read the rules").because(&error).at(file.display())
    })?;
    match compile(&text) {
        Ok(rules) => Ok((text, rules)),
        Err(diagnostics) => {
            let told: Vec<String> = diagnostics
                .iter()
                .map(|diagnostic| format!("{}:{diagnostic}", file.display()))
                .collect();
            let count = diagnostics.len();
            Err(Failure::new(format!("{}\n{count} mistakes: refused as a whole", told.join("\n"))))
        }
    }
}
